"""Reading files through a cache, and what its exporter has counted."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl

SCRIPT = Path(__file__).with_name("download.py")
EXPORTER_PORT = 9931
_SAMPLE = re.compile(r"^(xcache_\w+)(?:\{.*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Read:
    """A file that was read wholly."""

    url: str
    seconds: float
    size: int
    sha256: str

    @property
    def rate(self) -> float:
        """MB/s (10^6 bytes)."""
        return self.size / self.seconds / 1e6


@dataclass(frozen=True)
class Traffic:
    """Bytes that a cache has served, and those that it fetched from its origin, since its exporter started."""

    served: int
    origin: int

    def since(self, before: "Traffic") -> "Traffic":
        """What was added."""
        return Traffic(self.served - before.served, self.origin - before.origin)

    @property
    def hit_percent(self) -> float:
        """Percent of the served bytes that did not come from the origin for it."""
        return 100 * (1 - self.origin / self.served) if self.served else 0.0


def read(kubectl: Kubectl, namespace: str, *urls: str) -> list[Read]:
    """Read URLs one after the other from the pod of the deployment `client`.

    Raises:
        ClusterError: One of them could not be read.
    """
    text = kubectl.execute(namespace, "deployment/client", "python3", "-", *urls, given=SCRIPT.read_text())
    return [Read(**json.loads(line)) for line in text.splitlines()]


def samples(kubectl: Kubectl, namespace: str, pod: str) -> dict[str, float]:
    """What the exporter in a cache's pod answers, added up over labels, by name of the metric."""
    where = f"/api/v1/namespaces/{namespace}/pods/{pod}:{EXPORTER_PORT}/proxy/metrics"
    return dict(_added(kubectl("get", "--raw", where)))


def traffic(kubectl: Kubectl, namespace: str, pod: str) -> Traffic:
    """The bytes of a cache until now; reads of the last 15 s may be missing (the g-stream is flushed every 5 s)."""
    found = samples(kubectl, namespace, pod)
    return Traffic(int(found.get("xcache_served_bytes_total", 0)), int(found.get("xcache_origin_read_bytes_total", 0)))


def served(kubectl: Kubectl, namespace: str, pod: str, size: int, before: Traffic = Traffic(0, 0)) -> Traffic:
    """Wait until the exporter has heard of `size` more bytes than `before`, and return what came since.

    Raises:
        ClusterError: Not within a minute.
    """

    def heard() -> Traffic | None:
        now = traffic(kubectl, namespace, pod).since(before)
        return now if now.served >= size else None

    found = waiting.until(heard, f"the exporter of {pod} to have counted {size} bytes", seconds=60, every=0.5)
    assert found is not None
    return found


def _added(text: str) -> Iterator[tuple[str, float]]:
    sums: dict[str, float] = {}
    for name, value in _SAMPLE.findall(text):
        sums[name] = sums.get(name, 0) + float(value)
    return iter(sums.items())
