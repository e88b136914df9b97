"""The endpoints: XRootD in pods of their own, each with a small disk in memory, and ways to spoil and mend them.

An endpoint's pod runs a loop that starts XRootD with one of several configurations. So a fault takes a quarter of a
second, its end too, and the pod stays.
"""

import json
from pathlib import Path
from typing import Any

from tests.demo import release
from tests.demo.kubectl import Kubectl, Object
from tests.e2e.grid import certificates
from tests.e2e.grid.names import FOLDER, GRID, HTTP, HTTPS, LAKE, ORIGINS, ROOT, SHELF, pod

DISK = "24Mi"
"""Size of an endpoint's disk."""
WRONG = "0badc0de"
"""What a server with the fault `checksum` says of every file."""
SLOW = 4_000
"""Bytes a second of a server with the fault `slow`."""

_BASE = f"""all.role server
all.adminpath /run/xrootd
all.pidpath /run/xrootd
oss.localroot /data
xrd.port {ROOT}
xrd.network nodnr
ofs.tpc autorm pgm /usr/bin/xrdcp --server
"""
_SOUND = f"all.export {FOLDER}\n"
_CHECKSUM = "xrootd.chksum max 2 adler32\n"
_MODES = {
    "sound": _SOUND + _CHECKSUM,
    "read-only": f"all.export {FOLDER} r/o\n" + _CHECKSUM,
    "checksum": _SOUND + "xrootd.chksum max 2 adler32 /etc/origin/wrong.sh\n",
    "slow": _SOUND + _CHECKSUM + f"xrootd.fslib throttle default\nthrottle.throttle data {SLOW} interval 1000\n",
}
"""What makes each configuration what it is; a server may also be down."""
_HTTP = f"""xrd.protocol http:{HTTP} libXrdHttp.so
http.exthandler xrdtpc +notls libXrdHttpTPC.so
http.desthttps false
"""
_HTTPS = f"""xrd.tls /run/xrootd/tls/tls.crt /run/xrootd/tls/tls.key
xrd.tlsca noverify
xrd.protocol http:{HTTPS} libXrdHttp.so
http.exthandler xrdtpc libXrdHttpTPC.so
"""
_SWITCH = """
echo "$2" > /run/xrootd/"$1"
kill "$(cat /run/xrootd/pid)" 2> /dev/null
answers() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
if [ "$2" = down ]; then
    while answers PORT; do sleep 0.05; done
else
    while [ -d "/proc/$(cat /run/xrootd/pid)" ] && ! answers PORT; do sleep 0.05; done
    until answers PORT; do sleep 0.05; done
fi
""".replace("PORT", str(ROOT))


def apply(lake: Kubectl, folder: Path) -> None:
    """Start them, and wait until all serve.

    Args:
        lake: kubectl.
        folder: For the certificates.
    """
    authority, kinds = certificates.make(folder, "D")
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {LAKE: "yes"},
        "ports": [{"name": "root", "port": ROOT}],
    }
    _apply(lake, "Service", LAKE, spec=spec)
    _apply(lake, "ConfigMap", "authority", data={"ca.pem": authority})
    _apply(lake, "Secret", "certificates", stringData=_flat(kinds))
    for endpoint in (*ORIGINS, SHELF):
        _apply(lake, "ConfigMap", f"origin-{pod(endpoint)}", data=_configurations(_HTTPS if endpoint == "D" else _HTTP))
        _apply(lake, "Pod", pod(endpoint), labels={LAKE: "yes"}, spec=_pod_spec(endpoint))
    chosen = ["--selector", LAKE, "--namespace", GRID]
    lake("wait", "--for=condition=Ready", "pod", *chosen, "--timeout=120s")


def switch(lake: Kubectl, endpoint: str, mode: str) -> None:
    """Run a server in a mode: `sound`, `down`, `read-only`, `checksum` or `slow`; wait until it does."""
    execute(lake, endpoint, _SWITCH, "mode", mode)


def certify(lake: Kubectl, kind: str) -> None:
    """Give the server of D a certificate: `good`, `expired` or `foreign`."""
    execute(lake, "D", _SWITCH, "certificate", kind)


def fill(lake: Kubectl, endpoint: str) -> None:
    """Fill its disk to the last byte."""
    execute(lake, endpoint, "dd if=/dev/zero of=/data/full bs=64K 2> /dev/null; true")


def empty(lake: Kubectl, endpoint: str) -> None:
    """Give the room back."""
    execute(lake, endpoint, "rm -f /data/full")


def unname(lake: Kubectl, endpoint: str) -> None:
    """Let its name lead nowhere."""
    lake("label", "pod", pod(endpoint), "--namespace", GRID, f"{LAKE}-")


def name(lake: Kubectl, endpoint: str) -> None:
    """Give it its name back."""
    lake("label", "pod", pod(endpoint), "--namespace", GRID, f"{LAKE}=yes")


def address(lake: Kubectl, pod_name: str) -> str:
    """The address of a pod."""
    return str(lake.get("pod", pod_name, GRID)["status"]["podIP"])


def execute(lake: Kubectl, endpoint: str, script: str, *arguments: str, within: float = 60) -> str:
    """Run a script of bash in the pod of an endpoint."""
    return lake.execute(GRID, pod(endpoint), "bash", "-s", "--", *arguments, given=script, within=within)


def _configurations(protocol: str) -> dict[str, str]:
    configurations = {f"{mode}.cfg": _BASE + protocol + lines for mode, lines in _MODES.items()}
    script = Path(__file__).with_name("serve.sh").read_text()
    return {**configurations, "serve.sh": script, "wrong.sh": f"#!/bin/sh\necho {WRONG}\n"}


def _pod_spec(endpoint: str) -> Object:
    volumes: dict[str, Object] = {
        "/etc/origin": {"configMap": {"name": f"origin-{pod(endpoint)}", "defaultMode": 0o555}},
        "/etc/tls": {"secret": {"secretName": "certificates", "defaultMode": 0o440, "items": _paths()}},
        "/data": {"emptyDir": {"medium": "Memory", "sizeLimit": DISK}},
        "/run/xrootd": {"emptyDir": {}},
        "/tmp": {"emptyDir": {}},  # noqa: S108 - of a pod
    }
    user = {"runAsNonRoot": True, "runAsUser": 10940, "runAsGroup": 10940, "fsGroup": 10940}
    ready = {"exec": {"command": ["bash", "-c", f"exec 3<> /dev/tcp/127.0.0.1/{ROOT}"]}, "periodSeconds": 1}
    return {
        "hostname": pod(endpoint),
        "subdomain": LAKE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "xrootd",
                "image": release.references()["xcache"],
                "command": ["tini", "--", "bash", "/etc/origin/serve.sh"],
                "workingDir": "/run/xrootd",
                # the server's own xrdcp, when it pulls: XRootD's client waits for minutes by default
                "env": [
                    {"name": "XRD_CONNECTIONWINDOW", "value": "5"},
                    {"name": "XRD_CONNECTIONRETRY", "value": "1"},
                    {"name": "XRD_REQUESTTIMEOUT", "value": "20"},
                ],
                # for the start only: a server that is down must stay in the DNS
                "startupProbe": {**ready, "failureThreshold": 60},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": f"v{index}", "mountPath": path} for index, path in enumerate(volumes)],
            }
        ],
        "volumes": [{"name": f"v{index}", **volume} for index, volume in enumerate(volumes.values())],
    }


def _paths() -> list[Object]:
    return [
        {"key": f"{kind}.{file}", "path": f"{kind}/{file}"}
        for kind in ("good", "expired", "foreign")
        for file in ("tls.crt", "tls.key")
    ]


def _flat(kinds: dict[str, dict[str, str]]) -> dict[str, str]:
    return {f"{kind}.{file}": text for kind, files in kinds.items() for file, text in files.items()}


def _apply(lake: Kubectl, kind: str, name: str, labels: dict[str, str] | None = None, **fields: Any) -> None:
    metadata = {"name": name, "namespace": GRID, **({"labels": labels} if labels else {})}
    lake.apply(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}))
