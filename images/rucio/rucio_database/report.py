"""Facts as results: what was found, and whose it is."""

from rucio.alembicrevision import ALEMBIC_REVISION

from rucio_database.connect import Target
from rucio_database.inspection import Facts
from rucio_database.installed import VERSION
from rucio_database.mark import Owner
from rucio_database.result import Result

_OWNABLE = ("partial", "current", "behind", "ahead")


def of_facts(verb: str, target: Target, facts: Facts, owner: Owner | None) -> Result:
    """What was found, as a result for that owner; None: for nobody, who owns nothing."""
    mark = facts.mark
    ours = mark is not None and mark.owner == owner
    state, message = facts.state, facts.message
    claimed = mark is not None or state != "partial"
    if owner is not None and state in _OWNABLE and claimed and not ours:
        state, message = "not-ours", _not_ours(facts)
    return Result(
        verb=verb,
        state=state,
        message=message,
        rucioVersion=VERSION,
        database=facts.server.database,
        schema=target.schema,
        revision=facts.revision,
        head=ALEMBIC_REVISION,
        path=facts.path,
        serverMajor=facts.server.major,
        databaseBytes=facts.server.size,
        maxConnections=facts.server.connections,
        owner=vars(mark.owner).copy() if mark else None,
        ours=ours,
        hold=mark.hold if mark else None,
        lfn2pfn=mark.lfn2pfn if mark else None,
    )


def _not_ours(facts: Facts) -> str:
    name = facts.server.database
    if facts.mark is None:
        return f"The database {name} holds a catalogue that this RucioServer did not make; it is left as it is"
    owner = facts.mark.owner
    whose = f"RucioServer {owner.namespace}/{owner.name} of cluster {owner.cluster}"
    return f"The database {name} belongs to {whose}; it is left as it is"
