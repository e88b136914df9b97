"""The type storage: can files be looked at, listed, written, read, summed up and deleted."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from functools import partial

from datalake_probe import alone
from datalake_probe.alone import guest_of, large, small, timed
from datalake_probe.files import Content
from datalake_probe.guests import Guest
from datalake_probe.outcome import Bad, Cell, Reason
from datalake_probe.payload import Payload
from datalake_probe.plan import Endpoint, Plan
from datalake_probe.run import Run

AT_ONCE = 8
"""Endpoints and protocols at the same time."""


def cells(plan: Plan) -> Sequence[Cell]:
    """Name each endpoint with each protocol that is wanted and that it has."""
    return [Cell(endpoint.name, None, protocol) for endpoint, protocol in _targets(plan)]


def measure(run: Run) -> None:
    """Do the operations, in an order that makes sense; after one that fails the others are skipped."""

    def one(endpoint: Endpoint, protocol: str) -> None:
        guest = guest_of(run, endpoint, protocol)
        run.step(Cell(endpoint.name, None, protocol), lambda m: _Operations(run, endpoint, guest, m).do())

    run.spread([partial(one, *target) for target in _targets(run.plan)], AT_ONCE)


def _targets(plan: Plan) -> Iterable[tuple[Endpoint, str]]:
    for name in plan.section["endpoints"]:
        endpoint = plan.endpoints[name]
        for protocol in endpoint.urls:
            if protocol in (plan.section["protocols"] or endpoint.urls):
                yield endpoint, protocol


class _Operations:
    """The operations at one endpoint over one protocol."""

    def __init__(self, run: Run, endpoint: Endpoint, guest: Guest, measurements: dict[str, float]) -> None:
        self._run, self._guest, self._m = run, guest, measurements
        self._endpoint, self._files = endpoint, guest.files
        self._wanted = set(run.plan.section["operations"])
        if not endpoint.writable:
            self._wanted -= {"List", "Write", "Delete"}  # nothing but the known file is anybody's business there
        self._moved = self._moving = 0.0

    def do(self) -> None:
        """Do them all."""
        mine = alone.tidied(self._run, self._guest) if "Write" in self._wanted else contextlib.nullcontext()
        with mine, timed(self._m, "seconds"):
            alone.greet(self._run, self._files, self._m)
            if self._wanted & {"List", "Write"}:
                self._files.make_folder(self._guest.folder, small(self._run))
            self._stat()
            if "List" in self._wanted:
                with timed(self._m, "list_seconds"):
                    self._files.entries(self._guest.folder, small(self._run))
            if "Write" in self._wanted:
                self._with_own_file()
            else:
                self._with_known_file()
        if self._moving:
            self._m["throughput_bytes_per_second"] = self._moved / self._moving

    def _stat(self) -> None:
        if "Stat" not in self._wanted:
            return
        known = None if "Write" in self._wanted else self._endpoint.read_file
        with timed(self._m, "stat_seconds"):
            if known is None:
                self._files.stat("", small(self._run))
            else:
                size = self._files.stat(known.path, small(self._run)).size
                Content(size, "").must_be(Content(known.size, ""))

    def _with_own_file(self) -> None:
        path = self._guest.new_path()
        payload = Payload(path, self._run.plan.section["size"])
        with alone.discarded(self._guest, path):
            begun = time.monotonic()
            with timed(self._m, "write_seconds"):
                self._guest.write(path, payload, large(self._run))
            self._count(payload.size, begun)
            self._look_at(path, Content(payload.size, payload.adler32))
            with timed(self._m, "delete_seconds"):
                self._guest.delete(path, small(self._run))

    def _with_known_file(self) -> None:
        known = self._endpoint.read_file
        if known is not None:
            self._look_at(known.path, Content(known.size, known.adler32))

    def _look_at(self, path: str, expected: Content) -> None:
        if "Read" in self._wanted:
            begun = time.monotonic()
            with timed(self._m, "read_seconds"):
                found = self._files.read(path, large(self._run))
            self._count(found.size, begun)
            found.must_be(expected)
        if "Checksum" in self._wanted:
            with timed(self._m, "checksum_seconds"):
                said = self._files.adler32(path, large(self._run))
            if said != expected.adler32:
                raise Bad(Reason.CHECKSUM_MISMATCH, f"the server says {said} instead of {expected.adler32}")

    def _count(self, size: int, begun: float) -> None:
        self._moved += size
        self._moving += time.monotonic() - begun
