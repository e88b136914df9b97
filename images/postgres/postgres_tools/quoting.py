"""Names and texts as SQL writes them."""


def identifier(name: str) -> str:
    """A name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text; standard_conforming_strings must be on, which it is unless somebody turned it off."""
    return "'" + text.replace("'", "''") + "'"
