"""Where a RucioServer is asked, and as whom."""

import base64
import binascii
from dataclasses import dataclass, field

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.status.pods import is_ready, is_stopping
from datalake_operator.status.rucio import live
from datalake_operator.status.view import View

HEALTH_PORT = 8083
REST_PORT = 8080
"""Ports of a server pod."""


@dataclass(frozen=True)
class Target:
    """One server pod and the account root."""

    health: str
    """Base URL of the health port, such as http://10.0.0.7:8083."""

    rest: str
    """Base URL of the REST interface, such as http://10.0.0.7:8080."""

    username: str
    """Login name of the account root."""

    password: str = field(repr=False)
    """Its password: never shown anywhere."""

    since: str = ""
    """Changes when a Job may have set the password, so that a login that was refused is worth another try."""


def target(server: RucioServer, view: View) -> Target | None:
    """Give a server pod to ask, best a ready one; None while there is none, or nobody to ask as."""
    pods = [pod for pod in live.components(view, "server") if pod.get("status", {}).get("podIP")]
    pods = [pod for pod in pods if not is_stopping(pod)] or pods
    pod = next((pod for pod in pods if is_ready(pod)), next(iter(pods), None))
    credentials = root(server, view)
    if pod is None or credentials is None:
        return None
    address = pod["status"]["podIP"]
    host = f"[{address}]" if ":" in address else address
    return Target(f"http://{host}:{HEALTH_PORT}", f"http://{host}:{REST_PORT}", *credentials, _settled(server, view))


def _settled(server: RucioServer, view: View) -> str:
    """The Jobs that set passwords and have done so."""
    jobs = live.jobs(view, called.ensure_prefix(server.metadata.name))
    return " ".join(sorted(name for name, job in jobs.items() if live.complete(job)))


def root(server: RucioServer, view: View) -> tuple[str, str] | None:
    """Name and password of the account root; None while they are not there."""
    given = server.spec.root_account.secret_ref
    if given is not None:
        secret = view.references.get(("Secret", given.name))
    else:
        secret = view.children.get(("Secret", called.root_secret(server.metadata.name)))
    data = (secret or {}).get("data") or {}
    try:
        username, password = (base64.b64decode(data[key], validate=True).decode() for key in ("username", "password"))
    except (KeyError, ValueError, binascii.Error):
        return None
    return username, password
