"""Which endpoint is broken: the one that is, and nobody else."""

from itertools import product

import pytest

from datalake_operator.probes.blame import Link, blame
from datalake_operator.probes.model import CellKey
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake


def links(names: str, bad: str, protocol: str = "root") -> list[Link]:
    """A mesh of endpoints of one letter; `bad` lists pairs, with * for any."""
    patterns = bad.split()
    return [
        Link(CellKey(one, two, protocol), any(p[0] in (one, "*") and p[1] in (two, "*") for p in patterns))
        for one, two in product(names, names)
        if one != two
    ]


MANY = "ABCDEFGH"


@pytest.mark.parametrize(
    ("names", "bad", "expected"),
    [
        ("ABCD", "", {}),
        ("ABCD", "AB", {}),  # one link: nobody is blamed
        ("ABCD", "AB BA", {}),
        ("ABCD", "A*", {"A": "source"}),
        ("ABCD", "*A", {"A": "destination"}),
        ("ABCD", "A* *A", {"A": "both"}),
        ("ABCD", "A* *B", {"A": "source", "B": "destination"}),
        ("ABCD", "A* *A B* *B", {"A": "both", "B": "both"}),
        ("ABC", "A*", {"A": "source"}),
        ("AB", "AB BA", {}),  # either may be at fault
        ("ABCD", "AB AC", {}),  # one link of A is good
        (MANY, "A*", {"A": "source"}),
        (MANY, "AB AC AD AE AF AG", {"A": "source"}),  # six of seven
        (MANY, "AB AC AD AE AF", {}),  # (5 - 1) / (7 - 1) is too few
        (MANY, "*A", {"A": "destination"}),
        (MANY, "A* *A", {"A": "both"}),
        (MANY, "A* *A BC", {"A": "both"}),
        (MANY, "A* B* C*", {"A": "source", "B": "source", "C": "source"}),
        (MANY, "AB BC CD DE EF FG GH HA", {}),
        ("ABCD", "**", {}),  # nothing works: nobody is worse than the others
        (MANY, "**", {}),
    ],
)
def test_the_fewest_that_explain_what_is_red_are_blamed(names: str, bad: str, expected: dict[str, str]) -> None:
    assert {name: fault.role for name, fault in blame(links(names, bad), ()).items()} == expected


def test_an_endpoint_that_is_down_by_itself_takes_its_links_with_it() -> None:
    """Links to B are bad because B is down; without them A is not blamed."""
    found = blame(links("ABCD", "AB CB DB BA BC BD AC"), ["B"])
    assert found.keys() == {"B"}
    assert found["B"].links == frozenset()


def test_the_only_source_is_blamed_when_none_of_its_copies_works() -> None:
    found = blame([Link(CellKey("A", other, "root"), bad=True) for other in "BCDEFG"], ())
    assert {name: fault.role for name, fault in found.items()} == {"A": "both"}


def test_with_few_links_each_partner_must_be_good_elsewhere() -> None:
    """Two sources cannot write to one destination that nobody else writes to: who knows which is at fault."""
    alone = [Link(CellKey(one, "C", "root"), bad=True) for one in "AB"]
    assert blame(alone, ()) == {}
    proved = [*alone, Link(CellKey("A", "D", "root"), bad=False), Link(CellKey("B", "D", "root"), bad=False)]
    assert {name: fault.role for name, fault in blame(proved, ()).items()} == {"C": "destination"}


def test_protocols_are_judged_apart_and_told_together() -> None:
    found = blame([*links("ABCD", "A*"), *links("ABCD", "*A", "http"), *links("ABCD", "", "davs")], ())
    assert {name: fault.role for name, fault in found.items()} == {"A": "both"}
    assert {key.protocol for key in found["A"].links} == {"root", "http"}


NAMES = ("CERN", "DESY", "IDIA", "PIC")
KEYS = lake.mesh(NAMES)


def down(*names: str) -> dict[CellKey, object]:
    """What the runner says when endpoints fail alone: their pairs are left out with the same reason."""
    found: dict[CellKey, object] = {}
    for key in KEYS:
        ends = {key.source, key.destination} & set(names)
        found[key] = lake.GOOD if not ends else lake.skipped("Refused") if key.destination else lake.bad("Refused")
    return found


@pytest.mark.parametrize("names", [("PIC",), ("PIC", "CERN"), ("PIC", "CERN", "IDIA")])
def test_endpoints_that_are_down_are_blamed_and_no_innocent_one_is_red(names: tuple[str, ...]) -> None:
    found = [lake.run(n, dict.fromkeys(KEYS, lake.GOOD)) for n in range(3)]
    found += [lake.run(3 + n, down(*names)) for n in range(2)]  # type: ignore[arg-type]
    result = lake.judged(lake.watch(KEYS), found)
    assert lake.blamed(result) == dict.fromkeys(names, ("both", "Refused"))
    red = {key.source for key, state in lake.states(result).items() if state in ("critical", "warning")}
    assert red == set(names)
    assert [entry["since"] for entry in result.fields["endpoints"]] == ["2026-01-01T00:45:00Z"] * len(names)
    mended = lake.judged(
        lake.watch(KEYS), [lake.run(5 + n, dict.fromkeys(KEYS, lake.GOOD)) for n in range(2)], result.fields
    )
    assert set(lake.states(mended).values()) == {"ok"}
    assert mended.healthy[0] == "True"


def test_one_broken_link_is_red_and_nobody_is_blamed() -> None:
    link = CellKey("CERN", "PIC", "root")
    found = [lake.run(n, dict.fromkeys(KEYS, lake.GOOD) | {link: lake.bad("TransferFailed")}) for n in range(3)]
    result = lake.judged(lake.watch(KEYS), found)
    assert [key for key, state in lake.states(result).items() if state != "ok"] == [link]
    assert "endpoints" not in result.fields
    assert result.healthy[:2] == ("False", "CellsCritical")
    assert "CERN to PIC by root (TransferFailed)" in result.healthy[2]


def test_an_endpoint_in_maintenance_is_not_blamed_and_blames_nobody() -> None:
    window = lake.window("PIC")
    found = [lake.run(n, down("PIC")) for n in range(3)]  # type: ignore[arg-type]
    result = lake.judged(lake.watch(KEYS, maintenance=(window,)), found)
    assert lake.blamed(result) == {}
    assert result.fields["endpoints"] == [
        {
            "name": "PIC",
            "role": "both",
            "state": "maintenance",
            "reason": "Maintenance",
            "since": "2026-01-01T00:00:00Z",
        }
    ]
    assert result.healthy[0] == "True"


def test_links_to_endpoints_in_maintenance_blame_nobody() -> None:
    """A and B cannot write to C, which is to blame; once A and B are in maintenance their links prove nothing."""
    keys = lake.mesh("ABC")
    samples = {key: lake.bad() if key.destination == "C" else lake.GOOD for key in keys}
    found = [lake.run(n, samples) for n in range(2)]
    assert lake.blamed(lake.judged(lake.watch(keys), found)) == {"C": ("destination", "Refused")}
    covered = lake.watch(keys, maintenance=(lake.window("A", "B", begin=2),))
    result = verdict(covered, lake.judged(lake.watch(keys), found).fields, (), lake.START + 2 * lake.STEP)
    assert lake.blamed(result) == {}
