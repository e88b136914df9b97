"""`docs/rucio.md` says what the code does: presets, reasons, versions, the restore."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.build.rucio import catalogue
from datalake_operator.build.rucio.refusals import RucioRefusal
from datalake_operator.status.pods import PodReason
from datalake_operator.status.reasons import EngineReason
from datalake_operator.status.rucio.reasons import RucioReason

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "rucio.md").read_text()
CONDITIONS = (ROOT / "docs" / "conditions.md").read_text()
REASONS = (RucioReason, RucioRefusal, EngineReason, PodReason)
KINDS = {"IfEmpty"}
AT_REST = {
    RucioReason.DATABASE_ANSWERS,
    RucioReason.BOOTSTRAPPED,
    RucioReason.SCHEMA_IS_CURRENT,
    RucioReason.SERVER_READY,
    RucioReason.LOGIN_WORKS,
    RucioReason.DAEMONS_ALIVE,
    RucioReason.SERVING,
    RucioReason.BACKUPS_FRESH,
    RucioReason.CONNECTIONS_SUFFICE,
}


def table(heading: str) -> list[list[str]]:
    """Cells of the rows of the first table below a heading, without its head."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    first = re.search(r"(^\|.*\n)+", section, re.MULTILINE)
    assert first
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in first[0].splitlines()[2:]]


def names(cell: str) -> set[str]:
    return set(re.findall("`([^`]+)`", cell))


def restore() -> dict[str, Any]:
    """The Job that restores a dump."""
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    job: dict[str, Any] = yaml.safe_load(block)
    return job


def test_the_presets_are_those_of_the_catalogues() -> None:
    minimal, standard, transfers, more, none = (names(row[1]) for row in table("Daemons"))
    documented = {
        "Minimal": minimal,
        "Standard": minimal | standard,
        "transfers": transfers,
        "standardTransfers": more,
    }
    known = [catalogue.find(version) for version in catalogue.KNOWN]
    assert documented == {preset: {name for one in known for name in one.presets[preset]} for preset in documented}
    assert none == {"instances"}


def test_every_known_version_is_named() -> None:
    (line,) = re.findall(r"^Known versions: (.*?) Another", TEXT, re.MULTILINE)
    assert set(re.findall(r"\d+\.\d+\.\d+", line)) == set(catalogue.KNOWN)


def test_every_reason_that_needs_hands_is_in_the_troubleshooting_and_no_other() -> None:
    named = {reason for row in table("Troubleshooting") for reason in names(row[0])}
    known = {value for name, value in vars(RucioReason).items() if name.isupper()}
    assert named == known - AT_REST


def test_every_example_is_named_and_every_name_is_one() -> None:
    named = set(re.findall(r"\(\.\./examples/([a-z-]+\.yaml)\)", TEXT))
    assert named == {path.name for path in (ROOT / "examples").glob("rucio-*.yaml")}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(#([a-z-]+)\)", TEXT))))
def test_every_place_it_leads_to_is_there(target: str) -> None:
    places = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    assert target in places


def test_the_restore_meets_the_restricted_standard_and_has_the_image_of_the_chart() -> None:
    pod = restore()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    image = yaml.safe_load((ROOT / "charts/datalake-operator/values.yaml").read_text())["operands"]["postgres"]["image"]
    assert container["image"] == f"ghcr.io/{image['repository']}:{image['tag']}"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_every_reason_in_the_text_is_one() -> None:
    known = {value for cls in REASONS for name, value in vars(cls).items() if name.isupper()}
    types = set(re.findall(r"^\| `(\w+)` \|", CONDITIONS.partition("\n## ")[0], re.MULTILINE))
    said = set(re.findall("`((?:[A-Z][a-z]+){2,}8?)`", TEXT))
    assert said - known - types - KINDS == set()
