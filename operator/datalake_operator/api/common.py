"""Parts of a spec that several kinds share."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.core import core
from datalake_operator.api.meta import GROUP, MAP_BY_NAME, DnsName, Items, Model, SecretRef, matching, rule
from datalake_operator.api.rules import check

Resources: TypeAlias = Annotated[dict[str, Any], core("ResourceRequirements")]
"""Resources of a container as in a pod, a plain dict with `limits` and `requests`."""

NodeSelector: TypeAlias = Annotated[dict[str, str], core("NodeSelector")]
"""Labels that a node must have."""

Tolerations: TypeAlias = Annotated[Items[dict[str, Any]], core("Tolerations")]
"""Tolerations as in a pod, plain dicts."""

Affinity: TypeAlias = Annotated[dict[str, Any], core("Affinity")]
"""Affinity as in a pod, a plain dict."""

_QUALIFIED_NAME = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def _bad_keys(annotations: Mapping[str, str]) -> str:
    bad = [key for key in annotations if not _QUALIFIED_NAME.fullmatch(key) or key.startswith(f"{GROUP}/")]
    return ", ".join(map(repr, bad))


# Keys of a free map are beyond CEL: they have no bounds, so that any rule about them would cost too much.
Annotations: TypeAlias = Annotated[
    dict[str, Annotated[str, Field(max_length=4096)]],
    Field(max_length=32, json_schema_extra={"type": "object"}),
    check(
        "has a key that is no name of an annotation, or is one of ours",
        lambda annotations: not _bad_keys(annotations),
        mend=f"write example.org/name, and nothing below {GROUP}",
        hint=_bad_keys,
    ),
]
"""Annotations for a child."""

PriorityClassName: TypeAlias = DnsName


class Image(Model):
    """A container image. What is not said is the operator's default for this kind."""

    rules = (
        rule(
            "!has(self.tag) || self.tag != 'latest'",
            "tag latest changes under your feet",
            lambda self: self.tag != "latest",
            mend="name a version or a digest",
            at=".tag",
        ),
    )

    repository: (
        Annotated[
            str,
            Field(min_length=1, max_length=255),
            matching(
                r"[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
                "must be a repository without tag or digest",
                mend="e.g. registry.example.org/datalake/xcache",
            ),
        ]
        | None
    ) = None
    """Registry and repository without tag, e.g. registry.example.org/datalake/xcache. Default: the operator's."""
    tag: (
        Annotated[
            str,
            Field(min_length=1, max_length=128),
            matching(
                "[A-Za-z0-9_][A-Za-z0-9._-]*", "must be an image tag", mend="use letters, digits, '.', '_' and '-'"
            ),
        ]
        | None
    ) = None
    """Tag of the image; never latest. Default: the operator's."""
    digest: (
        Annotated[
            str,
            Field(max_length=71),
            matching("sha256:[0-9a-f]{64}", "must be a sha256 digest", mend="write sha256: and 64 hexadecimal digits"),
        ]
        | None
    ) = None
    """Digest sha256:...; wins over the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet pulls the image. IfNotPresent by default, since versions are pinned."""
    pull_secrets: Annotated[Items[SecretRef], Field(max_length=8), MAP_BY_NAME] = ()
    """Secrets of type kubernetes.io/dockerconfigjson for a private registry."""
