import json

import yaml
from click.testing import CliRunner

from datalake_operator.cli import main
from tests.support.bad_input import minimal


def render(body: object, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["render", "-", *arguments], input=yaml.safe_dump(body))
    return result.exit_code, result.stdout, result.stderr


def test_the_children_of_a_cache_are_printed_as_yaml() -> None:
    code, out, _ = render(minimal("XCacheNode"), "--namespace", "caches", "--xcache-image", "example.org/xcache:1")
    children = list(yaml.safe_load_all(out))
    assert code == 0
    assert [child["kind"] for child in children][-1] == "StatefulSet"
    for child in children:
        assert child["metadata"]["namespace"] == "caches"
        for owner in child["metadata"].get("ownerReferences", ()):
            assert owner["uid"] == "00000000-0000-0000-0000-000000000000"
    assert "image: example.org/xcache:1" in out
    assert "xrootd.cfg: |" in out


def test_a_pod_monitor_is_made_where_the_cluster_has_it() -> None:
    assert "kind: PodMonitor" not in render(minimal("XCacheNode"))[1]
    assert "kind: PodMonitor" in render(minimal("XCacheNode"), "--pod-monitor")[1]


def test_an_invalid_cache_is_not_rendered() -> None:
    body = minimal("XCacheNode")
    body["spec"]["site"] = ""
    code, out, err = render(body)
    assert (code, out) == (1, "")
    assert "spec.site: must have 1 or more characters" in err


def test_a_rucio_is_printed_as_it_is_once_its_database_is_current() -> None:
    images = ("--rucio-image", "example.org/rucio", "--postgres-image", "example.org/postgres:17")
    code, out, _ = render(minimal("RucioServer"), "--namespace", "lake", *images)
    children = {(child["kind"], child["metadata"]["name"]): child for child in yaml.safe_load_all(out)}
    assert code == 0
    assert {"Deployment", "StatefulSet", "Secret", "Job", "CronJob", "Service"} <= {kind for kind, _ in children}
    server = children["Deployment", "minimal-server"]["spec"]
    assert server["replicas"] == 2
    assert server["template"]["spec"]["containers"][0]["image"] == "example.org/rucio:41.5.1"
    secrets = [child for (kind, _), child in children.items() if kind == "Secret"]
    assert {secret["stringData"]["password"] for secret in secrets} == {"(generated)"}


def test_what_makes_a_build_impossible_is_said_with_its_line() -> None:
    body = minimal("RucioServer")
    body["spec"]["version"] = "1.2.3"
    code, out, err = render(body)
    assert (code, out) == (1, "")
    assert err.startswith("<stdin>:8: spec.version: Rucio 1.2.3 is not known here")


def test_a_probe_is_printed_with_its_plan_and_its_runs() -> None:
    code, out, _ = render(minimal("QoSProbe"), "--namespace", "lake", "--probe-image", "example.org/probe:1")
    plan, cron_job = yaml.safe_load_all(out)
    assert code == 0
    assert json.loads(plan["data"]["plan.json"])["folder"] == ".datalake-probe/00000000.lake.minimal"
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "example.org/probe:1"


def test_a_probe_of_something_of_ours_is_printed_with_its_usual_address() -> None:
    body = minimal("QoSProbe")
    body["spec"].pop("tcp")
    body["spec"]["rucio"] = {"rucioServerRef": {"name": "escape"}, "checks": ["Ping"]}
    code, out, _ = render(body, "--namespace", "lake")
    assert code == 0
    assert "http://escape.lake.svc" in out
