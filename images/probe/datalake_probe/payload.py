"""Content of the files that a probe writes: the same for the same key and size, so it is known before it is read."""

import hashlib
import time
import zlib
from collections.abc import Iterator
from functools import cached_property

BLOCK = 2**20
_MODULUS = 65521  # of adler32
_COUNTER = 8


class Payload:
    """Content that cannot be compressed, made of blocks that all differ, never in memory as a whole.

    Args:
        key: what it is made from.
        size: in bytes.
    """

    def __init__(self, key: str, size: int) -> None:
        self.size = size
        self._fill = hashlib.shake_256(key.encode()).digest(BLOCK - _COUNTER)

    def chunks(self) -> Iterator[bytes]:
        """Give it from its beginning, in blocks of `BLOCK` bytes; each begins with its number."""
        left = self.size
        for number in range(-(-self.size // BLOCK)):
            block = number.to_bytes(_COUNTER, "big") + self._fill
            yield block[: min(BLOCK, left)]
            left -= BLOCK

    @cached_property
    def adler32(self) -> str:
        """Its checksum in 8 hexadecimal digits; of 100 GiB in less than a second, since all blocks end alike."""
        whole, rest = divmod(self.size, BLOCK)
        fill = zlib.adler32(self._fill)
        found = 1
        for number in range(whole):
            found = zlib.adler32(number.to_bytes(_COUNTER, "big"), found)
            found = combine(found, fill, BLOCK - _COUNTER)
        last = whole.to_bytes(_COUNTER, "big") + self._fill
        return f"{zlib.adler32(last[:rest], found):08x}"


def combine(first: int, second: int, length: int) -> int:
    """Return the adler32 of two texts joined, from theirs and the second one's length (zlib's adler32_combine)."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return (high % _MODULUS) << 16 | low % _MODULUS


class Meter:
    """Counts the bytes of a stream, sums them up, and knows when the last ones came."""

    def __init__(self) -> None:
        self.size = 0
        self._sum = 1
        self._begun = self._last = time.monotonic()

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        self._sum = zlib.adler32(chunk, self._sum)
        self._last = time.monotonic()

    @property
    def adler32(self) -> str:
        """The checksum so far, in 8 hexadecimal digits."""
        return f"{self._sum:08x}"

    @property
    def moving(self) -> bool:
        """Whether bytes still came in the last quarter of the time since it was made: what ends now was only slow."""
        now = time.monotonic()
        return self.size > 0 and now - self._last < (now - self._begun) / 4
