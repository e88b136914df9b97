"""Reasons that the engine itself gives, the same for every kind. `docs/conditions.md` lists all; a test compares."""


class EngineReason:
    """Reasons of Ready, Reconciling, Stalled and Suspended that do not depend on the kind."""

    INVALID_SPEC = "InvalidSpec"
    """The spec breaks a rule that the schema cannot express; the message names field and mend."""

    NOT_IMPLEMENTED = "NotImplemented"
    """The spec sets a field, or is of a kind, that this version of the operator does not honour yet."""

    NAME_TAKEN = "NameTaken"
    """An object of a child's kind and name is there and does not belong to this resource; it is left untouched."""

    CLAIM_NOT_OURS = "ClaimNotOurs"
    """A claim of the name we would give is there without our instance label; it is left untouched."""

    DEPENDENCY_MISSING = "DependencyMissing"
    """A referenced Secret, ConfigMap, claim or resource is not there (yet); work goes on when it appears."""

    DEPENDENCY_UNKNOWN = "DependencyUnknown"
    """The API server does not tell whether a referenced object is there; the message carries its words."""

    SUSPENDED = "Suspended"
    """`spec.suspend` is true: nothing is written, status is still observed."""

    EXPANSION_NOT_SUPPORTED = "ExpansionNotSupported"
    """A claim should grow and its storage class does not allow volume expansion; nothing was written."""

    APPLY_REFUSED = "ApplyRefused"
    """The API server refused a child (403 or 422); the message carries its answer."""

    RETRYING = "Retrying"
    """The API server fails at one request again and again (5xx, 409, no answer); the message carries its words."""

    NAMESPACE_TERMINATING = "NamespaceTerminating"
    """The namespace is being deleted, and takes no new objects."""

    RECONCILING = "Reconciling"
    """The operator or the cluster is still at work on the newest spec; no hands are needed."""
