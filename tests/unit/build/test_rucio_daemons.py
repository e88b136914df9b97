"""Which daemons run, with which words; what a version does not have is refused with the nearest that it has."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.api.problems import InvalidResource
from datalake_operator.build import Refused
from datalake_operator.build.rucio import catalogue
from datalake_operator.build.rucio.daemons import instances
from tests.unit.build.rucio_cases import children, container, rucio, templates

MINIMAL = [
    *("abacus-account", "abacus-rse", "judge-cleaner", "judge-evaluator", "judge-injector", "judge-repairer"),
    *("minos", "necromancer", "reaper", "transmogrifier", "undertaker"),
]
CONVEYOR = ["conveyor-submitter", "conveyor-poller", "conveyor-finisher", "conveyor-preparer"]


def words(name: str, **spec: Any) -> list[str]:
    """The words that the container of a daemon instance is given, as Kubernetes reads them."""
    found = container(templates(children(rucio(**spec)))["Deployment", f"rucio-{name}"])
    return [*found["command"], *map(expanded, found.get("args", []))]


def expanded(word: str) -> str:
    """What Kubernetes makes of a word (third_party/forked/golang/expansion), for variables that are all there."""
    return re.sub(r"\$(\$|\([^)]*\))", lambda found: "$" if found[1] == "$" else "EXPANDED", word)


def one(**said: Any) -> dict[str, Any]:
    return {"daemons": {"preset": "None", "instances": [{"name": "reaper", **said}]}}


def test_presets() -> None:
    def names(**spec: Any) -> list[str]:
        return [instance.name for instance in instances(rucio(**spec))]

    assert names() == MINIMAL
    assert names(daemons={"preset": "None"}) == []
    assert names(transfers={"tools": ["mock"]}) == MINIMAL + CONVEYOR
    standard = names(daemons={"preset": "Standard"})
    assert set(MINIMAL) < set(standard)
    assert not any(name.startswith("conveyor") for name in standard)
    moving = names(daemons={"preset": "Standard"}, transfers={"tools": ["fts3"]})
    assert {*standard, *CONVEYOR, "conveyor-stager", "conveyor-throttler"} == set(moving)


def test_instances_lie_over_the_preset_and_add_to_it() -> None:
    said = [{"name": "reaper", "threads": 3}, {"name": "reaper-tape", "daemon": "reaper", "replicas": 2}]
    found = {instance.name: instance for instance in instances(rucio(daemons={"instances": said}))}
    assert list(found) == [*MINIMAL, "reaper-tape"]
    assert found["reaper"].arguments == ("--threads=3",)
    assert (found["reaper-tape"].daemon, found["reaper-tape"].replicas) == ("reaper", 2)


def test_words_of_a_daemon() -> None:
    options = [
        {"flag": "include-rses", "values": ["tape=true"]},
        {"flag": "greedy"},
        {"flag": "rses", "values": ["A", "B"]},
    ]
    assert words("reaper", **one(threads=2, sleepTime="2m", options=options)) == [
        *("tini", "--", "rucio-run", "rucio-reaper", "--threads=2", "--sleep-time=120"),
        *("--include-rses=tape=true", "--greedy", "--rses", "A", "B"),
    ]
    assert words("reaper", **one()) == ["tini", "--", "rucio-run", "rucio-reaper"]


def test_the_conveyor_pauses_a_minute_at_most_unless_told_otherwise() -> None:
    mock = {"tools": ["mock"]}
    assert words("conveyor-submitter", transfers=mock)[4:] == ["--sleep-time=60"]
    assert words("conveyor-finisher", transfers=mock)[4:] == []  # 30 are its own
    said = {"instances": [{"name": "conveyor-submitter", "sleepTime": "5m"}]}
    assert words("conveyor-submitter", transfers=mock, daemons=said)[4:] == ["--sleep-time=300"]


def test_heartbeats_are_stale_after_three_rounds_but_never_before_ten_minutes() -> None:
    def limit(**said: Any) -> int:
        (found,) = instances(rucio(**one(**said)))
        return found.limit

    assert limit() == 600
    assert limit(sleepTime="10m") == 1800
    assert limit(sleepTime="10m", heartbeatTimeout="2m") == 120


def test_resources_are_its_own_else_those_of_all_else_measured_ones() -> None:
    def resources(said: dict[str, Any] | None = None, **spec: Any) -> Any:
        (found,) = instances(rucio(**one(**({"resources": said} if said else {})), **spec))
        return found.resources

    assert resources()["requests"].keys() == {"cpu", "memory"}
    assert resources(resources={"limits": {"memory": "1024Mi"}}) == {"limits": {"memory": "1Gi"}}
    assert resources({"requests": {"cpu": "0.5"}}, resources={"limits": {"memory": "1Gi"}}) == {
        "requests": {"cpu": "500m"}
    }


@pytest.mark.parametrize(
    ("spec", "reason", "message"),
    [
        ({"version": "41.6.0"}, "UnknownVersion", "spec.version: Rucio 41.6.0 is not known here; use "),
        (one(daemon="reeper"), "UnknownDaemon", "did you mean reaper?"),
        (one(daemon="zzz"), "UnknownDaemon", "there are abacus-account, "),
        (one(options=[{"flag": "include-rse", "values": ["a"]}]), "UnknownFlag", "did you mean include-rses?"),
        (one(options=[{"flag": "greedy", "values": ["a"]}]), "UnknownFlag", "--greedy is a switch"),
        (one(options=[{"flag": "include-rses"}]), "UnknownFlag", "--include-rses needs a value"),
        (one(options=[{"flag": "include-rses", "values": ["a", "b"]}]), "UnknownFlag", "takes one value"),
        (one(options=[{"flag": "rses", "values": ["a", "--greedy"]}]), "UnknownFlag", "must not begin with '-'"),
        (one(options=[{"flag": "run-once"}]), "UnknownFlag", "the daemon would end"),
        (one(options=[{"flag": "threads", "values": ["2"]}]), "UnknownFlag", "use threads"),
        (one(options=[{"flag": "sleep-time", "values": ["2"]}]), "UnknownFlag", "use sleepTime"),
        (one(daemon="conveyor-poller", threads=2), "UnknownFlag", "use its --total-threads as options"),
        (one(daemon="kronos", sleepTime="2m"), "UnknownFlag", "use its --sleep-time-datasets and --sleep-time-files"),
        (
            {"files": [{"name": "f", "secretKeyRef": {"name": "s", "key": "k"}, "for": ["reeper"]}]},
            "UnknownDaemon",
            "spec.files f: for names reeper, which does not run here; did you mean reaper?",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest_that_is(spec: dict[str, Any], reason: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        children(rucio(**spec))
    assert refused.value.reason == reason
    assert message in refused.value.message


def test_a_patched_version_is_known_and_an_unknown_one_may_be_allowed() -> None:
    assert [instance.name for instance in instances(rucio(version="41.5.1.cms7"))] == MINIMAL
    allowed = {"datalake.projectescape.eu/allow-version": "41.6.0"}
    assert [instance.name for instance in instances(rucio(version="41.6.0", annotations=allowed))] == MINIMAL
    other = {"datalake.projectescape.eu/allow-version": "41.7.0"}
    with pytest.raises(Refused):
        instances(rucio(version="41.6.0", annotations=other))


@pytest.mark.parametrize("version", catalogue.KNOWN)
def test_every_daemon_of_every_version_can_run(version: str) -> None:
    names = catalogue.find(version).daemons
    said = {"preset": "Standard", "instances": [{"name": name} for name in names]}
    found = children(rucio(version=version, daemons=said, transfers={"tools": ["fts3"]}))
    assert {name for kind, name in found if kind == "Deployment"} == {"rucio-server", *(f"rucio-{n}" for n in names)}


EVIL = st.sampled_from(
    (
        *("--run-once", "-", " --greedy", "=", "$(RUCIO_DATABASE_HOST)", "$", "$$", "$$(A)", "$(", ")", "'", '"', " "),
        *("\n", "`id`", "; id", "%", "@file", "\u00e9"),
    )
)
VALUE = st.lists(st.one_of(EVIL, st.text(max_size=4)), max_size=4).map("".join)


@given(values=st.lists(VALUE, max_size=3))
def test_no_value_becomes_another_argument(values: list[str]) -> None:
    """A daemon is given exactly the values, and each word that begins with a dash is a flag that was asked for."""
    try:
        found = words("reaper", **one(options=[{"flag": "rses", "values": values}, {"flag": "greedy"}]))[4:]
    except (InvalidResource, Refused):
        return
    assert found[-1] == "--greedy"
    if len(values) == 1:
        assert found[:-1] == [f"--rses={values[0]}"]
    else:
        assert found[:-1] == ["--rses", *values]
        assert not any(value.startswith("-") for value in values)
