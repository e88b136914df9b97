"""Real storage without a cluster: XRootD servers out of our own image, each with its fault, and the runner."""

import base64
import json
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from images import build, engines
from tests.images.lab import Lab, lab, missing

HOST = "lab.example.org"
FOLDER = ".datalake-probe/4f2a91c0.science.mesh"
USER = "10940:10940"
TOOLS = "/opt/probe"

CONFIG = """
all.export /probe {access}
all.adminpath /run/{name}
all.pidpath /run/{name}
xrd.port {root}
oss.localroot /origin/{name}
{extra}
"""
CHECKSUM = "xrootd.chksum max 2 adler32 {script}\n"
TPC = "ofs.tpc autorm xfr 9 pgm /usr/bin/xrdcp --server\n"
HTTP = "xrd.protocol http:{http} libXrdHttp.so\nhttp.desthttps false\n"
HTTP_TPC = "http.exthandler xrdtpc +notls libXrdHttpTPC.so\n"


@dataclass(frozen=True)
class Origin:
    """A server and what is the matter with it.

    Attributes:
        name: of its folder and in the grid.
        number: gives its ports, 1100 and 8100 and this.
        access: of the export, for example `r/o`.
        extra: lines of its configuration.
        script: that computes checksums.
        tpc: whether third-party copy is configured.
        size: of its disk, as mount takes it; empty: not limited.
        prepare: a command, done as root in its folder before it starts.
        protocols: with their schemes.
    """

    name: str
    number: int
    access: str = ""
    extra: str = ""
    script: str = ""
    tpc: bool = True
    checksum: bool = True
    size: str = ""
    prepare: str = "true"
    protocols: Mapping[str, str] = field(default_factory=lambda: {"root": "root", "http": "http"}, hash=False)

    @property
    def ports(self) -> dict[str, int]:
        """Ports by protocol."""
        return {
            name: (1100 if scheme in ("root", "roots") else 8100) + self.number
            for name, scheme in self.protocols.items()
        }

    def config(self) -> str:
        """Its configuration."""
        extra = HTTP.format(http=8100 + self.number)
        extra += CHECKSUM.format(script=self.script) if self.checksum else ""
        extra += TPC + HTTP_TPC if self.tpc else ""
        return CONFIG.format(name=self.name, access=self.access, root=1100 + self.number, extra=extra + self.extra)

    def endpoint(self, path: str = "probe/x", host: str = HOST, **values: Any) -> dict[str, Any]:
        """Its entry in a plan."""
        urls = {name: f"{self.protocols[name]}://{host}:{port}//{path}" for name, port in self.ports.items()}
        return endpoint(self.name, urls, **values)


def endpoint(name: str, urls: Mapping[str, str], **values: Any) -> dict[str, Any]:
    """An entry in a plan."""
    entry = {"name": name, "site": "LAB", "access": "ReadWrite", "ipFamily": "Any", "readFile": None, "urls": urls}
    return entry | values


class StorageLab:
    """Servers, and a runner beside them."""

    def __init__(self, opened: Lab, logs: Path) -> None:
        self.lab = opened
        self.logs = logs
        self._runs = 0

    def root(self, script: str) -> str:
        """Run a shell script as root inside."""
        return self.lab.do("bash", "-ec", script, user="0:0")

    def start(self, origin: Origin, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Start a server; returns when it listens."""
        mount = f"mount -t tmpfs -o size={origin.size} tmpfs /origin/{origin.name}" if origin.size else "true"
        self.root(
            f"mkdir -p /run/{origin.name} /origin/{origin.name}; {mount}; mkdir -p /origin/{origin.name}/probe/x;"
            f"chown -R {USER} /run/{origin.name} /origin/{origin.name}; cd /origin/{origin.name}; {origin.prepare}"
        )
        self.lab.write(f"/etc/xcache/{origin.name}.cfg", origin.config())
        # Names of /etc/hosts stand for IPv4 alone: on a socket of both families the servers would not know each other.
        command = ("xrootd", "-I", "v4", "-c", f"/etc/xcache/{origin.name}.cfg", "-n", origin.name)
        started = self.lab.start(*command, log=self.logs / origin.name)
        if wait:
            self.lab.await_(f"{origin.name} listens", lambda: all(map(self.listens, origin.ports.values())))
        return started

    def serve(self, code: str, port: int, *words: str) -> subprocess.Popen[bytes]:
        """Start a Python program that listens at a port, its first argument."""
        started = self.lab.start("python3", "-c", code, str(port), *words, log=self.logs / f"port-{port}")
        self.lab.await_(f"port {port}", lambda: self.listens(port))
        return started

    def swallow(self, address: str) -> None:
        """Let every packet to an address vanish: it goes to a network card that is nobody's."""
        enter = ["nsenter", f"--net=/proc/{self.lab._holder}/ns/net"]
        command = ["ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "dev", "lab0"]
        subprocess.run([*enter, *command], check=True)

    def listens(self, port: int) -> bool:
        """Whether something does, without connecting to it."""
        return f":{port:04X} 00000000:0000 0A" in self.lab.do("cat", "/proc/net/tcp")

    def plan(
        self, kind: str, endpoints: list[dict[str, Any]], section: Mapping[str, Any], **values: Any
    ) -> dict[str, Any]:
        """A plan."""
        return {
            "version": 1, "probe": {"namespace": "science", "name": "mesh"}, "type": kind, "deadlineSeconds": 60,
            "jitterSeconds": 0, "folder": FOLDER, "leftoversAfterSeconds": 120,
            "trust": {"system": False, "igtf": False, "bundles": []}, "control": [], "endpoints": endpoints,
            kind: section, **values,
        }  # fmt: skip

    def runner(self, plan: Mapping[str, Any], run: str = "", **environment: str) -> tuple[list[str], str]:
        """The command line of a run that is not started yet, and its termination message's path."""
        self._runs += 1
        place = f"/tmp/run{self._runs}"  # noqa: S108 - inside the lab
        self.root(f"mkdir -m 777 {place}")
        self.lab.write(f"{place}/plan.json", json.dumps(plan))
        variables = {
            "PYTHONPATH": TOOLS, "PYTHONDONTWRITEBYTECODE": "1", "PROBE_RUN": run or f"mesh-{self._runs}",
            "PROBE_PLAN": f"{place}/plan.json", "PROBE_WORK": place, "TERMINATION_LOG": f"{place}/message",
        } | environment  # fmt: skip
        return self.lab.inside("python3", "-m", "datalake_probe", **variables), f"{place}/message"

    def run(self, plan: Mapping[str, Any], run: str = "", **environment: str) -> "Envelope":
        """Run the runner to its end."""
        command, message = self.runner(plan, run, **environment)
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        with (self.logs / "runner").open("a") as log:
            log.write(done.stderr)
        assert done.returncode == 0, done.stderr
        return self.envelope(message, done.stderr)

    def envelope(self, path: str, log: str = "") -> "Envelope":
        """Read a termination message."""
        text = self.lab.do("cat", path)
        assert len(text) <= 4096
        if text.startswith("z1:"):
            text = zlib.decompress(base64.b64decode(text[3:])).decode()
        return Envelope(json.loads(text), log)

    def files(self, folder: str) -> list[str]:
        """All files below a folder, by path."""
        return sorted(self.root(f"find {folder} -type f").split())


@dataclass(frozen=True)
class Envelope:
    """What a run left."""

    body: dict[str, Any]
    log: str

    def cells(self) -> dict[str, str]:
        """What came out: `a/b/root` to `ok`, `bad/Refused` ..."""
        return {
            "/".join(filter(None, (cell["source"], cell.get("destination"), cell.get("protocol")))): "/".join(
                filter(None, (cell["result"], cell.get("reason")))
            )
            for cell in self.body["cells"]
        }

    def measured(self, name: str) -> dict[str, float]:
        """The measurements of a cell."""
        for cell in self.body["cells"]:
            if name == "/".join(filter(None, (cell["source"], cell.get("destination"), cell.get("protocol")))):
                return dict(cell.get("m", {}))
        raise KeyError(name)


def storage(names: list[str], size: int = 2**20, **values: Any) -> dict[str, Any]:
    """The section of a storage probe."""
    operations = ["Stat", "List", "Write", "Read", "Checksum", "Delete"]
    return {"endpoints": names, "protocols": [], "operations": operations, "size": size} | values


def transfer(pairs: list[list[Any]], size: int = 2**20, **values: Any) -> dict[str, Any]:
    """The section of a transfer probe."""
    sources = list(dict.fromkeys(pair[0] for pair in pairs))
    section = {
        "pairs": pairs, "mode": "Pull", "size": size, "maxConcurrent": 4, "maxConcurrentPerEndpoint": 2,
        "rotation": {"groups": 1, "periodSeconds": 900}, "indexed": False, "sources": sources,
    }  # fmt: skip
    return section | values


def all_pairs(names: list[str], protocols: list[str]) -> list[list[Any]]:
    """Every pair, in the order of the sources."""
    return [[source, destination, protocols] for source in names for destination in names if source != destination]


@contextmanager
def storage_lab(logs: Path) -> Iterator[StorageLab]:
    """Open one, or skip the test where there can be none."""
    if missing():
        pytest.skip(f"real servers run without a cluster: {missing()}")
    engine = engines.find()
    if engine.name != "buildah":
        pytest.skip("the servers run from buildah's storage")
    with lab(build.build("xcache"), dict(engine.environment)) as opened:
        opened.environment |= {"HOME": "/tmp"}  # noqa: S108 - inside the lab
        opened.write("/etc/hosts", f"127.0.0.1 localhost\n10.231.0.1 {HOST} lab\n")
        target = opened.root / TOOLS.lstrip("/") / "datalake_probe"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(build.ROOT / "images/probe/datalake_probe", target, ignore=ignored, dirs_exist_ok=True)
        yield StorageLab(opened, logs)
