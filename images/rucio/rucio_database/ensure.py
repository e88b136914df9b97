"""The verb ensure: an empty database is filled, a given one is adopted, and root can log in; or it says why not."""

from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from rucio_database import bootstrap, connect, inspection, plan, report, root
from rucio_database import mark as marks
from rucio_database.inspection import Facts
from rucio_database.lock import locked
from rucio_database.mark import Mark, Owner
from rucio_database.result import Result

ADOPTABLE = ("current", "behind")
"""States of a database that somebody else filled, of which we can become the owner."""


@dataclass(frozen=True)
class Wanted:
    """What shall be.

    `adopt`: name of the database to take over. `manage_root`: auto is yes, except on an adopted database.
    `credentials` None: root's password is left alone. `lfn2pfn`: for the mark of a database that is filled or adopted.
    """

    owner: Owner
    bootstrap: bool = False
    adopt: str = ""
    credentials: root.Credentials | None = None
    manage_root: str = "auto"
    lfn2pfn: str = ""


def ensure(target: connect.Target, wanted: Wanted) -> Result:
    """Do what is wanted and can be done without harm, and tell what is then.

    Raises:
        Trouble: The database cannot be used, or somebody else works on it.
    """
    with connect.session(target) as connection:
        facts = inspection.inspect(connection, target)
        done: dict[str, bool] = {}
        password = _password_due(connection, facts, wanted)
        if _is_due(facts, wanted) or password == "set":  # noqa: S105 - a verdict
            with locked(connection):
                facts = inspection.inspect(connection, target)
                if _bootstrap_due(facts, wanted):
                    bootstrap.bootstrap(connection, facts.schema, _own(facts, wanted), wanted.credentials)
                    done["bootstrapped"] = True
                    facts = inspection.inspect(connection, target)
                if _adoption_due(facts, wanted):
                    with connection.begin():
                        marks.write(connection, facts.schema, marks.adopt(facts.mark, wanted.owner, wanted.lfn2pfn))
                    facts = inspection.inspect(connection, target)
                password = _set_password(connection, facts, wanted, fresh="bootstrapped" in done)
        result = report.of_facts("ensure", target, facts, wanted.owner)
    shown = plan.make(facts.server.database, target.schema, facts.revision or "") if result.state == "behind" else None
    return replace(result, plan=shown, rootPassword=password, bootstrapped="bootstrapped" in done)


def _own(facts: Facts, wanted: Wanted) -> Mark:
    if facts.mark and facts.mark.owner == wanted.owner:
        return facts.mark
    return Mark(wanted.owner, lfn2pfn=wanted.lfn2pfn or None)


def _is_ours(facts: Facts, wanted: Wanted) -> bool:
    return facts.mark is not None and facts.mark.owner == wanted.owner


def _is_due(facts: Facts, wanted: Wanted) -> bool:
    return _bootstrap_due(facts, wanted) or _adoption_due(facts, wanted)


def _bootstrap_due(facts: Facts, wanted: Wanted) -> bool:
    unclaimed = facts.mark is None or _is_ours(facts, wanted)
    return wanted.bootstrap and facts.state in {"empty", "partial"} and unclaimed


def _adoption_due(facts: Facts, wanted: Wanted) -> bool:
    named = bool(wanted.adopt) and wanted.adopt == facts.server.database
    return named and facts.state in ADOPTABLE and not _is_ours(facts, wanted)


def _password_due(connection: Connection, facts: Facts, wanted: Wanted) -> str | None:
    """Set (it is to be set), unchanged, unmanaged, or None where there is nobody whose password it could be."""
    if facts.state != "current" or not _is_ours(facts, wanted):
        return None
    adopted = facts.mark is not None and facts.mark.adopted
    if wanted.credentials is None or wanted.manage_root == "no" or (wanted.manage_root == "auto" and adopted):
        return "unmanaged"
    return "set" if root.differs(connection, wanted.credentials) else "unchanged"


def _set_password(connection: Connection, facts: Facts, wanted: Wanted, *, fresh: bool) -> str | None:
    due = _password_due(connection, facts, wanted)
    if due == "set" and wanted.credentials is not None:
        with connection.begin():
            root.set_password(connection, wanted.credentials)
    return "set" if fresh and due == "unchanged" else due
