"""Directives of XRootD that a user may add, by allow-list: each with the arguments that 5.8.1 takes at start.

Every form was started with xrootd 5.8.1. Left out is what loads libraries, runs programs, names files or hosts, lets
clients write (pfc.writemode, pfc.allow_xrdpfc_command), does not start in the image (pfc.cschk cache, xrd.sched core),
or is read wrongly (pfc.onlyifcached minsize). The sources are those of the tag v5.8.1: XrdPfcConfiguration.cc,
XrdOucPsx.cc, XrdConfig.cc, XrdXrootdConfig.cc, XrdHttpProtocol.cc, XrdOfsConfig.cc, XrdOssConfig.cc.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import ATOMIC, Items
from datalake_operator.api.rules import Rule, matching, rule


def _any_of(option: str) -> str:
    return f"({option})( ({option}))*"


def _events(*names: str) -> str:
    return _any_of(f"-?({'|'.join(names)})")


_NUMBER = "[1-9][0-9]{0,3}"
_SECONDS = f"{_NUMBER}[sm]?"
_OPTIONS = "|".join(
    (
        f"(DataServerTTL|LoadBalancerTTL|StreamTimeout) {_NUMBER}",
        "(ParallelEvtLoop|ParStreamsPerPhyConn) ([1-9]|1[0-6])",
        "RedirectLimit [1-9][0-9]?",
        "WorkerThreads [1-9][0-9]{0,2}",
    )
)
_ASYNC = "|".join(
    (
        "off|nocache|nosf|syncw|force",
        f"(limit|maxsegs|maxstalls|maxtot) {_NUMBER}",
        "segsize (4|8|16|32|64|128|256|512)k",
        "minsize ([4-9]|[1-9][0-9]{1,3})k",
    )
)

GRAMMAR: Mapping[str, tuple[str, str]] = {
    "pfc.acchistorysize": ("[2-9][0-9]|1[0-9][0-9]|200", "20 to 200 accesses"),
    "pfc.cschk": (f"(off|net)( uvkeep (lru|{_NUMBER}[smhd]))?", "off or net, then maybe uvkeep with lru or a time"),
    "pfc.flush": ("[1-9][0-9]{2,4}|100000", "100 to 100000 blocks"),
    "pfc.onlyifcached": ("minfrac (0[.][0-9]{1,2}|1[.]0)", "minfrac and a fraction, 0.0 to 1.0"),
    "pfc.trace": ("none|error|warning|info|debug|dump", "none, error, warning, info, debug or dump"),
    "pss.setopt": (
        _OPTIONS,
        "an option of XRootD's client and a number: docs/xcache.md lists them",
    ),
    "xrd.sched": (
        _any_of(f"(mint|avlt) [1-9][0-9]?|maxt [1-9][0-9]{{2,3}}|idle {_SECONDS}"),
        "mint and avlt (1 to 99), maxt (100 to 9999), idle (a time)",
    ),
    "xrd.timeout": (_any_of(f"(read|hail|idle|kill) {_SECONDS}"), "read, hail, idle and kill, each with a time"),
    "xrootd.async": (
        _any_of(_ASYNC),
        "off, nocache, nosf, syncw, force, limit, maxsegs, maxstalls, maxtot, segsize (4k to 512k), minsize (from 4k)",
    ),
    "pss.trace": (_any_of("all|debug|on|off"), "all, debug, on or off"),
    "xrd.trace": (_events("all", "off", "conn", "debug", "mem", "net", "poll", "protocol", "sched"), "events"),
    "xrootd.trace": (
        _events("all", "off", "debug", "emsg", "fs", "login", "mem", "redirect", "request", "response", "stall"),
        "events",
    ),
    "http.trace": (_events("all", "off", "debug", "mem", "redirect", "request", "response"), "events"),
    "ofs.trace": (_events("all", "most", "off", "close", "debug", "delay", "io", "open", "read", "redirect"), "events"),
    "oss.trace": (_events("all", "off", "debug", "open", "opendir"), "events"),
}
"""Directive: (pattern of its arguments, the same in words). Bounds are XRootD's, or well within what it takes."""

OWNED: Mapping[str, tuple[str, ...]] = {
    "site": ("all.sitename",),
    "exports": ("all.export",),
    "protocols": ("xrd.port", "xrd.protocol", "xrd.tls", "xrd.tlsca", "xrootd.tls"),
    "storage": ("oss.localroot", "oss.space", "pfc.diskusage", "pfc.spaces"),
    "cache": ("ofs.ckslib", "pfc.blocksize", "pfc.prefetch", "pfc.ram", "pfc.writequeue", "xrootd.chksum"),
    "origin": (
        "pss.origin",
        "pss.setopt ConnectTimeout",
        "pss.setopt ConnectionRetry",
        "pss.setopt ReconnectWait",
        "pss.setopt RequestTimeout",
    ),
    "monitoring": ("pfc.dirstats", "xrd.report", "xrootd.mongstream", "xrootd.monitor"),
    "auth": ("ofs.authlib", "ofs.authorize", "sec.protbind", "sec.protocol", "xrootd.seclib"),
}
"""Field of the spec: what it sets, and so must not be added."""


def _literally(name: str) -> str:
    return name.replace(".", "[.]")


def _owned(field: str, directives: tuple[str, ...]) -> Rule:
    pattern = f"({'|'.join(map(_literally, directives))})( |$)"
    compiled = re.compile(pattern)
    return rule(
        f"!self.matches('^{pattern}')",
        f"is set by spec.{field}",
        lambda line: compiled.match(line) is None,
        mend="remove it and use that field",
    )


def _hint(line: str) -> str:
    """Say what the directive takes, or which one may be meant."""
    name = line.split(" ", 1)[0]
    if name in GRAMMAR:
        return f"{name} takes {GRAMMAR[name][1]}"
    setters = {directive.split(" ")[0]: field for field, names in OWNED.items() for directive in names}
    close = difflib.get_close_matches(name, [*GRAMMAR, *setters], n=1)
    if not close:
        return ""
    return f"did you mean {close[0]}?" + ("" if close[0] in GRAMMAR else f" spec.{setters[close[0]]} sets it")


ExtraDirective: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=255),
    *(_owned(field, directives) for field, directives in OWNED.items()),
    matching(
        "|".join(f"{_literally(name)} ({arguments})" for name, (arguments, _) in GRAMMAR.items()),
        "is not a directive that may be added, or not with these arguments",
        mend="docs/xcache.md lists them; single blanks between words",
        hint=_hint,
    ),
]

ExtraConfig: TypeAlias = Annotated[
    Items[ExtraDirective],
    Field(max_length=len(GRAMMAR)),
    ATOMIC,
    rule(
        "self.all(x, self.exists_one(y, x.split(' ')[0] == y.split(' ')[0]))",
        "names a directive twice",
        lambda lines: len({line.split(" ")[0] for line in lines}) == len(lines),
        mend="write it once: XRootD heeds only one of them",
    ),
]
