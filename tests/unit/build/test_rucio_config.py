"""rucio.cfg holds what the fields say and nothing else, whatever they hold."""

import configparser
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.api.problems import InvalidResource
from datalake_operator.build import Refused
from datalake_operator.build.render import UnsafeValue
from datalake_operator.build.rucio import config
from datalake_operator.build.rucio.config import Role, data, text
from tests.unit.build.rucio_cases import children, rucio

EXTERNAL = {"external": {"urlSecretRef": {"name": "db", "key": "url"}, "schema": "prod"}}


def parsed(base: str) -> configparser.ConfigParser:
    """As Rucio reads it."""
    for reader in (str.splitlines, lambda text: text.split("\n")):
        assert len(reader(base.rstrip("\n"))) == base.rstrip("\n").count("\n") + 1  # a line for all readers
    found = configparser.ConfigParser()
    found.read_file(io.StringIO(base))
    return found


def options(base: str) -> dict[str, dict[str, str]]:
    found = parsed(base)
    assert not found.defaults()
    return {section: dict(found[section]) for section in found.sections()}


def test_the_least_has_what_rucio_needs() -> None:
    assert options(data(rucio(), Role.SERVER)["base.cfg"]) == {
        "common": {"mailtemplatedir": "/opt/rucio/etc/mail_templates", "multi_vo": "False"},
        "database": {"pool_size": "5", "max_overflow": "5"},
        "bootstrap": {"x509_identity": "", "gss_identity": "", "ssh_identity": ""},
        "policy": {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"},
        "conveyor": {"scheme": "root,davs"},
        "monitor": {"enable_metrics": "False"},
        "trace": {"tracedir": "/tmp"},  # noqa: S108 - a value in a file
        "nongrid-trace": {"tracedir": "/tmp"},  # noqa: S108
    }


def test_daemons_have_fewer_connections_and_serve_metrics() -> None:
    found = options(data(rucio(daemons={"pool": {"size": 3}}), Role.DAEMON)["base.cfg"])
    assert found["database"] == {"pool_size": "3", "max_overflow": "2"}
    assert found["monitor"] == {"enable_metrics": "True", "metrics_port": "8080"}


def test_fields_of_the_spec_become_options() -> None:
    server = rucio(
        database=EXTERNAL,
        policy={"permission": "atlas", "schema": "atlas", "lfn2pfn": "identity", "package": "pkg"},
        transfers={"tools": ["fts3", "globus"], "schemes": ["davs"]},
        server={"endpoints": {"add": ["traces", "metrics"], "remove": ["dirac"]}},
        config=[
            {"section": "common", "option": "LogLevel", "value": "INFO"},
            {"section": "own", "option": "a", "value": ""},
        ],
    )
    found = options(data(server, Role.SERVER)["base.cfg"])
    assert found["database"]["schema"] == "prod"
    assert found["policy"] == {
        "permission": "atlas",
        "schema": "atlas",
        "lfn2pfn_algorithm_default": "identity",
        "package": "pkg",
    }
    assert found["conveyor"] == {"scheme": "davs", "transfertool": "fts3,globus"}
    assert found["api"] == {"endpoints_add": "metrics,traces", "endpoints_remove": "dirac"}
    assert found["common"]["loglevel"] == "INFO"
    assert found["own"] == {"a": ""}


def test_an_empty_policy_is_the_default_one() -> None:
    found = options(data(rucio(policy={"permission": "", "schema": "", "lfn2pfn": ""}), Role.SERVER)["base.cfg"])
    assert found["policy"] == {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"}


def test_values_in_secrets_are_named_by_files_that_are_mounted() -> None:
    ref = {"name": "s", "key": "k"}
    server = rucio(
        secretConfig=[
            {"section": "a", "option": "password", "secretKeyRef": ref},
            {"section": "b", "option": "token", "secretKeyRef": ref},
        ]
    )
    files = json.loads(data(server, Role.DAEMON)["secret-options.json"])
    assert files == [
        {"section": "a", "option": "password", "file": "/run/secrets/options/0/value"},
        {"section": "b", "option": "token", "file": "/run/secrets/options/1/value"},
    ]
    pod = children(server)["Deployment", "rucio-minos"]["spec"]["template"]["spec"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "options")
    (mount,) = (mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "options")
    paths = [item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
    assert [f"{mount['mountPath']}/{path}" for path in paths] == [one["file"] for one in files]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {
                "config": [
                    {"section": "a", "option": "b", "value": "1"},
                    {"section": "a", "option": "B", "value": "2"},
                ]
            },
            "spec.config: option B of section a is said twice",
        ),
        (
            {
                "config": [{"section": "a", "option": "b", "value": "1"}],
                "secretConfig": [{"section": "a", "option": "b", "secretKeyRef": {"name": "s", "key": "k"}}],
            },
            "spec.secretConfig: option b of section a is said twice",
        ),
        (
            {"config": [{"section": "a", "option": "b", "value": "1\x85[database]"}]},
            "spec.config: the value of a.b holds a character that ends a line",
        ),
        (
            {"server": {"endpoints": {"add": ["traces"], "remove": ["traces"]}}},
            "spec.server.endpoints: traces is both added and removed",
        ),
        (
            {"server": {"endpoints": {"add": ["trace"]}}},
            "spec.server.endpoints.add: Rucio 41.5.1 has no endpoint trace; did you mean traces?",
        ),
        (
            {"version": "41.5.1", "server": {"endpoints": {"remove": ["accountlimits"]}}},
            "spec.server.endpoints.remove: Rucio 41.5.1 has no endpoint accountlimits; ",
        ),
    ],
)
def test_what_rucio_would_not_start_with_is_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        data(rucio(**spec), Role.SERVER)
    assert refused.value.reason == "InvalidSpec"
    assert refused.value.message.startswith(words)


EVIL = st.sampled_from(
    (
        *(
            "\n",
            "\r",
            "\x85",
            "\u2028",
            "\u2029",
            "\x0b",
            "\x0c",
            "\x1c",
            "\n[database]\ndefault = evil",
            "%",
            "%(a)s",
            "%%",
        ),
        *("]", "[", "=", ":", ";", "#", " ", "\t", "$(HOME)", "${database:default}", "\\", '"', "'", "\u00e9", "\n "),
    )
)
TEXT = st.lists(st.one_of(EVIL, st.text(max_size=5)), max_size=5).map("".join)


@given(value=TEXT)
def test_no_value_becomes_a_line_or_is_taken_for_something_else(value: str) -> None:
    free = [{"section": "own", "option": "a", "value": value}, {"section": "own", "option": "z", "value": "last"}]
    plain = options(data(rucio(), Role.SERVER)["base.cfg"])
    try:
        found = options(data(rucio(config=free), Role.SERVER)["base.cfg"])
    except (InvalidResource, Refused):
        return
    assert found == plain | {"own": {"a": value.strip(), "z": "last"}}


@given(section=TEXT, option=TEXT)
def test_no_name_becomes_a_line_or_another_name(section: str, option: str) -> None:
    free = [{"section": section, "option": option, "value": "1"}]
    plain = options(data(rucio(), Role.SERVER)["base.cfg"])
    try:
        found = options(data(rucio(config=free), Role.SERVER)["base.cfg"])
    except (InvalidResource, Refused):
        return
    expected = {**plain, section: plain.get(section, {}) | {option.lower(): "1"}}
    assert found == expected


@given(name=TEXT)
def test_no_name_of_a_policy_becomes_a_line(name: str) -> None:
    try:
        server = rucio(policy={"permission": name, "schema": name, "lfn2pfn": name, "package": name})
    except InvalidResource:
        return
    plain = options(data(rucio(), Role.SERVER)["base.cfg"])
    found = options(data(server, Role.SERVER)["base.cfg"])
    assert {section: set(values) for section, values in found.items() if section != "policy"} == {
        section: set(values) for section, values in plain.items() if section != "policy"
    }
    assert set(found["policy"].values()) <= {name, "generic", "hash"}


@given(value=TEXT, name=TEXT)
def test_the_second_lock_holds_without_the_models(value: str, name: str) -> None:
    try:
        base = text({"s": {"a": value}, name: {"b": "1"}})
    except UnsafeValue:
        return
    assert options(base) == {"s": {"a": value.strip()} | ({"b": "1"} if name == "s" else {})} | (
        {} if name == "s" else {name: {"b": "1"}}
    )


@pytest.mark.parametrize("name", ["DEFAULT", "", "a]", "a b", "[a", "-"])
def test_no_section_reaches_all_others(name: str) -> None:
    with pytest.raises(UnsafeValue):
        text({name: {"a": "1"}})


def test_the_folder_of_options_is_the_one_that_pods_have() -> None:
    assert config.OPTIONS == "/run/secrets/options"
