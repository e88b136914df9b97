from pathlib import Path

from click.testing import CliRunner

from datalake_operator.cli import main


def monitoring(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["monitoring", *arguments])
    return result.exit_code, result.output.splitlines()


def test_rules_and_dashboard_are_written_once_and_then_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    code, lines = monitoring("--output", str(folder))
    assert (code, sorted(lines)) == (0, [f"{folder}/{name}: written" for name in ("dashboard.json", "rules.yaml")])
    assert monitoring("--output", str(folder), "--check") == (0, [])


def test_check_names_what_was_edited_and_writes_nothing(tmp_path: Path) -> None:
    monitoring("--output", str(tmp_path))
    rules = tmp_path / "rules.yaml"
    rules.write_text("edited")
    assert monitoring("--output", str(tmp_path), "--check") == (1, [f"{rules}: out of date; run datalake monitoring"])
    assert rules.read_text() == "edited"
