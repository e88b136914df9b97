"""What a mesh costs: nothing beyond the budget, each pair once a day at least, and otherwise a refusal with figures."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.values import parse_quantity
from datalake_operator.build.probe import Targets, budget, build, cells, schedule, sizes
from datalake_operator.build.probe import shape as shapes
from datalake_operator.build.refused import Refused
from datalake_probe import mesh as runner
from datalake_probe.plan import Plan, Turn, parse
from tests.unit.build.probe_cases import PROBE_CONTEXT, made, mesh, tcp


def test_what_is_no_mesh_runs_as_often_as_its_schedule() -> None:
    assert budget.pair_interval(tcp(interval="15m")) == 900
    assert budget.rotation(tcp()).groups == 1


def test_a_mesh_within_its_budget_runs_wholly_each_time() -> None:
    found = budget.rotation(mesh(4, transfer={"payload": {"size": "10Mi"}}))  # 12 x 10Mi x 96: 11.25Gi
    assert (found.groups, found.pair_interval) == (1, 900)


def test_pairs_take_turns_where_all_would_be_too_many_bytes() -> None:
    probe = mesh(4, transfer={"payload": {"size": "100Mi"}})  # 12 x 100Mi x 96 are 112.5Gi, and 50Gi the default
    assert (budget.rotation(probe).groups, budget.pair_interval(probe)) == (3, 2700)


def test_files_that_are_read_only_count_with_their_own_size() -> None:
    tape = {
        "name": "T",
        "site": "T",
        "access": "ReadOnly",
        "readFile": {"path": "f", "size": 2**40, "adler32": "0" * 8},
    }
    ends = [
        {**tape, "urls": [{"protocol": "root", "url": "root://t.example.org"}]},
        {"name": "D", "site": "D", "urls": [{"protocol": "root", "url": "root://d.example.org//probe"}]},
    ]
    with pytest.raises(Refused, match="the pair moves 1Ti in each of 96 runs a day") as caught:
        budget.rotation(made(endpoints=ends, transfer={"sources": ["T"], "destinations": ["D"]}))
    assert caught.value.reason == "BudgetImpossible"


def test_a_pair_that_had_its_turn_less_than_once_a_day_is_refused_with_the_figures() -> None:
    with pytest.raises(Refused) as caught:
        budget.rotation(mesh(10, transfer={"payload": {"size": "1Gi"}, "maxBytesPerDay": "60Gi"}))
    assert caught.value.message == (
        "spec.transfer.maxBytesPerDay: all 90 pairs move 90Gi in each of 96 runs a day, so with 60Gi a day each pair "
        "would have its turn every 36h, and 24h is the most; write 90Gi or more, or a smaller "
        "spec.transfer.payload.size, or test fewer pairs"
    )


def test_a_schedule_by_which_a_pair_never_has_its_turn_is_refused() -> None:
    """Of three groups the hours 0 and 3 have the same one."""
    more = {"payload": {"size": "1Gi"}, "maxBytesPerDay": "12Gi"}
    with pytest.raises(Refused, match="less than once a day by this schedule, and 24h is the most; write 36Gi or more"):
        budget.rotation(mesh(4, schedule="0 0,1,3 * * *", transfer=more))
    assert budget.rotation(mesh(4, schedule="0 0,1,2 * * *", transfer=more)).groups == 3


@pytest.mark.parametrize(
    ("timing", "window", "held"),
    [
        ({"interval": "5m"}, "5h20m", None),
        ({"interval": "5m"}, "6h", 72),
        ({"schedule": "*/5 9-10 * * *"}, "48h", None),
        ({"schedule": "*/5 9-10 * * *"}, "72h", 72),
        ({"interval": "1h"}, "64h", None),
    ],
)
def test_a_window_of_figures_holds_no_more_runs_than_are_remembered(
    timing: dict[str, str], window: str, held: int | None
) -> None:
    figure = {"measurement": "connect_seconds", "atMost": {"warning": "1", "critical": "2"}, "window": window}
    ratio = {"measurement": "success_ratio", "atLeast": {"warning": "0.9", "critical": "0.8"}, "window": "720h"}
    probe = tcp(thresholds=[ratio, figure], **timing)
    if held is None:
        shapes.of(probe, Targets())
        return
    with pytest.raises(
        Refused, match=rf"spec\.thresholds\[1\]\.window: {window} hold {held} runs, one every 5m"
    ) as caught:
        shapes.of(probe, Targets())
    assert caught.value.reason == "HistoryTooShort"


def test_a_mesh_that_the_time_does_not_suffice_for_is_refused_with_the_figures() -> None:
    with pytest.raises(Refused) as caught:
        shapes.of(mesh(8, timeout="20s", transfer={"payload": {"size": "1Mi"}}), Targets())
    assert caught.value.message == (
        "spec.timeout: 56 transfers of 1Mi a run, 2 at a time, take 29s even at 10 Gb/s, and 20s are allowed; write "
        "1m25s or more, or raise maxConcurrent and maxConcurrentPerEndpoint, or test fewer pairs"
    )


def test_concurrency_is_no_more_than_the_ends_allow() -> None:
    one_source = mesh(8, transfer={"sources": ["SITE-00"], "maxConcurrent": 64, "maxConcurrentPerEndpoint": 3})
    assert budget.at_once(one_source.spec) == 3
    assert budget.at_once(mesh(8, transfer={"maxConcurrent": 5}).spec) == 5


def test_pods_of_an_indexed_run_keep_to_both_limits_together() -> None:
    more: dict[str, Any] = {"payload": {"size": "1Mi"}, "maxConcurrent": 9, "maxConcurrentPerEndpoint": 4}
    found = shapes.of(mesh(20, timeout="1h", transfer=more), Targets())
    assert found.indexed
    assert (found.parallel, found.concurrent) == (4, 1)
    assert found.deadline == 3600 // 5
    assert found.pod_deadline == found.deadline + 30
    assert found.job_deadline == 5 * found.pod_deadline + 60
    assert found.sources == tuple(f"SITE-{number:02}" for number in range(20))


def test_pods_that_would_have_no_time_are_refused_with_the_figures() -> None:
    more: dict[str, Any] = {"payload": {"size": "1Ki"}, "maxConcurrentPerEndpoint": 1, "maxBytesPerDay": "1Mi"}
    with pytest.raises(Refused, match=r"spec\.timeout: 20 sources, 1 at a time, have 9s each; write 3m20s or more"):
        shapes.of(mesh(20, interval="1h", timeout="3m", transfer=more), Targets())


def test_more_cells_than_status_holds_are_refused_with_the_figures() -> None:
    with pytest.raises(Refused, match="4096 cells, and 2048 are the most that status can hold") as caught:
        shapes.of(mesh(64, transfer={"payload": {"size": "1Ki"}}), Targets())
    assert caught.value.reason == "TooManyCells"


def test_a_mesh_of_forty_by_forty_is_served() -> None:
    more: dict[str, Any] = {"payload": {"size": "1Mi"}, "maxConcurrent": 16, "maxConcurrentPerEndpoint": 16}
    found = mesh(40, timeout="30m", transfer=more)
    assert len(cells(found, Targets())) == 1600
    assert shapes.of(found, Targets()).indexed


def test_an_answer_that_no_pod_can_give_is_refused_with_the_figures() -> None:
    names = [f"{'a-very-long-name-of-an-endpoint' * 2}-{chr(65 + n % 26)}{n:02}"[-63:] for n in range(64)]
    protocols = ("root", "roots", "http", "https", "davs")
    urls = [{"protocol": one, "url": f"{one}://{one}.example.org/probe"} for one in protocols]
    endpoints = [{"name": name, "site": "S", "urls": urls} for name in names]
    found = made(endpoints=endpoints, storage={"endpoints": names})
    if sizes.fit(cells(found, Targets()), figures=False):
        shapes.of(found, Targets())
        return
    with pytest.raises(Refused, match=r"the answer of a run has up to \d+ bytes, and 4096 are the most"):
        shapes.of(found, Targets())


MESHES = st.builds(
    lambda size, interval, payload, most, protocols: mesh(
        size,
        interval=interval,
        timeout="6h",
        protocols=protocols,
        transfer={"payload": {"size": f"{payload}Mi"}, "maxBytesPerDay": f"{most}Gi", "maxConcurrent": 64},
    ),
    st.integers(2, 9),
    st.sampled_from(["5m", "15m", "1h", "4h", "24h"]),
    st.integers(1, 2000),
    st.integers(1, 200),
    st.sampled_from([("root",), ("root", "http")]),
)


@given(MESHES)
@settings(max_examples=60, deadline=None)
def test_no_day_moves_more_than_its_budget_and_each_pair_has_its_turn_in_time(probe: QoSProbe) -> None:
    """Run by run as the runner does it, from the plan that it is given."""
    try:
        children = build(probe, PROBE_CONTEXT, Targets())
    except Refused:
        return
    plan = parse(children[0]["data"]["plan.json"])
    check = probe.spec.transfer
    assert check is not None
    timing, limit, turns = schedule.of(probe), budget.pair_interval(probe), budget.rotation(probe)
    group_of = budget.group_of(probe.spec, turns.groups)
    by_day: dict[int, int] = defaultdict(int)
    last: dict[runner.Link, int] = {}
    for moment in timing.times(timing.runs_a_day * 4):
        for link in links(plan, moment):
            by_day[moment // 86400] += plan.section["size"]
            assert group_of[link[:2]] == moment // turns.period % turns.groups
            assert moment - last.get(link, moment) <= limit
            last[link] = moment
    assert max(by_day.values()) <= parse_quantity(check.max_bytes_per_day)
    assert {tuple(link) for link in last} == {cell for cell in cells(probe, Targets()) if cell[1] is not None}


def links(plan: Plan, moment: int) -> list[runner.Link]:
    """What all pods of the run of a moment do."""
    numbers = range(len(plan.section["sources"])) if plan.section["indexed"] else [None]
    turns = [Turn(f"mesh-{moment // 60}", number) for number in numbers]
    return [link for turn in turns for link in runner.due(replace(plan, turn=turn))]
