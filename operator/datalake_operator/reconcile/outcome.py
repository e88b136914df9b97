"""How a reconcile can end early. Each carries what status shall say."""

from datalake_operator.kube.errors import ApiError
from datalake_operator.kube.references import Reference
from datalake_operator.status.reasons import EngineReason


class Outcome(Exception):
    """A reason and a message for status.

    Args:
        reason: one of docs/conditions.md.
        message: what is wrong and how to mend it.
        retry: set where the API server said so, whose word may change without an event for us.
    """

    def __init__(self, reason: str, message: str, retry: ApiError | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry = retry


class Stalled(Outcome):
    """A user must act."""


class Taken(Stalled):
    """The name of a child belongs to somebody else's object, which is watched until it goes."""

    def __init__(self, reason: str, message: str, stranger: Reference) -> None:
        super().__init__(reason, message)
        self.stranger = stranger


class Postponed(Outcome):
    """Something that will come by itself is not there yet; no hands are needed."""

    def __init__(self, message: str, reason: str = EngineReason.RECONCILING, retry: ApiError | None = None) -> None:
        super().__init__(reason, message, retry)


class Vanished(Exception):
    """The custom resource is gone although the store still holds it."""


class Unknown(Exception):
    """The API server was not heard yet about an object that the spec names.

    Args:
        patience: seconds after which that is worth telling.
    """

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.patience = patience
