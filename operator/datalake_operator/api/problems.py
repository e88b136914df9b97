"""What is wrong with a resource, in words that its author can act on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault of one field.

    Attributes:
        field: Path as the API server writes it, e.g. ``spec.storage.data[0].claim.size``; empty for the whole object.
        message: What is wrong.
        mend: What to do about it; may be empty.
    """

    field: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{text}; {self.mend}" if self.mend else text


class InvalidResource(ValueError):
    """A resource that its author has to mend.

    Attributes:
        problems: At least one problem, in the order of the fields.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
