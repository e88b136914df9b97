"""Stories of one cache each that take minutes; tests let them run at the same time and judge what was seen."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.cluster import waiting
from tests.cluster.errors import ClusterError
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import nodes, origins, readers
from tests.e2e.names import STORAGE
from tests.e2e.origins import FILES
from tests.support.objects import condition

FILE, OTHER = FILES[:2]


@dataclass(frozen=True)
class Drained:
    """A change that rolls the pod, while a client reads and another has only logged in.

    Attributes:
        sha256: of what the reader got.
        outlived: whether the pod was there until the reader had ended.
        refused: whether new connections were refused while the reader was reading.
        told: the message of the condition Draining meanwhile.
        lingered: seconds from the end of the reader to the end of the server, when it hung up on the idle client.
    """

    sha256: str
    outlived: bool
    refused: bool
    told: str
    lingered: float


def drained(lake: Kubectl, origin: Object) -> Drained:
    """There is time enough for the reader."""
    name, fields = "patient", {"origin": origin, "storage": nodes.EPHEMERAL, "drain": {"timeout": "2m"}}
    nodes.apply(lake, name, **fields)
    nodes.ready(lake, name)
    with ThreadPoolExecutor(2) as pool:
        idle = pool.submit(readers.idly, lake, name)
        reader = pool.submit(readers.slowly, lake, name, FILE, "2m")
        _await(name, lambda: nodes.open_files(lake, name) == 1, "its reader")
        before = nodes.pod_uid(lake, name)
        nodes.apply(lake, name, site="OTHER", **fields)
        _await(name, lambda: readers.refused(lake, name), "the refusal of new connections")
        refused = not reader.done()
        told = condition(nodes.until(lake, name, lambda node: condition(node, "Draining")), "Draining")
        sha256 = reader.result()
        ended, outlived = time.monotonic(), nodes.pod_uid(lake, name) == before
        idle.result()
        lingered = time.monotonic() - ended
    nodes.ready(lake, name)
    nodes.delete(lake, name)
    return Drained(sha256, outlived, refused, told["message"], lingered)


def cut_off(lake: Kubectl, origin: Object) -> float:
    """A reader needs longer than `drain.timeout`, 10 s; how many seconds after the change the server ended."""
    name, fields = "hasty", {"origin": origin, "storage": nodes.EPHEMERAL, "drain": {"timeout": "10s"}}
    nodes.apply(lake, name, **fields)
    nodes.ready(lake, name)
    with ThreadPoolExecutor(2) as pool:
        idle = pool.submit(readers.idly, lake, name)
        reader = pool.submit(readers.slowly, lake, name, FILE, "1m", 60)
        _await(name, lambda: nodes.open_files(lake, name) == 1, "its reader")
        changed = time.monotonic()
        nodes.apply(lake, name, site="OTHER", **fields)
        idle.result()
        seconds = time.monotonic() - changed
        reader.exception()
    nodes.ready(lake, name)
    nodes.delete(lake, name)
    return seconds


@dataclass(frozen=True)
class Stopped:
    """A server that was stopped (SIGSTOP), and nobody helped.

    Attributes:
        seconds: until it served a whole file again.
        sha256: of that file.
        same_pod: whether it was the container that was started again, and not the pod.
    """

    seconds: float
    sha256: str
    same_pod: bool


def stopped(lake: Kubectl, origin: Object) -> Stopped:
    """The kubelet notices and starts it again."""
    name = "stopped"
    nodes.apply(lake, name, origin=origin, storage=nodes.EPHEMERAL)
    nodes.ready(lake, name)
    before = nodes.pod_uid(lake, name)
    nodes.execute(lake, name, "kill -STOP $(cat /proc/1/task/1/children)")  # of tini, hence xrootd
    begun = time.monotonic()
    waiting.until(lambda: nodes.restarts(lake, name, "xrootd"), "the end of the stopped server", seconds=240, every=1)
    nodes.ready(lake, name)
    (sha256,) = nodes.digests(lake, name, FILE)
    result = Stopped(time.monotonic() - begun, sha256, nodes.pod_uid(lake, name) == before)
    nodes.delete(lake, name)
    return result


@dataclass(frozen=True)
class Outage:
    """An origin that goes and comes back, behind a cache whose collector has no address.

    Attributes:
        seconds: that a cold read took to fail.
        said: by that reader.
        hot: SHA-256 of a cached file, read meanwhile.
        ready: the condition Ready once the outage was known.
        origin: the condition OriginReachable then.
        cold: SHA-256 of the cold file after all.
        restarts: of the server, and whether the pod is another one.
    """

    seconds: float
    said: str
    hot: str
    ready: Object
    origin: Object
    cold: str
    restarts: int


def outage(lake: Kubectl) -> Outage:
    """The origin of this cache alone is switched off and on again."""
    name, source = "orphan", "orphaning"
    collector = {"name": "nobody", "stream": "summary", "host": "nobody.example.org", "port": 9930}
    limits = {"connectTimeout": "5s", "retries": 1, "requestTimeout": "10s"}
    url = origins.apply(lake, source, (FILE, OTHER))
    nodes.apply(
        lake, name, origin={"url": url, **limits}, storage=nodes.EPHEMERAL, monitoring={"forwardTo": [collector]}
    )
    nodes.ready(lake, name)
    nodes.digests(lake, name, FILE)
    before = nodes.pod_uid(lake, name)
    origins.scale(lake, source, 0)
    begun = time.monotonic()
    said = _failure(lake, name)
    seconds = time.monotonic() - begun
    (hot,) = nodes.digests(lake, name, FILE)

    def known() -> Object | None:
        """An origin counts as gone when nothing was opened for a minute, and then an open fails."""
        node = lake.get("xcachenode", name, STORAGE)
        if condition(node, "OriginReachable")["status"] == "False":
            return node
        assert _failure(lake, name)
        return None

    node = waiting.until(known, "OriginReachable to be False", seconds=150, every=5)
    assert node is not None
    origins.scale(lake, source, 1)
    _await(name, lambda: not _failure(lake, name), "the origin's return")
    (cold,) = nodes.digests(lake, name, OTHER)
    nodes.until(lake, name, lambda node: condition(node, "OriginReachable")["status"] == "True")
    restarts = nodes.restarts(lake, name, "xrootd") + (nodes.pod_uid(lake, name) != before)
    nodes.delete(lake, name)
    return Outage(seconds, said, hot, condition(node, "Ready"), condition(node, "OriginReachable"), cold, restarts)


def _failure(lake: Kubectl, name: str) -> str:
    """What a reader of the cold file says; nothing when it is served."""
    try:
        nodes.digests(lake, name, OTHER)
    except ClusterError as error:
        return str(error)
    return ""


def _await(name: str, holds: Callable[[], object], what: str) -> None:
    waiting.until(holds, f"{name}: {what}", seconds=60, every=0.5)
