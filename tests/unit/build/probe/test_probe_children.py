"""The CronJob, the Jobs and their pods: one attempt, no token, nothing secret, and names that fit."""

import json
from typing import Any

import pytest
import yaml

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import probe
from datalake_operator.build.probe import Targets, build, now_job
from datalake_operator.build.refused import Refused
from tests.unit.build.probe_cases import PROBE_CONTEXT, made, mesh, tcp

INDEXED = mesh(12, protocols=("root", "http"), interval="2h", timeout="1h", transfer={"payload": {"size": "1Mi"}})


def job_of(cron_job: dict[str, Any]) -> dict[str, Any]:
    """The spec of the Jobs of a CronJob."""
    spec: dict[str, Any] = cron_job["spec"]["jobTemplate"]["spec"]
    return spec


@pytest.mark.parametrize("found", [tcp(), INDEXED], ids=["one pod", "one pod per source"])
def test_a_run_is_tried_once_and_a_pod_that_its_node_lost_is_replaced(found: Any) -> None:
    job = job_of(build(found, PROBE_CONTEXT, Targets())[1])
    attempts = {key: value for key, value in job.items() if key.startswith("backoff")}
    assert attempts == ({"backoffLimitPerIndex": 0} if found is INDEXED else {"backoffLimit": 0})
    disrupted = [{"type": "DisruptionTarget", "status": "True"}]
    assert job["podFailurePolicy"] == {"rules": [{"action": "Ignore", "onPodConditions": disrupted}]}
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert "ttlSecondsAfterFinished" not in job


def test_the_runner_ends_before_its_pod_and_that_before_its_job() -> None:
    for found in (tcp(timeout="2m"), INDEXED):
        config_map, cron_job = build(found, PROBE_CONTEXT, Targets())
        plan = json.loads(config_map["data"]["plan.json"])
        job = job_of(cron_job)
        pod = job["template"]["spec"]["activeDeadlineSeconds"]
        assert plan["jitterSeconds"] + plan["deadlineSeconds"] < pod < job["activeDeadlineSeconds"]


def test_the_run_that_is_asked_for_is_the_same_but_begins_at_once_and_goes_by_itself() -> None:
    for found in (tcp(), INDEXED):
        job, cron_job = now_job(found, PROBE_CONTEXT, Targets(), "now"), build(found, PROBE_CONTEXT, Targets())[1]
        spec = job["spec"]
        assert spec.pop("ttlSecondsAfterFinished") == 3600
        env = spec["template"]["spec"]["containers"][0]["env"]
        env.remove({"name": "PROBE_NOW", "value": "1"})
        assert spec == job_of(cron_job)
        assert job["metadata"]["ownerReferences"] == cron_job["metadata"]["ownerReferences"]
        assert cron_job["metadata"]["labels"] == job["metadata"]["labels"]


def test_the_same_request_never_becomes_a_second_job() -> None:
    names = {value: now_job(tcp(), PROBE_CONTEXT, Targets(), value)["metadata"]["name"] for value in ("a", "b", "ö\n")}
    assert len(set(names.values())) == 3
    assert now_job(tcp(timeout="1m"), PROBE_CONTEXT, Targets(), "a")["metadata"]["name"] == names["a"]


def test_every_name_fits() -> None:
    found = tcp(name="x" * 40)
    job = now_job(found, PROBE_CONTEXT, Targets(), "now")
    config_map, cron_job = build(found, PROBE_CONTEXT, Targets())
    assert len(cron_job["metadata"]["name"]) <= 52  # batch/v1: the controller appends 11 characters
    assert max(len(one["metadata"]["name"]) for one in (job, config_map)) <= 63


def test_a_suspended_probe_differs_in_nothing_but_that() -> None:
    running, suspended = build(tcp(), PROBE_CONTEXT, Targets()), build(tcp(suspend=True), PROBE_CONTEXT, Targets())
    assert running[0] == suspended[0]
    assert suspended[1]["spec"].pop("suspend") is True
    assert running[1]["spec"].pop("suspend") is False
    assert running[1] == suspended[1]


def test_credentials_are_mounted_and_never_told() -> None:
    secret = {"credentialsSecretRef": {"name": "login"}, "server": {"url": "https://rucio.example.org"}}
    config_map, cron_job = build(made(rucio=secret), PROBE_CONTEXT, probe.resolve(made(rucio=secret), {}))
    assert "login" not in config_map["data"]["plan.json"]
    pod = job_of(cron_job)["template"]["spec"]
    (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "credentials")
    assert mount == {"name": "credentials", "mountPath": "/run/secrets/rucio", "readOnly": True}
    assert "login" not in json.dumps(pod["containers"])


def test_building_twice_gives_the_same() -> None:
    for found in (tcp(), INDEXED):
        assert build(found, PROBE_CONTEXT, Targets()) == build(found, PROBE_CONTEXT, Targets())


CACHE = made(cache={"xcacheRef": {"name": "cache"}, "generated": {}})
FILE = made(cache={"xcacheRef": {"name": "cache"}, "file": {"path": "/f", "adler32": "00000001"}})
NODE = """
apiVersion: datalake.projectescape.eu/v1alpha1
kind: XCacheNode
metadata: {name: cache, namespace: demo}
spec:
  site: DEMO
  origin: {url: root://origin.demo.svc:1094}
  storage: {data: [{name: d0, claim: {size: 2Gi}}]}
  auth: {clients: {anonymous: true}, origin: {anonymous: true}}
"""


def node(**spec: Any) -> dict[tuple[str, str], Any]:
    """The cache that both probes name."""
    body = yaml.safe_load(NODE)
    body["spec"] |= spec
    return {probe.reference(CACHE) or ("", ""): body}


def test_a_cache_is_found_by_its_service_and_its_exporter_by_its_pod() -> None:
    found = probe.resolve(FILE, node()).cache
    assert found is not None
    assert (found.name, found.url, found.origin_url, found.http_url, found.exporter_url) == (
        "cache",
        "root://cache.demo.svc:1094//",
        "root://origin.demo.svc:1094//",
        "http://cache.demo.svc:8080",
        "http://cache-pods.demo.svc:9931",
    )
    plain = probe.resolve(
        FILE, node(origin={"url": "http://origin.demo.svc:8000"}, protocols={"http": {"enabled": False}})
    )
    assert plain.cache is not None
    assert (plain.cache.origin_url, plain.cache.http_url) == ("http://origin.demo.svc:8000/", None)


def test_a_file_is_generated_in_a_folder_that_the_cache_exports() -> None:
    found = probe.resolve(CACHE, node(exports=["/", "/escape"])).cache
    assert found is not None
    assert (found.url, found.origin_url) == (
        "root://cache.demo.svc:1094//escape",
        "root://origin.demo.svc:1094//escape",
    )
    with pytest.raises(Refused, match=r"spec\.cache\.generated: XCacheNode cache exports / only"):
        probe.resolve(CACHE, node())


def test_a_cache_that_is_not_there_is_asked_for_and_one_that_is_invalid_is_named() -> None:
    with pytest.raises(KeyError):
        probe.resolve(FILE, {})
    with pytest.raises(
        Refused, match=r"spec\.cache\.xcacheRef: XCacheNode cache is invalid: spec\.site: .*mend it first"
    ):
        probe.resolve(FILE, node(site="no site"))
    assert probe.reference(FILE) == (XCacheNode.kind.kind, "cache")
    assert probe.reference(tcp()) is None


def test_other_peoples_servers_are_named_by_their_hosts() -> None:
    outside = made(rucio={"server": {"url": "https://[2001:db8::1]:8443/rucio"}, "checks": ["Ping"]})
    found = probe.resolve(outside, {}).rucio
    assert found is not None
    assert (found.name, found.auth_url) == ("[2001:db8::1]", found.url)
    assert probe.cells(outside, probe.resolve(outside, {})) == (("[2001:db8::1]", None, "ping"),)
