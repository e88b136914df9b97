from pathlib import Path

from click.testing import CliRunner

from datalake_operator.cli import main


def crds(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["crds", *arguments])
    return result.exit_code, result.output.splitlines()


def test_files_are_written_once_and_then_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"
    names = ["kustomization.yaml", "qosprobes.yaml", "rucioservers.yaml", "xcachenodes.yaml"]
    code, lines = crds("--output", str(folder))
    assert (code, sorted(lines)) == (0, [f"{folder}/{name}: written" for name in names])
    assert crds("--output", str(folder)) == (0, [])
    assert crds("--output", str(folder), "--check") == (0, [])


def test_check_names_what_is_missing_or_edited_and_writes_nothing(tmp_path: Path) -> None:
    crds("--output", str(tmp_path))
    edited, missing = tmp_path / "qosprobes.yaml", tmp_path / "xcachenodes.yaml"
    edited.write_text("edited")
    missing.unlink()
    code, lines = crds("--output", str(tmp_path), "--check")
    assert code == 1
    assert sorted(lines) == [f"{path}: out of date; run datalake crds" for path in (edited, missing)]
    assert edited.read_text() == "edited"
    assert not missing.exists()


def test_a_folder_that_cannot_be_written_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, lines = crds("--output", str(tmp_path / "file" / "crds"))
    assert code != 0
    assert "Error" in lines[-1]
