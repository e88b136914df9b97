import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import processes, progress, waiting
from tests.cluster.errors import ClusterError

IDLE = [sys.executable, "-c", "import signal; signal.pause()"]
DEAF = [
    sys.executable,
    "-c",
    "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
]

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.end(tmp_path)


def test_marked_processes_are_found_by_cluster_and_part(run_dir: Path, eventually: Eventually) -> None:
    for part in ("one", "two"):
        processes.start(run_dir, part, IDLE, run_dir / "log", {})
    eventually(lambda: len(processes.find(run_dir)) == 2)
    assert len(processes.find(run_dir, "one")) == 1
    assert processes.find(run_dir, "three") == []
    assert processes.find(run_dir / "other") == []
    processes.end(run_dir, "one")
    assert processes.find(run_dir) == processes.find(run_dir, "two")


def test_ending_is_sure_for_a_process_that_does_not_hear(run_dir: Path, eventually: Eventually) -> None:
    log = run_dir / "log"
    processes.start(run_dir, "deaf", DEAF, log, {})
    eventually(lambda: "deaf" in log.read_text())
    processes.end(run_dir, "deaf", gently=0.2)
    assert processes.find(run_dir) == []


def test_a_process_has_no_more_environment_than_it_is_given(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x")
    log = run_dir / "log"
    processes.start(run_dir, "env", ["env"], log, {"GIVEN": "y"})
    waiting.until(lambda: "DATALAKE_PART=env" in log.read_text(), "env", seconds=10)
    assert "GIVEN=y" in log.read_text()
    assert "A_SECRET" not in log.read_text()


def test_what_is_awaited_in_vain_is_named() -> None:
    with pytest.raises(ClusterError, match="in vain for the moon"):
        waiting.until(lambda: False, "the moon", seconds=0.01, every=0.001)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (185, "3 min 05 s"), (119.6, "2 min 00 s")]
)
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said
