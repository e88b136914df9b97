"""Parts of pods that every kind needs, as the API server prints them back. They fit the `restricted` standard."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from datalake_operator.api.common import Image
from datalake_operator.build.quantity import canonical_quantity


class Placed(Protocol):
    """A spec that says where its pods may run."""

    @property
    def node_selector(self) -> Mapping[str, str]:
        """Labels of the nodes."""

    @property
    def tolerations(self) -> Iterable[Mapping[str, Any]]:
        """Taints that are tolerated."""

    @property
    def affinity(self) -> Mapping[str, Any]:
        """Affinity."""

    @property
    def priority_class_name(self) -> str | None:
        """PriorityClass."""


def confined() -> dict[str, Any]:
    """The `securityContext` of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def runs_as(user: int) -> dict[str, Any]:
    """The `securityContext` of a pod whose image runs as this numeric user and group."""
    return {
        "runAsGroup": user,
        "runAsNonRoot": True,
        "runAsUser": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def owns_volumes(user: int) -> dict[str, Any]:
    """The `securityContext` of a pod that may write to fresh volumes."""
    return {"fsGroup": user, "fsGroupChangePolicy": "OnRootMismatch"} | runs_as(user)


def pull_secrets(image: Image) -> dict[str, Any]:
    """The pod's `imagePullSecrets`, nothing without any."""
    return {"imagePullSecrets": [{"name": secret.name} for secret in image.pull_secrets]} if image.pull_secrets else {}


def placement(spec: Placed) -> dict[str, Any]:
    """Where a pod may run, as fields of its `spec`."""
    wanted = {
        "nodeSelector": spec.node_selector,
        "tolerations": without_empty(spec.tolerations),
        "affinity": without_empty(spec.affinity),
        "priorityClassName": spec.priority_class_name,
    }
    return {key: value for key, value in wanted.items() if value}


def without_empty(value: Any) -> Any:
    """Give tolerations or an affinity without what the API server does not print back: empty texts, lists, labels."""
    if isinstance(value, Mapping):
        return {
            key: dict(inner) if key == "matchLabels" else without_empty(inner)
            for key, inner in value.items()
            if inner not in ("", [], ()) and not (key == "matchLabels" and not inner)
        }
    if isinstance(value, list | tuple):
        return [without_empty(item) for item in value]
    return value


def variables(**values: str | int | None) -> list[dict[str, str]]:
    """A container's `env`, by name; what is None is left out."""
    return [{"name": name, "value": str(value)} for name, value in sorted(values.items()) if value is not None]


def port(name: str, number: int) -> dict[str, Any]:
    """An entry of a container's `ports`."""
    return {"name": name, "containerPort": number, "protocol": "TCP"}


def canonical_resources(resources: Mapping[str, Any]) -> dict[str, Any]:
    """A container's `resources` with every quantity as the API server prints it; empty parts are left out."""
    found: dict[str, Any] = {}
    for part in ("limits", "requests"):
        amounts = resources.get(part) or {}
        if amounts:
            found[part] = {name: canonical_quantity(amount) for name, amount in sorted(amounts.items())}
    if resources.get("claims"):
        found["claims"] = [dict(claim) for claim in resources["claims"]]
    return found
