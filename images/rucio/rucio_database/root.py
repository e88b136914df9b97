"""The account root and its password, as Rucio's core keeps identities."""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from rucio.common.constants import DEFAULT_VO
from rucio.common.types import InternalAccount
from rucio.db.sqla import models
from rucio.db.sqla.constants import AccountStatus, AccountType, IdentityType
from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

_ACCOUNT = "root"


@dataclass(frozen=True)
class Credentials:
    """What root logs in with."""

    username: str
    password: str = field(repr=False)


def read(folder: Path) -> Credentials:
    """The credentials in the files `username` and `password` of a mounted Secret.

    Raises:
        OSError: A file is not there.
        ValueError: One is empty, so that anybody could log in.
    """
    username, password = ((folder / name).read_text("utf-8").rstrip("\r\n") for name in ("username", "password"))
    if not username or not password:
        raise ValueError("username or password is empty")
    return Credentials(username, password)


def differs(connection: Connection, credentials: Credentials) -> bool:
    """Whether root cannot log in with these. Leaves no transaction open."""
    with connection.begin(), Session(connection) as session:
        identity = _identity(session, credentials)
        return identity is None or not _fits(identity, credentials) or not _is_mapped(session, credentials)


def create(connection: Connection) -> None:
    """The base VO and the account, where they are missing; in the transaction that is open."""
    with Session(connection) as session:
        if session.get(models.VO, DEFAULT_VO) is None:
            session.add(models.VO(vo=DEFAULT_VO, description="Default base VO", email="N/A"))
        if session.get(models.Account, InternalAccount(_ACCOUNT, DEFAULT_VO)) is None:
            session.add(
                models.Account(
                    account=InternalAccount(_ACCOUNT, DEFAULT_VO),
                    account_type=AccountType.SERVICE,
                    status=AccountStatus.ACTIVE,
                )
            )
        session.flush()


def set_password(connection: Connection, credentials: Credentials) -> None:
    """Let root log in with these; in the transaction that is open. Other identities of root stay."""
    with Session(connection) as session:
        identity = _identity(session, credentials)
        if identity is None:
            identity = models.Identity(identity=credentials.username, identity_type=IdentityType.USERPASS, email="N/A")
            session.add(identity)
        # As rucio.core.identity.add_identity: as long as the column, and the salt first.
        salt = os.urandom(255)
        identity.salt = salt
        identity.password = hashlib.sha256(salt + credentials.password.encode()).hexdigest()
        # A login that was taken away by soft deletion comes back.
        identity.deleted = False
        identity.deleted_at = None
        session.flush()
        if not _is_mapped(session, credentials):
            session.add(
                models.IdentityAccountAssociation(
                    identity=credentials.username,
                    identity_type=IdentityType.USERPASS,
                    account=InternalAccount(_ACCOUNT, DEFAULT_VO),
                    is_default=True,
                )
            )
        session.flush()


def _identity(session: Session, credentials: Credentials) -> "models.Identity | None":
    found: models.Identity | None = session.get(models.Identity, (credentials.username, IdentityType.USERPASS))
    return found


def _fits(identity: "models.Identity", credentials: Credentials) -> bool:
    if not identity.salt or not identity.password or identity.deleted:
        return False
    digest = hashlib.sha256(bytes(identity.salt) + credentials.password.encode()).hexdigest()
    return hmac.compare_digest(digest, identity.password)


def _is_mapped(session: Session, credentials: Credentials) -> bool:
    mapping = models.IdentityAccountAssociation
    query = select(mapping.account).where(
        mapping.identity == credentials.username,
        mapping.identity_type == IdentityType.USERPASS,
        mapping.account == InternalAccount(_ACCOUNT, DEFAULT_VO),
    )
    return session.execute(query).first() is not None
