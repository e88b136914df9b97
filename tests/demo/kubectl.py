"""kubectl as a person would call it, and questions that the demo and the end-to-end tests ask with it."""

import json
from typing import Any

from tests.cluster import kubectl

Object = dict[str, Any]


class Kubectl(kubectl.Kubectl):
    """A real kubectl. Every method raises ClusterError, with what kubectl said, when it fails."""

    def get(self, kind: str, name: str, namespace: str = "default") -> Object:
        """Read one object."""
        answer: Object = json.loads(self("get", kind, name, "--namespace", namespace, "--output=json"))
        return answer

    def find(self, kind: str, name: str, namespace: str = "default") -> Object | None:
        """Read one object; None where there is none."""
        text = self("get", kind, name, "--namespace", namespace, "--output=json", "--ignore-not-found")
        return json.loads(text) if text else None

    def list(self, kind: str, namespace: str, labels: str = "") -> list[Object]:
        """Read the objects of a kind that match a label selector."""
        text = self("get", kind, "--namespace", namespace, "--selector", labels, "--output=json")
        items: list[Object] = json.loads(text)["items"]
        return items

    def apply(self, manifests: str) -> str:
        """Apply YAML on the server side."""
        return self("apply", "--server-side", "--force-conflicts", "--filename=-", given=manifests)

    def execute(self, namespace: str, pod: str, *command: str, given: str = "", within: float = 300) -> str:
        """Run a command in a pod (`deployment/NAME` finds one) and return what it prints."""
        return self("exec", "--stdin", "--namespace", namespace, pod, "--", *command, given=given, within=within)
