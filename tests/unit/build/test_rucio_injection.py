"""Whatever a field of a spec holds, it smuggles in no option of rucio.cfg, no word of a command, no variable."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.problems import InvalidResource
from datalake_operator.build import Refused
from tests.support.mutation import full, places, put
from tests.unit.build.rucio_cases import children, container, parsed, templates
from tests.unit.build.test_rucio_children import EVERYTHING
from tests.unit.build.test_rucio_config import EVIL as LINES
from tests.unit.build.test_rucio_config import options
from tests.unit.build.test_rucio_daemons import EVIL as WORDS

BODIES = full("RucioServer")


def value(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


TEXTS = [
    (number, path)
    for number, body in enumerate(BODIES)
    for path in places(body["spec"])
    if isinstance(value(body["spec"], path), str)
]


def shape(body: dict[str, Any]) -> tuple[dict[str, set[str]], list[tuple[str, list[str], set[str]]]]:
    """Options by section, and the flags and variables of each container."""
    built = children(parsed(body), EVERYTHING)
    found: dict[str, set[str]] = {}
    for (kind, name), child in built.items():
        if kind == "ConfigMap" and "-config-" in name:
            for section, those in options(child["data"]["base.cfg"]).items():
                found.setdefault(section, set()).update(those)
    containers = []
    for template in templates(built).values():
        one = container(template)
        flags = [word.partition("=")[0] for word in one.get("args", []) if word.startswith("-")]
        assert all("$(" not in word.replace("$$", "") for word in one.get("args", []))
        containers.append((one["name"], flags, {entry["name"] for entry in one.get("env", [])}))
    return found, sorted(containers)


SHAPES = [shape(body) for body in BODIES]


@settings(max_examples=300)
@given(place=st.sampled_from(TEXTS), evil=st.one_of(LINES, WORDS), at=st.integers(0, 40))
def test_no_text_of_a_spec_becomes_more_than_a_value(place: tuple[int, tuple[Any, ...]], evil: str, at: int) -> None:
    number, path = place
    body = copy.deepcopy(BODIES[number])
    good = value(body["spec"], path)
    assert put(body["spec"], path, good[:at] + evil + good[at:])
    try:
        found, containers = shape(body)
    except (InvalidResource, Refused):
        return
    expected, plain = SHAPES[number]
    if path[0] in ("config", "secretConfig"):  # names of options are theirs to say
        free = {(body["spec"]["config"][0]["section"], body["spec"]["config"][0]["option"].lower())}
        more = {(section, option) for section, those in found.items() for option in those}
        assert more <= {(section, option) for section, those in expected.items() for option in those} | free
    else:
        assert found == expected
    assert [one[1:] for one in containers] == [one[1:] for one in plain]
