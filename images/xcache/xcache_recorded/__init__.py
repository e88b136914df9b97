"""What a real server sent, for tests of the exporter. Not part of the image; README.md tells how it was made."""

import json
from collections.abc import Iterator
from pathlib import Path

from xcache_exporter.record import Record

FOLDER = Path(__file__).parent


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_795_653_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time, seconds since 1970."""
        return self.now


def packets() -> Iterator[tuple[float, str, bytes]]:
    """Time, stream (`pfc` or `summary`) and content of each packet, in their order."""
    for line in (FOLDER / "5.8.1.jsonl").read_text().splitlines():
        packet = json.loads(line)
        yield packet["time"], packet["stream"], packet["data"].encode("latin-1")


def replay(record: Record, clock: Clock, until: float = float("inf"), *, origin_answers: bool = False) -> None:
    """Let a record hear the packets, up to a moment."""
    for time, stream, data in packets():
        if time > until:
            return
        clock.now = time
        if stream == "pfc":
            record.hear_gstream(data)
        elif record.hear_summary(data):
            record.judge_origin(answers=origin_answers)
