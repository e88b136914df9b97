import pytest

from datalake_operator.kube import resource as kinds


def test_paths_are_those_of_the_api_server() -> None:
    assert kinds.PODS.path() == "/api/v1/pods"
    assert kinds.PODS.path("ns", "p") == "/api/v1/namespaces/ns/pods/p"
    assert kinds.STATEFUL_SETS.path("ns") == "/apis/apps/v1/namespaces/ns/statefulsets"
    status = "/apis/datalake.projectescape.eu/v1alpha1/namespaces/ns/xcachenodes/x/status"
    assert kinds.XCACHE_NODES.path("ns", "x", "status") == status
    assert kinds.CRDS.path("ignored", "c").endswith("/v1/customresourcedefinitions/c")


def test_a_manifest_knows_its_kind() -> None:
    assert kinds.of({"apiVersion": "apps/v1", "kind": "StatefulSet"}) is kinds.STATEFUL_SETS
    assert kinds.of({"apiVersion": "v1", "kind": "Secret"}) is kinds.SECRETS


@pytest.mark.parametrize("manifest", [{}, {"apiVersion": "v2", "kind": "Secret"}, {"kind": "Secret"}])
def test_an_unknown_kind_is_named(manifest: dict[str, str]) -> None:
    with pytest.raises(LookupError, match="unknown kind"):
        kinds.of(manifest)
