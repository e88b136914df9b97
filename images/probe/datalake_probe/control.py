"""What must work for any verdict at all: without it, everything looks broken, and nothing is."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from datalake_probe import net
from datalake_probe.outcome import Reason, Stopped
from datalake_probe.plan import Control

SECONDS = 5.0
"""Time for each: a cluster's own name server and API server answer in milliseconds."""


def look(controls: tuple[Control, ...], environment: Mapping[str, str]) -> Mapping[str, Reason | None]:
    """Try all at once; None is well."""
    if not controls:
        return {}
    with ThreadPoolExecutor(len(controls), thread_name_prefix="control") as pool:
        found = pool.map(lambda control: _one(control, environment), controls)
        return {control.name: reason for control, reason in zip(controls, found, strict=True)}


def _one(control: Control, environment: Mapping[str, str]) -> Reason | None:
    host = control.host or environment.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = control.port or int(environment.get("KUBERNETES_SERVICE_PORT", "443"))
    try:
        if control.kind == "dns":
            net.resolve(host, port, seconds=SECONDS)
        else:
            net.connect(host, port, seconds=SECONDS).socket.close()
    except Stopped as stopped:
        return stopped.reason
    return None
