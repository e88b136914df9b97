"""Maintenance that is written in ConfigMaps, for example from GOCDB: one serves all probes."""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import yaml

from datalake_operator.api.parse import validated
from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.probe_verdict import Maintenance
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.values import parse_time
from datalake_operator.probes.model import CellKey
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

_LONGEST = 256 * 1024
"""Bytes of a list: a thousand entries have less."""

_MOST = 1000
"""Entries of a list that are looked at."""

_FIELDS = tuple(info.alias or name for name, info in Maintenance.model_fields.items())

_TOLD = 3
"""Mistakes that a message names; the others are counted."""


class Found(NamedTuple):
    """What ConfigMaps say."""

    entries: tuple[Maintenance, ...]
    problems: tuple[str, ...]
    """Each names its field, or its ConfigMap, key and entry, and the mend."""


class _Aliases(Exception):
    """A text has aliases."""


class _Loader(yaml.CSafeLoader):
    """YAML where times are text, as in a manifest that the API server has read."""


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def from_config_maps(probe: QoSProbe, view: View) -> Found:
    """Read every list that `spec.maintenanceFrom` names; what is missing is told by the engine."""
    entries: list[Maintenance] = []
    problems: list[str] = []
    for source in probe.spec.maintenance_from:
        ref = source.config_map_ref
        live = view.references.get(("ConfigMap", ref.name))
        text = ((live or {}).get("data") or {}).get(ref.key)
        if text is None:
            if ref.key in ((live or {}).get("binaryData") or {}):
                problems.append(f"ConfigMap {ref.name}, key {ref.key}: is in binaryData; write it as text, into data")
            continue
        found = _read(text)
        entries += found.entries
        problems += [f"ConfigMap {ref.name}, key {ref.key}: {problem}" for problem in found.problems]
    return Found(tuple(entries), tuple(problems))


def misnamed(probe: QoSProbe, cells: Collection[CellKey], now: datetime) -> tuple[str, ...]:
    """Tell names in `spec.maintenance` that are of nothing here, for a slip there would excuse nobody.

    Not those of ConfigMaps, which serve other probes too; nor those of entries that have ended; nor, of a custom probe,
    any of a target: it may write whichever it wants.
    """
    spec = probe.spec
    targets = {endpoint.name for endpoint in spec.endpoints} | {cell.source for cell in cells}
    sites = {endpoint.site for endpoint in spec.endpoints}
    problems: list[str] = []
    for index, entry in enumerate(spec.maintenance):
        if parse_time(entry.to) <= now:
            continue
        at = f"spec.maintenance[{index}]"
        if spec.custom is None:
            problems += _unknown(f"{at}.endpoints", entry.endpoints, targets, "no endpoint or target of this probe")
        problems += _unknown(f"{at}.sites", entry.sites, sites, "the site of no entry in spec.endpoints")
    return tuple(problems)


def _unknown(at: str, names: Collection[str], known: Collection[str], what: str) -> Iterator[str]:
    return (f"{at}: {name} is {what}; {_nearest(name, known)}" for name in names if name not in known)


def _nearest(name: object, known: Collection[str]) -> str:
    by_letters = {one.lower(): one for one in sorted(known)}
    close = difflib.get_close_matches(str(name)[:63].lower(), by_letters, n=1)
    return f"did you mean {by_letters[close[0]]}?" if close else "correct the name"


def told(problems: tuple[str, ...]) -> str:
    """Mistakes as one message."""
    more = f" (and {len(problems) - _TOLD} more)" if len(problems) > _TOLD else ""
    return f"{'; '.join(problems[:_TOLD])}{more}. Entries without a mistake hold, and runs go on"


@lru_cache(maxsize=16)
def _read(text: str) -> Found:
    """Read one list. Cached: all probes of a namespace read the same text, again at each pass."""
    if len(text) > _LONGEST:
        return Found((), (f"has {len(text)} characters, and at most {_LONGEST} are read; leave out what is over",))
    try:
        value = _parsed(text)
    except _Aliases:
        return Found((), ("uses aliases (*name) of YAML, which are not read; write out what they stand for",))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Found((), (f"is no YAML and no JSON ({_where(error)}); write a list as in spec.maintenance",))
    if value is None:
        return Found((), ())
    if not isinstance(value, list):
        return Found((), ("is no list; write one as in spec.maintenance",))
    entries: list[Maintenance] = []
    problems: list[str] = []
    for index, item in enumerate(value[:_MOST]):
        at = f"entry {index + 1}{_called(item)}"
        try:
            entry = validated(Maintenance, item)
        except InvalidResource as invalid:
            problems += [f"{at}: {problem}" for problem in invalid.problems]
            continue
        strange = [
            f"{at}: {str(key)[:63]} is not a field; {_nearest(key, _FIELDS)}" for key in item if key not in _FIELDS
        ]
        problems += strange
        if not strange:  # `endpoint` for `endpoints` would excuse everybody, and the API server does not look here
            entries.append(entry)
    if len(value) > _MOST:
        problems.append(f"has {len(value)} entries, and at most {_MOST} are read; leave out what is over")
    return Found(tuple(entries), tuple(problems))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # A few lines of aliases of aliases stand for more values than there is time to look at.
        if "*" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Loader)):
            raise _Aliases from None
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, without times


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark is not None else "it cannot be read"


def _called(item: object) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return f" ({name[:63]!r})" if isinstance(name, str) else ""
