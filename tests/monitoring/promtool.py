"""Prometheus's own tool, and unit tests of rules for it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.monitoring.cases import Labels, Series


def run(*arguments: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool with that on its standard input; its output is both of its streams."""
    return subprocess.run(
        ["promtool", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=said, text=True, check=False, timeout=60,
    )  # fmt: skip


def firing(alert: str, labels: Labels | None, at: str) -> dict[str, Any]:
    """Expect that an alert is firing at a time, with these labels and no others; None: that it is not."""
    asked = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    said = {"alertname": alert, "alertstate": "firing", **(labels or {})}
    samples = [] if labels is None else [{"labels": _selector("ALERTS", said), "value": 1}]
    return {"expr": asked, "eval_time": at, "exp_samples": samples}


def scenario(name: str, series: Iterable[Series], expected: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One unit test; a series that is given twice is the one given last."""
    latest = {_selector(one.name, one.labels): one.values for one in series}
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": selector, "values": values} for selector, values in latest.items()],
        "promql_expr_test": list(expected),
    }


def check(folder: Path, rules: str, scenarios: Iterable[Mapping[str, Any]]) -> None:
    """Run unit tests against the text of a file of rules.

    Raises:
        AssertionError: with promtool's words.
    """
    (folder / "rules.yaml").write_text(rules)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": list(scenarios)}
    (folder / "tests.yaml").write_text(yaml.safe_dump(document, sort_keys=False, width=200))
    done = run("test", "rules", folder / "tests.yaml")
    assert done.returncode == 0, done.stdout


def _selector(name: str, labels: Labels) -> str:
    return f"{name}{{{','.join(f'{label}={json.dumps(value)}' for label, value in labels.items() if value)}}}"
