"""Objects with a few fields changed at random, to compare what two judges say about them."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import yaml

from datalake_operator.api.parse import parse
from tests.support.bad_input import TESTS

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 99, 128, 129, 1023, 8080, 9931, 65536, 10**12, 2**63, 1.5),
    *("", "a", "A", "a b", "a\n", "-a", "a.b", "\u00e9", "x" * 64, "x" * 300, "meta", "d0", "latest", "root", "http"),
    *(
        "10Gi",
        "1",
        "100Mi",
        "1.5Gi",
        "0.5Mi",
        "4096",
        "1e3",
        "1E",
        "0s",
        "5m",
        "1h30m",
        "500ms",
        "9999999h",
        "60s",
        "1h",
    ),
    *("ClusterIP", "NodePort", "ReadOnly", "Push", "IPv4", "0 3 * * *", "@daily", "0.9", "-1", "1."),
    *("/", "/a", "/a/", "/..", "//", "root://a", "root://a:0", "root://a:70000", "root://[::1]:1", "http://a.b:80/x"),
    *("2027-01-31T08:00:00Z", "2027-02-30T08:00:00Z", "2027-01-31T08:00:00.5+01:00", "2027-01-31 08:00"),
    *("10.0.0.0/8", "::/0", "1.2.3/8", "sha256:" + "a" * 64),
    *([], [1], ["a"], ["a", "a"], ["/"], ["IPv4", "IPv4"], [{"name": "a"}]),
    *({}, {"name": "a"}, {"name": "a", "key": "b"}, {"size": "10Gi"}, {"size": "1Ki"}, {"claim": {"size": "1Gi"}}),
    *({"anonymous": True}, {"limits": {"memory": "1Gi"}}, {"limits": {"cpu": -1}}, {"a": "b"}),
)


def full(kind: str) -> list[dict[str, Any]]:
    """Return objects of a kind that say every field, defaults written out."""
    text = (TESTS / "golden" / "defaults" / kind.lower() / "full.yaml").read_text("utf-8")
    bodies: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    for body in bodies:
        body["spec"] = json.loads(parse(body).spec.model_dump_json(by_alias=True, exclude_none=True))
    return bodies


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a value."""
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield from places(child, (*path, step))


def put(body: Any, path: tuple[Any, ...], value: Any) -> bool:
    """Put a value into a place; False where the place is no longer there."""
    *steps, last = path
    try:
        for step in steps:
            body = body[step]
        body[last] = value
    except (LookupError, TypeError):
        return False
    return True


def mutated(kind: str, chance: random.Random) -> dict[str, Any]:
    """Return an object of a kind with one or two fields changed."""
    body = copy.deepcopy(chance.choice(full(kind)))
    inside = [path for path in places(body) if path[0] == "spec" and len(path) > 1] + [("metadata", "name")]
    for _ in range(chance.choice((1, 1, 2))):
        put(body, chance.choice(inside), copy.deepcopy(chance.choice(VALUES)))
    return body
