from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.kube.resource import CONFIG_MAPS
from datalake_operator.kube.store import Store


def obj(name: str, version: int, namespace: str = "ns", **body: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, "resourceVersion": str(version)}, **body}


def test_the_newer_version_wins_whatever_comes_first() -> None:
    store = Store(CONFIG_MAPS)
    assert store.put(obj("a", 10, data=1))
    assert not store.put(obj("a", 9, data=0))
    assert not store.put(obj("a", 10, data=2))
    assert store.get("ns", "a") == obj("a", 10, data=1)
    assert store.put(obj("a", 100, data=3))
    assert store.get("ns", "a") == obj("a", 100, data=3)


def test_a_late_answer_does_not_raise_the_dead() -> None:
    store = Store(CONFIG_MAPS)
    store.put(obj("a", 10))
    assert store.remove("ns", "a", "12")
    assert not store.put(obj("a", 11))
    assert store.get("ns", "a") is None
    assert store.put(obj("a", 13))


def test_a_late_deletion_does_not_touch_the_successor() -> None:
    store = Store(CONFIG_MAPS)
    store.put(obj("a", 20))
    assert not store.remove("ns", "a", "12")
    assert store.get("ns", "a") is not None


def test_a_listing_removes_what_it_does_not_hold_but_nothing_newer_or_elsewhere() -> None:
    store = Store(CONFIG_MAPS)
    for item in (obj("old", 10), obj("new", 31), obj("there", 10, "other"), obj("kept", 20)):
        store.put(item)
    assert store.retain({("ns", "kept")}, "30", "ns") == {("ns", "old")}
    assert set(store.keys()) == {("ns", "kept"), ("ns", "new"), ("other", "there")}
    assert store.retain((), 40) == {("ns", "kept"), ("ns", "new"), ("other", "there")}


def test_what_is_cleared_is_told_as_gone_and_may_come_again() -> None:
    store, told = Store(CONFIG_MAPS), []
    store.put(obj("a", 10))
    store.on_change(lambda _resource, old, new: told.append((old, new)))
    store.clear()
    assert not len(store)
    assert told == [(obj("a", 10), None)]
    assert store.put(obj("a", 10))


def test_every_change_is_told_with_what_was_and_what_is() -> None:
    store = Store(CONFIG_MAPS)
    told: list[Any] = []
    store.on_change(lambda resource, old, new: told.append((resource, old, new)))
    store.put(obj("a", 1))
    store.put(obj("a", 1))
    store.put(obj("a", 2))
    store.remove("ns", "a", 3)
    store.remove("ns", "a", 4)
    assert told == [
        (CONFIG_MAPS, None, obj("a", 1)),
        (CONFIG_MAPS, obj("a", 1), obj("a", 2)),
        (CONFIG_MAPS, obj("a", 2), None),
    ]


def test_what_was_put_in_is_not_changed_and_managed_fields_are_not_kept() -> None:
    store = Store(CONFIG_MAPS)
    given_obj = obj("a", 1)
    given_obj["metadata"]["managedFields"] = [1]
    store.put(given_obj)
    assert store.get("ns", "a") == obj("a", 1)
    assert given_obj["metadata"]["managedFields"] == [1]


@given(st.permutations([*range(1, 9)]), st.sets(st.integers(1, 8)))
def test_any_order_of_events_ends_in_the_state_of_the_newest(order: list[int], deletions: set[int]) -> None:
    store = Store(CONFIG_MAPS)
    for version in order:
        if version in deletions:
            store.remove("ns", "a", version)
        else:
            store.put(obj("a", version))
    assert store.get("ns", "a") == (None if 8 in deletions else obj("a", 8))
