"""The type cache: does a cache fetch what it has not, and serve what it has.

Evicted first, then read cold, then warm: bytes and adler32 must be right each time. That the warm ones came from the
cache is shown by an answer to `only-if-cached` where the cache speaks HTTP too, and by what our exporter says of this
one file. What XRootD calls hits is no proof: with prefetching a wholly cold read is all hits.
"""

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from datalake_probe import alone, web
from datalake_probe.alone import large, small, timed
from datalake_probe.files import Content, Files
from datalake_probe.guests import DISCARD_SECONDS, Guest
from datalake_probe.outcome import Bad, Cell, Reason, Skip, Stopped, Unmeasured
from datalake_probe.payload import Meter, Payload
from datalake_probe.plan import Endpoint, Plan
from datalake_probe.run import Run
from datalake_probe.xrootd import Xrootd

log = logging.getLogger(__name__)

WRITTEN_SECONDS = 10.0
"""Blocks go to disk behind the reader's back: until then `only-if-cached` is refused."""

RECORD_SECONDS = 25.0
"""A file that is closed is told 5 to 15 s later, and then once a flush."""

POLL_SECONDS = 1.0

_NOT_CACHED = 504

_NOT_ANSWERED = {
    Reason.TIMEOUT, Reason.CONNECT_TIMEOUT, Reason.REFUSED, Reason.RESET, Reason.UNREACHABLE, Reason.NAME_NOT_FOUND,
}  # fmt: skip
"""Of an eviction: that the cache is broken, not that it is not allowed."""


class _File(NamedTuple):
    path: str
    content: Content


class _Cost(NamedTuple):
    served: int
    from_origin: int


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the cache."""
    return [Cell(plan.section["name"], None, "root")]


def measure(run: Run) -> None:
    """Read a file that the cache has not, and again."""
    run.step(cells(run.plan)[0], _Look(run).do)


class _Look:
    """A look at a cache, through it and past it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._section = run.plan.section
        self._cache = _files(run, self._section["url"])
        self._origin = _files(run, self._section["originUrl"])

    def do(self, m: dict[str, float]) -> None:
        """Do it all; what was made is removed, whatever happens."""
        alone.greet(self._run, self._cache, m)
        with contextlib.ExitStack() as stack:
            with _origin_to_blame():
                alone.greet(self._run, self._origin, {})
                file = stack.enter_context(self._generated() if self._section["generated"] else self._known())
            self._evict(file.path)
            before = self._cost(file.path)
            self._read(file, m, "cold_seconds")
            self._read(file, m, "warm_seconds")
            m["warm_speedup_ratio"] = m["cold_seconds"] / max(m["warm_seconds"], 1e-6)
            self._must_be_cached(file)
            self._must_have_come_once(file, before, m)

    def _read(self, file: _File, m: dict[str, float], name: str) -> None:
        with timed(m, name):
            found = self._cache.read(file.path, large(self._run))
        found.must_be(file.content)

    @contextlib.contextmanager
    def _known(self) -> Iterator[_File]:
        known = self._section["file"]
        path = known["path"].strip("/")
        size = self._origin.stat(path, small(self._run)).size
        yield _File(path, Content(size, known["adler32"]))

    @contextlib.contextmanager
    def _generated(self) -> Iterator[_File]:
        """A file of this run alone: no cache has ever seen it."""
        plan = self._run.plan
        guest = Guest(self._origin, plan.folder, plan.leftovers_after)
        path = guest.new_path()
        payload = Payload(path, int(self._section["generated"]["size"]))
        self._origin.make_folder(guest.folder, small(self._run))
        guest.remove_leftovers(small(self._run))
        try:
            guest.write(path, payload, large(self._run))
            yield _File(path, Content(payload.size, payload.adler32))
        finally:
            guest.discard(path)
            with contextlib.suppress(Stopped):
                _evict(self._cache, path, DISCARD_SECONDS)

    def _evict(self, path: str) -> None:
        """Make sure that the cache has it not; never by force (fevict), which would take it from who reads it."""
        try:
            _evict(self._cache, path, small(self._run))
        except Bad as bad:
            if "in use" in str(bad):
                raise Skip(Reason.IN_USE, "somebody reads the file") from bad
            if self._section["generated"] is None:
                if bad.reason in _NOT_ANSWERED:
                    raise
                raise Skip(Reason.NOT_PERMITTED, f"cannot be evicted: {bad}") from bad

    def _must_be_cached(self, file: _File) -> None:
        """Ask for it with `only-if-cached`, as soon as all of it has been written down."""
        end = time.monotonic() + self._run.deadline.step(WRITTEN_SECONDS)
        while True:
            status, found = self._ask_cache(file.path)
            if status == 200 and found is not None:
                found.must_be(file.content)
                return
            if status != _NOT_CACHED:  # speaks no HTTP, or other words: time and the exporter must do
                return
            if time.monotonic() > end:
                raise Bad(Reason.NOT_FROM_CACHE, "read twice, and not in the cache")
            time.sleep(POLL_SECONDS)

    def _ask_cache(self, path: str) -> tuple[int, Content | None]:
        url = urlsplit(self._cache.url(path))
        scheme = "https" if url.scheme in {"roots", "https", "davs"} else "http"
        base = self._section.get("httpUrl") or f"{scheme}://{url.netloc}"
        target = f"{base.rstrip('/')}/{url.path.lstrip('/')}"
        headers = {"Cache-Control": "only-if-cached"}
        request = web.Request("GET", target, self._run.anchors, large(self._run), headers, redirects=0)
        meter = Meter()
        try:
            with web.ask(request) as answer:
                if answer.status != 200:
                    return answer.status, None
                for chunk in answer.chunks():
                    meter.add(chunk)
        except Bad:
            return 0, None
        return 200, Content(meter.size, meter.adler32)

    def _must_have_come_once(self, file: _File, before: _Cost | None, m: dict[str, float]) -> None:
        """Await what the exporter says of this file: the origin must have sent it once, for the cold read."""
        if before is None:
            return
        end = time.monotonic() + min(RECORD_SECONDS, self._run.deadline.left() / 2)
        cost = before
        while cost.served - before.served < 2 * file.content.size:
            if time.monotonic() > end:
                return
            time.sleep(POLL_SECONDS)
            cost = self._cost(file.path) or cost
        m["origin_bytes"] = cost.from_origin - before.from_origin
        if m["origin_bytes"] >= 2 * file.content.size:
            raise Bad(Reason.NOT_FROM_CACHE, f"the origin sent {m['origin_bytes']:.0f} bytes")

    def _cost(self, path: str) -> _Cost | None:
        """What the file has cost so far; None without an exporter of ours that answers."""
        if self._section["exporterUrl"] is None:
            return None
        name = quote("/" + urlsplit(self._cache.url(path)).path.lstrip("/"), safe="")
        url = f"{self._section['exporterUrl'].rstrip('/')}/file?path={name}"
        try:
            with web.ask(web.Request("GET", url, self._run.anchors, small(self._run))) as answer:
                if answer.status == 404:
                    return _Cost(0, 0)
                found: Any = json.loads(answer.read())
                return _Cost(int(found["servedBytes"]), int(found["originBytes"]))
        except Unmeasured:
            raise
        except (Stopped, ValueError, KeyError, TypeError) as error:
            log.info("the exporter: %s", error)
            return None


@contextlib.contextmanager
def _origin_to_blame() -> Iterator[None]:
    """Without its origin a cache cannot be judged: skipped, with the origin's reason."""
    try:
        yield
    except Bad as bad:
        raise Skip(bad.reason, f"the origin: {bad}") from bad


def _files(run: Run, url: str) -> Files:
    protocol = url.partition(":")[0]
    endpoint = Endpoint(protocol, "", writable=True, family="Any", read_file=None, urls={protocol: url})
    return alone.files_of(run, endpoint, protocol)


def _evict(cache: Files, path: str, seconds: float) -> None:
    if not isinstance(cache, Xrootd):
        raise Bad(Reason.FAILED, "only XRootD's own protocol can evict")
    cache.evict(path, seconds)
