"""Runs programs such as xrdcp: each in a group of its own, so that none outlives its time or the run."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, BinaryIO

OUTPUT_BYTES = 64 * 1024
"""What is kept of a program's output, the end of it: that is where errors stand."""

_running: set[int] = set()
_lock = threading.RLock()  # SIGTERM may come in the middle of `end_all`


@dataclass(frozen=True)
class Done:
    """How a program ended.

    Attributes:
        code: its exit code; negative: the signal that ended it.
        output: the end of its standard output.
        errors: the end of its standard error.
        timed_out: it was ended because its time was over.
    """

    code: int
    output: str
    errors: str
    timed_out: bool

    @property
    def text(self) -> str:
        """All that it said, errors first."""
        return f"{self.errors}\n{self.output}".strip()


def run(
    words: Sequence[str],
    seconds: float,
    environment: Mapping[str, str] | None = None,
    feed: Iterable[bytes] | None = None,
    sink: Callable[[bytes], None] | None = None,
) -> Done:
    """Run a program to its end, or end it with all that it started.

    Args:
        words: the program and its arguments. Never a secret: anybody on the node can read them.
        seconds: its time.
        environment: beyond the runner's own.
        feed: its standard input, however long.
        sink: takes its standard output, however long, instead of `Done.output`.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own words
            words,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
            stdout=output if sink is None else subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        with _lock:
            _running.add(process.pid)
        streams = _stream(process, feed, sink)
        try:
            timed_out = False
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
        finally:
            _kill(process.pid)
            process.wait()
            for stream in streams:
                stream.join()
            with _lock:
                _running.discard(process.pid)
        return Done(process.returncode, _tail(output), _tail(errors), timed_out)


def _stream(
    process: subprocess.Popen[bytes], feed: Iterable[bytes] | None, sink: Callable[[bytes], None] | None
) -> Sequence[threading.Thread]:
    """Serve the pipes of a program in threads; they end with it."""

    def write(pipe: IO[bytes], chunks: Iterable[bytes]) -> None:
        with contextlib.suppress(BrokenPipeError), pipe:
            for chunk in chunks:
                pipe.write(chunk)

    def read(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), OUTPUT_BYTES):
                take(chunk)

    works = []
    if process.stdin is not None and feed is not None:
        works.append(partial(write, process.stdin, feed))
    if process.stdout is not None and sink is not None:
        works.append(partial(read, process.stdout, sink))
    threads = [threading.Thread(target=work, daemon=True, name="pipe") for work in works]
    for thread in threads:
        thread.start()
    return threads


def end_all() -> None:
    """End all that still runs."""
    with _lock:
        for group in _running:
            _kill(group)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _tail(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - OUTPUT_BYTES))
    return file.read().decode(errors="replace")
