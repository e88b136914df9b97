"""We are guests on production storage: one folder is ours, and files that we made there. Nothing else is ever touched.

A name says when its file was made and carries a seal, a hash over the folder and the rest of the name. So what merely
looks like a file of ours, or was copied here from another probe's folder, is not taken for one.
"""

import contextlib
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime

from datalake_probe.files import Content, Entry, Files
from datalake_probe.outcome import Bad, Reason, Stopped
from datalake_probe.payload import Payload

log = logging.getLogger(__name__)

DISCARD_SECONDS = 10.0
"""Time to tidy up after a failure, beyond the step's."""

LOOK_SECONDS = 5.0
"""Time to see whether what ran out of time had begun, beyond the step's."""

ROOM_BYTES = 8192
"""What is written to see whether there is room: two pages."""

_TIME = "%Y%m%dT%H%M%SZ"
_PASSING = re.compile(r"probe-((\d{8}T\d{6}Z)-[0-9a-f]{12})-([0-9a-f]{10})\.tmp")
_SEED = re.compile(r"seed-(\d{1,15}-[0-9a-f]{8})-([0-9a-f]{10})\.dat")


class Guest:
    """The probe's own folder at an endpoint, over one of its protocols.

    Args:
        files: the endpoint.
        folder: below its URL.
        leftovers_after: seconds after which a passing file is left over from a run that was killed.
        now: gives the time, in seconds since 1970.
    """

    def __init__(self, files: Files, folder: str, leftovers_after: float, now: Callable[[], float] = time.time) -> None:
        self.files = files
        self.folder = folder
        self._leftovers_after = leftovers_after
        self._now = now

    def new_path(self) -> str:
        """Return the path of a file that is deleted in the same run."""
        body = f"{datetime.fromtimestamp(self._now(), UTC).strftime(_TIME)}-{secrets.token_hex(6)}"
        return f"{self.folder}/probe-{body}-{self._seal(body)}.tmp"

    def seed_path(self, payload: Payload) -> str:
        """Return the path of a file that stays: content that is copied to others again and again."""
        return seed_path(self.folder, payload)

    def write(self, path: str, payload: Payload, seconds: float) -> None:
        """Write a file of ours, and see that all of it is there.

        Raises:
            Bad: as `Files.write`; NoSpace, SizeMismatch.
        """
        self._must_be_ours(path)
        with self.slow_or_still(path):
            self.files.write(path, payload, seconds)
        self._must_be_whole(path, payload.size, seconds)

    def verify(self, path: str, expected: Content, seconds: float) -> None:
        """See by size and checksum that a file of ours holds what it must.

        Raises:
            Bad: SizeMismatch, NoSpace where the rest has no room, ChecksumMismatch.
        """
        self._must_be_whole(path, expected.size, seconds)
        self.verify_sum(path, expected, seconds)

    def verify_sum(self, path: str, expected: Content, seconds: float) -> None:
        """See by its checksum what a file of the right size holds; a server that cannot sum up is read instead."""
        try:
            found = Content(expected.size, self.files.adler32(path, seconds))
        except Bad as bad:
            if bad.reason is not Reason.PROTOCOL_ERROR:
                raise
            found = self.files.read(path, seconds)
        found.must_be(expected)

    @contextlib.contextmanager
    def slow_or_still(self, path: str) -> Iterator[None]:
        """Tell, when the time of what makes a file is over, whether bytes have come: Slow, not Timeout."""
        try:
            yield
        except Bad as bad:
            if bad.reason is Reason.TIMEOUT and self._has_begun(path):
                raise Bad(Reason.SLOW, str(bad)) from bad
            raise

    def _has_begun(self, path: str) -> bool:
        with contextlib.suppress(Stopped):
            return self.files.stat(path, LOOK_SECONDS).size > 0
        return False

    def delete(self, path: str, seconds: float) -> None:
        """Delete a file of ours."""
        self._must_be_ours(path)
        self.files.delete(path, seconds)

    def discard(self, path: str) -> None:
        """Delete a file of ours that may not be there; a later run will, if this fails."""
        with contextlib.suppress(Stopped):
            self.delete(path, DISCARD_SECONDS)

    def remove_leftovers(self, seconds: float, keep: Container[str] = ()) -> list[str]:
        """Delete what a killed run has left, in this folder only, but for some paths; returns what is gone.

        It is no part of any measurement: what fails is left to the next run.
        """
        gone: list[str] = []
        with contextlib.suppress(Stopped):
            for entry in self.files.entries(self.folder, seconds):
                path = f"{self.folder}/{entry.name}"
                if path not in keep and self._is_leftover(entry):
                    self.delete(path, seconds)
                    gone.append(path)
        if gone:
            log.info("left over from a run that was killed, and deleted: %s", ", ".join(gone))
        return gone

    def _must_be_whole(self, path: str, size: int, seconds: float) -> None:
        """XRootD may take a part of a file and call that a success: when the disk is full."""
        found = self.files.stat(path, seconds).size
        if found < size:
            self._must_have_room(seconds)
        Content(found, "").must_be(Content(size, ""))

    def _must_have_room(self, seconds: float) -> None:
        path = self.new_path()
        try:
            self.files.write(path, Payload(path, ROOM_BYTES), seconds)
        finally:
            self.discard(path)

    def _is_leftover(self, entry: Entry) -> bool:
        """Whether it is a file of ours and old: by its name, and a seed of another size by the server's word."""
        made = self._made(entry.name)
        if made is None and self._is_seed(entry.name):
            made = entry.modified
        return not entry.folder and made is not None and self._now() - made > self._leftovers_after

    def _made(self, name: str) -> float | None:
        found = _PASSING.fullmatch(name)
        if found is None or found[3] != self._seal(found[1]):
            return None
        with contextlib.suppress(ValueError):
            return datetime.strptime(found[2], _TIME).replace(tzinfo=UTC).timestamp()
        return None

    def _is_seed(self, name: str) -> bool:
        found = _SEED.fullmatch(name)
        return found is not None and found[2] == self._seal(found[1])

    def _must_be_ours(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        if folder != self.folder or (self._made(name) is None and not self._is_seed(name)):
            raise ValueError(f"{path} is not ours")

    def _seal(self, body: str) -> str:
        return _seal(self.folder, body)


def seed_path(folder: str, payload: Payload) -> str:
    """Return the path that a seed of this content has in a folder of ours, at any endpoint."""
    body = f"{payload.size}-{payload.adler32}"
    return f"{folder}/seed-{body}-{_seal(folder, body)}.dat"


def _seal(folder: str, body: str) -> str:
    return hashlib.sha256(f"{folder}/{body}".encode()).hexdigest()[:10]
