"""What the environment tells the operator."""

import pytest

from datalake_operator.settings import InvalidSetting, Settings


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
    ("variable", "value", "words"),
    [
        ("DATALAKE_WORKERS", "0", "no whole number from 1 to 64"),
        ("DATALAKE_WORKERS", "many", "no whole number from 1 to 64"),
        ("DATALAKE_RESYNC", "10", "no duration; write it as"),
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
