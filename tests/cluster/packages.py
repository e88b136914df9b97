"""Debian packages that the node, the images and the tests need: installed by root, named to everybody else."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

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
}
"""Program that must be found, and the package that brings it."""

CONTROL_PLANE = ("openssl", "setsid")
NODE = ("openssl", "setsid", "nsenter", "ip", "nft", "iptables", "conntrack", "runc")
IMAGES = ("buildah", "mmdebstrap")
DATABASES = ("pg_lsclusters", "pgbouncer")
BROWSER = ("chromium",)
PURPOSES: Mapping[str, tuple[str, ...]] = {
    "control-plane": CONTROL_PLANE,
    "node": NODE,
    "images": IMAGES,
    "databases": DATABASES,
    "browser": BROWSER,
    "all": (*NODE, *IMAGES, *DATABASES, *BROWSER),
}
"""What `python -m tests.cluster packages --for` may be asked for."""


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
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(f"missing: {', '.join(packages)}. Run once, as root: {command}")
    with progress.step(f"Installing {', '.join(packages)}"):
        done = subprocess.run(
            ["sh", "-c", command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise ClusterError(f"{command} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
