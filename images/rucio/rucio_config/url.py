"""URLs of databases: as people and other operators write them, and as SQLAlchemy wants them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

from rucio_config.errors import ConfigError

DRIVER = "postgresql+psycopg"
"""The only driver in the image."""

DEFAULTS: Mapping[str, str] = {
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Parameters of libpq, in s and the last in ms, where the URL has no others: a server whose node is gone is noticed
after half a minute, not after the kernel's two hours."""

# The last @ ends the password: what stands before it may hold any character, whether it was encoded or not.
_URL = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+]*)://"
    r"(?:(?P<user>[^:]*?)(?::(?P<password>.*))?@)?"
    r"(?P<hosts>(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]/?#@:,\s]*)(?::\d+)?(?:,(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]/?#@:,\s]*)(?::\d+)?)*)"
    r"(?:/(?P<database>[^/?#@]*))?(?:\?(?P<query>[^#@]*))?",
    re.DOTALL,
)
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)
_HOST = re.compile(
    r"\[(?P<six>[^\]]+)\](?::(?P<port6>\d+))?|(?P<host>[^:]*)(?::(?P<port>\d+))?|(?P<bare>[0-9A-Fa-f:.%]+)"
)
_WANTED = "it must be postgresql://user:password@host:port/database, with %XX for special characters"


@dataclass(frozen=True)
class Url:
    """A URL in parts, nothing of it encoded."""

    user: str
    password: str = field(repr=False)
    hosts: str
    """Hosts and ports as in the URL, IPv6 addresses in brackets."""
    database: str
    query: Mapping[str, str] = field(default_factory=dict)

    def text(self, ca: str | None = None) -> str:
        """As SQLAlchemy reads it, which decodes user and password, and not the database.

        Args:
            ca: file of the authorities that the server's certificate is checked against; its name is checked then too.
        """
        query = {**DEFAULTS, **self.query}
        if ca:
            query |= {"sslmode": "verify-full", "sslrootcert": ca}
        login = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        return f"{DRIVER}://{login}@{self.hosts}/{self.database}?{urlencode(query, safe='/')}"


def parse(text: str, what: str) -> Url:
    """Read a URL, of which user and password need not be encoded where that leaves no doubt.

    Args:
        text: the URL.
        what: where it is from, for the message.

    Raises:
        ConfigError: it names no PostgreSQL, or not all that is needed.
    """
    found = _URL.fullmatch(text.strip())
    if not found or found["scheme"].lower() not in _SCHEMES:
        raise ConfigError(f"{what} is no URL of a PostgreSQL: {_WANTED}")
    query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    url = Url(
        _decoded(found["user"] or query.pop("user", "")),
        _decoded(found["password"] or query.pop("password", "")),
        found["hosts"],
        unquote(found["database"] or "") or query.pop("dbname", ""),
        query,
    )
    return _checked(url, what)


def of_parts(host: str, user: str, password: str, database: str) -> Url:
    """Make one of its parts.

    Args:
        host: name or address, with a port or without; IPv6 addresses with brackets or without.
        user: as the server knows it.
        password: of that user.
        database: its name.

    Raises:
        ConfigError: one of them cannot be part of a URL.
    """
    found = _HOST.fullmatch(host)
    if not found or not (user and database):
        raise ConfigError(
            "the database needs username, password, database and RUCIO_DATABASE_HOST as host or host:port"
        )
    address = found["six"] or found["bare"]
    port = found["port6"] or found["port"]
    hosts = (f"[{address}]" if address else found["host"]) + (f":{port}" if port else "")
    return _checked(Url(user, password, hosts, database), "the database folder")


def _decoded(text: str) -> str:
    return unquote(text) if _ENCODED.fullmatch(text) else text


def _checked(url: Url, what: str) -> Url:
    if not url.database or not url.user or not (url.hosts or "host" in url.query):
        missing = "database" if not url.database else "user" if not url.user else "host"
        raise ConfigError(f"{what} names no {missing}: {_WANTED}")
    if re.search(r"[?#/@\s]", url.database):
        raise ConfigError(
            f"{what}: a database whose name holds ?, #, /, @ or blanks cannot be named in a URL; rename it"
        )
    if any(ord(character) < 32 for part in (url.user, url.password, url.database, url.hosts) for character in part):
        raise ConfigError(f"{what} holds a line end or another control character; remove it")
    return url
