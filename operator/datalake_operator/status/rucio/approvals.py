"""What a user says with annotations: the exact command for each, and what changes that need one are refused without."""

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context, Refused
from datalake_operator.build.rucio.config import lfn2pfn
from datalake_operator.status.rucio import facts, live
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.stage import look
from datalake_operator.status.rucio.target import root
from datalake_operator.status.view import View


def command(server: RucioServer, annotation: str, value: str) -> str:
    """The command that sets one of our annotations."""
    namespace, name = server.metadata.namespace, server.metadata.name
    return f"`kubectl -n {namespace} annotate rucioserver {name} --overwrite {live.PREFIX}{annotation}={value}`"


def refusal(server: RucioServer, view: View, context: Context) -> Refused | None:
    """What of the spec is refused because of what the database was filled with; None for nothing.

    The database says so itself, also to a resource that was deleted and made again; status, where it does not.
    """
    before, found = facts.before(view), look(server, view, context).facts
    asked, filled = lfn2pfn(server), (found and found.lfn2pfn) or before.lfn2pfn
    if filled not in (None, asked) and live.annotation(server, "allow-lfn2pfn") != asked:
        return Refused(
            RucioReason.PATH_ALGORITHM_CHANGED,
            f"spec.policy.lfn2pfn: the database was filled with {filled!r}, and {asked!r} would move the path "
            f"of every file on deterministic storage; set it back, or say that you mean it: "
            f"{command(server, 'allow-lfn2pfn', asked)}",
        )
    credentials = root(server, view)
    if credentials is not None and before.root_username not in (None, credentials[0]):
        return Refused(
            RucioReason.ROOT_USERNAME_CHANGED,
            f"spec.rootAccount: the Secret's username is not {before.root_username!r}, which the database was filled "
            "with; set it back (the password may change)",
        )
    return None
