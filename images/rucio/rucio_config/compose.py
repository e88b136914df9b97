"""rucio.cfg: what is not secret from a ConfigMap, what is from Secrets, and the database's URL."""

import json
import os
import re
from collections.abc import Mapping
from configparser import Error as ParserError
from configparser import RawConfigParser
from pathlib import Path

from rucio_config import url
from rucio_config.errors import ConfigError

# Whatever anybody may take for the end of a line: `configparser` splits at fewer of them than `str.splitlines`.
_LINE_ENDS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*", re.ASCII)

BASE = "etc/rucio/base.cfg"
OPTIONS = "etc/rucio/secret-options.json"
DATABASE = "run/secrets/database"
ADMIN = "run/secrets/admin-database"
CA = "run/secrets/database-ca/ca.crt"
RESULT = "run/rucio/rucio.cfg"


def compose(environment: Mapping[str, str], root: Path = Path("/")) -> str:
    """Give the whole content of rucio.cfg.

    Args:
        environment: RUCIO_DATABASE_HOST where the database is given in parts; RUCIO_USE_ADMIN=1 for the owner's URL.
        root: what the paths are below; `/` but for tests.

    Raises:
        ConfigError: something is missing, or cannot stand in rucio.cfg.
    """
    options = _base(root / BASE)
    for entry in _entries(root / OPTIONS):
        _set(options, entry["section"], entry["option"], _secret(root / entry["file"].lstrip("/"), entry))
    _set(options, "database", "default", database(environment, root))
    return _written(options)


def database(environment: Mapping[str, str], root: Path = Path("/")) -> str:
    """Give the database's URL for SQLAlchemy, see `compose`."""
    folder = root / (ADMIN if environment.get("RUCIO_USE_ADMIN") == "1" else DATABASE)
    if not folder.is_dir():
        raise ConfigError(f"/{folder.relative_to(root)} is not mounted")
    parts = {name: _text(folder / name) for name in ("url", "username", "password", "database")}
    if parts["url"] is not None:
        found = url.parse(parts["url"], f"the URL in /{folder.relative_to(root)}")
    else:
        host = environment.get("RUCIO_DATABASE_HOST", "")
        found = url.of_parts(host, *(parts[name] or "" for name in ("username", "password", "database")))
    return found.text("/" + CA if (root / CA).exists() else None)


def write(text: str, path: Path) -> None:
    """Put a file there at once, which nobody else can read."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    new.replace(path)


Options = dict[str, dict[str, str]]


def _base(path: Path) -> Options:
    # Values are taken as they stand: whoever wrote the file has doubled each % that is one.
    parser = RawConfigParser()
    try:
        parser.read_string(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (ParserError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no configuration: {type(error).__name__}") from None
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _entries(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    entries: list[dict[str, str]] = json.loads(path.read_text())
    return entries


def _secret(path: Path, entry: Mapping[str, str]) -> str:
    text = _text(path)
    if text is None:
        raise ConfigError(f"the value of option {entry['option']} of section {entry['section']} is not mounted")
    if _LINE_ENDS.search(text):
        raise ConfigError(
            f"the value of option {entry['option']} of section {entry['section']} has several lines; an option has one"
        )
    return text


def _text(path: Path) -> str | None:
    """What a file holds, without the line end that editors and `echo` add."""
    try:
        return path.read_text().removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}") from None


def _set(options: Options, section: str, option: str, value: str) -> None:
    for name in (section, option):
        if not _NAME.fullmatch(name) or name == "DEFAULT":
            raise ConfigError(f"{name!r} is no name of a section or an option")
    options.setdefault(section, {})[option.lower()] = value.replace("%", "%%")


def _written(options: Options) -> str:
    lines = []
    for section, values in options.items():
        lines.append(f"[{section}]")
        for name, value in values.items():
            if _LINE_ENDS.search(value):
                raise ConfigError(f"option {name} of section {section} has several lines; an option has one")
            lines.append(f"{name} = {value}")
        lines.append("")
    return "\n".join(lines)
