"""Configuration files from templates, so that what a field holds can never become a directive.

Every value that a template prints must be one word of a narrow grammar: no blanks, no line ends, no control
characters, no `#`, `$`, quotes or backslashes. The models check each field by its own grammar first; this is the
second lock.
"""

import re
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_WORD = re.compile(r"[A-Za-z0-9._:/\[\]%+~@=-]+", re.ASCII)


class UnsafeValue(ValueError):
    """A value is not one word, and so must not be printed into a configuration file."""


def word(value: object) -> str:
    """Give a value as it may stand in a configuration file.

    Raises:
        UnsafeValue: the text is empty or holds anything but letters, digits and `._:/[]%+~@=-`.
    """
    text = str(value)
    if not _WORD.fullmatch(text):
        raise UnsafeValue(f"{text!r} is not one word of a configuration file")
    return text


_TEMPLATES = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    finalize=word,
    autoescape=False,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """Fill one of the templates of this package.

    Raises:
        UnsafeValue: a value that the template prints is not one word.
        jinja2.UndefinedError: the template uses a name that was not given.
    """
    return _TEMPLATES.get_template(template).render(**values)
