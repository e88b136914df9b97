"""Names that resources share, and who is told when they mean different things."""

from collections.abc import Mapping
from typing import Any

import pytest

from datalake_operator.kube.resource import QOS_PROBES
from datalake_operator.kube.store import Store
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.probe import ProbeKind


class World:
    """Probes in a store, and who was told."""

    def __init__(self) -> None:
        self.store = Store(QOS_PROBES)
        self.told: list[str] = []
        self.peers = Peers([ProbeKind()], {QOS_PROBES: self.store}, lambda key: self.told.append(key.name))
        self.version = 0

    def put(self, name: str, namespace: str = "ns", **urls: str) -> None:
        """Write a probe with endpoints and the host of their root URL."""
        self.version += 1
        endpoints = [
            {"name": endpoint, "site": "S", "urls": [{"protocol": "root", "url": f"root://{host}//d"}]}
            for endpoint, host in urls.items()
        ]
        metadata = {"name": name, "namespace": namespace, "resourceVersion": str(self.version)}
        self.told.clear()
        self.store.put({"metadata": metadata, "spec": {"endpoints": endpoints}})

    def remove(self, name: str) -> None:
        """Delete one."""
        self.version += 1
        self.told.clear()
        self.store.remove("ns", name, self.version)

    def disputed(self, name: str, namespace: str = "ns") -> Mapping[Any, Any]:
        """What one of them is told."""
        return self.peers.disputed(Key("QoSProbe", namespace, name))


@pytest.fixture
def world() -> World:
    return World()


def test_those_who_mean_the_same_do_not_concern_each_other(world: World) -> None:
    for number in range(5):
        world.put(f"p{number}", A="a", B="b")
        assert world.told == []
    assert world.disputed("p0") == {}
    world.remove("p0")
    assert world.told == []


def test_both_sides_of_a_dispute_learn_of_it_and_of_its_end(world: World) -> None:
    world.put("one", A="a")
    world.put("two", A="a")
    world.put("other", A="elsewhere", C="c")
    assert sorted(world.told) == ["one", "two"]
    assert world.disputed("one") == {("A", "root URL"): ["other"]}
    assert world.disputed("other") == {("A", "root URL"): ["one", "two"]}
    world.put("other", A="a", C="c")
    assert sorted(world.told) == ["one", "two"]
    assert world.disputed("one") == world.disputed("other") == {}


def test_the_end_of_one_ends_its_disputes(world: World) -> None:
    world.put("one", A="a")
    world.put("other", A="elsewhere")
    world.remove("other")
    assert world.told == ["one"]
    assert world.disputed("one") == {}
    assert world.disputed("other") == {}


def test_a_name_in_another_namespace_is_another_name(world: World) -> None:
    world.put("one", A="a")
    world.put("other", namespace="elsewhere", A="b")
    assert world.told == []
    assert world.disputed("one") == {}


def test_what_changes_no_endpoint_concerns_nobody(world: World) -> None:
    world.put("one", A="a")
    world.put("other", A="elsewhere")
    world.put("other", A="elsewhere")
    assert world.told == []
    world.put("other", A="elsewhere", B="b")
    assert world.told == []
