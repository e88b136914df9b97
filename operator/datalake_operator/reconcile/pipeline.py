"""One reconcile, as a list of steps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from datalake_operator.api.problems import InvalidResource
from datalake_operator.build import Context, Refused
from datalake_operator.kube.errors import ApiError, NamespaceTerminating, NotFound
from datalake_operator.kube.events import EventRecorder
from datalake_operator.kube.references import Reference, References
from datalake_operator.kube.resource import PODS
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import pack, unpack
from datalake_operator.reconcile.apply import Applier
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.kind import Key, Kind, Manifest
from datalake_operator.reconcile.outcome import Outcome, Postponed, Stalled, Taken, Unknown, Vanished
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.report import lasting, requested_pass, status, transition
from datalake_operator.reconcile.resources import Resources
from datalake_operator.status import EngineReason, Observation, View

TOLD_AFTER = 3
"""Failures in a row of one resource that are told: fewer are everyday life of a cluster."""

_PATIENCE = 10.0
"""Seconds without an answer about an object that the spec names, after which status says so."""


class Observations(Protocol):
    """What operands say of themselves (`observe`)."""

    def watch(self, key: Key, target: Hashable | None) -> None:
        """Ask there from now on; None stops asking."""

    def get(self, key: Key) -> Observation | None:
        """The last answer."""


class Reconciler:
    """Brings one custom resource to what its spec says, and its status to what is true.

    Args:
        api: the session.
        kinds: by the name of the kind.
        resources: the custom resources.
        children: what there is of their children.
        references: objects watched by name.
        observations: what the operands say.
        peers: what resources mean by names that they share.
        events: posts the few events there are.
        context: facts about this installation, asked at each pass.
        clock: the time of day, UTC.
    """

    def __init__(  # noqa: PLR0913 - the one place where all parts meet; each is named where it is passed
        self,
        *,
        api: Api,
        kinds: Mapping[str, Kind[Any]],
        resources: Resources,
        children: Children,
        references: References,
        observations: Observations,
        peers: Peers,
        events: EventRecorder,
        context: Callable[[], Context],
        clock: Callable[[], datetime],
    ) -> None:
        self._kinds = kinds
        self._resources = resources
        self._children = children
        self._references = references
        self._observations = observations
        self._peers = peers
        self._events = events
        self._context = context
        self._clock = clock
        self._applier = Applier(api, children)
        self._good: dict[Key, tuple[_Version, bytes]] = {}
        """Packed body with the last valid spec, whose children live on while a newer one is not valid."""
        self._strangers: dict[Key, Reference] = {}

    async def reconcile(self, key: Key, failures: int = 0) -> float | None:
        """Run one pass over `key`.

        Args:
            key: of the resource.
            failures: passes over it in a row that ended with an ApiError before this one; see `TOLD_AFTER`.

        Returns:
            Seconds after which it wants another pass although nothing changes, None for no such wish.

        Raises:
            ApiError: the API server did not do its part; another try may mend it.
        """
        body = self._resources.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._forget(key)
            return None
        this = _Pass(key, self._kinds[key.kind], body, self._context())
        outcome: Outcome | None = None
        try:
            await self._make_so(this)
        except Unknown as unknown:
            return unknown.patience  # the answer to the first list of a reference brings the key back before
        except Vanished:
            self._resources.remove(key, body)
            self._forget(key)
            return None
        except Outcome as ended_early:
            outcome = ended_early
        except NamespaceTerminating as error:
            message = f"the namespace is being deleted and takes no new objects: {error.message}"
            outcome = Postponed(message, EngineReason.NAMESPACE_TERMINATING)
        except ApiError as error:
            if failures + 1 < TOLD_AFTER:
                raise
            outcome = lasting(body.get("status", {}), error)
        if this.model is None:
            self._recall(this)
        self._watch_stranger(this, outcome)
        wake = await self._report(this, outcome)
        if outcome is not None and outcome.retry is not None:
            raise outcome.retry
        return wake

    async def _make_so(self, this: _Pass) -> None:
        """Steps 1 to 5."""
        key, kind, body = this.key, this.kind, this.body
        suspended = body["spec"].get("suspend") is True
        if body["spec"].get("deletionPolicy") == "Retain" and not suspended:
            # First of all: whatever else is wrong, data must not go with a resource that says so.
            await self._applier.release(key, body)  # API needed, where the policy has changed
        if suspended:
            await self._applier.halt(key, body, kind.halted)  # API needed, where something goes on by itself
        this.model = _validated(kind, body)  # pure
        self._keep(key, body)
        this.found = self._dereference(this)  # stores only
        view = self._view(this)  # stores only
        self._observations.watch(key, kind.observed_at(this.model, view))
        _require_present(this.found, kind.lacking(this.model, view))
        try:
            desired = kind.build(this.model, this.context, view)  # pure
        except Refused as refused:
            raise Stalled(refused.reason, refused.message) from refused
        if suspended:
            return
        # Of the same moment as what is desired: a newer view may want what this build left out on purpose.
        keeps, spent = kind.keeps(this.model, this.context, view), kind.spent(this.model, this.context, view)  # pure
        await self._applier.apply(key, body, kind.resource, desired)  # API needed
        view = self._view(this)
        await self._applier.remove_pods(kind.stuck_pods(this.model, view))  # API needed
        await self._applier.remove_jobs(key, body, spent)  # API needed
        if not keeps:
            rolled = kind.rolled(this.model, view)
            await self._applier.prune(key, body, desired, rolled=rolled, spared=kind.transient)  # API needed
        await self._answer(this)  # API needed, where a run was asked for

    async def _answer(self, this: _Pass) -> None:
        """Make what the annotation reconcile-at asks for beside this pass, once and when it can be."""
        value = requested_pass(this.body)
        if not value or not this.kind.runs_on_request:
            return
        wanted = this.kind.requested(this.model, this.context, self._view(this), value)  # pure
        if wanted is not None:
            await self._applier.create(this.key, this.body, wanted)
            this.answered = True

    def _dereference(self, this: _Pass) -> Mapping[Reference, Manifest | None]:
        """Give every object that the spec names, None for one that is known not to be there.

        Raises:
            Unknown: one of them was not heard of yet.
            Postponed: for so long that it must be told.
        """
        self._references.want(this.key, this.wanted(self._strangers.get(this.key)))
        references = this.kind.references(this.model)
        for reference in references:
            if not self._references.known(reference):
                seconds, trouble = self._references.silence(reference)
                if seconds < _PATIENCE:
                    raise Unknown(_PATIENCE - seconds)
                what = f"{reference.resource.kind} {reference.name}"
                raise Postponed(f"cannot learn whether {what} is there: {trouble}", EngineReason.DEPENDENCY_UNKNOWN)
        return {reference: self._references.get(reference) for reference in references}

    def _watch_stranger(self, this: _Pass, outcome: Outcome | None) -> None:
        """Watch the object that has the name of a child, so that its end is noticed; stop when it is no more."""
        stranger = outcome.stranger if isinstance(outcome, Taken) else None
        if stranger == self._strangers.get(this.key):
            return
        if stranger is None:
            del self._strangers[this.key]
        else:
            self._strangers[this.key] = stranger
        self._references.want(this.key, this.wanted(stranger))

    async def _report(self, this: _Pass, outcome: Outcome | None) -> float | None:
        """Step 6: status, where it changed, and an event, where it tells of a transition."""
        now, body = self._clock(), this.body
        view = self._view(this)
        if this.model is None:
            assessment = this.kind.unjudged(view, now)
        else:
            assessment = this.kind.assess(this.model, this.context, view, now)
        before, after = (
            body.get("status", {}),
            status(body, assessment, outcome, now, answered=this.answered or not this.kind.runs_on_request),
        )
        if after != before:
            try:
                await self._resources.write_status(this.key, body, after)
            except NotFound:
                self._forget(this.key)
                return None
            event = transition(before, after)
            if event is not None:
                self._events.emit(body, event.type, event.reason, event.message)
        wake_at = assessment.wake_at if assessment else None
        return None if wake_at is None else max(0.0, (wake_at - now).total_seconds())

    def _keep(self, key: Key, body: Manifest) -> None:
        version = _version(body)
        if key not in self._good or self._good[key][0] != version:
            self._good[key] = (version, pack(body))

    def _recall(self, this: _Pass) -> None:
        """Go on observing what the last valid spec of this very resource made, while the newest is not valid."""
        version, packed = self._good.get(this.key, (None, b""))
        if version is None or version.uid != this.body["metadata"]["uid"]:
            return
        this.model = _validated(this.kind, unpack(packed))
        this.found = {reference: self._references.get(reference) for reference in this.kind.references(this.model)}
        self._observations.watch(this.key, this.kind.observed_at(this.model, self._view(this)))

    def _view(self, this: _Pass) -> View:
        ours = list(self._children.of(this.key))
        return View(
            children={(resource.kind, live["metadata"]["name"]): live for resource, live in ours if resource != PODS},
            pods=tuple(live for resource, live in ours if resource == PODS),
            references={(reference.resource.kind, reference.name): live for reference, live in this.found.items()},
            observation=self._observations.get(this.key),
            previous=this.body.get("status", {}),
            disputed=self._peers.disputed(this.key),
        )

    def _forget(self, key: Key) -> None:
        self._good.pop(key, None)
        self._strangers.pop(key, None)
        self._observations.watch(key, None)
        self._references.want(key, ())


class _Version(NamedTuple):
    """One spec of one resource: a resource that was made again begins at generation 1 as well."""

    uid: str
    generation: int


def _version(body: Manifest) -> _Version:
    return _Version(body["metadata"]["uid"], body["metadata"].get("generation", 0))


@dataclass
class _Pass:
    """What one reconcile has learned so far."""

    key: Key
    kind: Kind[Any]
    body: Manifest
    context: Context
    model: Any = None
    found: Mapping[Reference, Manifest | None] = field(default_factory=dict)
    answered: bool = False
    """Whether what reconcile-at asks for was made in this pass."""

    def wanted(self, stranger: Reference | None) -> set[Reference]:
        """Everything to be watched by name."""
        own = set(self.kind.references(self.model)) if self.model is not None else set()
        return own | {stranger} if stranger else own


def _validated(kind: Kind[Any], body: Manifest) -> Any:
    try:
        return kind.parse(body)
    except InvalidResource as invalid:
        raise Stalled(EngineReason.INVALID_SPEC, "; ".join(str(problem) for problem in invalid.problems)) from invalid
    except Refused as refused:
        raise Stalled(refused.reason, refused.message) from refused


def _require_present(found: Mapping[Reference, Manifest | None], lacking: Sequence[str]) -> None:
    missing = sorted(f"{reference.resource.kind} {reference.name}" for reference, live in found.items() if live is None)
    if missing:
        that = "it" if len(missing) == 1 else "them"
        raise Postponed(
            f"waits for {', '.join(missing)}: create {that} in the same namespace", EngineReason.DEPENDENCY_MISSING
        )
    if lacking:
        that = "it" if len(lacking) == 1 else "them"
        raise Postponed(f"waits for {', '.join(lacking)}: add {that}", EngineReason.DEPENDENCY_MISSING)
