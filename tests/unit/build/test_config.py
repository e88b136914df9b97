"""The configuration file holds what the fields say and nothing else, whatever they hold."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.api.parse import parse
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.api.xcache_config import GRAMMAR
from datalake_operator.build.config import size, xrootd_cfg
from datalake_operator.build.render import UnsafeValue, render, word
from tests.unit.build.conftest import ROOT, MakeNode
from tests.unit.build.specs import DIRECTIVES, FULL, Spec, spec

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


@pytest.mark.parametrize("block", range(10))
def test_whatever_a_valid_spec_holds_the_file_has_exactly_the_directives_that_are_meant(block: int) -> None:
    """Ten thousand specs, the same every time."""
    for seed in range(1000 * block, 1000 * (block + 1)):
        holds_what_is_meant(spec(Random(seed)))  # noqa: S311 - not for secrets


def holds_what_is_meant(chosen: Spec) -> None:
    try:
        node = parse(chosen.body)
    except InvalidResource:
        assert chosen.evil, f"a good value was refused: {chosen}"
        return
    assert isinstance(node, XCacheNode)
    found = directives(xrootd_cfg(node))
    assert of(found, "all.sitename") == [(chosen.site,)]
    assert of(found, "pss.origin") == [(chosen.url,)]
    assert of(found, "all.export") == [(path,) for path in chosen.exports]
    assert of(found, "oss.space")[:-1] == [("data", f"/data/{name}/data") for name in chosen.data]
    assert [words[0] for words in found] == expected_names(chosen)
    added = [tuple(line.split(" ")) for line in chosen.extra]
    assert added == found[len(found) - len(added) :]


def expected_names(chosen: Spec) -> list[str]:
    added = [line.split(" ")[0] for line in chosen.extra]
    return [
        *("all.sitename", "all.adminpath", "all.pidpath"),
        *["all.export"] * len(chosen.exports),
        *("xrd.port", "xrd.network"),
        *["xrd.protocol"] * (chosen.http is not None),
        "oss.localroot",
        *["oss.space"] * (len(chosen.data) + 1),
        *("ofs.osslib", "pss.cachelib", "pss.origin"),
        *("pfc.spaces", "pfc.blocksize", "pfc.prefetch", "pfc.ram", "pfc.writequeue"),
        *("pfc.diskusage", "pfc.dirstats"),
        *["pfc.trace"] * ("pfc.trace" not in added),
        *["ofs.ckslib", "xrootd.chksum"] * chosen.checksums,
        *("xrd.report", "xrootd.mongstream"),
        *added,
    ]


def test_half_of_the_evil_ones_are_found_out_by_more_than_chance() -> None:
    """The generator would prove nothing if it made specs that are refused for another reason, or none that pass."""
    made = [spec(Random(seed)) for seed in range(300)]  # noqa: S311

    def passes(one: Spec) -> bool:
        try:
            parse(one.body)
        except InvalidResource:
            return False
        return True

    assert all(passes(one) for one in made if not one.evil)
    assert 0 < sum(passes(one) for one in made if one.evil) < sum(one.evil for one in made) / 4


def test_every_directive_that_may_be_added_is_tried() -> None:
    assert {line.split(" ")[0] for line in DIRECTIVES} == GRAMMAR.keys()


@given(st.lists(st.text(max_size=40), max_size=3))
def test_no_text_becomes_a_directive_that_is_not_allowed(lines: list[str]) -> None:
    body = {**FULL, "spec": {**FULL["spec"], "extraConfig": lines}}
    try:
        node = parse(body)
    except InvalidResource:
        return
    assert isinstance(node, XCacheNode)
    assert {line.split(" ")[0] for line in lines} <= GRAMMAR.keys()


@pytest.mark.parametrize(
    "line",
    [
        *("pss.origin evil:1094", "ofs.authlib libX.so", "oss.localroot /", "xrd.protocol http:1 /lib/evil.so"),
        *("pfc.decisionlib /lib/evil.so", "pfc.purgelib /lib/evil.so", "pfc.osslib /lib/evil.so", "pfc.user root"),
        *("pfc.writemode writethrough", "pfc.allow_xrdpfc_command", "xrootd.fslib /lib/evil.so", "http.exthandler x y"),
        *("continue /etc/passwd", "set x = y", "if exec xrootd", "fi", "=/etc/passwd", "# comment", "all.manager x 1"),
        *(
            "pfc.trace info # note",
            "pfc.trace $X",
            "pfc.trace info \\",
            " pfc.trace info",
            "pfc.trace info ",
            "pfc.trace",
        ),
        *(
            "pfc.trace  info",
            "pfc.trace\tinfo",
            "pfc.trace info\n",
            "PFC.TRACE info",
            "xrd.trace all\r",
            "pfc.flush 99",
        ),
        *("pss.setopt connecttimeout 1", "pss.setopt DebugLevel 3", "xrd.sched core max", "xrootd.async segsize 4m"),
    ],
)
def test_a_directive_outside_the_list_is_refused(line: str) -> None:
    with pytest.raises(InvalidResource, match=r"spec\.extraConfig\[0\]"):
        parse({**FULL, "spec": {**FULL["spec"], "extraConfig": [line]}})


def test_a_directive_that_is_added_takes_the_place_of_ours(node: MakeNode) -> None:
    found = directives(xrootd_cfg(node(extraConfig=["pfc.trace debug", "xrd.sched maxt 200"])))
    assert of(found, "pfc.trace") == [("debug",)]
    assert found[-2:] == [("pfc.trace", "debug"), ("xrd.sched", "maxt", "200")]


@given(st.text())
def test_without_the_models_checks_the_template_still_prints_one_word_or_refuses(text: str) -> None:
    good = parse(FULL)
    assert isinstance(good, XCacheNode)
    for changed in (
        good.spec.model_copy(update={"site": text}),
        good.spec.model_copy(update={"exports": (text,)}),
        good.spec.model_copy(update={"origin": good.spec.origin.model_copy(update={"url": text})}),
        good.spec.model_copy(update={"extra_config": (text,)}),
        good.spec.model_copy(update={"extra_config": (f"pfc.flush {text}",)}),
    ):
        node = good.model_copy(update={"spec": changed})
        try:
            found = directives(xrootd_cfg(node))
        except UnsafeValue:
            continue
        fewer, more = len(good.spec.exports) - len(changed.exports), len(changed.extra_config)
        assert len(found) == len(directives(xrootd_cfg(good))) - fewer + more


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
