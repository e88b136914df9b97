"""Which CA certificates are believed: the system's, the grid's (IGTF) and the user's own, in one file.

One file serves Python and XRootD's client alike. Only certificates are taken from what is there, no revocation lists:
IGTF's expire every few weeks, and a list that nobody has renewed would fail every probe of healthy storage.
"""

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from datalake_probe.plan import Trust

SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
IGTF = Path("/etc/grid-security/certificates")
"""Where Debian's igtf-policy packages, and grid software everywhere, keep them."""

BUNDLES = Path("/etc/probe/trust")
"""Where the operator mounts the user's own: NAME.pem."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class TrustError(Exception):
    """The plan's trust cannot be had; the message says why."""


@dataclass(frozen=True)
class Anchors:
    """The CA certificates of a run.

    Attributes:
        file: holds them all, as PEM; maybe none.
    """

    file: Path

    @cached_property
    def context(self) -> ssl.SSLContext:
        """For TLS of our own: names and dates are checked, revocation is not."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Grid CAs are older than the strictness of today's OpenSSL about extensions, which Python 3.13 asks for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.file.stat().st_size:
            context.load_verify_locations(self.file)
        return context

    @property
    def environment(self) -> Mapping[str, str]:
        """For programs with XRootD's client."""
        return {"X509_CERT_FILE": str(self.file), "SSL_CERT_FILE": str(self.file)}


def gather(trust: Trust, target: Path, *, system: Path = SYSTEM, igtf: Path = IGTF, bundles: Path = BUNDLES) -> Anchors:
    """Write the certificates that a plan believes to a file.

    Raises:
        TrustError: a bundle of the user's own cannot be read or holds no certificate.
    """
    found: dict[str, None] = {}
    if trust.system:
        found |= dict.fromkeys(_certificates([system]))
    if trust.igtf:
        found |= dict.fromkeys(_certificates(sorted(igtf.glob("*.pem"))))
    for name in trust.bundles:
        mine = dict.fromkeys(_certificates([bundles / f"{name}.pem"]))
        if not mine:
            raise TrustError(f"trust bundle {name} holds no certificate (PEM)")
        found |= mine
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(f"{certificate}\n" for certificate in found))
    return Anchors(target)


def _certificates(paths: Iterable[Path]) -> Iterator[str]:
    """All that OpenSSL can read: one garbled certificate must not cost the others."""
    for path in paths:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        for block in _CERTIFICATE.findall(text):
            if _readable(block):
                yield block


def _readable(block: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=f"{block}\n")
    except (ssl.SSLError, ValueError):
        return False
    return True
