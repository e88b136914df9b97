"""Looking things up among what is there of a RucioServer."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from datalake_operator.build.labels import COMPONENT
from datalake_operator.build.rucio import called
from datalake_operator.status import pods as podview
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

PREFIX = "datalake.projectescape.eu/"
"""Of our annotations."""


def deployments(view: View) -> dict[str, Manifest]:
    """Deployments by name."""
    return {name: child for (kind, name), child in view.children.items() if kind == "Deployment"}


def jobs(view: View, prefix: str) -> dict[str, Manifest]:
    """Jobs whose names begin with `prefix`."""
    return {name: child for (kind, name), child in view.children.items() if kind == "Job" and name.startswith(prefix)}


def components(view: View, component: str) -> list[Manifest]:
    """Pods of one component, by name, that have not ended."""
    found = [pod for pod in view.pods if component_of(pod) == component and not ended(pod)]
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def component_of(pod: Manifest) -> str:
    """The component that a pod belongs to."""
    return str(pod["metadata"].get("labels", {}).get(COMPONENT, ""))


def ended(pod: Manifest) -> bool:
    """Whether nothing of the pod runs any more."""
    return pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}


def works(pod: Manifest) -> bool:
    """Whether the pod is a server or a daemon that may use the database."""
    component = component_of(pod)
    return (component in {"server", "auth"} or component.startswith("daemon-")) and not ended(pod)


def complete(job: Manifest) -> bool:
    """Whether a Job has ended well."""
    return podview.condition(job, "Complete").get("status") == "True"


def failed(job: Manifest) -> bool:
    """Whether a Job has been given up."""
    return podview.condition(job, "Failed").get("status") == "True"


def finished(job: Manifest) -> bool:
    """Whether a Job has ended."""
    return complete(job) or failed(job)


def stopped(deployment: Manifest) -> bool:
    """Whether a Deployment was stopped for a migration."""
    return bool(deployment["metadata"].get("annotations", {}).get(called.STOPPED) == "true")


def down(deployment: Manifest) -> bool:
    """Whether its controller knows that it is stopped, and has no pods of it left."""
    status = deployment.get("status", {})
    return bool(stopped(deployment) and current(deployment) and not status.get("replicas"))


def current(deployment: Manifest) -> bool:
    """Whether the Deployment controller has seen the newest spec, so that its status speaks about it."""
    seen = deployment.get("status", {}).get("observedGeneration", 0)
    return bool(seen >= deployment["metadata"].get("generation", 0))


def annotation(server: Any, name: str) -> str:
    """Value of one of our annotations on a resource, empty where it is not there."""
    return str(server.metadata.annotations.get(PREFIX + name, ""))


def refused(deployment: Manifest) -> str | None:
    """Why the controller of a Deployment cannot make its pods, such as a quota."""
    failure = podview.condition(deployment, "ReplicaFailure")
    return str(failure.get("message", "pods are refused")) if failure.get("status") == "True" else None


def replicas(deployment: Manifest) -> int:
    """Replicas that a Deployment asks for."""
    count = deployment.get("spec", {}).get("replicas")
    return 1 if count is None else int(count)
