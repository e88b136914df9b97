"""The part of the demo about Rucio: a server, a pod to work from, and the origin's file in its catalogue."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.demo import release
from tests.demo.kubectl import Kubectl, Object
from tests.demo.names import NAMESPACE

CLIENT = Path(__file__).parents[2] / "examples" / "rucio-client.yaml"
SCRIPT = Path(__file__).with_name("register.py")
POD = "deployment/rucio-client"
RSE = "DEMO-ORIGIN"


@dataclass(frozen=True)
class Registered:
    """A file as Rucio's catalogue has it."""

    did: str
    replicas: list[str]


def start_client(kubectl: Kubectl) -> None:
    """Start the pod that has Rucio's client and the password of root, which it reads from the Secret itself."""
    kubectl.apply(release.renamed(CLIENT.read_text()))
    kubectl("rollout", "status", POD, "--namespace", NAMESPACE, "--timeout", "240s")


def register(kubectl: Kubectl, url: str) -> Registered:
    """Make a file of the origin known to Rucio over REST: RSE, protocol, replica, and a rule that keeps it there.

    Raises:
        ClusterError: Rucio or the origin refused something.
    """
    host, _, path = url.removeprefix("root://").partition("//")
    said = kubectl.execute(NAMESPACE, "deployment/client", "xrdfs", host, "stat", f"/{path}")
    size = next(line.split()[1] for line in said.splitlines() if line.startswith("Size:"))
    query = f"/{path}?cks.type=adler32"
    adler32 = kubectl.execute(NAMESPACE, "deployment/client", "xrdfs", host, "query", "checksum", query).split()[1]
    answer = kubectl.execute(NAMESPACE, POD, "python3", "-", RSE, url, size, adler32, given=SCRIPT.read_text())
    return Registered(**json.loads(answer.splitlines()[-1]))


def ask(kubectl: Kubectl, *words: str) -> str:
    """What Rucio's own command answers."""
    return kubectl.execute(NAMESPACE, POD, "rucio", *words).rstrip()


def daemons(server: Object) -> list[tuple[str, int, int]]:
    """Daemons as the status tells of them: name, pods with a fresh heartbeat, pods wanted."""
    return [(one["name"], one["live"], one["desired"]) for one in server["status"].get("daemons", ())]
