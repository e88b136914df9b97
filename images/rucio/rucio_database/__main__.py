"""rucio-database VERB: ensure, migrate or state. Reads rucio.cfg, as `rucio-run` composes it, prints one JSON line."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rucio_database import connect, versions
from rucio_database.errors import Trouble, first_line, scrub
from rucio_database.installed import VERSION
from rucio_database.mark import Owner
from rucio_database.result import Result
from rucio_database.watch import tell, watch


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit code, see `watch`. `state` is always 0."""
    options = _parser().parse_args(arguments)
    # libpq reads it where a URL does not say it, as in Rucio's own engine.
    os.environ["PGAPPNAME"] = connect.APPLICATION
    name = os.environ.get("TERMINATION_LOG", "/dev/termination-log")
    termination = Path(name) if name else None

    def look() -> Result:
        return _run(options)

    if options.verb == "state":
        tell(look(), termination)
        return 0
    if options.watch:
        return watch(look, termination, Path(options.told))
    return tell(look(), termination)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rucio-database", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    state = verbs.add_parser("state", help="say the state, write nothing")
    ensure = verbs.add_parser("ensure", help="fill an empty database, adopt a named one, let root log in")
    ensure.add_argument("--bootstrap", action="store_true", help="fill an empty or half made database")
    ensure.add_argument("--adopt", default="", metavar="DATABASE", help="take over the database of this name")
    ensure.add_argument("--root-secret", type=Path, metavar="DIR", help="folder with username and password of root")
    ensure.add_argument("--lfn2pfn", default="", metavar="NAME", help="how names become paths, to be remembered")
    ensure.add_argument("--manage-root", choices=("auto", "yes", "no"), default="auto")
    migrate = verbs.add_parser("migrate", help="migrate by the approved plan")
    migrate.add_argument("--plan", required=True, metavar="HASH")
    migrate.add_argument("--own-hosts", metavar="PREFIX", help="host names of our own daemons; default: NAME-")
    migrate.add_argument("--patience", type=float, default=20.0, metavar="SECONDS", help="for sessions that are ending")
    for verb in (state, ensure, migrate):
        required = verb is not state
        for option in ("cluster", "namespace", "name"):
            verb.add_argument(f"--{option}", required=required, default="")
        verb.add_argument("--version", help="version of Rucio that is wanted")
        if required:
            verb.add_argument("--watch", action="store_true", help="leave only with news, see watch.py")
            verb.add_argument("--told", default="/tmp/last-result", help="file that keeps what was told")  # noqa: S108
    return parser


def _run(options: argparse.Namespace) -> Result:
    """One look. Whatever happens becomes a result; the log says more."""
    target: connect.Target | None = None
    supports: list[str] | None = None
    try:
        versions.check(options.version)
        supports = versions.policy_supports()
        target = connect.configured()
        found = _VERBS[options.verb](target, options)
    except Trouble as trouble:
        found = _failed(options.verb, trouble.state, trouble.message, target)
    except Exception as error:  # the last resort: without a result nobody would know
        password = str(target.url.password) if target and target.url.password else None
        sys.stderr.write(scrub(traceback.format_exc(), password))
        message = f"{type(error).__name__}: {first_line(error, password)}. See the log of this Job"
        found = _failed(options.verb, "failed", message, target)
    return replace(found, policySupports=supports)


def _failed(verb: str, state: str, message: str, target: connect.Target | None) -> Result:
    return Result(
        verb=verb,
        state=state,
        message=message,
        rucioVersion=VERSION,
        database=target.database if target else "",
        schema=target.schema if target else "",
    )


# Rucio's models are loaded by the verbs only: with a policy package that does not fit, they cannot be loaded at all,
# and that has to be told.


def _state(target: connect.Target, options: argparse.Namespace) -> Result:
    from rucio_database import inspection, report  # noqa: PLC0415

    owner = Owner(options.cluster, options.namespace, options.name) if options.name else None
    with connect.session(target) as connection:
        return report.of_facts("state", target, inspection.inspect(connection, target), owner)


def _ensure(target: connect.Target, options: argparse.Namespace) -> Result:
    from rucio_database import ensure, root  # noqa: PLC0415

    wanted = ensure.Wanted(
        owner=Owner(options.cluster, options.namespace, options.name),
        bootstrap=options.bootstrap,
        adopt=options.adopt,
        credentials=root.read(options.root_secret) if options.root_secret else None,
        manage_root=options.manage_root,
        lfn2pfn=options.lfn2pfn,
    )
    return ensure.ensure(target, wanted)


def _migrate(target: connect.Target, options: argparse.Namespace) -> Result:
    from rucio_database import migrate  # noqa: PLC0415

    approved = migrate.Approved(
        owner=Owner(options.cluster, options.namespace, options.name),
        plan=options.plan,
        own_hosts=options.own_hosts or f"{options.name}-",
        patience=options.patience,
    )
    return migrate.migrate(target, approved)


_VERBS: dict[str, Callable[[connect.Target, argparse.Namespace], Result]] = {
    "state": _state,
    "ensure": _ensure,
    "migrate": _migrate,
}

if __name__ == "__main__":
    sys.exit(main())
