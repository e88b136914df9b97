"""The README says what is there."""

import re
from pathlib import Path

from tests.e2e.grid import faults

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_file_it_leads_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_its_first_cache_rucio_and_grid_are_the_examples() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert blocks == [(ROOT / "examples" / f"{name}-minimal.yaml").read_text() for name in ("xcache", "rucio", "probe")]


def test_it_names_an_example_of_each_type_of_probe() -> None:
    examples = {path.name for path in (ROOT / "examples").glob("probe-*.yaml")}
    assert examples - set(re.findall(r"examples/(probe-[a-z]+\.yaml)", README)) == {"probe-transfer.yaml"}  # as minimal


def test_every_target_it_names_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z0-9]+(?:-[a-z0-9]+)*)", README)) - targets == set()


def test_it_watches_one_kind_at_a_time_which_is_all_that_kubectl_can() -> None:
    texts = [README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))]
    texts.append((ROOT / "tests/demo/up.py").read_text())
    assert [found for text in texts for found in re.findall(r"kubectl get datalake[^`\n]*--watch", text)] == []


def test_its_faults_are_those_that_happen_to_the_lake() -> None:
    begin, end = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"
    assert README.partition(begin)[2].partition(end)[0] == faults.document()
