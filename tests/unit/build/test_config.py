"""The configuration file holds what the fields say and nothing else, whatever they hold."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.parse import parse
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.config import size, xrootd_cfg
from datalake_operator.build.render import UnsafeValue, render, word
from tests.unit.build.conftest import ROOT, MakeNode

Directive = tuple[str, ...]


def directives(text: str) -> list[Directive]:
    """Read a file as XRootD does, but strictly: a directive a line, and nothing that XRootD would interpret."""
    assert text.endswith("\n")
    assert not re.search(r"[^\n -~]", text), "only printable ASCII"
    found = []
    for line in text.split("\n"):
        assert not set(line) & set("#$\\\"'`"), line
        assert line == line.strip()
        if line:
            found.append(tuple(line.split(" ")))
    assert all(re.fullmatch("[a-z]+[.][a-z0-9]+", words[0]) and all(words) for words in found)
    return found


def of(found: list[Directive], name: str) -> list[Directive]:
    return [words[1:] for words in found if words[0] == name]


def test_it_equals_the_configuration_that_was_run_with_xrootd(node: MakeNode) -> None:
    verified = (ROOT / "images" / "xcache" / "tests" / "xrootd.cfg").read_text()
    without_comments = "".join(line for line in verified.splitlines(keepends=True) if not line.startswith("#"))
    rendered = xrootd_cfg(
        node(
            site="EXAMPLE-SITE",
            origin={"url": "root://127.0.0.1:2094"},
            exports=["/escape"],
            storage={
                "data": [{"name": "d0", "claim": {"size": "20Gi"}}],
                "meta": {"claim": {"size": "1Gi"}},
                "maxCacheSize": "8Gi",
            },
        )
    )
    assert sorted(directives(rendered)) == sorted(directives(without_comments))


FULL = yaml.safe_load((ROOT / "tests" / "golden" / "xcachenode" / "production" / "input.yaml").read_text())
EVIL = st.one_of(
    st.sampled_from(
        ["\n", "\r", " ", "\t", "#", "$", "\\", "\x00", "\x85", "\u2028", "\npss.origin x", " # c", "'", '"']
    ),
    st.text(min_size=1),
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "site": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    "url": st.sampled_from(
        ["root://origin.example.org:1094", "root://o", "http://[2001:db8::1]", "http://192.0.2.1:80"]
    ),
    "exports": st.lists(
        st.sampled_from(["/", "/escape", "/a/b", "/=", "/@x", "/~x+y", "/...", "/-"]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    "names": st.lists(st.from_regex("[a-ln-z][a-z0-9]{0,3}", fullmatch=True), min_size=1, max_size=4, unique=True),
    "interval": st.sampled_from(["60s", "1h", "1m1ms", "10m"]),
    "ram": st.sampled_from(["1Gi", "256Gi", "8000000000"]),
    "low": st.integers(1, 98),
    "max": st.sampled_from([None, "100Mi", "1G"]),
    "http": st.one_of(st.none(), st.integers(3000, 9000)),
    "checksums": st.booleans(),
    "meta": st.booleans(),
}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Good values, into one of which something evil may be spliced."""
    chosen = {field: draw(values) for field, values in GOOD.items()}
    chosen["evil"] = draw(st.booleans())
    if chosen["evil"]:
        field = draw(st.sampled_from(["site", "url", "exports", "names", "interval", "ram", "max"]))
        many = isinstance(chosen[field], list)
        good = chosen[field][0] if many else str(chosen[field])
        at = draw(st.integers(0, len(good)))
        bad = good[:at] + draw(EVIL) + good[at:]
        chosen[field] = [bad, *chosen[field][1:]] if many else bad
    return chosen


def filled(chosen: dict[str, Any]) -> dict[str, Any]:
    spec = FULL["spec"]
    storage = {
        **spec["storage"],
        "data": [{"name": name, "claim": {"size": "10Ti"}} for name in chosen["names"]],
        "watermarks": {"lowPercent": chosen["low"], "highPercent": 99},
        "purgeInterval": chosen["interval"],
    }
    if chosen["max"] is not None:
        storage["maxCacheSize"] = chosen["max"]
    if not chosen["meta"]:
        del storage["meta"]
    http = {"enabled": False} if chosen["http"] is None else {"port": chosen["http"]}
    return {
        **FULL,
        "spec": {
            **spec,
            "site": chosen["site"],
            "origin": {"url": chosen["url"]},
            "exports": chosen["exports"],
            "storage": storage,
            "cache": {"ram": chosen["ram"], "passChecksums": chosen["checksums"]},
            "protocols": {"http": http},
            "resources": {},
        },
    }


@settings(max_examples=300)
@given(specs())
def test_whatever_a_valid_spec_holds_the_file_has_exactly_the_directives_that_are_meant(chosen: dict[str, Any]) -> None:
    try:
        node = parse(filled(chosen))
    except InvalidResource:
        assert chosen["evil"], "a good value was refused"
        return
    assert isinstance(node, XCacheNode)
    found = directives(xrootd_cfg(node))
    assert of(found, "all.sitename") == [(chosen["site"],)]
    assert of(found, "pss.origin") == [(chosen["url"],)]
    assert of(found, "all.export") == [(path,) for path in chosen["exports"]]
    assert [words[0] for words in of(found, "oss.space")] == ["data"] * len(chosen["names"]) + ["meta"]
    assert [words[0] for words in found] == expected_names(chosen)


def expected_names(chosen: dict[str, Any]) -> list[str]:
    return [
        *("all.sitename", "all.adminpath", "all.pidpath"),
        *["all.export"] * len(chosen["exports"]),
        *("xrd.port", "xrd.network"),
        *["xrd.protocol"] * (chosen["http"] is not None),
        "oss.localroot",
        *["oss.space"] * (len(chosen["names"]) + 1),
        *("ofs.osslib", "pss.cachelib", "pss.origin"),
        *("pfc.spaces", "pfc.blocksize", "pfc.prefetch", "pfc.ram", "pfc.writequeue"),
        *("pfc.diskusage", "pfc.dirstats", "pfc.trace"),
        *["ofs.ckslib", "xrootd.chksum"] * chosen["checksums"],
        *("xrd.report", "xrootd.mongstream"),
    ]


@given(st.text())
def test_without_the_models_checks_the_template_still_prints_one_word_or_refuses(text: str) -> None:
    good = parse(FULL)
    assert isinstance(good, XCacheNode)
    for spec in (
        good.spec.model_copy(update={"site": text}),
        good.spec.model_copy(update={"exports": (text,)}),
        good.spec.model_copy(update={"origin": good.spec.origin.model_copy(update={"url": text})}),
    ):
        node = good.model_copy(update={"spec": spec})
        try:
            found = directives(xrootd_cfg(node))
        except UnsafeValue:
            continue
        assert len(found) == len(directives(xrootd_cfg(good))) - (len(good.spec.exports) - len(spec.exports))


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a\n", "#", "a#b", "$x", "\\", "é", "a\x00", "'a'", '"', "*", "a;b", "{x}"]
)
def test_what_is_not_one_word_is_not_printed(text: str) -> None:
    with pytest.raises(UnsafeValue):
        word(text)


def test_a_name_that_is_not_given_is_an_error_and_no_empty_text() -> None:
    with pytest.raises(Exception, match="is undefined"):
        render("xrootd.cfg.j2", site="A")


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (4096, "4k"),
        (2**20, "1m"),
        (3 * 2**30, "3g"),
        (2**40, "1t"),
        (2048 * 2**40, "2048t"),
        (1536 * 2**20, "1536m"),
        (10**9, "976562k"),
        (1, "1k"),
    ],
)
def test_sizes_always_have_a_unit_since_a_bare_number_would_be_a_fraction_of_the_disk(
    number: int, written: str
) -> None:
    assert size(number) == written


def test_file_limits_are_halves_and_quarters_of_the_largest_size(node: MakeNode) -> None:
    storage = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "20Gi"}}], "maxCacheSize": "8Gi"}
    found = directives(xrootd_cfg(node(storage=storage)))
    assert of(found, "pfc.diskusage") == [("0.90", "0.95", "files", "4g", "6g", "8g", "purgeinterval", "300")]


def test_without_a_volume_of_its_own_the_tree_of_names_lies_on_the_first_data_volume(node: MakeNode) -> None:
    data = [{"name": name, "claim": {"size": "1Gi"}} for name in ("d1", "d0")]
    found = directives(xrootd_cfg(node(storage={"data": data})))
    assert of(found, "oss.localroot") == [("/data/d1/ns",)]
    assert of(found, "oss.space") == [("data", "/data/d1/data"), ("data", "/data/d0/data"), ("meta", "/data/d1/meta")]
