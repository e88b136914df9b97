"""RucioServers that tests make for themselves, in the namespace `e2e-rucio`, and a pod to ask them from."""

import json
import re
import shlex
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from images import build
from tests.charts.helm import ROOT
from tests.cluster import waiting
from tests.demo import release
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import plain
from tests.e2e.names import RUCIO
from tests.support.objects import condition, is_current, is_ready, rucio

NEW, OLD = build.RUCIO
"""Versions of Rucio."""
SMALL: Object = {"replicas": 1, "daemons": {"preset": "None"}}
"""The least that runs: for tests of the database."""
PREFIX = "datalake.projectescape.eu/"
"""What our annotations begin with."""
CLIENT = "rucio-client"
_ASK = """
import json, os
os.environ["USER"] = "{name}"  # the client names its file of tokens after it
from rucio.client import Client
client = Client(
    rucio_host="http://{name}.{namespace}.svc", auth_host="http://{name}.{namespace}.svc", account="root",
    auth_type="userpass", creds={{"username": {username!r}, "password": {password!r}}},
)
{script}
print(json.dumps(answer, default=str))
"""


def apply(lake: Kubectl, name: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> None:
    """Apply a RucioServer; our annotations are those given here, without their prefix."""
    body = rucio(name, RUCIO, **spec)
    body["metadata"]["annotations"] = {f"{PREFIX}{key}": value for key, value in (annotations or {}).items()}
    lake.apply(json.dumps(body))


def get(lake: Kubectl, name: str) -> Object:
    """Read a RucioServer."""
    return lake.get("rucioserver", name, RUCIO)


def until(lake: Kubectl, name: str, holds: Callable[[Object], object], what: str, seconds: float = 120) -> Object:
    """Wait until a RucioServer, as it is read, fulfils `holds`; return it."""

    def check() -> Object | None:
        server = get(lake, name)
        return server if holds(server) else None

    server = waiting.until(check, f"{name}: {what}", seconds=seconds, every=0.7)
    assert server is not None
    return server


def ready(lake: Kubectl, name: str, seconds: float = 180) -> Object:
    """Wait until it is Ready; return it."""
    return until(lake, name, is_ready, "to be Ready", seconds)


def says(lake: Kubectl, name: str, reason: str, kind: str = "Ready", seconds: float = 120) -> str:
    """Wait until a condition has a reason, of the present generation; return its message."""

    def told(server: Object) -> bool:
        return is_current(server) and condition(server, kind).get("reason") == reason

    return str(condition(until(lake, name, told, f"{kind} to say {reason}", seconds), kind)["message"])


def obey(lake: Kubectl, message: str) -> None:
    """Run the command that a message gives."""
    found = re.search("`kubectl ([^`]+)`", message)
    assert found, message
    lake(*shlex.split(found[1]))


def delete(lake: Kubectl, *names: str) -> None:
    """Delete RucioServers, and wait until their pods are gone."""
    lake("delete", "rucioserver", *names, "--namespace", RUCIO)
    for name in names:
        waiting.until(lambda: not pods(lake, name), f"pods of {name} to go", seconds=120, every=0.7)  # noqa: B023


def pods(lake: Kubectl, name: str, component: str = "") -> list[Object]:
    """Pods of a RucioServer, of one component or all."""
    labels = f"app.kubernetes.io/name=rucio,app.kubernetes.io/instance={name}"
    return lake.list("pod", RUCIO, labels + (f",app.kubernetes.io/component={component}" if component else ""))


def working(lake: Kubectl, name: str) -> list[str]:
    """Names of the Deployments of a RucioServer that have replicas."""
    labels = f"app.kubernetes.io/name=rucio,app.kubernetes.io/instance={name}"
    return [one["metadata"]["name"] for one in lake.list("deployment", RUCIO, labels) if one["spec"]["replicas"]]


def start_client(lake: Kubectl) -> None:
    """Start a pod with Rucio's client, that knows no server and no password."""
    image = release.references()[f"rucio:{NEW}"]
    plain.apply(lake, CLIENT, 10941, {"/tmp": {"emptyDir": {}}}, image=image, command=["sleep", "infinity"])  # noqa: S108


def secret(lake: Kubectl, name: str) -> dict[str, str]:
    """What is in a Secret."""
    return {key: b64decode(value).decode() for key, value in lake.get("secret", name, RUCIO)["data"].items()}


def ask(lake: Kubectl, name: str, script: str, root: str = "") -> Any:
    """Run a script with Rucio's `client`, logged in as root; return what it leaves in `answer`.

    Args:
        lake: kubectl.
        name: Of the RucioServer.
        script: In Python. It is given on standard input, as the password is: neither is seen in a list of processes.
        root: Secret with the login of root; that which the operator made by default.
    """
    login = secret(lake, root or f"{name}-root")
    text = _ASK.format(name=name, namespace=RUCIO, script=script, **login)
    return json.loads(
        lake.execute(RUCIO, f"deployment/{CLIENT}", "python3", "-", given=text, within=120).splitlines()[-1]
    )


def restore(lake: Kubectl, name: str, file: str, *, claim: str, url: str = "") -> None:
    """Run the Job that docs/rucio.md shows: restore a dump into the database of a RucioServer.

    Args:
        lake: kubectl.
        name: Of the RucioServer.
        file: The dump.
        claim: Where it lies.
        url: Secret with the URL of an external database; the embedded one by default.
    """
    shown = (ROOT / "docs" / "rucio.md").read_text().partition("### Restore\n")[2]
    job = yaml.safe_load(release.renamed(shown.partition("```yaml\n")[2].partition("```")[0]))
    job["metadata"] = {"name": f"{name}-restore", "namespace": RUCIO}
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container["args"] = [f"--file={file}" if one.startswith("--file=") else one for one in container["args"]]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    volumes["backup"]["persistentVolumeClaim"]["claimName"] = claim
    if url:
        container["env"] = []
        volumes["database"]["secret"].update(secretName=url, items=[{"key": "uri", "path": "url"}])
    else:
        container["env"] = [{"name": "RUCIO_DATABASE_HOST", "value": f"{name}-postgres"}]
        volumes["database"]["secret"]["secretName"] = f"{name}-database"
    lake.apply(json.dumps(job))
    lake("wait", "--for=condition=Complete", f"job/{name}-restore", "--namespace", RUCIO, "--timeout=120s")
