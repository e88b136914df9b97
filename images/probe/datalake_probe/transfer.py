"""The type transfer: can files be copied from each source to each destination, by third-party copy.

Each endpoint is checked alone first. Success is bytes: size and adler32 read back at the destination.
"""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from datalake_probe import alone
from datalake_probe.alone import guest_of, large, small
from datalake_probe.deadline import Deadline
from datalake_probe.files import Content, Files
from datalake_probe.guests import Guest, seed_path
from datalake_probe.mesh import Link, Slots, due, reported
from datalake_probe.outcome import Bad, Cell, Outcome, Reason, Result, Unmeasured
from datalake_probe.payload import Payload
from datalake_probe.plan import Plan, PlanError
from datalake_probe.run import Run
from datalake_probe.webdav import WebDav
from datalake_probe.xrootd import Xrootd

ALONE_AT_ONCE = 16
"""Endpoints that are checked alone at the same time."""

CHECKING = 2 / 3
"""Part of the time that may pass with the endpoints alone: one that takes longer for everything costs its own pairs."""

COPYING = 0.9
"""Part of the time that is left which may pass with copying; the rest is for looking at what came, and tidying up."""

_OF_PAIR: Mapping[Result, Result] = {"bad": "skipped", "skipped": "skipped", "unknown": "unknown"}
"""Result of a pair by that of its end that is not ok."""


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the endpoints alone, and the pairs that are due."""
    for link in due(plan):
        if not plan.endpoints[link.destination].writable:
            raise PlanError(f"{link.destination} is a destination, and nothing may be written there")
    return [*reported(plan), *(link.cell for link in due(plan))]


def measure(run: Run) -> None:
    """Check the endpoints alone, then copy between those that are sound."""
    mesh = _Mesh(run)
    mesh.check_endpoints()
    mesh.copy()


class _Mesh:
    """The endpoints of a run and what is known of them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._section = run.plan.section
        self._links = due(run.plan)
        self._reported = reported(run.plan)
        self._alone: dict[Cell, Outcome] = {}
        self._seeds: dict[Cell, tuple[str, Content]] = {}
        self._lock = threading.Lock()
        self._checking = replace(run, deadline=Deadline(CHECKING * run.deadline.left()))
        # Of all sources: two of them may be doors of the same storage.
        payloads = (self._payload(name) for name in self._section["sources"])
        self._seed_paths = {seed_path(run.plan.folder, payload) for payload in payloads}

    def check_endpoints(self) -> None:
        """Check all endpoints of this pod alone; protocols of one after each other, for they may share files."""
        ends = [Cell(name, None, link.protocol) for link in self._links for name in link[:2]]
        wanted = dict.fromkeys([*self._reported, *ends])
        names = dict.fromkeys(cell.source for cell in wanted)

        def one(name: str) -> None:
            for cell in wanted:
                if cell.source == name:
                    self._check(cell)

        self._run.spread([partial(one, name) for name in names], ALONE_AT_ONCE)

    def copy(self) -> None:
        """Copy over all links whose ends are sound; the others are skipped with the reason of their end."""
        sound = []
        for link in self._links:
            ends = [self._alone[Cell(name, None, link.protocol)] for name in (link.source, link.destination)]
            broken = next((end for end in ends if end.result != "ok"), None)
            if broken is None:
                sound.append(link)
            else:
                self._run.report(link.cell, replace(broken, result=_OF_PAIR[broken.result], measurements={}))
        slots = Slots(sound, self._section["maxConcurrent"], self._section["maxConcurrentPerEndpoint"])
        slots.do(lambda link: self._try(link, slots))

    def _check(self, cell: Cell) -> None:
        outcome = self._checking.outcome(lambda m: self._check_one(cell, m), cell)
        with self._lock:
            self._alone[cell] = outcome
        if cell in self._reported:
            self._run.report(cell, outcome)

    def _check_one(self, cell: Cell, measurements: dict[str, float]) -> None:
        run = self._checking
        endpoint = run.plan.endpoints[cell.source]
        guest = guest_of(run, endpoint, cell.protocol or "")
        with alone.tidied(run, guest, self._seed_paths) if endpoint.writable else contextlib.nullcontext():
            alone.check(run, endpoint, guest, measurements)
        if any(link.source == cell.source and link.protocol == cell.protocol for link in self._links):
            known = None if endpoint.writable else endpoint.read_file
            seed = (known.path, Content(known.size, known.adler32)) if known else self._seed(guest, cell.source)
            with self._lock:
                self._seeds[cell] = seed

    def _payload(self, source: str) -> Payload:
        return Payload(f"{self._run.plan.folder}/{source}", self._section["size"])

    def _seed(self, guest: Guest, source: str) -> tuple[str, Content]:
        """Make sure of the file that is copied to the others: it is written once, and verified in every run."""
        payload, run = self._payload(source), self._checking
        path, content = guest.seed_path(payload), Content(payload.size, payload.adler32)
        if not _is_there(guest, path, content.size, small(run)):
            with alone.discarded(guest, path):
                guest.write(path, payload, large(run))
        try:
            guest.verify_sum(path, content, large(run))
        except Bad as bad:
            if bad.reason is Reason.CHECKSUM_MISMATCH:
                guest.discard(path)  # the next run makes another
            raise
        return path, content

    def _try(self, link: Link, slots: Slots) -> None:
        """Copy, say what came out, and only then tidy up: that may take longer than the run has left."""
        with contextlib.ExitStack() as afterwards:
            self._run.step(link.cell, lambda m: self._copy(link, slots, afterwards, m))

    def _copy(self, link: Link, slots: Slots, afterwards: contextlib.ExitStack, measurements: dict[str, float]) -> None:
        path, content = self._seeds[Cell(link.source, None, link.protocol)]
        ends = self._run.plan.endpoints
        source = alone.files_of(self._run, ends[link.source], link.protocol)
        guest = guest_of(self._run, ends[link.destination], link.protocol)
        target = guest.new_path()
        seconds = self._run.deadline.step(slots.share(COPYING * self._run.deadline.left()))
        if seconds < slots.least(COPYING * (1 - CHECKING) * self._run.plan.deadline):
            raise Unmeasured(Reason.NOT_MEASURED, "the others have left it no time")
        afterwards.callback(guest.discard, target)
        with alone.timed(measurements, "seconds"), guest.slow_or_still(target):
            _third_party(self._section["mode"], source, path, guest.files, target, seconds)
        measurements["throughput_bytes_per_second"] = content.size / measurements["seconds"]
        guest.verify(target, content, large(self._run))


def _is_there(guest: Guest, path: str, size: int, seconds: float) -> bool:
    """Whether a file of that size is there; one of another size is what a killed run has left of it."""
    try:
        return guest.files.stat(path, seconds).size == size
    except Bad as bad:
        if bad.reason is Reason.NOT_FOUND:
            return False
        raise


def _third_party(mode: str, source: Files, path: str, destination: Files, target: str, seconds: float) -> None:
    """Copy without a byte passing through here."""
    if isinstance(source, Xrootd) and isinstance(destination, Xrootd):
        destination.copy_from(source.url(path), target, seconds)
    elif isinstance(source, WebDav) and isinstance(destination, WebDav):
        if mode == "Push":
            source.copy(path, seconds, destination=destination.url(target))
        else:
            destination.copy(target, seconds, source=source.url(path))
    else:
        raise Bad(Reason.NO_THIRD_PARTY_COPY, "not between different protocols")
