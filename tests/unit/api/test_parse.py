import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.kinds import KINDS
from datalake_operator.api.parse import not_implemented, parse
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.cli.problems import find
from tests.support.bad_input import BadInput, each_row, minimal
from tests.support.mutation import full, places, put

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


FULL = {model.kind.kind: full(model.kind.kind) for model in KINDS}


@each_row()
def test_bad_input_is_named_with_field_and_mend(row: BadInput) -> None:
    assert [str(problem) for problem in find(row.manifest)] == list(row.validate)


@each_row(refused_by_server=True)
def test_what_the_server_refuses_never_becomes_a_model(row: BadInput) -> None:
    if "unknown field" in row.server[0]:
        return  # only kubectl asks for that; the server itself drops the field
    with pytest.raises(InvalidResource):
        parse(row.manifest)


@given(JSON)
def test_any_json_is_a_model_or_an_invalid_resource(body: Any) -> None:
    with pytest.raises(InvalidResource) as caught:
        parse(body)
    assert caught.value.problems


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.kind.kind)
@given(data=st.data())
@settings(max_examples=100)
def test_any_value_in_any_place_is_a_model_or_an_invalid_resource(model: Any, data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(FULL[model.kind.kind])))
    for _ in range(data.draw(st.integers(1, 3))):
        put(body, data.draw(st.sampled_from(list(places(body)))), data.draw(JSON))
    with contextlib.suppress(InvalidResource):
        not_implemented(parse(body))


def test_nulls_are_absent_as_for_the_server() -> None:
    body = minimal("XCacheNode")
    body["spec"] |= {"cache": None, "affinity": {"podAffinity": None}, "extraConfig": None}
    node = parse(body)
    assert isinstance(node, XCacheNode)
    assert node.spec.cache.block_size == "1Mi"
    assert node.spec.affinity == {}
    assert node.spec.extra_config == ()


def test_python_names_are_not_field_names() -> None:
    body = minimal("XCacheNode")
    body["spec"]["deletion_policy"] = "Delete"
    node = parse(body)
    assert isinstance(node, XCacheNode)
    assert node.spec.deletion_policy == "Retain"


def test_parsing_leaves_the_manifest_alone() -> None:
    body = minimal("XCacheNode")
    before = copy.deepcopy(body)
    parse(body)
    assert body == before


def test_a_model_does_not_change() -> None:
    node = parse(minimal("XCacheNode"))
    with pytest.raises(ValueError, match="frozen"):
        node.spec.suspend = True


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "is not an object; write a manifest with apiVersion, kind, metadata, spec"),
        ({"apiVersion": "v1"}, "apiVersion: is not ours; write datalake.projectescape.eu/v1alpha1"),
        (
            {"apiVersion": "datalake.projectescape.eu/v1alpha1", "kind": "XCache"},
            "kind: is unknown; write one of RucioServer, XCacheNode, QoSProbe",
        ),
    ],
)
def test_what_is_none_of_our_kinds_is_said(body: Any, said: str) -> None:
    with pytest.raises(InvalidResource) as caught:
        parse(body)
    assert str(caught.value) == said


def test_the_minimal_cache_is_wholly_implemented() -> None:
    assert not_implemented(parse(minimal("XCacheNode"))) == []


def test_nesting_beyond_all_measure_is_refused() -> None:
    body = minimal("XCacheNode")
    deep: Any = {}
    for _ in range(100_000):
        deep = [deep]
    body["spec"]["site"] = deep
    with pytest.raises(InvalidResource):
        parse(body)
