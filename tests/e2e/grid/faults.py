"""The faults, one group after another: how each begins and ends, and what probes must say meanwhile."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.cluster import Cluster
from tests.demo.kubectl import Kubectl, Object
from tests.e2e.grid import origins, probes, wires
from tests.e2e.grid.names import GRID, HTTP, ORIGINS, ROOT, SITES
from tests.e2e.grid.probes import ALL, CACHE, CATALOGUE, MESH, RUCIO, STORAGE, TCP, WEB, XCACHE
from tests.e2e.grid.said import Said

_POSTGRES = 5432


@dataclass(frozen=True)
class Place:
    """Where faults are made."""

    lake: Kubectl
    cluster: Cluster


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        title: As the table has it.
        begin: Makes it.
        end: Mends it.
        said: What must be said, by probe; the others must say that all is well.
    """

    title: str
    begin: Callable[[Place], None]
    end: Callable[[Place], None]
    said: Mapping[str, Said]


@dataclass(frozen=True)
class Lane:
    """Faults that happen one group after another, and the probes that look meanwhile.

    Those of a group are there at the same time, each seen by other probes or at another endpoint.
    """

    probes: tuple[str, ...]
    groups: tuple[tuple[Fault, ...], ...]


def lanes() -> tuple[Lane, ...]:
    """What can happen at the same time, since no probe sees anything of the others."""
    cache = Fault("cache stopped", _stop_cache, _start_cache, {CACHE: Said({XCACHE: "Refused"})})
    unready = Said({RUCIO: "Refused"}, states={"whoami": ("skipped", "Refused")})
    database = Fault("database down", _cut_database, _mend_database, {CATALOGUE: unready})
    return (
        Lane((MESH, STORAGE, TCP, WEB), _endpoints()),
        Lane((CACHE,), ((cache,),)),
        Lane((CATALOGUE,), ((database,),)),
    )


def everywhere() -> Lane:
    """What nobody escapes."""
    down = {name: Said(dict.fromkeys(ORIGINS, "Refused")) for name in (MESH, STORAGE, TCP)}
    return Lane(
        ALL,
        (
            (
                Fault(
                    "everything down",
                    lambda at: _all(at, ORIGINS, "down"),
                    lambda at: _all(at, ORIGINS, "sound"),
                    down | {WEB: Said({"D": "Refused"})},
                ),
            ),
            (
                Fault(
                    "cluster DNS down",
                    lambda at: wires.stop_dns(at.cluster),
                    lambda at: wires.start_dns(at.cluster),
                    {name: Said(every=("unknown", "CentralFault")) for name in ALL},
                ),
            ),
        ),
    )


def _endpoints() -> tuple[tuple[Fault, ...], ...]:
    return (
        (
            _mode("server process down", "A", "down", "Refused", MESH, STORAGE, TCP),
            _certificate("expired TLS certificate", "expired", "TLSExpired"),
        ),
        (
            Fault(
                "DNS name gone",
                lambda at: origins.unname(at.lake, "B"),
                lambda at: origins.name(at.lake, "B"),
                _server("B", "NameNotFound", MESH, STORAGE, TCP),
            ),
            _certificate("foreign TLS certificate", "foreign", "TLSUntrusted"),
        ),
        (
            Fault(
                "no space",
                lambda at: origins.fill(at.lake, "C"),
                lambda at: origins.empty(at.lake, "C"),
                _server("C", "NoSpace", MESH, STORAGE),
            ),
        ),
        (
            _mode("read-only", "A", "read-only", "ReadOnly", MESH, STORAGE),
            Fault(
                "IPv6 only, in a cluster without it",
                lambda at: _family(at, "D", "IPv6"),
                lambda at: _family(at, "D", "Any"),
                {name: Said(left_out={"D": "NoFamilyInPod"}) for name in (MESH, STORAGE, TCP)},
            ),
        ),
        (
            _mode("wrong checksum", "B", "checksum", "ChecksumMismatch", MESH, STORAGE),
            Fault("probe image missing", _lose_image, _find_image, {WEB: Said(every=("unknown", "ImageUnavailable"))}),
        ),
        (_mode("slow", "C", "slow", "Slow", STORAGE),),
        (
            Fault(
                "one link only",
                _cut_link,
                lambda at: wires.mend(at.cluster, "link"),
                {MESH: Said(links={("B", "C"): "Unreachable"})},
            ),
        ),
        (
            Fault("an endpoint down in its maintenance", _maintain_endpoint, _end_maintenance_of_endpoint, _off("D")),
            Fault(
                "a site down in maintenance by ConfigMap",
                _maintain_site,
                _end_maintenance_of_site,
                {name: Said(maintenance=frozenset({"A"})) for name in (MESH, STORAGE)}
                | {TCP: Said({"A": "Refused"})},  # a target of tcp has no site
            ),
        ),
        (
            Fault(
                "two endpoints down at once",
                lambda at: _all(at, ("B", "D"), "down"),
                lambda at: _all(at, ("B", "D"), "sound"),
                {name: Said({"B": "Refused", "D": "Refused"}) for name in (MESH, STORAGE, TCP)}
                | {WEB: Said({"D": "Refused"})},
            ),
        ),
    )


def document() -> str:
    """The faults and what is said of them, as a table for people."""
    lines = ["| fault | what the grid says, and by which probes |", "| --- | --- |"]
    for fault in (fault for lane in (*lanes(), everywhere()) for group in lane.groups for fault in group):
        told: dict[str, list[str]] = {}
        for name, said in fault.said.items():
            told.setdefault(said.words(), []).append(name)
        parts = [f"{words} ({', '.join(names)})" for words, names in told.items()]
        lines.append(f"| {fault.title} | {'; '.join(parts)} |")
    return "\n".join(lines) + "\n"


def _server(endpoint: str, reason: str, *seen_by: str) -> dict[str, Said]:
    return {probe: Said({endpoint: reason}) for probe in seen_by}


def _mode(title: str, endpoint: str, mode: str, reason: str, *seen_by: str) -> Fault:
    return Fault(
        title,
        lambda at: origins.switch(at.lake, endpoint, mode),
        lambda at: origins.switch(at.lake, endpoint, "sound"),
        _server(endpoint, reason, *seen_by),
    )


def _all(at: Place, endpoints: tuple[str, ...], mode: str) -> None:
    for endpoint in endpoints:
        origins.switch(at.lake, endpoint, mode)


def _certificate(title: str, kind: str, reason: str) -> Fault:
    return Fault(
        title,
        lambda at: origins.certify(at.lake, kind),
        lambda at: origins.certify(at.lake, "good"),
        {STORAGE: Said({"D": reason}, protocol="davs"), WEB: Said({"D": reason})},
    )


def _family(at: Place, endpoint: str, family: str) -> None:
    manifests = probes.manifests()
    lists: dict[str, list[Object]] = {name: manifests[name]["spec"]["endpoints"] for name in (MESH, STORAGE)}
    targets: list[Object] = manifests[TCP]["spec"]["tcp"]["targets"]
    for one in (*lists[MESH], *lists[STORAGE], *targets):
        if one["name"] == endpoint:
            one["ipFamily"] = family
    for name, endpoints in lists.items():
        probes.patch(at.lake, name, {"endpoints": endpoints})
    probes.patch(at.lake, TCP, {"tcp": {"targets": targets}})


def _stop_cache(at: Place) -> None:
    """By hand, as the operator would start it again at once."""
    probes.patch(at.lake, XCACHE, {"suspend": True}, "xcachenode")
    at.lake("scale", "statefulset", XCACHE, "--namespace", GRID, "--replicas=0")
    at.lake("wait", "--for=delete", "pod", f"{XCACHE}-0", "--namespace", GRID, "--timeout=60s")


def _start_cache(at: Place) -> None:
    probes.patch(at.lake, XCACHE, {"suspend": False}, "xcachenode")
    at.lake("wait", "--for=create", "pod", f"{XCACHE}-0", "--namespace", GRID, "--timeout=60s")
    at.lake("wait", "--for=condition=Ready", "pod", f"{XCACHE}-0", "--namespace", GRID, "--timeout=60s")


def _cut_database(at: Place) -> None:
    """The servers of Rucio then say that they are not ready, and their Service leads nowhere."""
    wires.cut(at.cluster, "database", target=origins.address(at.lake, f"{RUCIO}-postgres-0"), ports=(_POSTGRES,))
    _await_servers(at, "Ready=false")


def _mend_database(at: Place) -> None:
    wires.mend(at.cluster, "database")
    _await_servers(at, "Ready")


def _await_servers(at: Place, condition: str) -> None:
    labels = f"app.kubernetes.io/instance={RUCIO},app.kubernetes.io/component=server"
    at.lake("wait", f"--for=condition={condition}", "pod", "--selector", labels, "--namespace", GRID, "--timeout=90s")


def _lose_image(at: Place) -> None:
    probes.patch(at.lake, WEB, {"image": {"tag": "0.0.0-no-such"}})


def _find_image(at: Place) -> None:
    probes.patch(at.lake, WEB, {"image": None})


def _cut_link(at: Place) -> None:
    """From B to C: with pull it is C that connects."""
    source, target = origins.address(at.lake, "c"), origins.address(at.lake, "b")
    wires.cut(at.cluster, "link", target=target, source=source, ports=(ROOT, HTTP))


def _off(endpoint: str) -> dict[str, Said]:
    return {name: Said(maintenance=frozenset({endpoint})) for name in (MESH, STORAGE, TCP)} | (
        {WEB: Said(maintenance=frozenset({endpoint}))} if endpoint == "D" else {}
    )


def _window(**concerned: list[str]) -> Object:
    now = datetime.now(UTC).replace(microsecond=0)
    times = {"from": now - timedelta(minutes=1), "to": now + timedelta(hours=1)}
    return {"name": "works", **{key: f"{time:%Y-%m-%dT%H:%M:%SZ}" for key, time in times.items()}, **concerned}


def _maintain_endpoint(at: Place) -> None:
    origins.switch(at.lake, "D", "down")
    for name in (MESH, STORAGE, TCP, WEB):
        probes.patch(at.lake, name, {"maintenance": [_window(endpoints=["D"])]})


def _end_maintenance_of_endpoint(at: Place) -> None:
    origins.switch(at.lake, "D", "sound")
    for name in (MESH, STORAGE, TCP, WEB):
        probes.patch(at.lake, name, {"maintenance": None})


def _maintain_site(at: Place) -> None:
    origins.switch(at.lake, "A", "down")
    announce(at.lake, [_window(sites=[SITES["A"]])])


def _end_maintenance_of_site(at: Place) -> None:
    origins.switch(at.lake, "A", "sound")
    announce(at.lake, [])


def announce(lake: Kubectl, windows: list[Object]) -> None:
    """Write the ConfigMap with maintenance that all probes share."""
    metadata = {"name": probes.MAINTENANCE, "namespace": GRID}
    data = {probes.MAINTENANCE: json.dumps(windows)}
    lake.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
