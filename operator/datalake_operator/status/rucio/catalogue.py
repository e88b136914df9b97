"""What the catalogue of the version says about a spec, where it says anything: a refused spec is told elsewhere."""

from datetime import timedelta

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Refused
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.daemons import instances
from datalake_operator.build.rucio.refusals import known
from datalake_operator.status.rucio.daemons import Wanted


def wanted(server: RucioServer, *, held: bool) -> tuple[Wanted, ...]:
    """Every daemon instance; nothing for a spec that is refused.

    Args:
        server: the resource.
        held: whether daemons that delete or move files have no replicas.
    """
    try:
        found = instances(server)
    except Refused:
        return ()
    return tuple(
        Wanted(
            name=one.name,
            replicas=0 if held and one.known.destructive else one.replicas,
            deployment=called.daemon(server.metadata.name, one.name),
            prefixes=one.known.heartbeats,
            limit=timedelta(seconds=one.limit),
            needs=_needs(server, one.daemon),
        )
        for one in found
    )


def _needs(server: RucioServer, daemon: str) -> str:
    """What a daemon ends without (38.6.4 and 41.5.1)."""
    if daemon == "dark-reaper":
        return "ends until there is an RSE"
    if daemon == "hermes" and "hermes.services_list" not in _options(server):
        return "ends until spec.config has hermes.services_list, which says where messages go"
    return ""


def removed_options(server: RucioServer) -> dict[str, str]:
    """Options of the configuration that this version does not read, as `section.option`, and what to do about each."""
    try:
        gone = known(server).removed_options
    except Refused:
        return {}
    return {option: gone[option] for option in _options(server) if option in gone}


def _options(server: RucioServer) -> list[str]:
    """Options that the spec sets, as `section.option`; Rucio does not regard case in options."""
    free = [f"{entry.section}.{entry.option.lower()}" for entry in server.spec.config]
    return [*free, *(f"{entry.section}.{entry.option.lower()}" for entry in server.spec.secret_config)]
