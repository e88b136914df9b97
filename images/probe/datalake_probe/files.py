"""What can be done with files of an endpoint, whatever the protocol; `xrootd` and `webdav` do it."""

from typing import NamedTuple, Protocol

from datalake_probe.outcome import Bad, Reason
from datalake_probe.payload import Payload


class Entry(NamedTuple):
    """What a folder or a `stat` shows.

    Attributes:
        name: without folders.
        size: in bytes.
        modified: seconds since 1970; None where the server does not say.
        folder: whether it is one.
    """

    name: str
    size: int
    modified: float | None
    folder: bool


class Content(NamedTuple):
    """What a file holds: bytes and adler32 in 8 hexadecimal digits."""

    size: int
    adler32: str

    def must_be(self, expected: "Content") -> None:
        """Raise `Bad` with SizeMismatch or ChecksumMismatch unless it is as expected."""
        if self.size != expected.size:
            raise Bad(Reason.SIZE_MISMATCH, f"{self.size} bytes instead of {expected.size}")
        if self.adler32 != expected.adler32:
            raise Bad(Reason.CHECKSUM_MISMATCH, f"adler32 {self.adler32} instead of {expected.adler32}")


class Hello(NamedTuple):
    """How a connection was made: seconds for TCP, and days until the server's certificate expires (None: no TLS)."""

    connect_seconds: float
    tls_days_left: float | None


class Files(Protocol):
    """An endpoint over one of its protocols.

    Paths are below its URL, "" is the URL itself. Each call has its seconds and raises `Bad` with a reason of
    `failures`, Timeout when nothing moved and Slow when bytes still did at the end; `Skip` where this pod cannot.
    """

    protocol: str

    def url(self, path: str) -> str:
        """Return the URL of a path, as the protocol's tools take it."""

    def hello(self, seconds: float) -> Hello:
        """Look the name up, connect and, where the protocol says so, do TLS; nothing else."""

    def stat(self, path: str, seconds: float) -> Entry:
        """Look at a file or folder."""

    def entries(self, path: str, seconds: float) -> list[Entry]:
        """Look into a folder."""

    def make_folder(self, path: str, seconds: float) -> None:
        """Make a folder with its parents; it may be there already."""

    def write(self, path: str, payload: Payload, seconds: float) -> None:
        """Write a file, over one that is there."""

    def read(self, path: str, seconds: float) -> Content:
        """Read a file, all of it, and sum it up here."""

    def adler32(self, path: str, seconds: float) -> str:
        """Ask the server for the checksum, in 8 hexadecimal digits."""

    def delete(self, path: str, seconds: float) -> None:
        """Delete a file."""
