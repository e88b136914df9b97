"""A probe of each type for the lake, runs of all of them at once, and what they say afterwards."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tests.demo import runs
from tests.demo.kubectl import Kubectl, Object
from tests.e2e.grid.names import FOLDER, GRID, HTTP, HTTPS, ORIGINS, ROOT, SHELF, SITES, host
from tests.support.client import DATALAKE

MESH, STORAGE, TCP, WEB, CACHE, CATALOGUE = "mesh", "storage", "tcp", "web", "cache", "catalogue"
"""Names of the probes."""
ALL = (MESH, STORAGE, TCP, WEB, CACHE, CATALOGUE)
XCACHE, RUCIO = "edge", "rucio"
"""The cache and the Rucio that are watched."""
MAINTENANCE = "maintenance"
"""ConfigMap, and its key, of maintenance that all probes share."""
NEVER = "0 0 29 2 *"
"""Runs are asked for; the schedule itself starts none while tests run."""


def manifests() -> dict[str, Object]:
    """All probes by name."""
    return {
        MESH: _probe(
            MESH,
            endpoints=[_endpoint(name) for name in ORIGINS],
            transfer={
                "sources": list(ORIGINS),
                "destinations": list(ORIGINS),
                "protocols": ["root", "http"],
                "payload": {"size": "1Ki"},
                "maxConcurrent": 20,
                "maxConcurrentPerEndpoint": 10,
            },
        ),
        STORAGE: _probe(
            STORAGE,
            endpoints=[_endpoint(name) for name in ORIGINS],
            storage={"endpoints": list(ORIGINS), "payload": {"size": "16Ki"}},
            trust={"bundles": [{"name": "lake", "configMapKeyRef": {"name": "authority", "key": "ca.pem"}}]},
            thresholds=[
                {"measurement": "throughput_bytes_per_second", "atLeast": {"warning": "8000", "critical": "7000"}}
            ],
        ),
        TCP: _probe(
            TCP,
            tcp={"targets": [{"name": name, "host": host(name), "port": ROOT} for name in ORIGINS]},
        ),
        WEB: _probe(
            WEB,
            http={
                "targets": [
                    {"name": SHELF, "url": f"http://{host(SHELF)}:{HTTP}{FOLDER}/"},
                    {"name": "D", "url": f"https://{host('D')}:{HTTPS}{FOLDER}/"},
                ]
            },
            trust={"bundles": [{"name": "lake", "configMapKeyRef": {"name": "authority", "key": "ca.pem"}}]},
        ),
        CACHE: _probe(CACHE, cache={"xcacheRef": {"name": XCACHE}, "generated": {"size": "64Ki"}}),
        CATALOGUE: _probe(
            CATALOGUE,
            rucio={
                "rucioServerRef": {"name": RUCIO},
                "credentialsSecretRef": {"name": "probe-login"},
                "checks": ["Ping", "Authenticate", "WhoAmI"],
            },
        ),
    }


def apply(lake: Kubectl, bodies: Iterable[Object]) -> None:
    """Apply probes."""
    lake.apply("\n---\n".join(json.dumps(body) for body in bodies))


def run(lake: Kubectl, names: Collection[str] = ALL, seconds: float = 180) -> dict[str, Object]:
    """Let probes run once, at the same time, and wait until their status tells of it; their bodies by name."""
    return runs.run(lake, GRID, names, seconds)


def bodies(lake: Kubectl) -> dict[str, Object]:
    """Every probe of the namespace by name, as it is now."""
    return runs.probes(lake, GRID)


def patch(lake: Kubectl, name: str, spec: Mapping[str, Any], kind: str = "qosprobe") -> None:
    """Change fields of a spec; null takes one away."""
    lake("patch", kind, name, "--namespace", GRID, "--type=merge", "--patch", json.dumps({"spec": spec}))


def _endpoint(origin: str) -> Object:
    web = ("davs", f"davs://{host(origin)}:{HTTPS}") if origin == "D" else ("http", f"http://{host(origin)}:{HTTP}")
    urls = {"root": f"root://{host(origin)}:{ROOT}/{FOLDER}", web[0]: f"{web[1]}{FOLDER}"}
    listed = [{"protocol": protocol, "url": url} for protocol, url in urls.items()]
    return {"name": origin, "site": SITES[origin], "urls": listed}


def _probe(name: str, **spec: Any) -> Object:
    shared: Object = {"schedule": NEVER, "timeout": "60s"}
    if name != CATALOGUE:
        shared["maintenanceFrom"] = [{"configMapRef": {"name": MAINTENANCE, "key": MAINTENANCE}}]
    metadata = {"name": name, "namespace": GRID}
    return {"apiVersion": DATALAKE, "kind": "QoSProbe", "metadata": metadata, "spec": {**shared, **spec}}
