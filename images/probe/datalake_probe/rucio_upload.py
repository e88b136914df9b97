"""Moves a file through a Rucio, in a process of its own: its client lives in another environment than the runner."""

import json
import tempfile
from pathlib import Path
from typing import Any

from datalake_probe import failures, programs
from datalake_probe.outcome import Bad, Reason
from datalake_probe.payload import Payload
from datalake_probe.run import Run

PYTHON = "/opt/probe/rucio/bin/python"
"""The environment with Rucio's client."""

PROGRAM = Path(__file__).with_name("rucio_files.py")

SECONDS = 900.0
"""Time for both ways."""

PART = 0.9
"""Of the time that is left: one that hangs is told before the run ends."""

# Exceptions of Rucio's client, by name.
_REASONS = {
    "AccessDenied": Reason.FORBIDDEN,
    "CannotAuthenticate": Reason.UNAUTHENTICATED,
    "RSENotFound": Reason.NOT_FOUND,
    "InvalidRSEExpression": Reason.NOT_FOUND,  # an expression that no element fits
    "ScopeNotFound": Reason.NOT_FOUND,
    "RSEWriteBlocked": Reason.READ_ONLY,
    "RSEReadBlocked": Reason.FORBIDDEN,
    "InsufficientAccountLimit": Reason.NO_SPACE,
    "InsufficientTargetRSEs": Reason.NO_SPACE,
    "RSEOverQuota": Reason.NO_SPACE,
    "FileConsistencyMismatch": Reason.CHECKSUM_MISMATCH,
    "ResourceTemporaryUnavailable": Reason.NO_SPACE,
    "ServiceUnavailable": Reason.SERVER_ERROR,
    "DatabaseException": Reason.SERVER_ERROR,
    "ServerConnectionException": Reason.REFUSED,
}


def send_and_fetch(run: Run, account: str, secrets: Path, m: dict[str, float]) -> None:
    """Upload a file under a name of this run and download it again.

    The rule's lifetime is the only clean-up: names cannot be used again, and a file that is deleted behind Rucio's back
    would be a loss to it.

    Args:
        run: the run.
        account: never root.
        secrets: folder with the files username and password, which the other process reads itself.
        m: upload_seconds, download_seconds, each once it is known.

    Raises:
        Bad: why not.
    """
    section = run.plan.section
    upload = section["upload"]
    payload = Payload(run.id, int(upload["size"]))
    with tempfile.TemporaryDirectory() as folder:
        name = file_name(run)
        path = Path(folder) / name
        with path.open("wb") as file:
            file.writelines(payload.chunks())
        words = {
            "secrets": str(secrets), "path": str(path), "rse": upload["rse"], "scope": upload["scope"], "name": name,
            "lifetime": int(upload["lifetimeSeconds"]), "adler32": payload.adler32, "size": payload.size,
        }  # fmt: skip
        python = run.environment.get("PROBE_RUCIO_PYTHON") or PYTHON
        done = programs.run(
            [python, str(PROGRAM), json.dumps(words)],
            run.deadline.step(min(SECONDS, PART * run.deadline.left())),
            # It must not be this one's package that is found as `rucio`, nor a configuration of the machine.
            {
                **run.anchors.environment,
                "PYTHONSAFEPATH": "1",
                "RUCIO_CONFIG": _configuration(folder, run, account),
                "HOME": folder,
                "TMPDIR": folder,  # the client keeps its token there
            },
        )
    _judge(done, m)


def file_name(run: Run) -> str:
    """Return the name of this run's file: cluster, namespace, probe and run; nobody else has it, ever."""
    return f"datalake-probe.{run.plan.folder.rpartition('/')[2]}.{run.id}"


def _configuration(folder: str, run: Run, account: str) -> str:
    """Write what Rucio's client must know; no secret is in it."""
    section = run.plan.section
    lines = [
        "[client]", f"rucio_host = {section['url'].rstrip('/')}", f"auth_host = {section['authUrl'].rstrip('/')}",
        "auth_type = userpass", f"account = {account}", f"vo = {section['vo']}", f"ca_cert = {run.anchors.file}",
        "request_retries = 1", "",
    ]  # fmt: skip
    path = Path(folder) / "rucio.cfg"
    path.write_text("\n".join(lines).replace("%", "%%"))
    return str(path)


def _judge(done: programs.Done, m: dict[str, float]) -> None:
    failed: dict[str, Any] | None = None
    for line in done.output.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            m |= {name: value for name, value in said.items() if isinstance(value, float)}
            failed = said if "failed" in said else failed
    if done.timed_out:
        raise Bad(Reason.TIMEOUT, "not done within its time")
    if failed is not None:
        # The exception says that a file was not moved; why not stands in what was logged before it.
        text = f"{failed['failed']} {failed['text']} {done.errors}"
        named = _REASONS.get(failed["failed"]) or next((_REASONS[name] for name in _REASONS if name in text), None)
        heard = failures.of_copy(text).reason
        raise Bad(named or heard, text)
    if done.code != 0:
        raise Bad(Reason.FAILED, done.text)
