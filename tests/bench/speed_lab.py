"""An origin, a line to it, and a cache with the configuration that the operator renders, all in one lab."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context, xcache
from images import build, engines
from tests.images import lab as labs
from tests.support.objects import xcache as custom_resource

MIB = 2**20
RATE = 125e6
"""Bytes a second of the line: 1 Gbit/s."""

FAR_PORT = 3
"""The line answers at the origin's ports and this."""

ORIGIN = """
all.export /escape
all.adminpath /run/origin
all.pidpath /run/origin
xrd.port 2094
xrd.protocol http:2080 libXrdHttp.so
xrd.network nodnr
oss.localroot /origin
xrootd.chksum max 2 adler32 crc32c
"""
FILES = """
mkdir -p /run/xcache /run/origin /data/d0 /origin/escape
head -c {size} /dev/urandom > /origin/escape/file
for name in {names}; do ln /origin/escape/file /origin/escape/$name; done
chown -R 10940:10940 /run /data /origin
"""
READ = f"""
import subprocess, sys, time, urllib.request
began, url, seen = time.monotonic(), sys.argv[1], 0
if url.startswith("root:"):
    subprocess.run(["xrdcp", "-f", "-s", url, "/dev/null"], check=True)
else:
    block = bytearray({MIB})
    with urllib.request.urlopen(url, timeout=60) as answer:
        while count := answer.readinto(block):
            seen += count
    assert seen == int(sys.argv[2]), seen
print(time.monotonic() - began)
"""


@dataclass(frozen=True)
class Site:
    """Where clients of a cache are: a lab, the size of every file there, and where origin and cache answer."""

    lab: labs.Lab
    size: int
    origin: Mapping[str, str]
    cache: Mapping[str, str]

    def seconds(self, url: str) -> float:
        """Read a whole file and throw it away; gives the time that it took."""
        return float(self.lab.do("python3", "-c", READ, url, str(self.size)))


@contextmanager
def site(size: int, names: list[str], round_trip: float, **cache: Any) -> Iterator[Site]:
    """Open a lab with files of `size` bytes at an origin `round_trip` seconds away.

    Args:
        size: of each file, bytes.
        names: of the files below `/escape`.
        round_trip: seconds; 0: no line in between.
        cache: fields of `spec.cache` other than their defaults.
    """
    reference, away = build.build("xcache"), FAR_PORT if round_trip else 0
    origin = {"root": f"root://127.0.0.1:{2094 + away}/", "http": f"http://127.0.0.1:{2080 + away}"}
    node = _node(origin["root"].rstrip("/"), cache)
    config, server = _rendered(node)
    with labs.lab(reference, dict(engines.find().environment)) as lab:
        lab.write("/etc/xcache/xrootd.cfg", config)
        lab.write("/etc/xcache/origin.cfg", ORIGIN)
        lab.write("/etc/xcache/relay.py", (Path(__file__).parent / "speed_relay.py").read_text())
        lab.do("bash", "-c", FILES.format(size=size, names=" ".join(names)), user="0:0")
        lab.environment |= server
        lab.do("xcache-prepare")
        lab.start("xrootd", "-c", "/etc/xcache/origin.cfg")
        for port in (2094, 2080) if round_trip else ():
            lab.start("python3", "/etc/xcache/relay.py", str(port + FAR_PORT), str(port), str(round_trip), str(RATE))
        lab.start("xrootd", "-c", "/etc/xcache/xrootd.cfg")
        lab.await_("the cache answers", lambda: lab.run("xcache-check", "startup").returncode == 0, 30)
        yield Site(lab, size, origin, {"root": "root://127.0.0.1:1094/", "http": "http://127.0.0.1:8080"})


def _node(origin: str, cache: Mapping[str, Any]) -> XCacheNode:
    body = custom_resource("cache", "bench", origin={"url": origin}, cache=dict(cache))
    body["metadata"]["uid"] = "bench"
    node = parse(body)
    assert isinstance(node, XCacheNode)
    return node


def _rendered(node: XCacheNode) -> tuple[str, dict[str, str]]:
    """The configuration file and the environment of xrootd's container, out of the children as they are applied."""
    children = {child["kind"]: child for child in xcache.build(node, Context("image", "bench", pod_monitor=False))}
    container = children["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    return children["ConfigMap"]["data"]["xrootd.cfg"], {one["name"]: one["value"] for one in container["env"]}
