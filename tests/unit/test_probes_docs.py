"""`docs/probes.md` says what the code does: states, limits, reasons, letters, examples."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from datalake_operator.api.parse import validated
from datalake_operator.api.probe_verdict import MEASUREMENTS, Maintenance
from datalake_operator.probes import envelope, health, limits, marks
from datalake_operator.probes.envelope import Message
from datalake_operator.probes.model import CellKey, Sample
from datalake_operator.probes.reasons import REASONS
from datalake_operator.probes.verdict import RANK
from datalake_operator.status.probe import maintenance
from datalake_operator.web.words import STATES
from tests.unit.probes import lake

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/probes.md").read_text("utf-8")
SECTIONS = {
    "Something failed": "failure",
    "Beyond a limit": "limit",
    "Left out": "skipped",
    "Not known": "unknown",
    "From the history": "state",
}
GOCDB = """<?xml version="1.0" encoding="UTF-8"?><results>
  <DOWNTIME ID="32578" PRIMARY_KEY="1G0" CLASSIFICATION="SCHEDULED"><HOSTED_BY>pic</HOSTED_BY>
    <SEVERITY>OUTAGE</SEVERITY><DESCRIPTION>dCache: "new" disks</DESCRIPTION>
    <START_DATE>1767225600</START_DATE><END_DATE>1767268800</END_DATE></DOWNTIME>
  <DOWNTIME ID="32578" PRIMARY_KEY="1G0" CLASSIFICATION="SCHEDULED"><HOSTED_BY>pic</HOSTED_BY>
    <SEVERITY>OUTAGE</SEVERITY><DESCRIPTION>dCache: "new" disks</DESCRIPTION>
    <START_DATE>1767225600</START_DATE><END_DATE>1767268800</END_DATE></DOWNTIME>
  <DOWNTIME ID="32579" PRIMARY_KEY="2G0" CLASSIFICATION="SCHEDULED"><HOSTED_BY>pic</HOSTED_BY>
    <SEVERITY>WARNING</SEVERITY><DESCRIPTION>at risk</DESCRIPTION>
    <START_DATE>1767225600</START_DATE><END_DATE>1767268800</END_DATE></DOWNTIME>
</results>"""


def section(heading: str) -> str:
    """Text below a heading, to the next one of its level or above."""
    level = re.search(rf"^(#+) {re.escape(heading)}$", TEXT, re.MULTILINE)
    assert level, heading
    return re.split(rf"^#{{1,{len(level[1])}}} ", TEXT[level.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def tables(heading: str) -> list[list[list[str]]]:
    """Rows of each table of a section, without their heads."""
    blocks = re.findall(r"^(?:\|.*\n)+", section(heading), re.MULTILINE)
    split = [[[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()] for block in blocks]
    return [rows[2:] for rows in split]


def blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)


def test_every_state_is_shown_as_the_page_shows_it() -> None:
    (rows,) = tables("States")[:1]
    assert {row[0].strip("`"): (row[2], row[3]) for row in rows} == {
        state: (word.symbol, word.word) for state, word in STATES.items()
    }
    assert {row[0].strip("`") for row in rows} == set(RANK)
    assert len({row[1] for row in rows}) == len(rows)


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_reason_stands_in_its_table(heading: str) -> None:
    (rows,) = tables(heading)
    assert [tuple(row) for row in rows] == [
        (f"`{reason.name}`", reason.text, reason.mend, f"`{reason.letter}`" if reason.letter else "")
        for reason in REASONS.values()
        if reason.group == SECTIONS[heading]
    ]


def test_letters_of_reasons_are_of_one_meaning_and_do_not_look_like_marks() -> None:
    letters = [reason.letter for reason in REASONS.values() if reason.letter]
    assert len(letters) == len(set(letters))
    assert all(letter.isascii() and letter.isalnum() for letter in letters)


def test_the_reasons_of_healthy_are_those_of_the_code() -> None:
    (rows,) = tables("The condition Healthy")
    assert {row[0].strip("`"): row[1] for row in rows} == dict(health.REASONS)


def test_the_characters_of_runs_are_those_of_the_code() -> None:
    (rows,) = tables("The history in status")
    assert [row[0].strip("`") for row in rows] == list(marks.WORDS)


def test_the_limits_are_the_defaults() -> None:
    said = {
        (kind, measurement, float(warning), float(critical))
        for kinds, measurement, warning, critical in tables("Limits")[0]
        for kind in (limits.DEFAULTS if kinds == "all" else kinds.split(", "))
    }
    assert said == {
        (kind, f"`{limit.measurement}` at least", limit.warning, limit.critical)
        for kind, defaults in limits.DEFAULTS.items()
        for limit in defaults
        if limit.at_least
    }


def test_what_can_be_limited_is_what_is_measured() -> None:
    said = {kind: set(re.findall(r"`(\w+)`", names)) for kind, names in tables("Limits")[1]}
    assert said.pop("custom") == set()
    assert said == {kind: set(names) - {limits.SUCCESS} for kind, names in MEASUREMENTS.items()}
    assert all(limit.measurement in MEASUREMENTS.get(kind, ()) for kind in MEASUREMENTS for limit in limits.of(kind))


def test_examples_of_runs_come_out_as_the_table_says() -> None:
    rows = tables("When a cell changes")[0]
    patterns = ["ooox", "oooxo", "oxooxoo", "o" * 23 + "x", "oxx", "xxo", "xxoo", "ooxooxoox"]
    assert [row[1] for row in rows[:-1]] == [lake.state(pattern) for pattern in patterns]
    assert rows[-1][1] == "unknown"


def test_examples_of_maintenance_are_taken() -> None:
    own, reference, config_map = (yaml.load(block, yaml.BaseLoader) for block in blocks("Maintenance", "yaml"))  # noqa: S506
    assert [validated(Maintenance, entry).name for entry in own["maintenance"]] == ["tape-robot-2026-12"]
    named = reference["maintenanceFrom"][0]["configMapRef"]
    assert named["name"] == config_map["metadata"]["name"]
    found = maintenance._read(config_map["data"][named["key"]])
    assert found.problems == ()
    assert [entry.name for entry in found.entries] == ["gocdb-36112", "gocdb-36140"]


def test_the_script_for_gocdb_gives_a_list_that_is_taken() -> None:
    (source,) = blocks("Maintenance", "python")
    script: dict[str, Any] = {"__name__": "gocdb"}
    exec(compile(source, "gocdb.py", "exec"), script)  # noqa: S102 - our own documentation
    found = maintenance._read(json.dumps(script["entries"](GOCDB), indent=1))
    assert found.problems == ()
    (entry,) = found.entries
    assert (entry.from_, entry.to, entry.sites) == ("2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", ("pic",))
    assert entry.reason == 'GOCDB 32578: dCache: "new" disks'


def test_the_example_of_a_program_of_ones_own_is_read() -> None:
    (text,) = blocks("A program of your own", "json")
    jsonschema.validate(json.loads(text), json.loads((ROOT / "images/probe/envelope.schema.json").read_text("utf-8")))
    found = envelope.read(text, "nightly-29400000", lake.START.replace(year=2027))
    assert isinstance(found, Message)
    assert found.samples == {
        CellKey("tape-robot"): Sample("bad", "Slow", {"seconds": 91.5}),
        CellKey("CERN", "PIC", "davs"): Sample("ok"),
    }


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert links
    assert all((ROOT / "docs" / link).exists() for link in links)
