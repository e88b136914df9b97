"""Pure: rows of caches and Rucio servers from their bodies."""

from collections.abc import Callable
from typing import Any

from datalake_operator.web import words
from datalake_operator.web.bodies import Body
from datalake_operator.web.probe import condition, present, told


def cache(body: Body) -> dict[str, Any]:
    """Give the row of an XCacheNode."""
    status = body.get("status", {})
    usage = status.get("cache") or {}
    origin = condition(body, "OriginReachable")
    row = _row(body, planned="Draining")
    if row["state"] == "ok" and origin is not None and origin["status"] == "False":
        row |= {
            "state": "warning",
            "word": "serves, and does not reach its origin",
            "message": origin.get("message", ""),
        }
    return row | present(
        version=status.get("version"),
        endpoints=[url for _, url in sorted((status.get("endpoints") or {}).items())] or None,
        used=_share(usage),
        usedPercent=usage.get("usedPercent"),
        files=usage.get("files"),
        byteHitPercent=status.get("byteHitPercent1h"),
        measured=usage.get("time"),
    )


def server(body: Body) -> dict[str, Any]:
    """Give the row of a RucioServer."""
    status = body.get("status", {})
    backups = status.get("backups") or ()
    return _row(body) | present(
        version=status.get("version"),
        endpoints=[url for _, url in sorted((status.get("endpoints") or {}).items())] or None,
        schema=(status.get("schema") or {}).get("revision"),
        daemons=(status.get("daemonCount") or {}).get("summary"),
        lastBackup=max((backup["time"] for backup in backups), default=None),
    )


def unshown(namespace: str, name: str) -> dict[str, Any]:
    """Give the row of a resource whose body cannot be read. A warning: nothing may look well meanwhile."""
    return {"namespace": namespace, "name": name, "state": "warning", "word": words.UNSHOWN, "conditions": []}


def _row(body: Body, planned: str | None = None) -> dict[str, Any]:
    """Give what the rows of all kinds share. Ready decides the state; while work goes on it is a warning."""
    metadata = body["metadata"]
    ready = told(condition(body, "Ready"))
    state, word = _state(body, planned)
    return present(
        namespace=metadata["namespace"],
        name=metadata["name"],
        state=state,
        word=word,
        reason=ready["reason"] if ready else None,
        message=ready["message"] if ready else None,
        since=ready["since"] if ready else None,
        conditions=[{"type": one["type"], **(told(one) or {})} for one in body.get("status", {}).get("conditions", ())],
    )


def _state(body: Body, planned: str | None) -> tuple[str, str]:
    ready = condition(body, "Ready")
    if planned and _true(body, planned):
        return "maintenance", "drains: takes no new clients"
    if ready is None:
        return "notrun", "not looked at yet"
    if ready["status"] == "True":
        return "ok", "ready"
    return next((said for holds, said in _NOT_READY if holds(body)), ("critical", "not ready"))


def _true(body: Body, name: str) -> bool:
    one = condition(body, name)
    return one is not None and one["status"] == "True"


def _share(usage: dict[str, Any]) -> str | None:
    if "usedBytes" not in usage:
        return None
    used = words.figure("used_bytes", str(usage["usedBytes"]))
    if "limitBytes" not in usage:
        return used
    return f"{used} of {words.figure('limit_bytes', str(usage['limitBytes']))}"


_NOT_READY: tuple[tuple[Callable[[Body], bool], tuple[str, str]], ...] = (
    (lambda body: _true(body, "Suspended"), ("maintenance", "suspended, and not ready")),
    (lambda body: (condition(body, "Ready") or {}).get("status") == "Unknown", ("unknown", "not known")),
    (lambda body: _true(body, "Serving"), ("warning", "serves, and is not as its spec says")),
    (lambda body: _true(body, "Reconciling") and not _true(body, "Stalled"), ("warning", "not ready yet")),
)
"""What is said of a resource that is not ready: the first that holds. Work that goes on needs no hands."""
