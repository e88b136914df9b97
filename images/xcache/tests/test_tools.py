"""Preparing volumes before the server starts, and waiting before it stops."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from xcache_tools import prepare as tool
from xcache_tools.drain import ask_exporter, drain
from xcache_tools.prepare import PrepareError, Settings, from_environment, prepare


def volumes(root: Path, *names: str) -> Settings:
    """Volumes as mounted: `meta` for the tree and the records, the others for data."""
    for name in ("meta", *names):
        (root / name).mkdir(exist_ok=True)
    data = tuple(("data", root / name / "data") for name in names)
    return Settings(root / "meta/ns", (*data, ("meta", root / "meta/meta")))


def cache(settings: Settings, name: str, data: Path) -> None:
    """A cached file as pfc leaves it: two links in the tree, data in one space and its record in the other."""
    content, record = data / f"{name}%", settings.spaces[-1][1] / f"{name}%"
    content.write_text("data")
    record.write_text("record")
    (settings.local_root / name).symlink_to(content)
    (settings.local_root / f"{name}.cinfo").symlink_to(record)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_folders_are_made_and_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0", "d1")
    assert prepare(settings) == []
    assert all(folder.is_dir() for folder in (settings.local_root, *(folder for _, folder in settings.spaces)))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert prepare(settings) == []
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}


def test_the_same_volumes_keep_every_file(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0")
    prepare(settings)
    cache(settings, "a", settings.data[0])
    assert prepare(settings) == []
    assert names(settings.local_root) == {"a", "a.cinfo"}


def test_one_more_volume_takes_nothing_away(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0")
    prepare(settings)
    cache(settings, "a", settings.data[0])
    prepare(volumes(tmp_path, "d0", "d1"))
    assert names(settings.local_root) == {"a", "a.cinfo"}


def test_a_volume_that_went_away_takes_its_files_with_their_records(tmp_path: Path) -> None:
    both = volumes(tmp_path, "d0", "d1")
    prepare(both)
    cache(both, "a", both.data[0])
    cache(both, "b", both.data[1])
    (tmp_path / "d1").rename(tmp_path / "unmounted")
    assert prepare(volumes(tmp_path, "d0")) == ["data volumes changed: removed 2 links to files that are gone"]
    assert names(both.local_root) == {"a", "a.cinfo"}
    assert names(both.spaces[-1][1]) == {"a%"}


def test_a_volume_replaced_by_an_empty_one_of_the_same_name_is_noticed(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0")
    prepare(settings)
    cache(settings, "a", settings.data[0])
    (tmp_path / "d0").rename(tmp_path / "unmounted")
    prepare(volumes(tmp_path, "d0"))
    assert names(settings.local_root) == set()


def test_a_link_out_of_the_cache_is_removed_but_not_what_it_leads_to(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0")
    precious = tmp_path / "precious"
    precious.write_text("mine")
    prepare(settings)
    (settings.local_root / "a").symlink_to(tmp_path / "d9/a%")
    (settings.local_root / "a.cinfo").symlink_to(precious)
    prepare(volumes(tmp_path, "d0", "d1"))
    assert names(settings.local_root) == set()
    assert precious.read_text() == "mine"


def test_a_cache_larger_than_its_volumes_is_refused_with_both_sizes(tmp_path: Path) -> None:
    settings = volumes(tmp_path, "d0", "d1")
    found = os.statvfs(tmp_path)
    capacity = found.f_blocks * found.f_frsize  # both volumes are on one file system, which counts once
    prepare(Settings(settings.local_root, settings.spaces, max_size=capacity * 90 // 100 - 1))
    with pytest.raises(PrepareError, match=r"maxCacheSize .*i does not fit: .*\(lowPercent 90\) of .*; lower"):
        prepare(Settings(settings.local_root, settings.spaces, max_size=capacity * 90 // 100))


def test_a_volume_that_is_not_there_is_named_in_one_line_and_in_the_termination_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XCACHE_LOCALROOT", str(tmp_path / "ns"))
    monkeypatch.setenv("XCACHE_SPACES", f"data={tmp_path}/nowhere/data")
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "termination-log"))
    assert tool.main() == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert f"{tmp_path}/nowhere cannot be written by user" in said
    assert f"xcache-prepare: {(tmp_path / 'termination-log').read_text()}" == said


@pytest.mark.parametrize(
    "environment", [{}, {"XCACHE_LOCALROOT": "/x"}, {"XCACHE_LOCALROOT": "/x", "XCACHE_SPACES": "data"}]
)
def test_a_malformed_environment_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(PrepareError, match="environment"):
        from_environment(environment)


class Reports:
    """An exporter that hears a report of the server at every second question."""

    def __init__(self, *open_files: int | None) -> None:
        self._open_files = open_files
        self.asked = 0

    def __call__(self) -> Mapping[str, Any] | None:
        number = min(self.asked // 2, len(self._open_files) - 1)
        self.asked += 1
        return {"summary": {"packets": number}, "openFiles": self._open_files[number]}


def test_draining_ends_after_two_reports_without_open_files(tmp_path: Path) -> None:
    reports = Reports(0, 2, 1, 0, 1, 0, 0, 5)
    assert drain(tmp_path / "drain", 5, reports, poll=0)
    assert reports.asked == 13  # the seventh report, and no further
    assert (tmp_path / "drain").exists()


def test_the_report_from_before_the_drain_does_not_count(tmp_path: Path) -> None:
    assert not drain(tmp_path / "drain", 0.05, Reports(0), poll=0.001)


def test_draining_gives_up_when_its_time_is_over(tmp_path: Path) -> None:
    assert not drain(tmp_path / "drain", 0.05, Reports(*[1] * 1000), poll=0.001)


def test_a_silent_server_or_exporter_is_no_sign_of_closed_files(tmp_path: Path) -> None:
    assert not drain(tmp_path / "drain", 0.05, Reports(*[None] * 1000), poll=0.001)
    assert not drain(tmp_path / "drain", 0.05, lambda: None, poll=0.001)


@pytest.fixture
def page() -> Iterator[tuple[str, dict[str, bytes]]]:
    answer = {"body": b""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/state", answer
        server.shutdown()
        thread.join()


def test_the_exporter_is_asked_over_http(page: tuple[str, dict[str, bytes]]) -> None:
    url, answer = page
    answer["body"] = json.dumps({"openFiles": 3}).encode()
    assert ask_exporter(url) == {"openFiles": 3}
    for nonsense in (b"", b"[]", b"{"):
        answer["body"] = nonsense
        assert ask_exporter(url) is None
    assert ask_exporter("http://127.0.0.1:9/state") is None
