"""Whether a live object still is what was asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.reconcile.compare import APPLIED_HASH, is_current, is_subset, manifest_hash, with_hash

MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "a", "labels": {"x": "1"}},
    "spec": {"ports": [{"name": "root", "port": 1094}, {"name": "http", "port": 8080}], "selector": {"app": "a"}},
}


def live(**changes: Any) -> dict[str, Any]:
    applied = with_hash(MANIFEST)
    spec = {**applied["spec"], "clusterIP": "10.96.0.7", **changes}
    return {**applied, "spec": spec, "metadata": {**applied["metadata"], "uid": "u", "resourceVersion": "5"}}


def test_what_the_server_adds_does_not_count_as_a_change() -> None:
    assert is_current(live(), MANIFEST)


def test_a_field_that_somebody_changed_counts() -> None:
    assert not is_current(live(selector={"app": "b"}), MANIFEST)


def test_a_field_that_somebody_removed_counts() -> None:
    assert not is_current(live(ports=[{"name": "root", "port": 1094}]), MANIFEST)


def test_a_field_that_we_no_longer_want_counts_although_the_rest_is_a_subset() -> None:
    smaller = {**MANIFEST, "spec": {"selector": {"app": "a"}}}
    assert is_subset(smaller, live())
    assert not is_current(live(), smaller)


def test_an_entry_that_somebody_added_to_a_list_of_objects_does_not_count() -> None:
    ports = [{"name": "extra", "port": 9}, *({**port, "protocol": "TCP"} for port in MANIFEST["spec"]["ports"])]
    assert is_current(live(ports=ports), MANIFEST)


def test_an_entry_that_somebody_added_to_a_list_without_keys_counts() -> None:
    """The peers of a NetworkPolicy, say."""
    ours = [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert is_subset(ours, [dict(ours[0])])
    assert not is_subset(ours, [*ours, {"namespaceSelector": {}}])


def test_an_object_without_our_annotation_is_not_current() -> None:
    stripped = live()
    del stripped["metadata"]["annotations"][APPLIED_HASH]
    assert not is_current(stripped, MANIFEST)


def test_a_missing_annotations_map_is_not_current() -> None:
    stripped = live()
    del stripped["metadata"]["annotations"]
    assert not is_current(stripped, MANIFEST)


@pytest.mark.parametrize(
    ("desired", "there", "expected"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["b", "a"], False),  # the order of arguments matters
        (["a"], ["a", "b"], False),
        ([], ["a"], False),
        ([], [], True),
        ({}, {"a": 1}, True),
        ({"a": None}, {}, False),
        ([{"name": "x", "v": 1}], [{"name": "x", "v": 2}], False),
        ([{"odd": 1}], [{"odd": 1, "more": 2}], True),
        ("a", ["a"], False),
        (["a"], "a", False),
        ({"a": 1}, [1], False),
    ],
)
def test_subset(desired: Any, there: Any, expected: bool) -> None:
    assert is_subset(desired, there) is expected


TEXT = st.text(st.characters(codec="utf-8"), max_size=5)  # as the API server hands it out
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_everything_is_a_subset_of_itself(value: Any) -> None:
    assert is_subset(value, value)


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_the_hash_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert manifest_hash(value) == manifest_hash(dict(reversed(value.items())))
