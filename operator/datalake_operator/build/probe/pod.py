"""The pod of a run. Fits the `restricted` pod security standard, and has no token: its answer is its last message."""

from collections.abc import Iterator
from typing import Any

from datalake_operator.api.probe import QoSProbe, TrustBundle
from datalake_operator.build.context import Context
from datalake_operator.build.image import image_reference
from datalake_operator.build.labels import stable_labels
from datalake_operator.build.parts import canonical_resources, confined, pull_secrets, runs_as, without_empty
from datalake_operator.build.probe import called
from datalake_operator.build.probe.shape import Shape

Manifest = dict[str, Any]

USER = 10943
"""Numeric user and group of the image."""

_PLAN = "/etc/probe"
"""Folder with plan.json, and with trust/NAME.pem of each bundle of certificates."""

_CREDENTIALS = "/run/secrets/rucio"

_RESOURCES = {"requests": {"cpu": "50m", "memory": "128Mi"}}
"""Unless the spec says otherwise: Python, and one xrdcp or rucio at a time."""

_RUN_LABEL = "metadata.labels['batch.kubernetes.io/job-name']"
"""Where a pod finds the name of its Job, which is the id of the run."""


def image(probe: QoSProbe, context: Context) -> str:
    """Image of a probe's runs: the operator's or the user's."""
    custom = probe.spec.custom
    return image_reference(custom.image if custom else probe.spec.image, context.probe_image)


def template(probe: QoSProbe, context: Context, shape: Shape, plan_name: str, *, now: bool = False) -> Manifest:
    """Give the pod template.

    Args:
        probe: the probe.
        context: facts about the installation.
        shape: with the deadlines.
        plan_name: the ConfigMap with the plan.
        now: whether somebody waits for the result, so that the run does not wait first.
    """
    spec = probe.spec
    own_image = spec.custom.image if spec.custom else spec.image
    volumes = list(_volumes(probe, plan_name))
    placed = {"nodeSelector": dict(spec.node_selector), "tolerations": without_empty(spec.tolerations)}
    return {
        "metadata": {"labels": stable_labels(called.APP, probe.metadata.name, called.COMPONENT)},
        "spec": {
            "activeDeadlineSeconds": shape.pod_deadline,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "securityContext": runs_as(USER),
            "containers": [
                {
                    "name": called.CONTAINER,
                    "image": image(probe, context),
                    "imagePullPolicy": own_image.pull_policy,
                    **_command(probe),
                    "env": _environment(now=now),
                    "resources": canonical_resources(spec.resources or _RESOURCES),
                    "securityContext": confined(),
                    "terminationMessagePolicy": "File",
                    "volumeMounts": [mount for mount, _ in volumes],
                }
            ],
            "volumes": [volume for _, volume in volumes],
            **pull_secrets(own_image),
            **{key: value for key, value in placed.items() if value},
        },
    }


def _command(probe: QoSProbe) -> Manifest:
    """What a custom probe runs; `$` is doubled, since Kubernetes would replace `$(NAME)`."""
    custom = probe.spec.custom
    if custom is None:
        return {}
    words = {"command": custom.command, "args": custom.args}
    return {key: [word.replace("$", "$$") for word in value] for key, value in words.items() if value}


def _environment(*, now: bool) -> list[Manifest]:
    run = {"name": "PROBE_RUN", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": _RUN_LABEL}}}
    return [
        {"name": "HOME", "value": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
        *([{"name": "PROBE_NOW", "value": "1"}] if now else []),
        run,
    ]


def _volumes(probe: QoSProbe, plan_name: str) -> Iterator[tuple[Manifest, Manifest]]:
    """Yield each mount with its volume."""
    plan = {"configMap": {"name": plan_name, "items": [{"key": called.PLAN_KEY, "path": called.PLAN_KEY}]}}
    bundles = [_bundle(bundle) for bundle in probe.spec.trust.bundles]
    yield (
        {"name": "plan", "mountPath": _PLAN, "readOnly": True},
        {"name": "plan", "projected": {"sources": [plan, *bundles]}},
    )
    rucio = probe.spec.rucio
    if rucio is not None and rucio.credentials_secret_ref is not None:
        keys = [{"key": key, "path": key} for key in ("username", "password")]
        yield (
            {"name": "credentials", "mountPath": _CREDENTIALS, "readOnly": True},
            {"name": "credentials", "secret": {"secretName": rucio.credentials_secret_ref.name, "items": keys}},
        )
    yield {"name": "tmp", "mountPath": "/tmp"}, {"name": "tmp", "emptyDir": {}}  # noqa: S108
    yield {"name": "run", "mountPath": "/run/probe"}, {"name": "run", "emptyDir": {}}


def _bundle(bundle: TrustBundle) -> Manifest:
    path = f"trust/{bundle.name}.pem"
    if bundle.config_map_key_ref is not None:
        ref = bundle.config_map_key_ref
        return {"configMap": {"name": ref.name, "items": [{"key": ref.key, "path": path}]}}
    assert bundle.secret_key_ref is not None  # noqa: S101 - the schema: exactly one of them
    return {"secret": {"name": bundle.secret_key_ref.name, "items": [{"key": bundle.secret_key_ref.key, "path": path}]}}
