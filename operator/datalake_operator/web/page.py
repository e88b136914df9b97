"""The one HTML page: everything it needs is in it, and its policy forbids the browser to load anything else."""

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

import orjson
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from datalake_operator.web import words

_FILES = Path(__file__).parent / "files"

_TEMPLATES = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(_FILES), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
)

_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""What might end a script element, or begin markup in it, as JSON escapes."""


@cache
def script() -> str:
    """Give the page's own program."""
    return "".join(path.read_text() for path in sorted((_FILES / "script").glob("*.js")))


@cache
def style() -> str:
    """Give the page's style sheet."""
    return (_FILES / "page.css").read_text()


@cache
def policy() -> str:
    """Give the Content-Security-Policy: our script and style by their hashes, our own JSON, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script())}'",
            f"style-src '{_hash(style())}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def page(overview: bytes, tag: str, now: datetime) -> str:
    """Give the page.

    Args:
        overview: the JSON that it draws.
        tag: its ETag, so that the page asks for the next one only.
        now: the server's time, by which the page tells how old things are.
    """
    model = orjson.loads(overview)
    return _TEMPLATES.get_template("page.html").render(
        headline=model["headline"],
        problems=model["problems"],
        states=words.STATES,
        style=style(),
        script=script(),
        overview=overview.decode().translate(_IN_SCRIPT),
        setting=orjson.dumps(
            {
                "tag": tag,
                "now": now.isoformat(),
                "states": {state: shown._asdict() for state, shown in words.STATES.items()},
            }
        )
        .decode()
        .translate(_IN_SCRIPT),
    )


def waiting(missing: list[str]) -> str:
    """Give the page of a process that does not know everything yet; it loads again by itself."""
    return _TEMPLATES.get_template("waiting.html").render(missing=missing, style=style())
