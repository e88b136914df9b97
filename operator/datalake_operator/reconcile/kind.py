"""What the engine asks of a kind. One short module beside this one answers for each."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar, cast

from datalake_operator.api.parse import parse
from datalake_operator.api.pending import not_implemented
from datalake_operator.build import Context, Refused
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import Resource
from datalake_operator.status import Assessment, EngineReason, View

Manifest: TypeAlias = Mapping[str, Any]
"""A Kubernetes object as plain values."""

Model = TypeVar("Model")


@dataclass(frozen=True, order=True)
class Key:
    """One custom resource: what is queued, reconciled and observed."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Kind(ABC, Generic[Model]):
    """One kind of custom resource. Everything here is pure."""

    resource: Resource
    app: str
    """Value of the label app.kubernetes.io/name on its children."""
    children: tuple[Resource, ...] = ()
    """Resources of its children; all of them are watched and, but for claims and Secrets, pruned."""
    transient: tuple[Resource, ...] = ()
    """Of `children`, those that end by themselves: never pruned."""
    halted: tuple[Resource, ...] = ()
    """Of `children`, those that start work on their own and have a `spec.suspend`: it is set when the resource is
    suspended, whatever else is wrong, and that is the only write then."""
    runs_on_request: bool = False
    """Whether the annotation reconcile-at asks for more than a pass. Its value is echoed once `requested` was made."""

    def parse(self, body: Manifest) -> Model:
        """Give the validated model.

        Raises:
            InvalidResource: names each bad field and its mend.
            Refused: the resource is valid, and asks for what this version does not honour: never silently ignored.
        """
        model = parse(body)
        missing = not_implemented(model)
        if missing:
            raise Refused(EngineReason.NOT_IMPLEMENTED, "; ".join(str(problem) for problem in missing))
        return cast("Model", model)

    def references(self, model: Model) -> tuple[Reference, ...]:
        """Objects of others that must be there before anything is applied."""
        return ()

    @abstractmethod
    def build(self, model: Model, context: Context, view: View) -> tuple[Manifest, ...]:
        """Give the desired children in the order in which they are applied.

        Raises:
            Refused: the children cannot be built; the message has the numbers.
        """

    @abstractmethod
    def assess(self, model: Model, context: Context, view: View, now: datetime) -> Assessment:
        """Judge what is there."""

    def unjudged(self, view: View, now: datetime) -> Assessment | None:
        """What to say of one with an invalid spec of which no valid one is known; None: what was said before."""
        return None

    def lacking(self, model: Model, view: View) -> Sequence[str]:
        """What the spec names within objects that are there, and they do not hold: in words, such as `key a of X`."""
        return ()

    def keeps(self, model: Model, context: Context, view: View) -> bool:
        """Whether nothing is pruned now: what is there is not desired at the moment, and shall stay all the same."""
        return False

    def spent(self, model: Model, context: Context, view: View) -> Sequence[str]:
        """Names of Jobs, ours or our CronJob's, that are over and in the way of the next: deleted in this pass."""
        return ()

    def requested(self, model: Model, context: Context, view: View, value: str) -> Sequence[Manifest] | None:
        """What a new value of reconcile-at makes, once, by POST: it has to be named after the value. None: not now."""
        return ()

    def shared(self, body: Manifest) -> Mapping[Hashable, Hashable]:
        """What a resource, valid or not, means by names that all of its kind in a namespace have in common.

        Where two mean different things, both learn of it: `View.disputed`.
        """
        return {}

    def rolled(self, model: Model, view: View) -> bool:
        """Whether the workload runs its newest revision only, so that old configuration may go."""
        return True

    def stuck_pods(self, model: Model, view: View) -> Sequence[Manifest]:
        """Pods of an old revision that will never be Ready and keep a new one from starting."""
        return ()

    def observed_at(self, model: Model, view: View) -> Hashable | None:
        """Where the operand tells its state, None while it does not; `observe` knows how to ask each type of it."""
        return None

    def notable(self, data: Mapping[str, Any]) -> object:
        """What of an operand's answer is worth a reconcile at once when it changes.

        Raises:
            ValueError: the answer makes no sense: `assess` will not see it.
        """
        return None
