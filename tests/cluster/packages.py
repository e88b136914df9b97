"""Debian packages that the node, the images and the tests need: installed by root, named to everybody else."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import processes, progress
from tests.cluster.errors import ClusterError

PROGRAMS: Mapping[str, str] = {
    "openssl": "openssl",
    "setsid": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "runc": "runc",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "pg_lsclusters": "postgresql",
    "pgbouncer": "pgbouncer",
    "chromium": "chromium",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
"""Program that must be found, and the package that brings it."""

CONTROL_PLANE = ("openssl", "setsid")
NODE = ("openssl", "setsid", "nsenter", "ip", "nft", "iptables", "conntrack", "runc")
IMAGES = ("buildah", "mmdebstrap")
DATABASES = ("pg_lsclusters", "pgbouncer")
BROWSER = ("chromium",)
MONITORING = ("prometheus", "promtool")
PURPOSES: Mapping[str, tuple[str, ...]] = {
    "control-plane": CONTROL_PLANE,
    "node": NODE,
    "images": IMAGES,
    "databases": DATABASES,
    "browser": BROWSER,
    "monitoring": MONITORING,
    "all": (*NODE, *IMAGES, *DATABASES, *BROWSER, *MONITORING),
}
"""What `python -m tests.cluster packages --for` may be asked for."""


MASK = {"prometheus": "mkdir -p /etc/systemd/system && ln -sfn /dev/null /etc/systemd/system/prometheus.service"}
"""What keeps the service of a package from running on this machine: tests start their own, and need the port free."""

_POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked by Debian before an installed service is started, whatever starts services there; 101 means no."""


def missing(programs: Iterable[str]) -> list[str]:
    """The packages of those programs that are not found."""
    return sorted({PROGRAMS[name] for name in programs if not shutil.which(name, path=processes.search_path())})


def ensure(programs: Iterable[str]) -> None:
    """Install the packages of programs that are missing, when we are root on a Debian; does nothing when none is.

    Raises:
        ClusterError: Some are missing and cannot be installed; the message is the one command to run.
    """
    packages = missing(programs)
    if not packages:
        return
    masks = [MASK[package] for package in packages if package in MASK]
    install = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    command = " && ".join([*masks, "apt-get update", install])
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"missing: {', '.join(packages)}. Run once, as root: {command}")
    with progress.step(f"Installing {', '.join(packages)}"), _nothing_is_started():
        done = subprocess.run(
            ["sh", "-c", command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise ClusterError(f"{command} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")


@contextmanager
def _nothing_is_started() -> Iterator[None]:
    """Packages that are installed meanwhile start no service."""
    if _POLICY.exists():  # containers have it, and an administrator may
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
