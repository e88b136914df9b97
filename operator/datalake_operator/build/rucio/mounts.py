"""What pods mount, and where. Programs find everything at fixed places, whatever the spec says."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from datalake_operator.api.meta import SecretKeyRef
from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.config import OPTIONS

FILES = "/opt/rucio/etc/files"
ROOT = "/run/secrets/root"
BACKUPS = "/backup"
DATA = "/data"

_DATABASE = "/run/secrets/database"
_ADMIN_DATABASE = "/run/secrets/admin-database"
_AUTHORITIES = "/run/secrets/database-ca"


@dataclass(frozen=True)
class Mount:
    """A volume, and its place in the one container that has it."""

    name: str
    path: str
    source: dict[str, Any]
    """The volume without its name."""

    mentions: tuple[str, ...] = ()
    """What it shows, as `Kind/name`, where a change must replace the pod."""

    writable: bool = False

    def volume(self) -> dict[str, Any]:
        """The entry in the pod's list of volumes."""
        return {"name": self.name, **self.source}

    def entry(self) -> dict[str, Any]:
        """The entry in the container's list of mounts."""
        return {"name": self.name, "mountPath": self.path} | ({} if self.writable else {"readOnly": True})


def scratch(name: str, path: str, *, memory: str | None = None) -> Mount:
    """An empty folder; in memory, and so large at most, where that is said."""
    return Mount(name, path, {"emptyDir": {"medium": "Memory", "sizeLimit": memory} if memory else {}}, writable=True)


def claim(name: str, path: str, claim_name: str) -> Mount:
    """A claim."""
    return Mount(name, path, {"persistentVolumeClaim": {"claimName": claim_name}}, writable=True)


def config(name: str) -> Mount:
    """The ConfigMap of this name, with base.cfg and secret-options.json."""
    return Mount("config", "/etc/rucio", {"configMap": {"name": name}})


def database(server: RucioServer, *, admin_as_database: bool = False) -> tuple[Mount, ...]:
    """How to reach the database, and whom to trust.

    Args:
        server: the resource.
        admin_as_database: with the owner's URL, where there is one, instead of the server's.
    """
    external = server.spec.database.external
    if external is None:
        name = called.database_secret(server.metadata.name)
        return (_secret("database", _DATABASE, name, ("username", "password", "database")),)
    url = external.url_secret_ref
    if admin_as_database:
        url = external.admin_url_secret_ref or url
    return (_one_key("database", _DATABASE, url, "url"), *_authorities(external.ca_secret_ref))


def admin_database(server: RucioServer) -> tuple[Mount, ...]:
    """The owner's URL, beside that of the server, where there is one."""
    external = server.spec.database.external
    if external is None or external.admin_url_secret_ref is None:
        return ()
    return (_one_key("admin-database", _ADMIN_DATABASE, external.admin_url_secret_ref, "url"),)


def root(server: RucioServer) -> Mount:
    """The login of the account root: only for the Job that sets it."""
    given = server.spec.root_account.secret_ref
    name = given.name if given else called.root_secret(server.metadata.name)
    return _secret("root", ROOT, name, ("username", "password"))


def options(server: RucioServer) -> tuple[Mount, ...]:
    """Options of rucio.cfg whose values are in Secrets, by their number."""
    chosen = [(one.secret_key_ref, f"{number}/value") for number, one in enumerate(server.spec.secret_config)]
    sources = [{"secret": {"name": ref.name, "items": [{"key": ref.key, "path": path}]}} for ref, path in chosen]
    return _projected("options", OPTIONS, sources, (f"Secret/{ref.name}" for ref, _ in chosen))


def files(server: RucioServer, users: Iterable[str]) -> tuple[Mount, ...]:
    """Files for one of these users (`server`, `auth`, a daemon instance), as one folder, so that changes arrive."""
    wanted, sources, mentions = set(users), [], []
    for one in server.spec.files:
        if wanted.isdisjoint(one.for_):
            continue
        kind, part, ref = (
            ("Secret", "secret", one.secret_key_ref)
            if one.secret_key_ref
            else ("ConfigMap", "configMap", one.config_map_key_ref)
        )
        if ref is not None:  # exactly one of them is there
            sources.append({part: {"name": ref.name, "items": [{"key": ref.key, "path": one.name}]}})
            mentions.append(f"{kind}/{ref.name}")
    return _projected("files", FILES, sources, mentions)


def _authorities(ref: SecretKeyRef | None) -> tuple[Mount, ...]:
    return (_one_key("database-ca", _AUTHORITIES, ref, "ca.crt"),) if ref else ()


def _one_key(name: str, path: str, ref: SecretKeyRef, file: str) -> Mount:
    source = {"secret": {"secretName": ref.name, "items": [{"key": ref.key, "path": file}]}}
    return Mount(name, path, source, (f"Secret/{ref.name}",))


def _secret(name: str, path: str, secret: str, keys: Iterable[str]) -> Mount:
    items = [{"key": key, "path": key} for key in keys]
    return Mount(name, path, {"secret": {"secretName": secret, "items": items}}, (f"Secret/{secret}",))


def _projected(name: str, path: str, sources: list[dict[str, Any]], mentions: Iterable[str]) -> tuple[Mount, ...]:
    return (Mount(name, path, {"projected": {"sources": sources}}, tuple(mentions)),) if sources else ()
