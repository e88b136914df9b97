#!/usr/bin/env python3
"""Writes what the operator must know of a version of Rucio.

    PYTHON_WITH_RUCIO images/rucio/catalogue.py [--older SITE_PACKAGES] > VERSION.json

It runs with the Python of an environment that holds that version, and asks the package itself: daemons and their
flags from their own parsers, heartbeats and options from the source. `--older` names the packages of the version
before, whose options are compared. What no package says stands at the top of this file.
"""

import argparse
import ast
import json
import os
import re
import runpy
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any
from unittest import mock

MINIMAL = (
    "abacus-account", "abacus-rse", "judge-cleaner", "judge-evaluator", "judge-injector", "judge-repairer", "minos",
    "necromancer", "reaper", "transmogrifier", "undertaker",
)  # fmt: skip
STANDARD = (
    "abacus-collection-replica", "dark-reaper", "hermes", "kronos", "oauth-manager", "replica-recoverer",
    "rse-decommissioner", "storage-consistency-actions",
)  # fmt: skip
TRANSFERS = ("conveyor-submitter", "conveyor-poller", "conveyor-finisher", "conveyor-preparer")
STANDARD_TRANSFERS = ("conveyor-stager", "conveyor-throttler")
"""Presets. oauth-manager is no more in 41; a name that a version does not have is left out."""

DESTRUCTIVE = (
    "atropos", "bb8", "dark-reaper", "judge-cleaner", "minos", "minos-temporary-expiration", "necromancer", "reaper",
    "replica-recoverer", "rse-decommissioner", "storage-consistency-actions", "undertaker",
)  # fmt: skip
"""Daemons that delete or move files, or decide that others shall: read from their sources. So does every conveyor."""

OWNED = ("help", "run-once")
"""Flags that no Deployment may have: the daemon would end, and be started again for ever."""

REQUESTS: Mapping[str, tuple[str, str]] = {"reaper": ("20m", "400Mi"), "dark-reaper": ("20m", "256Mi")}
REQUEST = ("10m", "160Mi")
"""CPU and memory to ask for: README.md beside this file, "What it takes"."""

MENDS: Mapping[str, str] = {}
"""What to do about an option that is no more, by `section.option`, where more is known than that it is not read."""

_CONFIGURATION = "[common]\nlogdir = /tmp\n[database]\ndefault = sqlite://\n"
_BEATING = {"run_daemon", "db_workqueue", "HeartbeatHandler", "live", "submitter"}
"""Functions that are told under which name they shall write heartbeats."""

_READERS = re.compile(r"config_(get|has_option|get_\w+)|get_config_\w+|config\.get")


class _Seen(Exception):
    """Carries a parser out of the program that made it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def catalogue(older: Path | None = None) -> dict[str, Any]:
    """All that is known of the version that this Python has.

    Args:
        older: packages of an older version, for options that are no more.
    """
    import rucio  # noqa: PLC0415 - after the configuration is there
    from rucio.alembicrevision import ALEMBIC_REVISION  # noqa: PLC0415

    package = Path(rucio.__file__).parent
    daemons = {name: _daemon(name, program, package) for name, program in _programs()}
    presets = {
        "Minimal": MINIMAL,
        "Standard": (*MINIMAL, *STANDARD),
        "transfers": TRANSFERS,
        "standardTransfers": (*TRANSFERS, *STANDARD_TRANSFERS),
    }
    return {
        "version": metadata.version("rucio"),
        "head": ALEMBIC_REVISION,
        "daemons": daemons,
        "presets": {preset: [name for name in names if name in daemons] for preset, names in presets.items()},
        "endpoints": sorted(_endpoints(package)),
        "removedOptions": _removed(older / "rucio", package) if older else {},
    }


def _programs() -> Iterator[tuple[str, Path]]:
    """Names and programs of all daemons."""
    for program in sorted(Path(sys.executable).parent.glob("rucio-*")):
        if "rucio.daemons" in program.read_text():
            yield program.name.removeprefix("rucio-"), program


def _daemon(name: str, program: Path, package: Path) -> dict[str, Any]:
    actions = {
        option.removeprefix("--"): action
        for action in _parser(program)._actions  # noqa: SLF001 - argparse has no other way to look
        for option in action.option_strings
        if option.startswith("--") and option.removeprefix("--") not in OWNED
    }
    sleep = actions.get("sleep-time")
    cpu, memory = REQUESTS.get(name, REQUEST)
    return {
        "flags": {flag: action.nargs != 0 for flag, action in sorted(actions.items())},
        "many": sorted(flag for flag, action in actions.items() if action.nargs in {"+", "*"}),
        "heartbeats": sorted(_heartbeats(program, package)),
        "threads": "threads" in actions,
        "sleep": sleep is not None,
        "defaultSleep": max(sleep.default, 0) if sleep else 0,  # -1: as configured
        "destructive": name in DESTRUCTIVE or name.startswith("conveyor-"),
        "requests": {"cpu": cpu, "memory": memory},
    }


def _parser(program: Path) -> argparse.ArgumentParser:
    """The parser that a program has made when it reads its arguments; gfal2, which few need, need not be there."""

    def stop(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        raise _Seen(parser)

    sys.modules.setdefault("gfal2", mock.MagicMock())
    with mock.patch.object(argparse.ArgumentParser, "parse_args", stop):
        try:
            runpy.run_path(str(program), run_name="__main__")
        except _Seen as seen:
            return seen.parser
    raise ValueError(f"{program} has no parser")


def _heartbeats(program: Path, package: Path) -> set[str]:
    """Names under which a daemon writes heartbeats; a name may be the beginning of what is written."""
    imported = re.search(r"^from rucio\.(daemons\.[\w.]+) import .*\brun\b", program.read_text(), re.MULTILINE)
    if not imported:
        return set()
    tree = ast.parse((package / f"{imported[1].replace('.', '/')}.py").read_text())
    values = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.defaults:
            named = zip(node.args.args[-len(node.args.defaults) :], node.args.defaults, strict=True)
            values |= {name.arg: value for name, value in named if name.arg == "executable"}
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _BEATING:
            given = [word.value for word in node.keywords if word.arg == "executable"]
            value: ast.expr | None = given[0] if given else next(iter(node.args), None)
            while isinstance(value, ast.Name):
                value = values.get(value.id)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                names.add(value.value)
    return names


def _endpoints(package: Path) -> Iterator[str]:
    """Parts of the REST interface: modules that say which paths they serve."""
    for path in (package / "web" / "rest" / "flaskapi" / "v1").glob("*.py"):
        functions = (node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
        if "blueprint" in functions:
            yield path.stem


def _removed(old: Path, new: Path) -> dict[str, str]:
    """Options that one package reads and the other does not even mention."""
    mentioned = {
        node.value
        for tree in _trees(new)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    gone = {(section, option) for section, option in _options(old) if option not in mentioned}
    remaining = {f"{section}.{option}": "remove it: this version does not read it" for section, option in sorted(gone)}
    return remaining | {name: mend for name, mend in MENDS.items() if name in remaining}


def _options(package: Path) -> Iterator[tuple[str, str]]:
    for tree in _trees(package):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _READERS.fullmatch(_called(node)):
                words = {word.arg: word.value for word in node.keywords}
                pair = [*node.args[:2], *(words[name] for name in ("section", "option") if name in words)][:2]
                values = [word.value for word in pair if isinstance(word, ast.Constant) and isinstance(word.value, str)]
                if len(values) == 2:
                    yield values[0], values[1]


def _called(node: ast.Call) -> str:
    """The last part of what is called, e.g. `config_get`."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _trees(package: Path) -> Iterable[ast.Module]:
    for path in sorted(package.rglob("*.py")):
        if "tests" not in path.parts:
            yield ast.parse(path.read_text())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the catalogue of the version of Rucio that this Python has.")
    parser.add_argument("--older", type=Path, help="site-packages of the version before")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "rucio.cfg")
        configuration.write_text(_CONFIGURATION)
        os.environ["RUCIO_CONFIG"] = str(configuration)
        written = json.dumps(catalogue(chosen.older), indent=1)
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{written}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
