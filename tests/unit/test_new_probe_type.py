"""A new type of probe: one plug-in in the runner, one model, one row in a table. From its spec to its state."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.api.probe_verdict import MEASUREMENTS, TYPES
from datalake_operator.api.rules import exactly_one_of
from datalake_operator.build.probe import Targets, build, cells
from datalake_operator.build.probe.plan import type_of
from datalake_operator.probes import envelope, limits
from datalake_operator.probes.model import CellKey, Watch
from datalake_operator.probes.verdict import verdict
from datalake_probe import table
from datalake_probe.__main__ import main
from tests.support import probe_runs, toy_probe
from tests.support.toy_probe import ToyCheck
from tests.unit.build.probe_cases import PROBE_CONTEXT

NOW = datetime(2026, 11, 26, 7, tzinfo=UTC)


class ToySpec(QoSProbeSpec):
    """With one field more; in the real one it stands among the others."""

    rules = (exactly_one_of("schedule", "interval"), exactly_one_of(*TYPES, "toy"))

    toy: ToyCheck | None = None
    """Are numbers even."""


class ToyProbe(QoSProbe):
    """With that spec."""

    spec: ToySpec


def test_from_its_spec_to_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASUREMENTS, "toy", toy_probe.ROW)
    targets = [{"name": "two", "number": 2}, {"name": "three", "number": 3}]
    found = ToyProbe.model_validate(
        {
            "apiVersion": "datalake.projectescape.eu/v1alpha1",
            "kind": "QoSProbe",
            "metadata": {"name": "toy", "namespace": "science", "uid": "u-1"},
            "spec": {"interval": "1m", "timeout": "20s", "toy": {"targets": targets}},
        }
    )

    # The operator: a plan and the expected cells.
    assert type_of(found.spec) == "toy"
    expected = cells(found, Targets())
    assert expected == (("two", None, None), ("three", None, None))
    plan = json.loads(build(found, PROBE_CONTEXT, Targets())[0]["data"]["plan.json"])
    assert (plan["type"], plan["toy"]) == ("toy", {"targets": targets})

    # The runner: an envelope.
    environment = probe_runs.write(tmp_path, plan | {"control": [], "trust": probe_runs.TRUST, "jitterSeconds": 0})
    assert main(environment, {**table.TYPES, "toy": toy_probe}) == 0
    message = (tmp_path / "message").read_text()

    # The operator again: a run, and after two of them a state.
    read = envelope.read(message, probe_runs.RUN, datetime.now(UTC))
    runs = [
        envelope.merge(name, NOW + wait, NOW + wait, {None: read})
        for name, wait in (("one", timedelta()), ("two", timedelta(minutes=1)))
    ]
    watch = Watch(tuple(CellKey(*key) for key in expected), timedelta(minutes=5), limits=limits.of("toy"))
    told = verdict(watch, {}, runs, NOW + timedelta(minutes=2)).fields
    assert {cell["source"]: cell["state"] for cell in told["cells"]} == {"two": "ok", "three": "critical"}
