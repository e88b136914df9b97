"""Certificates of the endpoint with https: a good one, an expired one, and one of an authority that nobody knows."""

import subprocess
from pathlib import Path

from tests.cluster.pki import Authority
from tests.e2e.grid.names import host

_EXTENSIONS = """basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
extendedKeyUsage=serverAuth
subjectAltName=DNS:{host}
"""


def make(folder: Path, endpoint: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Make them in a folder; the authority's certificate, and `tls.crt` and `tls.key` by the name of each kind."""
    ours, foreign = Authority(folder / "ours"), Authority(folder / "foreign")
    for authority in (ours, foreign):
        authority.make()
        authority.issue("server", "server", hosts=[f"DNS:{host(endpoint)}"])
    _expire(ours, host(endpoint))
    made = {"good": (ours, "server"), "expired": (ours, "expired"), "foreign": (foreign, "server")}
    files = {
        kind: {"tls.crt": (own.folder / f"{name}.crt").read_text(), "tls.key": (own.folder / "server.key").read_text()}
        for kind, (own, name) in made.items()
    }
    return ours.certificate.read_text(), files


def _expire(authority: Authority, name: str) -> None:
    """Sign the server's request again, for a time that is over."""
    folder = authority.folder
    signed: list[str | Path] = ["-CA", authority.certificate, "-CAkey", authority.key, "-set_serial", "0x7"]
    command: list[str | Path] = ["openssl", "x509", "-req", "-in", folder / "server.csr", *signed, "-days", "-1"]
    subprocess.run(
        [*command, "-out", folder / "expired.crt", "-extfile", "/dev/stdin"],
        input=_EXTENSIONS.format(host=name), text=True, check=True, capture_output=True,
    )  # fmt: skip
