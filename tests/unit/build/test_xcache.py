from typing import Any

import yaml

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context
from datalake_operator.build.parts import without_empty
from datalake_operator.build.xcache import build
from tests.unit.build.conftest import MakeNode

LONGEST = "a" + "b" * 38 + "c"


def workload(node: XCacheNode, context: Context) -> dict[str, Any]:
    return build(node, context)[-1]


def of_kind(node: XCacheNode, context: Context, kind: str) -> list[dict[str, Any]]:
    return [child for child in build(node, context) if child["kind"] == kind]


def test_building_twice_gives_the_same(node: MakeNode, context: Context) -> None:
    assert build(node(), context) == build(node(), context)


def test_another_namespace_or_monitoring_stack_of_the_operator_rolls_no_cache(node: MakeNode, context: Context) -> None:
    moved = Context(context.xcache_image, operator_namespace="elsewhere", monitoring_namespaces=("other",))
    assert workload(node(), moved) == workload(node(), context)


def test_names_and_label_values_fit_for_the_longest_name(node: MakeNode, context: Context) -> None:
    longest = node(name=LONGEST, storage={"data": [{"name": "d" * 15, "claim": {"size": "1Gi"}}]})
    for child in build(longest, context):
        assert len(child["metadata"]["name"]) <= 63
        assert all(len(value) <= 63 for value in child["metadata"]["labels"].values())
    assert len(f"{LONGEST}-0123456789") <= 63  # label controller-revision-hash


def test_every_pod_fits_the_restricted_standard(node: MakeNode, context: Context) -> None:
    pod = workload(node(), context)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    for container in pod["initContainers"] + pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim"}
    assert all(volume.keys() - {"name"} <= allowed for volume in pod["volumes"])


def test_every_mount_names_a_volume_and_every_volume_is_mounted(node: MakeNode, context: Context) -> None:
    pod = workload(node(), context)["spec"]["template"]["spec"]
    mounted = {mount["name"] for one in pod["initContainers"] + pod["containers"] for mount in one["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_selectors_hold_no_version_and_the_template_none_either(node: MakeNode, context: Context) -> None:
    version = "app.kubernetes.io/version"
    spec = workload(node(), context)["spec"]
    assert version not in spec["selector"]["matchLabels"]
    assert version not in spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert all(version not in service["spec"]["selector"] for service in of_kind(node(), context, "Service"))
    assert all(child["metadata"]["labels"][version] == "5.8.1-1" for child in build(node(), context))


def test_retained_claims_have_no_owner_and_deleted_ones_do(node: MakeNode, context: Context) -> None:
    (kept,) = of_kind(node(), context, "PersistentVolumeClaim")
    (gone,) = of_kind(node(deletionPolicy="Delete"), context, "PersistentVolumeClaim")
    assert "ownerReferences" not in kept["metadata"]
    assert gone["metadata"]["ownerReferences"][0]["controller"] is True


def test_everything_but_claims_is_owned_without_blocking_deletion(node: MakeNode, context: Context) -> None:
    for child in build(node(), context):
        if child["kind"] != "PersistentVolumeClaim":
            assert child["metadata"]["ownerReferences"] == [
                {
                    "apiVersion": "datalake.projectescape.eu/v1alpha1",
                    "kind": "XCacheNode",
                    "name": "cache",
                    "uid": "u-1",
                    "controller": True,
                }
            ]


def test_labels_and_annotations_of_the_resource_are_not_copied(node: MakeNode, context: Context) -> None:
    marked = node()
    metadata = marked.metadata.model_copy(update={"labels": {"x": "y"}, "annotations": {"x": "y"}})
    assert build(marked.model_copy(update={"metadata": metadata}), context) == build(marked, context)


def test_configuration_is_immutable_named_by_its_content_and_applied_before_its_user(
    node: MakeNode, context: Context
) -> None:
    kinds = [child["kind"] for child in build(node(), context)]
    assert kinds[0] == "PersistentVolumeClaim"  # the one that may be refused; then nothing else is written
    assert kinds.index("ConfigMap") < kinds.index("StatefulSet") == len(kinds) - 1
    (one,), (other,) = (of_kind(node(site=site), context, "ConfigMap") for site in ("A", "B"))
    assert one["immutable"] is True
    assert one["metadata"]["name"] != other["metadata"]["name"]
    volumes = workload(node(site="A"), context)["spec"]["template"]["spec"]["volumes"]
    assert {"name": "config", "configMap": {"name": one["metadata"]["name"]}} in volumes


def test_a_pod_monitor_is_made_where_the_cluster_has_that_kind_and_the_spec_wants_it(
    node: MakeNode, context: Context
) -> None:
    without = Context(context.xcache_image, context.operator_namespace, pod_monitor=False)
    assert len(of_kind(node(), context, "PodMonitor")) == 1
    assert of_kind(node(), without, "PodMonitor") == []
    assert of_kind(node(monitoring={"podMonitor": False}), context, "PodMonitor") == []


def test_the_memory_request_follows_ram_unless_the_spec_names_one(node: MakeNode, context: Context) -> None:
    def requests(**spec: Any) -> Any:
        return workload(node(**spec), context)["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]

    assert requests() == {"memory": "1536Mi"}
    assert requests(cache={"ram": "2Gi"}) == {"memory": "2560Mi"}
    assert requests(resources={"requests": {"cpu": "1"}}) == {"cpu": "1", "memory": "1536Mi"}
    assert requests(resources={"requests": {"memory": "4096Mi"}}) == {"memory": "4Gi"}


def test_the_pod_outlives_its_drain(node: MakeNode, context: Context) -> None:
    pod = workload(node(drain={"timeout": "1h"}), context)["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 3630


def test_what_the_server_would_not_print_back_of_a_placement_is_not_sent() -> None:
    term = {"topologyKey": "zone", "namespaces": [], "namespaceSelector": {}, "labelSelector": {"matchLabels": {}}}
    written = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    sent = {"topologyKey": "zone", "namespaceSelector": {}, "labelSelector": {}}
    assert without_empty(written) == {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [sent]}}
    assert without_empty(({"key": "a", "value": "", "tolerationSeconds": 0},)) == [{"key": "a", "tolerationSeconds": 0}]
    assert without_empty({"matchLabels": {"a": ""}}) == {"matchLabels": {"a": ""}}


def test_no_part_of_a_child_stands_twice_in_it(node: MakeNode, context: Context) -> None:
    """`datalake render` would print it as a YAML alias."""
    assert "&id" not in yaml.safe_dump_all(build(node(), context))
