"""The model of the page: bodies in, what is drawn out."""

from typing import Any

from datalake_operator.web import operands, probe
from datalake_operator.web.grid import overview
from tests.support import lake
from tests.support.lake import Body, at, cell, condition, endpoint
from tests.support.scenes import troubled


def model(*bodies: Body) -> dict[str, Any]:
    kinds: dict[str, list[Any]] = {"QoSProbe": [], "XCacheNode": [], "RucioServer": []}
    readers = {"QoSProbe": probe.read, "XCacheNode": operands.cache, "RucioServer": operands.server}
    for body in bodies:
        kinds[body["kind"]].append(readers[body["kind"]](body))
    return overview(kinds["QoSProbe"], kinds["XCacheNode"], kinds["RucioServer"])


def mesh(name: str, *cells: Body, **more: Any) -> Body:
    endpoints = more.pop("endpoints", [endpoint(one, one[0] + "-site") for one in ("a", "b", "c")])
    return lake.probe(name, {"transfer": {}}, cells, endpoints=endpoints, **more)


def told(found: dict[str, Any]) -> str:
    text: str = found["headline"]["text"]
    return text


def test_the_same_endpoint_in_two_probes_is_one_row_and_their_results_are_parts_of_one_cell() -> None:
    found = model(
        mesh("davs", cell("a", "b", "davs"), cell("b", "a", "davs")),
        mesh("root", cell("a", "b", "root", "critical", reason="NoSpace"), cell("a", "c", "root")),
    )
    [grid] = found["grids"]
    assert [row["name"] for row in grid["rows"]] == ["a", "b"]
    assert [column["name"] for column in grid["columns"]] == ["a", "b", "c"]
    cells = {(one["row"], one["column"]): one["parts"] for one in grid["cells"]}
    assert [(part["probe"], part["protocol"], part["state"]) for part in cells[0, 1]] == [
        ("davs", "davs", "ok"),
        ("root", "root", "critical"),
    ]


def test_each_namespace_has_a_grid_of_its_own() -> None:
    found = model(mesh("m", cell("a", "b", "root")), mesh("m", cell("a", "b", "root"), namespace="other"))
    assert [grid["namespace"] for grid in found["grids"]] == ["lake", "other"]


def test_blame_stands_on_the_headers_of_the_role() -> None:
    blamed = [
        {"name": "b", "role": "destination", "state": "critical", "reason": "NoSpace", "since": at(5)},
        {"name": "a", "role": "source", "state": "critical", "reason": "Slow", "since": at(5)},
    ]
    [grid] = model(mesh("m", cell("a", "b"), cell("b", "a"), cell("a", "c"), blamed=blamed))["grids"]
    rows = {row["name"]: row.get("reason") for row in grid["rows"]}
    columns = {column["name"]: column.get("reason") for column in grid["columns"]}
    assert rows == {"a": "Slow", "b": None}
    assert columns == {"a": None, "b": "NoSpace", "c": None}


def test_rows_stand_by_site_so_that_they_keep_their_place_whatever_happens() -> None:
    endpoints = [endpoint("x", "A"), endpoint("y", "B"), endpoint("z", "A")]
    [grid] = model(mesh("m", cell("y", "x"), cell("x", "y"), cell("z", "x"), endpoints=endpoints))["grids"]
    assert [row["name"] for row in grid["rows"]] == ["x", "z", "y"]


def test_own_checks_of_a_mesh_and_of_a_storage_probe_stand_together_by_endpoint() -> None:
    storage = lake.probe("disk", {"storage": {}}, [cell("a", None, "root", "warning", reason="Slow")])
    [group] = model(mesh("m", cell("a", None, "root"), cell("a", "b", "root")), storage)["targets"]
    assert group["group"] == "storage"
    assert [(part["probe"], part["state"]) for part in group["rows"][0]["parts"]] == [("disk", "warning"), ("m", "ok")]


def test_what_a_broken_endpoint_explains_is_not_told_again() -> None:
    found = model(lake.mesh(broken="PIC-02"))
    assert [problem["subject"] for problem in found["problems"]] == ["PIC-02"]
    assert told(found).startswith("1 endpoint broken: PIC-02, refuses connections since ")


def test_a_link_that_fails_between_sound_endpoints_is_told_itself_with_all_its_protocols() -> None:
    broken = [cell("a", "b", one, "critical", reason="TransferFailed") for one in ("root", "davs")]
    [problem] = model(mesh("m", *broken, cell("b", "a", "root")))["problems"]
    assert (problem["kind"], problem["subject"], problem["protocols"]) == ("link", "a → b", ["davs", "root"])


def test_blame_of_the_other_role_explains_nothing() -> None:
    blamed = [{"name": "a", "role": "destination", "state": "critical", "reason": "NoSpace", "since": at(5)}]
    found = model(mesh("m", cell("a", "b", "root", "critical", reason="Timeout"), blamed=blamed))
    assert {problem["kind"] for problem in found["problems"]} == {"endpoint", "link"}
    assert told(found).startswith("1 endpoint broken: a, has no space left as a destination since ")


def test_many_checks_without_a_result_are_one_problem() -> None:
    cells = [cell("a", other, "root", "unknown", reason="ImageUnavailable") for other in "bcdefg"]
    [problem] = model(mesh("m", *cells))["problems"]
    assert problem["kind"] == "probe"
    assert problem["phrase"] == ": 6 checks, each was not measured: the probe's image cannot be pulled"


def test_checks_without_a_result_are_told_by_their_reason() -> None:
    cells = [cell("a", other, "root", "unknown", reason="Stale") for other in "bcde"]
    cells += [cell("b", other, "root", "unknown", reason="NotMeasured") for other in "acde"]
    assert [problem["phrase"] for problem in model(mesh("m", *cells))["problems"]] == [
        ": 4 checks, each was not reached in time",
        ": 4 checks, each has no fresh result",
    ]


def test_a_fault_of_our_own_blames_nobody() -> None:
    fault = condition("Healthy", "Unknown", "CentralFault", "cluster-dns does not answer", 9)
    cells = [cell("a", "b", "root", "unknown", reason="CentralFault")]
    found = model(mesh("m", *cells, conditions=[fault]))
    assert told(found).startswith("Nothing can be judged: the network of the operator itself is at fault since ")
    assert [problem["kind"] for problem in found["problems"]] == ["central"]


def test_the_sentence_at_the_top() -> None:
    assert told(model()) == "Nothing is watched yet: there is no QoSProbe, XCacheNode or RucioServer."
    assert told(model(mesh("m", cell("a", "b")))) == "All is well: 1 check ok."
    assert told(model(mesh("m", cell("a", "b"), cell("b", "a", state="maintenance")))) == (
        "All is well: 1 check ok; 1 in maintenance."
    )
    assert told(model(mesh("m", cell("a", "b"), cell("b", "a", state="warning", reason="Slow")))) == (
        "Nothing is broken; 1 warning."
    )
    assert told(model(mesh("m", cell("a", "b"), cell("b", "a", state="unknown", reason="Stale")))) == (
        "Nothing is broken; 1 check without a fresh result."
    )
    assert told(model(mesh("m", cell("a", "b", state="unknown", reason="Stale")))) == (
        "Nothing is known: no check has a fresh result."
    )
    assert told(model(mesh("m", cell("a", "b", state="notrun")))).startswith("No run has ended yet")
    idle = condition("Ready", "False", "DependencyMissing", "waits for Secret a")
    assert (
        told(model(mesh("m", cell("a", "b", state="notrun"), conditions=[idle]))) == "Nothing is known yet; 1 warning."
    )
    assert told(model(lake.operand("XCacheNode", "c"))) == "Caches and servers are ready; nothing is probed yet."


def test_never_all_is_well_without_a_fresh_success() -> None:
    for state in ("unknown", "notrun", "skipped", "maintenance", "warning", "critical"):
        assert model(mesh("m", cell("a", "b", state=state)))["headline"]["state"] != "ok"


def test_of_many_broken_endpoints_three_are_named() -> None:
    blamed = [
        {"name": f"e{place}", "role": "both", "state": "critical", "reason": "Timeout", "since": at(9)}
        for place in range(5)
    ]
    assert told(model(mesh("m", cell("a", "b"), blamed=blamed))).endswith(" and 2 more")


def test_a_day_with_trouble() -> None:
    found = model(*troubled())
    assert found["headline"]["state"] == "critical"
    assert found["counts"]["critical"] == 5
    assert [(problem["kind"], problem["subject"]) for problem in found["problems"]] == [
        ("endpoint", "PIC-02"),
        ("endpoint", "IDIA-09"),
        ("cache", "edge"),
        ("link", "CERN-01 → DESY-03"),
        ("link", "SARA-04 → RAL-08"),
        ("target", "iam"),
        ("probe", "new"),
        ("target", "rucio"),
    ]


def test_a_cache_is_as_its_conditions_say() -> None:
    def word(*conditions: Body, ready: str = "False") -> tuple[str, str]:
        row = operands.cache(lake.operand("XCacheNode", "c", ready, conditions=conditions))
        return row["state"], row["word"]

    assert word(ready="True") == ("ok", "ready")
    assert word() == ("critical", "not ready")
    assert word(condition("Reconciling", "True", "Starting"))[0] == "warning"
    assert word(condition("Serving", "True", "Serving"))[0] == "warning"
    assert word(condition("Draining", "True", "DrainRequested"))[0] == "maintenance"
    assert word(condition("Suspended", "True", "Suspended"))[0] == "maintenance"
    assert word(condition("OriginReachable", "False", "Refused"), ready="True")[0] == "warning"
    assert word(ready="Unknown")[0] == "unknown"
    assert operands.server({"metadata": {"name": "r", "namespace": "n"}})["state"] == "notrun"


def test_a_last_run_says_until_when_it_is_believed() -> None:
    facts = probe.read(mesh("m", cell("a", "b"), status={"lastRun": {"completionTime": "2026-11-26T12:00:00Z"}})).facts
    assert facts["freshUntil"] == "2026-11-26T12:37:30+00:00"
