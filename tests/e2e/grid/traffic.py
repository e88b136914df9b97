"""What copies cost, measured at the endpoints themselves: bytes that came, and copies at the same time."""

import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.demo.kubectl import Kubectl
from tests.e2e.grid import origins

T = TypeVar("T")

_WATCH = """
import json, os, pathlib, time
stop = pathlib.Path("/run/xrootd/watched")
seen = {}
while not stop.exists():
    now = time.time()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(b"/usr/bin/xrdcp\\0--server"):
            seen.setdefault(pid, [now, now])[1] = now
    time.sleep(0.02)
stop.unlink()
print(json.dumps(list(seen.values())))
"""
_STOP = "touch /run/xrootd/watched"
_RECEIVED = "cat /sys/class/net/eth0/statistics/rx_bytes"


def received(lake: Kubectl, endpoints: Iterable[str]) -> int:
    """Bytes that came to endpoints since their pods began, whatever they were for."""
    return sum(int(origins.execute(lake, endpoint, _RECEIVED)) for endpoint in endpoints)


def copies(lake: Kubectl, endpoints: Collection[str], work: Callable[[], T]) -> dict[str, list[tuple[float, float]]]:
    """When each third-party copy over root began and ended that an endpoint fetched, while something is done."""
    with ThreadPoolExecutor(len(endpoints)) as pool:
        watching = {endpoint: pool.submit(_watch, lake, endpoint) for endpoint in endpoints}
        try:
            work()
        finally:
            for endpoint in endpoints:
                origins.execute(lake, endpoint, _STOP)
        return {endpoint: future.result() for endpoint, future in watching.items()}


def most_at_once(times: Iterable[tuple[float, float]]) -> int:
    """How many there were at the same time."""
    changes = sorted(change for begin, end in times for change in ((begin, 1), (end, -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _watch(lake: Kubectl, endpoint: str) -> list[tuple[float, float]]:
    text = origins.execute(lake, endpoint, f"python3 - <<'END'\n{_WATCH}\nEND\n", within=180)
    return [(begin, end) for begin, end in json.loads(text)]
