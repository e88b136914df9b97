"""`docs/conditions.md` lists every reason that the code can give, and no other."""

import re

import pytest

from datalake_operator.build.probe import ProbeRefusal
from datalake_operator.build.rucio.refusals import RucioRefusal
from datalake_operator.status.origin import OriginReason
from datalake_operator.status.pods import PodReason
from datalake_operator.status.probe import ProbeReason
from datalake_operator.status.reasons import EngineReason
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.storage import StorageReason
from datalake_operator.status.xcache import XCacheReason
from tests.unit.status.conftest import ROOT

SECTIONS = {
    "Reasons of every kind": EngineReason,
    "Reasons of a pod: XCacheNode": PodReason,
    "Reasons of storage: XCacheNode": StorageReason,
    "Reasons of XCacheNode": XCacheReason,
    "Reasons of the origin: XCacheNode": OriginReason,
    "Reasons of a spec: RucioServer": RucioRefusal,
    "Reasons of RucioServer": RucioReason,
    "Reasons of a spec: QoSProbe": ProbeRefusal,
    "Reasons of QoSProbe": ProbeReason,
}
DOCUMENT = (ROOT / "docs" / "conditions.md").read_text()
TEXTS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))


def reasons(cls: type) -> set[str]:
    """Those of a class; what every kind has stands in the section of every kind only."""
    given = {value for name, value in vars(cls).items() if name.isupper()}
    return given if cls is EngineReason else given - reasons(EngineReason)


@pytest.mark.parametrize(("section", "cls"), SECTIONS.items(), ids=SECTIONS)
def test_the_document_lists_exactly_the_reasons_of_the_code(section: str, cls: type) -> None:
    assert set(re.findall(r"^\| `(\w+)`", TEXTS[section], re.MULTILINE)) == reasons(cls)


def test_every_section_is_compared() -> None:
    assert TEXTS.keys() == SECTIONS.keys()


@pytest.mark.parametrize("reason", sorted(set().union(*map(reasons, SECTIONS.values()))))
def test_reasons_are_camel_case_as_the_api_demands(reason: str) -> None:
    assert re.fullmatch("([A-Z][a-z]+)+", reason)
