"""Maintenance from ConfigMaps: what is right holds, and what is not is told by map, key, entry and mend."""

import json
from typing import Any

import pytest

from datalake_operator.probes.model import CellKey
from datalake_operator.status import View
from datalake_operator.status.probe.maintenance import Found, from_config_maps, misnamed, told
from tests.unit.status.probe.conftest import NOW, make_probe

GOOD: dict[str, Any] = {"name": "a", "from": "2026-11-25T08:00:00Z", "to": "2026-11-25T10:00:00Z", "sites": ["CERN"]}
PROBE = make_probe(maintenanceFrom=[{"configMapRef": {"name": "gocdb", "key": "list"}}])


def read(text: str) -> Found:
    return from_config_maps(PROBE, View(references={("ConfigMap", "gocdb"): {"data": {"list": text}}}))


YAML = """
- name: a
  from: 2026-11-25T08:00:00Z
  to: "2026-11-25T10:00:00Z"
  sites: [CERN]
"""


@pytest.mark.parametrize("text", [YAML, json.dumps([GOOD])])
def test_yaml_with_and_without_quotes_and_json_are_read(text: str) -> None:
    found = read(text)
    assert found.problems == ()
    assert [(one.name, one.from_, one.to, one.sites) for one in found.entries] == [
        ("a", "2026-11-25T08:00:00Z", "2026-11-25T10:00:00Z", ("CERN",))
    ]


@pytest.mark.parametrize("text", ["", "[]", "null", "# nothing"])
def test_a_list_may_be_empty(text: str) -> None:
    assert read(text) == Found((), ())


def test_a_list_that_is_no_text_is_told() -> None:
    live = {("ConfigMap", "gocdb"): {"binaryData": {"list": "W10="}}}
    found = from_config_maps(PROBE, View(references=live))
    assert found.problems == ("ConfigMap gocdb, key list: is in binaryData; write it as text, into data",)


BAD: dict[str, tuple[str, str]] = {
    "no list": ("a: b", "is no list"),
    "no YAML": ("- [", "is no YAML and no JSON (line 2)"),
    "no end": (json.dumps([{"name": "b", "from": "2026-11-25T08:00:00Z"}]), "entry 1 ('b'): to: is required"),
    "no object": ("- hello", "entry 1: must be an object"),
    "turned round": (json.dumps([GOOD | {"from": GOOD["to"], "to": GOOD["from"]}]), "entry 1 ('a'): to: must be after"),
    "a field's name": (
        json.dumps([GOOD | {"site": ["CERN"]}]),
        "entry 1 ('a'): site is not a field; did you mean sites?",
    ),
    "a field": (json.dumps([GOOD | {1: 2}]), "entry 1 ('a'): 1 is not a field; correct the name"),
    "no time": (json.dumps([GOOD | {"to": "tomorrow"}]), "entry 1 ('a'): to:"),
    "too long": ("#" * 300_000, "has 300000 characters"),
    "a tag": ("- !!python/object/apply:os.system ['true']", "is no YAML and no JSON"),
    "aliases": (
        "- &a0 [x]\n" + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 20)),
        "uses aliases (*name)",
    ),
    "deep": ("[" * 5000, "is no YAML and no JSON"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_each_mistake_names_its_place(text: str, words: str) -> None:
    found = read(text)
    assert not found.entries
    assert found.problems[0].startswith(f"ConfigMap gocdb, key list: {words}"), found.problems


def test_valid_entries_hold_beside_bad_ones_and_a_message_stays_short() -> None:
    found = read(json.dumps([GOOD, *({"name": f"b{number}"} for number in range(5)), GOOD | {"name": "c"}]))
    assert [one.name for one in found.entries] == ["a", "c"]
    message = told(found.problems)
    assert "(and 7 more)" in message
    assert "runs go on" in message
    assert len(message) < 500


def test_a_thousand_entries_are_read_and_no_more() -> None:
    found = read(json.dumps([GOOD] * 1001))
    assert len(found.entries) == 1000
    assert "has 1001 entries" in found.problems[0]


def test_a_map_that_is_not_there_is_not_told_here() -> None:
    assert from_config_maps(PROBE, View(references={("ConfigMap", "gocdb"): None})) == Found((), ())
    assert from_config_maps(PROBE, View(references={("ConfigMap", "gocdb"): {"data": None}})) == Found((), ())


def test_a_slip_in_a_name_is_told_since_it_would_excuse_nobody() -> None:
    """Not in an entry that is over, and not in a list that serves other probes too."""
    url = {"protocol": "root", "url": "root://d.example.org//probe"}
    spec: dict[str, Any] = {"tcp": None, "endpoints": [{"name": "SITE-A-DISK", "site": "SITE-A", "urls": [url]}]}
    spec |= {"storage": {"endpoints": ["SITE-A-DISK"]}}
    wrong: dict[str, Any] = {"name": "w", "from": "2026-11-25T08:00:00Z", "endpoints": ["site-a-disk"], "sites": ["X"]}
    entries = [wrong | {"to": "2026-11-25T14:00:00Z"}, wrong | {"name": "past", "to": "2026-11-25T12:00:00Z"}]
    cells = (CellKey("SITE-A-DISK", None, "root"),)
    assert misnamed(make_probe(**spec, maintenance=entries), cells, NOW) == (
        "spec.maintenance[0].endpoints: site-a-disk is no endpoint or target of this probe; did you mean SITE-A-DISK?",
        "spec.maintenance[0].sites: X is the site of no entry in spec.endpoints; correct the name",
    )
    right = {**entries[0], "endpoints": ["SITE-A-DISK"], "sites": ["SITE-A"]}
    assert misnamed(make_probe(**spec, maintenance=[right]), cells, NOW) == ()
    target = {**entries[0], "endpoints": ["a"], "sites": []}
    assert misnamed(make_probe(maintenance=[target]), (CellKey("a"),), NOW) == ()


def test_a_program_of_ones_own_may_call_its_targets_what_it_wants() -> None:
    entry = {"name": "w", "from": "2026-11-25T08:00:00Z", "to": "2026-11-25T14:00:00Z", "endpoints": ["robot"]}
    custom = {"image": {"repository": "example.org/mine", "tag": "1"}}
    assert misnamed(make_probe(tcp=None, custom=custom, maintenance=[entry]), (), NOW) == ()
