import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped] # Argo CD runs Lua 5.1

from tests.charts.helm import ROOT

FOLDER = ROOT / "examples" / "argocd"
CASES = yaml.safe_load((FOLDER / "health_test.yaml").read_text())["tests"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: Path(case["inputPath"]).stem)
def test_argo_cd_sees_the_health_that_status_tells(case: dict[str, Any]) -> None:
    lua = LuaRuntime()
    lua.globals().obj = lua.table_from(yaml.safe_load((FOLDER / case["inputPath"]).read_text()), recursive=True)
    assert dict(lua.execute((FOLDER / "health.lua").read_text())) == case["healthStatus"]


def test_the_snippet_for_argocd_cm_holds_the_tested_script() -> None:
    snippet = yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text())
    customizations = yaml.safe_load(snippet["data"]["resource.customizations"])
    script = customizations["datalake.projectescape.eu/*"]["health.lua"]
    assert textwrap.dedent(script) == (FOLDER / "health.lua").read_text()


def test_every_testdata_file_is_a_case() -> None:
    assert {f"testdata/{file.name}" for file in (FOLDER / "testdata").iterdir()} == {
        case["inputPath"] for case in CASES
    }
