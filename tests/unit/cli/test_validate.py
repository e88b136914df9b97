from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from datalake_operator import __version__
from datalake_operator.cli import main
from tests.support.bad_input import BadInput, each_row, minimal

GOOD = yaml.safe_dump(minimal("XCacheNode"))
SITE = "add it: Name of the site as operators and Rucio know it, e.g. IN2P3-CC; XRootD puts it into all monitoring"
PATH = "end it after the port, and name the path in exports"
BAD = """\
# a comment
apiVersion: datalake.projectescape.eu/v1alpha1
kind: XCacheNode
metadata: {name: cache}
spec:
  sit: TEST
  origin:
    url: root://origin.example.org:1094/escape
  storage:
    data:
      - name: d0
        claim: {size: 10Gi}
      - name: d1
        claim:
          size: much
  auth: {clients: {anonymous: true}, origin: {anonymous: true}}
"""


def validate(*arguments: str, text: str | None = None) -> tuple[int, list[str]]:
    result = CliRunner().invoke(main, ["validate", *arguments], input=text)
    return result.exit_code, result.output.splitlines()


def test_a_good_file_is_0(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    assert validate(str(file)) == (0, ["1 valid"])


@pytest.mark.parametrize("kind", ["XCacheNode", "RucioServer", "QoSProbe"])
def test_what_kubectl_gives_of_a_resource_that_lives_is_as_good(kind: str) -> None:
    asked = {"annotations": {"datalake.projectescape.eu/reconcile-at": "now"}}
    body = minimal(kind)
    body["metadata"] |= asked
    body["status"] = {"observedGeneration": 1, "lastHandledReconcileAt": "now", "conditions": []}
    assert validate("-", text=yaml.safe_dump(body)) == (0, ["1 valid"])


def test_each_problem_has_file_line_field_message_and_mend(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    assert validate(str(file)) == (
        1,
        [
            f"{file}:6: spec.sit: is not a field; did you mean site?",
            f"{file}:5: spec.site: is required; {SITE}",
            f"{file}:8: spec.origin.url: must not have a path (XRootD: badly formed origin URL); {PATH}",
            f"{file}:15: spec.storage.data[1].claim.size: must be a quantity like 10Gi, 500M or 1e9",
            "1 invalid, 0 valid",
        ],
    )


def test_several_documents_of_standard_input_are_read_and_strangers_skipped() -> None:
    text = f"{GOOD}---\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: demo}}\n---\n{BAD}"
    code, lines = validate("-", text=text)
    assert code == 1
    assert lines[0].startswith("<stdin>:")
    assert lines[-1] == "1 invalid, 1 valid, 1 of other kinds skipped"


def test_the_items_of_a_list_are_read_with_their_lines() -> None:
    items = "".join(f"  {line}\n" for line in BAD.splitlines()[1:])
    code, lines = validate("-", text=f"apiVersion: v1\nkind: List\nitems:\n-{items[1:]}")
    assert code == 1
    assert lines[0].startswith("<stdin>:8: spec.sit")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: XCacheNode", "<stdin>:1: apiVersion: is not ours; write datalake.projectescape.eu/v1alpha1"),
        (
            "apiVersion: datalake.projectescape.eu/v1alpha1\nkind: XCachenode",
            "<stdin>:2: kind: is unknown; write one of RucioServer, XCacheNode, QoSProbe",
        ),
        ("[]", "<stdin>:1: is not an object; write a manifest with apiVersion, kind, metadata, spec"),
    ],
)
def test_what_was_meant_to_be_ours_is_not_skipped(text: str, said: str) -> None:
    code, lines = validate("-", text=text)
    assert (code, lines[0]) == (1, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "Error: <stdin>: line 1: "),
        ("a: 1\na: 2\n", "Error: <stdin>: line 2: a is there twice"),
        ("a:\n\tb: 1\n", "Error: <stdin>: line 2: a tab; indent with blanks"),
        ("a: &x [*x]\nkind: XCacheNode", ""),
        ("? [a]\n: 1\n", "Error: <stdin>: "),
    ],
)
def test_what_is_no_yaml_is_2_with_its_line(text: str, said: str) -> None:
    result = CliRunner().invoke(main, ["validate", "-"], input=text)
    assert not isinstance(result.exception, RecursionError)
    if said:
        assert result.exit_code == 2
        assert said in result.output


def test_a_file_that_is_no_text_is_2(tmp_path: Path) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert validate(str(file)) == (2, [f"Error: {file}: is not text in UTF-8"])


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    none = tmp_path / "none.yaml"
    assert validate(str(none), str(file)) == (2, [f"Error: {none}: No such file or directory", "1 valid"])


@pytest.mark.parametrize(
    ("text", "skipped"), [("", ""), ("# nothing\n---\n", ""), ("kind: Namespace", ", 1 of other kinds skipped")]
)
def test_that_nothing_was_checked_is_said(text: str, skipped: str) -> None:
    assert validate("-", text=text) == (0, [f"0 valid: there is no object of datalake.projectescape.eu{skipped}"])


def test_fields_of_the_metadata_are_known_too() -> None:
    code, lines = validate("-", text=GOOD.replace("metadata:\n", "metadata:\n  nmespace: demo\n"))
    assert (code, lines[0]) == (1, "<stdin>:4: metadata.nmespace: is not a field; did you mean namespace?")


def test_a_file_that_is_not_there_is_2(tmp_path: Path) -> None:
    code, lines = validate(str(tmp_path / "none.yaml"))
    assert code == 2
    assert lines == [f"Error: {tmp_path}/none.yaml: No such file or directory"]


def test_no_file_is_wrong_usage() -> None:
    assert validate()[0] == 2


def test_dates_are_text_as_for_the_server() -> None:
    body = minimal("XCacheNode")
    text = yaml.safe_dump(body).replace("site: TEST", "site: 2027-01-31")
    assert validate("-", text=text) == (0, ["1 valid"])


@each_row()
def test_bad_input_is_told_as_the_table_says(row: BadInput) -> None:
    code, lines = validate("-", text=yaml.safe_dump(row.manifest))
    assert code == 1
    told = [line.split(": ", 1)[1] for line in lines[:-1]]
    assert told == list(row.validate)


def test_the_version_is_that_of_the_package() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output
