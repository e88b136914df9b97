"""Reasons of a QoSProbe's conditions. Those of a spec that is refused stand in `build.probe.refusals`."""


class ProbeReason:
    """Why a probe runs, or does not; and why all that it measured cannot be shown."""

    SCHEDULED = "Scheduled"
    """Runs begin as the spec says."""

    SCHEDULING = "Scheduling"
    """The CronJob is being made."""

    MAINTENANCE_INVALID = "MaintenanceInvalid"
    """Entries of a ConfigMap in `maintenanceFrom` cannot be read; those that can still hold, and runs go on."""

    IMAGE_UNAVAILABLE = "ImageUnavailable"
    """The runner's image cannot be pulled."""

    CONFIG_ERROR = "ConfigError"
    """The runner's container cannot be made or started, or its plan makes no sense to it."""

    UNSCHEDULABLE = "Unschedulable"
    """No node takes the runner's pod."""

    OUT_OF_MEMORY = "OutOfMemory"
    """The runner needed more memory than its limit."""

    DEADLINE_EXCEEDED = "DeadlineExceeded"
    """The run was ended because it took too long."""

    RUNNER_FAILED = "RunnerFailed"
    """The runner ended with an error and left no result."""

    NO_MESSAGE = "NoMessage"
    """The run left no result."""

    TRUNCATED = "Truncated"
    """The result of the run is cut off or too long."""

    FOREIGN_MESSAGE = "ForeignMessage"
    """The result is that of another run."""

    OTHER_VERSION = "OtherVersion"
    """The result is of another version of the envelope."""

    MALFORMED = "Malformed"
    """What the run left is no result."""

    IN_THE_FUTURE = "InTheFuture"
    """The result carries a time that has not come yet."""

    ENDPOINTS_DIFFER = "EndpointsDiffer"
    """Another probe of the namespace gives an endpoint of the same name another URL or site."""

    PAIRS_TAKE_TURNS = "PairsTakeTurns"
    """All pairs in each run would move more than `maxBytesPerDay`."""
