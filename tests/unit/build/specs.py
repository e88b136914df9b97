"""Specs of caches by chance, most of them good, some with something evil spliced into a field that reaches a file."""

from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

from tests.unit.build.conftest import ROOT

FULL: dict[str, Any] = yaml.safe_load((ROOT / "tests/golden/xcachenode/production/input.yaml").read_text())

DIRECTIVES = (
    *("pfc.acchistorysize 20", "pfc.acchistorysize 200", "pfc.flush 100", "pfc.flush 2000", "pfc.flush 100000"),
    *("pfc.cschk off", "pfc.cschk net", "pfc.cschk net uvkeep 7d", "pfc.cschk net uvkeep lru"),
    *("pfc.onlyifcached minfrac 0.05", "pfc.onlyifcached minfrac 1.0"),
    *(f"pfc.trace {level}" for level in ("none", "error", "warning", "info", "debug", "dump")),
    *("pss.setopt DataServerTTL 300", "pss.setopt LoadBalancerTTL 1200", "pss.setopt StreamTimeout 60"),
    *("pss.setopt ParStreamsPerPhyConn 16", "pss.setopt ParallelEvtLoop 10"),
    *("pss.setopt RedirectLimit 16", "pss.setopt WorkerThreads 999"),
    *("pss.trace all", "pss.trace debug on", "pss.trace off"),
    *("xrd.sched mint 99 maxt 100 avlt 99 idle 1", "xrd.sched maxt 9999", "xrd.sched idle 13m"),
    *("xrd.timeout read 1 hail 1 idle 1 kill 1", "xrd.timeout idle 90m", "xrd.timeout read 9999m"),
    *("xrootd.async off", "xrootd.async nocache nosf syncw force", "xrootd.async limit 9999 maxsegs 999"),
    *("xrootd.async maxstalls 5 maxtot 9999", "xrootd.async segsize 4k minsize 4k", "xrootd.async segsize 512k"),
    *("xrd.trace all -net", "xrd.trace conn debug mem poll protocol sched", "xrd.trace off"),
    *("xrootd.trace all -fs", "xrootd.trace emsg debug login mem stall redirect request response"),
    *("http.trace all", "http.trace debug mem redirect request response", "oss.trace debug open opendir"),
    *("ofs.trace most", "ofs.trace all debug open close read io delay redirect -io"),
)
"""Directives that may be added: xrootd 5.8.1 starts with each of them."""

EVIL = (
    *("\n", "\r", "\r\n", " ", "  ", "\t", "\v", "\x00", "\x7f", "\x85", "\u2028", "\u00a0", "\ufeff", "\u00e9"),
    *("#", " # c", "$", "$PATH", "${x}", "\\", "\\\n", "'", '"', "`", ";", "*", "{", "{{ 1 }}", "{% if %}", "%n"),
    *("\npss.origin evil:1", "\ncontinue /etc/passwd", "\nif exec xrootd\n", "\nset a=b\n", "\nfi\n", " if named x"),
    *(" /lib/evil.so", "\nofs.osslib /lib/evil.so", "\nxrd.protocol evil /lib/evil.so", "=", "&&", "-", "..", "/"),
)


@dataclass(frozen=True)
class Spec:
    """One spec.

    Attributes:
        body: the manifest.
        evil: whether something was spliced in; it may still be good.
        data: names of the data volumes.
        exports: exported paths.
        extra: directives added.
        site: name of the site.
        url: the origin.
        http: the port of HTTP, None without it.
        checksums: whether checksums are passed on.
    """

    body: dict[str, Any]
    evil: bool
    data: list[str]
    exports: list[str]
    extra: list[str]
    site: str
    url: str
    http: int | None
    checksums: bool


def spec(chance: Random) -> Spec:
    """Make one."""
    texts: dict[str, Any] = {
        "site": chance.choice(("A", "IN2P3-CC", "x" * 64, "0._-")),
        "url": chance.choice(
            ("root://o.example.org:1094", "root://o", "http://o-6.example.org", "http://192.0.2.1:80")
        ),
        "interval": chance.choice(("60s", "1h", "1m1ms", "10m")),
        "ram": chance.choice(("1Gi", "256Gi", "8000000000")),
        "max": chance.choice(("100Mi", "1G", "7777777777")),
        "data": _some(chance, ("d0", "a", "zz9", "d1", "b"), 1),
        "exports": _some(chance, ("/escape", "/a/b", "/=", "/@x", "/~x+y", "/...", "/-", "/"), 1),
        "extra": list({line.split(" ")[0]: line for line in _some(chance, DIRECTIVES, 0)}.values()),
    }
    evil = chance.random() < 0.5
    if evil:
        _splice(chance, texts)
    http, checksums, own_meta = chance.choice((None, 3000, 8080)), chance.random() < 0.5, chance.random() < 0.5
    storage = {
        "data": [{"name": name, "claim": {"size": "10Ti"}} for name in texts["data"]],
        "watermarks": {"lowPercent": chance.randint(1, 98), "highPercent": 99},
        "purgeInterval": texts["interval"],
        **({"maxCacheSize": texts["max"]} if chance.random() < 0.5 else {}),
        **({"meta": {"claim": {"size": "1Gi"}}} if own_meta else {}),
    }
    changed = {
        "site": texts["site"],
        "origin": {"url": texts["url"]},
        "exports": texts["exports"],
        "extraConfig": texts["extra"],
        "storage": storage,
        "cache": {"ram": texts["ram"], "passChecksums": checksums},
        "protocols": {"http": {"enabled": False} if http is None else {"port": http}},
        "resources": {},
    }
    body = {**FULL, "spec": {**FULL["spec"], **changed}}
    kept = {name: texts[name] for name in ("data", "exports", "extra", "site", "url")}
    return Spec(body, evil, http=http, checksums=checksums, **kept)


def _some(chance: Random, values: tuple[str, ...], least: int) -> list[str]:
    return chance.sample(values, chance.randint(least, 4))


def _splice(chance: Random, texts: dict[str, Any]) -> None:
    """Put something evil into one of the texts."""
    field = chance.choice([name for name, value in texts.items() if value])
    value = texts[field]
    number = chance.randrange(len(value)) if isinstance(value, list) else 0
    good = value[number] if isinstance(value, list) else value
    at = chance.choice((0, len(good), chance.randint(0, len(good))))
    bad = good[:at] + chance.choice(EVIL) + good[at:]
    texts[field] = [*value[:number], bad, *value[number + 1 :]] if isinstance(value, list) else bad
