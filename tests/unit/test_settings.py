"""What the environment tells the operator."""

import re
from pathlib import Path
from typing import Any

import pytest

from datalake_operator.settings import InvalidSetting, Settings

ROOT = Path(__file__).parents[2]


def test_without_any_variable_the_operator_serves_its_own_namespace() -> None:
    settings = Settings.from_environment({})
    assert settings.namespaces == ("default",)
    assert settings.lease == ""
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)  # noqa: S104 - only compared


def test_a_star_means_all_namespaces() -> None:
    assert Settings.from_environment({"DATALAKE_NAMESPACES": "*"}).namespaces == ()


def test_namespaces_are_a_list() -> None:
    assert Settings.from_environment({"DATALAKE_NAMESPACES": "b, a,b,"}).namespaces == ("a", "b")


def test_durations_are_written_as_in_the_api() -> None:
    assert Settings.from_environment({"DATALAKE_RESYNC": "1h30m"}).resync == 5400
    assert Settings.from_environment({"DATALAKE_RESYNC": "1500ms"}).resync == 1.5


@pytest.mark.parametrize(
    ("listen", "host"), [("127.0.0.1:8080", "127.0.0.1"), ("[::]:8080", "::"), (":8080", ""), ("8080", "")]
)
def test_an_address_may_be_of_either_family_or_of_both(listen: str, host: str) -> None:
    settings = Settings.from_environment({"DATALAKE_LISTEN": listen})
    assert (settings.host, settings.port) == (host, 8080)


def test_every_variable_and_its_default_are_in_the_documentation() -> None:
    read: dict[str, str] = {}

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read[name] = default or ""
            return default

    Settings.from_environment(Environment())
    rows = re.findall(r"^\| `(DATALAKE_\w+)` \| (.*?) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    documented = dict(rows)
    assert documented.keys() == read.keys()
    fixed = {name: f"`{default}`" for name, default in read.items() if default and "NAMESPACE" not in name}
    assert {name: documented[name] for name in fixed} == fixed


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATALAKE_WORKERS", "0", "no whole number from 1 to 64"),
        ("DATALAKE_WORKERS", "many", "no whole number from 1 to 64"),
        ("DATALAKE_RESYNC", "10", "no duration; write it as"),
        ("DATALAKE_RESYNC", "0s", "too short"),
        ("DATALAKE_LEASE_RETRY_PERIOD", "0ms", "too short"),
        ("DATALAKE_LISTEN", "8080x", "no whole number from 0 to 65535"),
        ("DATALAKE_LOG_FORMAT", "xml", "none of text, json"),
        ("DATALAKE_LOG_LEVEL", "loud", "none of DEBUG"),
        ("DATALAKE_LEASE_DURATION", "5s", "does not hold"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable_and_the_mend(variable: str, value: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words) as error:
        Settings.from_environment({variable: value})
    assert variable in str(error.value)
