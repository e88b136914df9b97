"""The one error that a build raises: a spec that is valid as a schema, and yet cannot work."""


class Refused(Exception):
    """A user must act before this spec can become children: the resource is Stalled.

    Attributes:
        reason: CamelCase reason of the conditions Ready and Stalled (`status.reasons.EngineReason` or the kind's own).
        message: names the field, what is wrong with figures, and the mend.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
