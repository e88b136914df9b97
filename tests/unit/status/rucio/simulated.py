"""A cluster in miniature: the operator's passes, controllers, pods, and a database with a schema.

Everything happens in small steps whose order a test chooses, and every actor can die between any two of them. What must
hold at every moment is asserted where it could break.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.generated import GENERATED
from datalake_operator.build.rucio import build
from datalake_operator.build.rucio.stage import Workloads
from datalake_operator.status import View, merge
from datalake_operator.status.rucio import assess, live, results, spent_jobs, stage
from tests.unit.status.conftest import NOW
from tests.unit.status.rucio.conftest import CONTEXT, HEAD, MIDDLE, OLD, dumped, result, server

ORDER = (OLD, MIDDLE, HEAD)
HEADS = {"38.6.4": OLD, "41.5.1": HEAD}
KEPT = {"Secret", "PersistentVolumeClaim"}


class Killed(Exception):
    """The operator died."""


def plan_hash(start: str, end: str) -> str:
    return hashlib.sha256(f"{start}{end}".encode()).hexdigest()


def _said(manifest: Mapping[str, Any]) -> list[Any]:
    """What of an object is ours."""
    return [manifest.get("spec"), manifest.get("data"), manifest["metadata"].get("annotations")]


@dataclass
class Pod:
    """A pod; `body` is what the API server holds."""

    body: dict[str, Any]
    told: str = ""
    """What was told last."""
    started: bool = False
    """Whether its migration has begun."""

    @property
    def component(self) -> str:
        return live.component_of(self.body)

    @property
    def job(self) -> str:
        return results.job_of(self.body)

    @property
    def leaving(self) -> bool:
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def ended(self) -> bool:
        return live.ended(self.body)


@dataclass
class Cluster:
    """One namespace with one RucioServer."""

    version: str = "38.6.4"
    annotations: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    revision: str = OLD
    impossible: bool = False
    """Whether no dump can be made."""
    foreign: bool = False
    """Whether somebody else uses the database."""
    checked: bool = False
    """Whether it has been found out that a dump can be made."""
    dumps: list[str] = field(default_factory=list)
    """The revision at which each dump was made."""
    children: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    clock: int = 0
    writes: int = 0
    """By the operator."""
    parsed: dict[bytes, RucioServer] = field(default_factory=dict)
    heard: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Replicas and generation of each workload as its controller knows them: it acts on what it heard last time."""

    # --- the operator

    @property
    def server(self) -> RucioServer:
        key = orjson.dumps([self.version, self.annotations, self.spec])
        if key not in self.parsed:
            few = {"preset": "None", "instances": [{"name": "reaper"}]}
            self.parsed[key] = server(self.annotations, version=self.version, daemons=few, **self.spec)
        return self.parsed[key]

    @property
    def view(self) -> View:
        return View(
            children=dict(self.children),
            pods=tuple(pod.body for pod in self.pods),
            previous=self.status,
        )

    def operate(self, writes: int = 10_000) -> None:
        """One pass that dies after so many writes."""
        left = iter(range(writes))

        def write() -> None:
            if next(left, None) is None:
                raise Killed
            self.writes += 1

        with suppress(Killed):
            self._pass(write)

    def _pass(self, write: Callable[[], None]) -> None:
        one, seen = self.server, self.view
        wanted = stage(one, seen, CONTEXT)
        if wanted.workloads is Workloads.RUNNING:
            assert self.revision == HEADS[self.version], "never RUNNING on a schema that is not current"
            assert not list(self._migrating()), "never RUNNING beside a migration"
        if wanted.workloads is Workloads.STOPPED and any(map(self._serves, self.children.values())):
            assert self.checked, "nothing is scaled before it is known that a dump can be made"
        desired = build(one, CONTEXT, wanted)
        spent = spent_jobs(one, seen, CONTEXT)
        for manifest in desired:
            self._apply(manifest, write)
        for name in spent:
            write()
            self._delete(("Job", name))
        if wanted.workloads is not Workloads.KEPT:
            self._prune({(one["kind"], one["metadata"]["name"]) for one in desired}, write)
        assessment = assess(one, self.view, CONTEXT, NOW)
        conditions = merge(self.status.get("conditions", ()), assessment.conditions, 1, NOW)
        status = orjson.loads(orjson.dumps({**assessment.fields, "conditions": conditions}))
        if status != self.status:
            write()
            self.status = status

    def _apply(self, manifest: Mapping[str, Any], write: Callable[[], None]) -> None:
        key = (manifest["kind"], manifest["metadata"]["name"])
        there = self.children.get(key)
        if there is not None and key[0] in {*KEPT, "Job"}:
            return
        made = orjson.loads(orjson.dumps(manifest))
        if there is not None and _said(there) == _said(made):
            return
        write()
        self.clock += 1
        metadata = made["metadata"] | {"uid": f"uid-{self.clock}", "resourceVersion": str(self.clock), "generation": 1}
        if there is not None:
            metadata |= {"uid": there["metadata"]["uid"], "generation": there["metadata"]["generation"] + 1}
        if key[0] == "Secret":
            made["data"] = {name: "cm9vdA==" for name, value in made["stringData"].items() if value or GENERATED}
        self.children[key] = made | {"metadata": metadata, "status": (there or {}).get("status", {})}

    def _prune(self, wanted: set[tuple[str, str]], write: Callable[[], None]) -> None:
        for key in [key for key in self.children if key not in wanted and key[0] not in {*KEPT, "ConfigMap"}]:
            write()
            self._delete(key)

    def _delete(self, key: tuple[str, str]) -> None:
        """With its pods, in the background."""
        uid = self.children.pop(key)["metadata"]["uid"]
        for pod in self.pods:
            if pod.body["metadata"]["ownerReferences"][0]["uid"] == uid:
                pod.body["metadata"]["deletionTimestamp"] = "now"

    # --- controllers and kubelet: each call takes one small step, if there is one to take

    def control(self) -> None:
        """Controllers see what is wanted, and make or stop one pod of each workload."""
        for (kind, name), child in self.children.items():
            if kind == "Job":
                self._control_job(name, child)
            elif kind in {"Deployment", "StatefulSet"}:
                self._control_workload(child)

    def _control_workload(self, child: dict[str, Any]) -> None:
        mine = [pod for pod in self.pods if self._owner(pod) == child["metadata"]["uid"]]
        stay = [pod for pod in mine if not pod.leaving]
        newest = (child["spec"]["replicas"], child["metadata"]["generation"])
        wanted, generation = self.heard.get(child["metadata"]["uid"], newest)
        self.heard[child["metadata"]["uid"]] = newest
        if len(stay) < wanted:
            self._make(child, child["spec"]["template"]["metadata"]["labels"], child["kind"])
        elif len(stay) > wanted:
            stay[0].body["metadata"]["deletionTimestamp"] = "now"
        count = len([pod for pod in self.pods if self._owner(pod) == child["metadata"]["uid"] and not pod.leaving])
        child["status"] = {
            "observedGeneration": generation,
            "replicas": count,
            "updatedReplicas": count,
        }

    def _control_job(self, name: str, child: dict[str, Any]) -> None:
        if live.finished(child):
            return
        mine = [pod for pod in self.pods if self._owner(pod) == child["metadata"]["uid"]]
        well = [pod for pod in mine if pod.body["status"]["phase"] == "Succeeded"]
        if well:
            child["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
        elif any(pod.ended for pod in mine) and "-db-" not in name and "-migrate-" not in name:
            child["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
        elif not [pod for pod in mine if not pod.ended and (not pod.leaving or "-migrate-" in name)]:
            self._make(child, child["spec"]["template"]["metadata"]["labels"] | {results.JOB_NAME: name}, "Job")

    def _make(self, child: Mapping[str, Any], labels: Mapping[str, str], kind: str) -> None:
        self.clock += 1
        owner = {"kind": kind, "uid": child["metadata"]["uid"], "controller": True}
        metadata = {"name": f"pod-{self.clock}", "labels": dict(labels), "ownerReferences": [owner]}
        ready = [{"type": "Ready", "status": "True"}]
        template = child["spec"]["template"]["spec"]["containers"][0]
        body = {
            "metadata": metadata,
            "spec": {"image": template["image"], "args": template.get("args", [])},
            "status": {
                "phase": "Running",
                "conditions": ready,
                "containerStatuses": [{"name": "main", "started": True}],
            },
        }
        self.pods.append(Pod(body))
        self.check()

    def go(self) -> None:
        """Pods that were told to leave are gone."""
        self.pods = [pod for pod in self.pods if not pod.leaving]

    def collect(self) -> None:
        """Pods that have ended are collected, with all that they said."""
        self.pods = [pod for pod in self.pods if not pod.ended]

    def lose(self) -> None:
        """Nodes with Jobs are lost: their pods start again elsewhere, wherever they were."""
        for pod in self.pods:
            if pod.job and not pod.ended:
                pod.body["metadata"]["deletionTimestamp"] = "now"

    def evict(self) -> None:
        """Nodes with servers and daemons are lost at once."""
        self.pods = [pod for pod in self.pods if not live.works(pod.body)]

    def round(self) -> None:
        """Everybody takes a step."""
        for act in (self.operate, self.control, self.go, self.work):
            act()

    def work(self) -> None:
        """Pods of Jobs take one step."""
        for pod in list(self.pods):
            if pod.job and not pod.ended:
                self._work(pod)

    def _work(self, pod: Pod) -> None:
        if "-db-" in pod.job:
            self._tell(pod, self._look(pod), ends=lambda told: told["state"] == "current")
        elif "-precheck-" in pod.job:
            state = "impossible" if self.impossible else "done"
            self.checked = self.checked or state == "done"
            self._tell(pod, dumped(state), ends=lambda _: True)
        elif "-dump-" in pod.job:
            assert not list(self._users()), "dumped while somebody writes"
            self.dumps.append(self.revision)
            self._tell(pod, dumped(file=f"migration-{len(self.dumps)}.dump"), ends=lambda _: True)
        elif "-migrate-" in pod.job:
            self._migrate(pod)

    def _look(self, pod: Pod) -> dict[str, Any]:
        head = HEADS[pod.body["spec"]["image"].rpartition(":")[2]]
        at, end = ORDER.index(self.revision), ORDER.index(head)
        if at == end:
            return result("current", revision=head, head=head)
        if at > end:
            return result("ahead", revision=self.revision, head=head)
        plan = {"hash": plan_hash(self.revision, head), "sql": None}
        return result("behind", revision=self.revision, head=head, path=list(ORDER[at + 1 : end + 1]), plan=plan)

    def _migrate(self, pod: Pod) -> None:
        words = pod.body["spec"]["args"]
        now = self._look(pod)
        if now["state"] == "current":
            self._tell(pod, now, ends=lambda _: True)
            return
        if not pod.started and (now["plan"] or {}).get("hash") != words[words.index("--plan") + 1]:
            self._tell(pod, {**now, "state": "stale-plan"}, ends=lambda _: False)
            return
        if not pod.started and self.foreign:
            self._tell(pod, {**now, "state": "foreign-writers"}, ends=lambda _: False)
            return
        pod.started = True
        assert not [other for other in self._migrating() if other.started and other is not pod], "two migrations"
        assert not list(self._users()), "migrated while somebody writes"
        assert OLD in self.dumps, "migrated without a dump of what was before"
        self.revision = ORDER[ORDER.index(self.revision) + 1]

    def _tell(self, pod: Pod, told: Mapping[str, Any], ends: Callable[[Mapping[str, Any]], bool]) -> None:
        """Say what is new, as the tool does: the container ends with it, and starts again unless all is well."""
        text = orjson.dumps(told).decode()
        if text == pod.told:
            return
        self.clock += 1
        pod.told = text
        end = {
            "terminated": {
                "exitCode": 3,
                "finishedAt": f"2026-11-25T{self.clock // 3600:02}:{self.clock // 60 % 60:02}:{self.clock % 60:02}Z",
                "message": text,
            }
        }
        container: dict[str, Any] = {"name": "main", "state": {"running": {}}, "lastState": end, "started": True}
        if ends(told):
            container = {"name": "main", "state": end}
            pod.body["status"]["phase"] = "Failed" if told["state"] == "impossible" else "Succeeded"
        pod.body["status"]["containerStatuses"] = [container]

    # --- what is there

    def _owner(self, pod: Pod) -> str:
        return str(pod.body["metadata"]["ownerReferences"][0]["uid"])

    def _users(self) -> Iterator[Pod]:
        return (pod for pod in self.pods if live.works(pod.body))

    def _migrating(self) -> Iterator[Pod]:
        return (pod for pod in self.pods if "-migrate-" in pod.job and not pod.ended)

    def _serves(self, child: Mapping[str, Any]) -> bool:
        return bool(child["kind"] == "Deployment" and child["spec"]["replicas"])

    def check(self) -> None:
        """What must hold whenever a pod was made."""
        working = [pod for pod in self._migrating() if not pod.leaving]
        assert len(working) <= 1, "never two migrations at a time"
        assert not any(pod.started for pod in self._migrating()) or not list(self._users()), "nobody starts meanwhile"

    def settle(self, rounds: int = 60) -> None:
        """Let everybody do their work until nothing changes."""
        for _ in range(rounds):
            before = self._everything()
            self.round()
            if self._everything() == before:
                return
        raise AssertionError("it never comes to rest")

    def _everything(self) -> bytes:
        return orjson.dumps([list(self.children.values()), self.status, [pod.body for pod in self.pods]])

    @property
    def ready(self) -> Mapping[str, str]:
        """The condition Ready."""
        found: Mapping[str, str] = self.status["conditions"][0]
        return found

    @property
    def replicas(self) -> int:
        """Of the server."""
        return int(self.children["Deployment", "rucio-server"]["spec"]["replicas"])
