"""The catalogue of metrics and alerts says what the code does."""

import re
from pathlib import Path

from datalake_operator.metrics.probes import FAMILIES, STATES
from datalake_operator.monitoring.panels import states
from datalake_operator.monitoring.rule import RUNBOOK
from datalake_operator.monitoring.rules import ALERTS, RECORDS

DOCS = Path(__file__).parents[2] / "docs"
METRICS = (DOCS / "metrics.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()


def test_the_families_of_probes_stand_in_the_catalogue() -> None:
    rows = re.findall(r"^\| `(datalake_\w+)` \| (\w+) \| ([^|]*) \|", METRICS, re.MULTILINE)
    written = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert {name: written.get(name) for name in FAMILIES} == {
        name: (family.type, family.labels) for name, family in FAMILIES.items()
    }


def test_the_numbers_of_states_stand_in_the_catalogue() -> None:
    words = {"notrun": "not run yet"}
    said = ", ".join(f"{number} {words.get(state, state)}" for state, number in STATES.items())
    assert said in METRICS


def test_every_state_has_a_symbol_a_word_and_a_colour_on_the_dashboard() -> None:
    (mapping,) = states()
    assert set(mapping["options"]) == {str(number) for number in STATES.values()}
    assert len({option["text"] for option in mapping["options"].values()}) == len(STATES)
    assert len({option["color"] for option in mapping["options"].values()}) == len(STATES)


def test_the_table_of_alerts_is_the_rules() -> None:
    rows = re.findall(r"^\| `(Datalake\w+)` \| (\w+) \| (\w+) \| ([^|]*)\|$", METRICS, re.MULTILINE)
    assert [
        (name, severity, wait, set(filter(None, quiet.strip().replace("`", "").split(", "))))
        for name, severity, wait, quiet in rows
    ] == [(alert.name, alert.severity, alert.wait, {unless.name for unless in alert.unless}) for alert in ALERTS]


def test_recording_rules_are_explained() -> None:
    assert re.findall(r"^\| `(\w+:\w+:\w+)` \|", METRICS, re.MULTILINE) == [rule["record"] for rule in RECORDS]


def test_each_alert_leads_to_a_section_of_its_name() -> None:
    sections = re.findall(r"^### (Datalake\w+)$", OPERATIONS, re.MULTILINE)
    assert sections == [alert.name for alert in ALERTS]
    for alert in ALERTS:
        assert alert.rule()["annotations"]["runbook_url"] == f"{RUNBOOK}#{alert.name.lower()}"
