"""What a run says and when: without a database and without Rucio."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from rucio_database import errors, result, watch
from rucio_database.result import Plan, Result
from tests.support.rucio_tool import SCHEMA, decode

CURRENT = Result("ensure", "current", "well", "41.5.1", ours=True)
BEHIND = replace(CURRENT, state="behind", message="old", revision="a", head="c", path=("b", "c"))
LOST = replace(CURRENT, state="unreachable", message="refused", ours=False)


class Looks:
    """Gives one result after the other, and fails when there is none left."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._results = iter(results)
        self.count = 0

    def __call__(self) -> Result:
        self.count += 1
        return next(self._results)


def watched(folder: Path, *results: Result, grace: float = 0) -> tuple[int, int, dict[str, object]]:
    """Exit code, number of looks, and what was told."""
    looks = Looks(results)
    code = watch.watch(looks, folder / "termination", folder / "told", interval=0, grace=grace)
    return code, looks.count, decode((folder / "termination").read_text())


def test_states_are_those_of_the_schema() -> None:
    assert list(result.STATES) == SCHEMA["properties"]["state"]["enum"]


def test_a_small_result_is_plain_json() -> None:
    text = result.encode(BEHIND)
    assert text.startswith('{"version":1,')
    assert decode(text)["path"] == ["b", "c"]


@pytest.mark.parametrize("size", [3_000, 30_000])
def test_a_long_plan_is_packed(size: int) -> None:
    text = result.encode(replace(BEHIND, plan=Plan("0" * 64, "ALTER TABLE x;\n" * (size // 15))))
    assert len(text) <= result.LIMIT
    assert decode(text)["plan"]["sql"]


def test_a_plan_that_cannot_be_packed_loses_its_sql_and_keeps_its_hash() -> None:
    noise = "".join(chr(33 + (number * number * 7919) % 90) + hex(number) for number in range(4_000))
    text = result.encode(replace(BEHIND, plan=Plan("0" * 64, noise)))
    assert len(text) <= result.LIMIT
    assert decode(text)["plan"] == {"hash": "0" * 64, "sql": None}


def test_many_foreign_sessions_fit() -> None:
    many = tuple(f"session from 10.0.{number % 251}.{number}, {number:064x}" for number in range(900))
    text = result.encode(replace(BEHIND, state="foreign-writers", foreign=many, path=tuple(map(str, range(3_000)))))
    assert len(text) <= result.LIMIT
    assert decode(text)["foreign"] == list(many[:5])


def test_what_is_settled_is_told_at_once_and_always(tmp_path: Path) -> None:
    assert watched(tmp_path, CURRENT)[:2] == (0, 1)
    assert watched(tmp_path, CURRENT)[:2] == (0, 1)


def test_current_but_somebody_else_s_is_not_settled(tmp_path: Path) -> None:
    assert watched(tmp_path, replace(CURRENT, ours=False))[0] == 3


def test_each_state_is_told_once(tmp_path: Path) -> None:
    assert watched(tmp_path, BEHIND)[:2] == (3, 1)
    code, looks, told = watched(tmp_path, BEHIND, BEHIND, replace(BEHIND, databaseBytes=7), LOST)
    assert (code, looks, told["state"]) == (3, 4, "unreachable")
    refused = replace(LOST, message="timed out")  # the same news in other words
    assert watched(tmp_path, refused, LOST, BEHIND)[:2] == (3, 3)


def test_a_database_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    assert watched(tmp_path, LOST, LOST, CURRENT, grace=60)[:2] == (0, 3)


def test_a_failed_migration_is_told_again_without_a_look(tmp_path: Path) -> None:
    failed = replace(BEHIND, verb="migrate", state="failed", message="at b")
    assert watched(tmp_path, failed)[:2] == (1, 1)
    (tmp_path / "termination").unlink()
    code, looks, told = watched(tmp_path, CURRENT)
    assert (code, looks, told["message"]) == (1, 0, "at b")


def test_a_log_has_the_plan_that_a_message_packs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched(tmp_path, replace(BEHIND, plan=Plan("0" * 64, "ALTER TABLE x;\n" * 400)))
    assert capsys.readouterr().out.count("ALTER TABLE x;") == 400


def test_a_message_that_cannot_be_left_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.tell(CURRENT, tmp_path / "missing" / "termination") == 0
    out = capsys.readouterr()
    jsonschema.validate(json.loads(out.out), SCHEMA)
    assert "missing" in out.err


@pytest.mark.parametrize(
    "text",
    [
        "could not connect to postgresql://rucio:p%40ss%2Fword@db/rucio",
        "invalid dsn p@ss/word here",
        "quoted p%40ss%2Fword here",
        "of another: amqp://user:p@ss/word@host",
    ],
)
def test_errors_show_no_secret(text: str) -> None:
    shown = errors.first_line(ValueError(f"{text}\nsecond line"), "p@ss/word")
    assert "word" not in shown
    assert "second" not in shown
