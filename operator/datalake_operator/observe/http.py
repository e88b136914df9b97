"""What all questions to operands have in common."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import aiohttp

TIMEOUT = 3.0
"""Seconds for one answer (design, section 3)."""

LARGEST_ANSWER = 256 * 1024
"""Bytes that an answer may have unless said otherwise; the schema of an exporter's state stays far below."""

Answer: TypeAlias = tuple[Mapping[str, Any] | None, str | None]
"""What an operand said and None, or None and why there is nothing, in one line that shows no secret."""


async def read(content: aiohttp.StreamReader, largest: int = LARGEST_ANSWER) -> bytes | None:
    """Read a whole answer, however many packets it comes in; None for one that is too long."""
    text = bytearray()
    async for chunk in content.iter_any():
        text += chunk
        if len(text) > largest:
            return None
    return bytes(text)


def parsed(text: bytes) -> Any:
    """Give the JSON value of an answer, None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def trouble(error: BaseException) -> str:
    """Why there is no answer, in words that do not change while the cause does not, and hold nothing that was sent."""
    return f"no answer within {TIMEOUT:g} s" if isinstance(error, TimeoutError) else type(error).__name__
