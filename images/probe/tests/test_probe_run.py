"""The runner as its container starts it: what it leaves, whatever ends it."""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from datalake_probe import plan, programs
from datalake_probe.deadline import Deadline
from datalake_probe.outcome import Reason, Stopped
from datalake_probe.plan import PlanError
from datalake_probe.table import TYPES
from tests.support import probe_runs as runs

HERE = "127.0.0.1"


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """Takes connections, and says nothing."""
    with socket.create_server((HERE, 0)) as server:
        yield server.getsockname()[1]


def targets(*ports: int) -> dict[str, Any]:
    return {
        "targets": [{"name": f"t{n}", "host": HERE, "port": port, "ipFamily": "Any"} for n, port in enumerate(ports)]
    }


def silent_page(port: int) -> dict[str, Any]:
    return {"targets": [{"name": "hangs", "url": f"http://{HERE}:{port}/", "expectStatus": [200], "expectBody": None}]}


def until(folder: Path, holds: str) -> None:
    end = time.monotonic() + 20
    while holds not in ((folder / "message").read_text() if (folder / "message").exists() else ""):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_every_type_that_the_schema_knows_has_a_plug_in_but_the_user_s_own() -> None:
    assert {*TYPES, "custom"} == set(runs.PLAN["properties"]["type"]["enum"])


def test_red_is_measured_so_it_exits_with_0(tmp_path: Path) -> None:
    with silent() as port:
        closed = socket.create_server((HERE, 0))
        number = closed.getsockname()[1]
        closed.close()
        found = runs.run(tmp_path, runs.document("tcp", targets(port, number)))
    assert runs.cells(found) == {"t0": ("ok", None), "t1": ("bad", "Refused")}
    assert (found["run"], found["index"], found["type"], found["state"]) == (runs.RUN, None, "tcp", "done")


def test_who_hangs_is_told_before_the_deadline_and_then_it_ends(tmp_path: Path) -> None:
    begun = time.monotonic()
    with silent() as port:
        found = runs.run(
            tmp_path, runs.document("http", silent_page(port), deadlineSeconds=2), JOB_COMPLETION_INDEX="7"
        )
    assert time.monotonic() - begun < 10
    assert runs.cells(found) == {"hangs": ("bad", "Timeout")}  # told before the end
    assert (found["index"], found["state"]) == (7, "done")


def test_a_program_that_is_ended_at_the_deadline_makes_nothing_red(tmp_path: Path) -> None:
    with silent() as port:
        endpoint = runs.endpoint("A", root=f"root://{HERE}:{port}//probe/x")
        section = {"endpoints": ["A"], "protocols": [], "operations": ["Stat"], "size": 0}
        document = runs.document("storage", section, endpoints=[endpoint], deadlineSeconds=2)
        found = runs.run(tmp_path, document, PATH=f"{_hanging(tmp_path)}:{os.environ['PATH']}")
    assert runs.cells(found) == {"A|root": ("unknown", "NotMeasured")}


def _hanging(folder: Path) -> Path:
    """A folder with a client of XRootD that never ends."""
    program = folder / "bin" / "xrdfs"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    return program.parent


def test_a_runner_that_is_ended_says_that_it_ran(tmp_path: Path) -> None:
    with silent() as port:
        controls = [{"name": "here", "kind": "tcp", "host": HERE, "port": port}]
        environment = runs.write(tmp_path, runs.document("http", silent_page(port), control=controls))
        with runs.start(environment) as process:
            until(tmp_path, '"here":"ok"')
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)
    assert process.returncode == 143
    found = runs.envelope(tmp_path / "message")
    assert (found["state"], found["end"], found["cells"]) == ("running", None, [])


def test_controls_are_looked_at_before_and_after(tmp_path: Path) -> None:
    """A name server that breaks in between makes everything fail, and nobody is to blame."""
    with silent() as port, silent() as steady:
        controls: list[dict[str, Any]] = [
            {"name": "steady", "kind": "tcp", "host": HERE, "port": steady},
            {"name": "cluster-dns", "kind": "dns", "host": "no-such-name.invalid"},
            {"name": "api-server", "kind": "tcp"},
            {"name": "breaks", "kind": "tcp", "host": HERE, "port": 0},
        ]
        with socket.create_server((HERE, 0)) as breaking:
            controls[3]["port"] = breaking.getsockname()[1]
            document = runs.document("http", silent_page(port), control=controls, deadlineSeconds=6)
            environment = runs.write(tmp_path, document)
            environment |= {"KUBERNETES_SERVICE_HOST": HERE, "KUBERNETES_SERVICE_PORT": str(steady)}
            process = runs.start(environment)
            until(tmp_path, '"breaks":"ok"')
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert runs.envelope(tmp_path / "message")["control"] == {
        "steady": "ok", "cluster-dns": "NameNotFound", "api-server": "ok", "breaks": "Refused",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "do not belong together"),
        ({"type": "fixity", "fixity": {}}, "no type 'fixity'"),
        ({"endpoints": None}, "incomplete"),
        ({"folder": "data"}, "is not .datalake-probe"),
        ({"folder": ".datalake-probe/../x.y.z"}, "is not .datalake-probe"),
        ({"folder": ".datalake-probe/a..b"}, "is not .datalake-probe"),
        ({"tcp": {"targets": [{}]}}, "name"),
        ({"trust": {"system": False, "igtf": False, "bundles": ["none"]}}, "trust bundle none"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_a_problem_and_not_a_colour(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    document = runs.document("tcp", targets(1)) | change
    with runs.start(runs.write(tmp_path, document)) as process:
        process.communicate(timeout=30)
    assert process.returncode == 1
    found = runs.envelope(tmp_path / "message")
    assert found["problem"]["reason"] == "ConfigError"
    assert said in found["problem"]["message"]
    assert (found["cells"], found["state"]) == ([], "done")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"version": 1}', "\x00"])
def test_what_is_no_plan_is_refused_in_words(text: str) -> None:
    with pytest.raises(PlanError):
        plan.parse(text)


def test_a_plan_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        plan.load(tmp_path / "none")


def test_a_plan_is_read_as_it_is_written() -> None:
    file = {"path": "f", "size": 3, "adler32": "024d0127"}
    only = {**runs.endpoint("B", http="http://b.example/x"), "access": "ReadOnly", "readFile": file}
    section = {"endpoints": ["A", "B"], "protocols": [], "operations": ["Stat"], "size": 1024}
    document = runs.document(
        "storage", section, endpoints=[runs.endpoint("A", root="root://a.example//x"), only],
        control=[{"name": "dns", "kind": "dns", "host": "kubernetes.default.svc"}, {"name": "api", "kind": "tcp"}],
    )  # fmt: skip
    jsonschema.validate(document, runs.PLAN)
    found = plan.parse(json.dumps(document))
    assert (found.namespace, found.name, found.type, found.section) == ("science", "mesh", "storage", section)
    assert (found.endpoints["A"].writable, found.endpoints["B"].writable) == (True, False)
    assert found.endpoints["B"].read_file == plan.KnownFile("f", 3, "024d0127")
    assert found.control[1] == plan.Control("api", "tcp", None, None)


def test_a_step_has_no_more_time_than_is_left() -> None:
    now = [0.0]
    deadline = Deadline(10, lambda: now[0])
    assert deadline.step(3) == 3
    now[0] = 8.0
    assert (deadline.step(3), deadline.left()) == (2, 2)
    now[0] = 11.0
    with pytest.raises(Stopped) as stopped:
        deadline.step(3)
    assert (stopped.value.result, stopped.value.reason) == ("unknown", Reason.NOT_MEASURED)


def test_a_program_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    begun = time.monotonic()
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo out; echo err >&2; wait"
    done = programs.run(["sh", "-c", script], 0.5)
    assert (done.timed_out, done.output, done.errors) == (True, "out\n", "err\n")
    assert time.monotonic() - begun < 10
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    end = time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < end
        time.sleep(0.01)


def test_of_much_output_the_end_is_kept() -> None:
    done = programs.run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo last; exit 3"], 20)
    assert done.code == 3
    assert done.output.endswith("xlast\n")
    assert len(done.output) == programs.OUTPUT_BYTES
