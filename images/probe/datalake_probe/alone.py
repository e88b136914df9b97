"""An endpoint by itself: does it answer, and take, give back and delete a small file?

Only an endpoint that is sound alone can say anything about a pair: in a third-party copy each server tells the other's
trouble as its own.
"""

import contextlib
import time
from collections.abc import Container, Iterator

from datalake_probe import net
from datalake_probe.files import Content, Files, Hello
from datalake_probe.guests import DISCARD_SECONDS, Guest
from datalake_probe.outcome import Reason, Stopped
from datalake_probe.payload import Payload
from datalake_probe.plan import Endpoint
from datalake_probe.run import Run
from datalake_probe.webdav import WebDav
from datalake_probe.xrootd import Xrootd

SIZE = 1000
"""Bytes of the small file."""

SMALL_SECONDS = 30.0
"""Time at most for a step that moves next to nothing; storage under load answers in seconds."""

XROOTD = ("root", "roots")

_TIDY = {Reason.NO_SPACE, Reason.SIZE_MISMATCH, Reason.CHECKSUM_MISMATCH, Reason.SLOW}
"""Failures of a server that can still list and delete."""


def files_of(run: Run, endpoint: Endpoint, protocol: str) -> Files:
    """Return what handles an endpoint's files over a protocol that it has."""
    url = endpoint.urls[protocol]
    if protocol in XROOTD:
        return Xrootd(url, endpoint.family, run.anchors)
    return WebDav(url, protocol, endpoint.family, run.anchors)


def guest_of(run: Run, endpoint: Endpoint, protocol: str) -> Guest:
    """Return our own folder there."""
    return Guest(files_of(run, endpoint, protocol), run.plan.folder, run.plan.leftovers_after)


def small(run: Run) -> float:
    """Return the time for a small step: a sixth of the run's, so that one that hangs leaves time for the others."""
    return run.deadline.step(min(SMALL_SECONDS, max(2.0, run.plan.deadline / 6)))


def large(run: Run) -> float:
    """Return the time for a step that moves a payload: a third of the run's."""
    return run.deadline.step(max(2.0, run.plan.deadline / 3))


@contextlib.contextmanager
def timed(measurements: dict[str, float], name: str) -> Iterator[None]:
    """Measure the seconds of what succeeds."""
    begun = time.monotonic()
    yield
    measurements[name] = time.monotonic() - begun


def greet(run: Run, files: Files, measurements: dict[str, float]) -> None:
    """Connect, and note how that was."""
    hello: Hello = files.hello(min(net.CONNECT_SECONDS, small(run)))
    measurements["connect_seconds"] = hello.connect_seconds
    if hello.tls_days_left is not None:
        measurements["tls_days_left"] = hello.tls_days_left


def check(run: Run, endpoint: Endpoint, guest: Guest, measurements: dict[str, float]) -> None:
    """Check an endpoint alone; afterwards nothing of it is left there.

    Raises:
        Stopped: at the first step that fails.
    """
    with timed(measurements, "seconds"):
        greet(run, guest.files, measurements)
        if endpoint.writable:
            guest.files.make_folder(guest.folder, small(run))
            _write_and_read(run, guest)
        elif endpoint.read_file:
            found = guest.files.stat(endpoint.read_file.path, small(run))
            Content(found.size, "").must_be(Content(endpoint.read_file.size, ""))


def _write_and_read(run: Run, guest: Guest) -> None:
    path = guest.new_path()
    payload = Payload(path, SIZE)
    with discarded(guest, path):
        guest.write(path, payload, small(run))
        guest.files.read(path, small(run)).must_be(Content(payload.size, payload.adler32))
        guest.delete(path, small(run))


@contextlib.contextmanager
def tidied(run: Run, guest: Guest, keep: Container[str] = ()) -> Iterator[None]:
    """Delete what a killed run has left, after what is measured and as no part of it; `keep` stays.

    Also where that failed, unless nothing can be done there: a quota that our own leftovers fill must not stay full.
    """
    try:
        yield
    except Stopped as stopped:
        if stopped.reason in _TIDY:
            guest.remove_leftovers(DISCARD_SECONDS, keep)
        raise
    with contextlib.suppress(Stopped):
        guest.remove_leftovers(small(run), keep)


@contextlib.contextmanager
def discarded(guest: Guest, path: str) -> Iterator[None]:
    """Delete a file of ours if anything goes wrong with it."""
    try:
        yield
    except Stopped:
        guest.discard(path)
        raise
