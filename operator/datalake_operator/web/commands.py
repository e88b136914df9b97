"""Pure: the commands that repeat a check by hand. They hold no password: who has one is asked for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any, TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.probe_endpoints import Endpoint
from datalake_operator.build.probe.targets import Cache, Rucio, Targets

Command: TypeAlias = dict[str, Any]
"""`title`: what it shows, in a few words; `lines`: of a shell."""

_FILE = "by-hand"
"""Name of the file that is written by hand: not what the probe's own files are called, so it never takes it away."""

_GRID_CAS = "--capath /etc/grid-security/certificates"
"""Where grid certificates are found on machines of sites (packages of IGTF)."""


@dataclass(frozen=True)
class Check:
    """One cell."""

    source: str
    destination: str | None = None
    protocol: str | None = None


def commands(probe: QoSProbe, check: Check, targets: Targets) -> list[Command]:
    """Give the commands that repeat a cell's check by hand, then the one that asks the probe for a run now."""
    found: list[Command] = []
    for kind, make in _MAKERS.items():
        if getattr(probe.spec, kind) is not None:
            found = make(probe, check, targets)
    return [*found, _run_now(probe)]


def _command(title: str, *lines: str) -> Command:
    return {"title": title, "lines": list(lines)}


def _run_now(probe: QoSProbe) -> Command:
    name, namespace = quote(probe.metadata.name), quote(probe.metadata.namespace or "default")
    return _command(
        "Ask the probe for a run now",
        f"kubectl -n {namespace} annotate qosprobe {name} --overwrite "
        'datalake.projectescape.eu/reconcile-at="$(date -Is)"',
    )


def _tcp(probe: QoSProbe, check: Check, _: Targets) -> list[Command]:
    assert probe.spec.tcp is not None  # noqa: S101 - chosen by it
    return [
        _command("Open a connection", f"nc -vz -w 10{_family(one.ip_family)} {quote(one.host)} {one.port}")
        for one in probe.spec.tcp.targets
        if one.name == check.source
    ]


def _http(probe: QoSProbe, check: Check, _: Targets) -> list[Command]:
    assert probe.spec.http is not None  # noqa: S101 - chosen by it
    told = "-o /dev/null -w '%{http_code} after %{time_total} s\\n'"
    return [
        _command(
            f"Ask for it; {' or '.join(map(str, one.expect_status))} is good",
            f"curl -sS -m 30 {_trust(one.url)}{told} {quote(one.url)}",
        )
        for one in probe.spec.http.targets
        if one.name == check.source
    ]


def _storage(probe: QoSProbe, check: Check, _: Targets) -> list[Command]:
    endpoint = _endpoint(probe, check.source)
    url = _url(endpoint, check.protocol)
    if endpoint is None or url is None:
        return []
    if _is_root(url):
        return _alone_root(endpoint, url)
    return _alone_http(endpoint, url)


def _alone_root(endpoint: Endpoint, url: str) -> list[Command]:
    server, path = _split(url)
    if endpoint.access == "ReadOnly" and endpoint.read_file is not None:
        known = _below(url, endpoint.read_file.path)
        return [
            _command("Look at the known file", f"xrdfs {server} stat {quote(_split(known)[1])}"),
            _command("Read it", f"xrdcp -f -C adler32:print {quote(known)} /dev/null"),
        ]
    ours = _below(url, _FILE)
    inside = quote(_split(ours)[1])
    return [
        _command("Look at its folder", f"xrdfs {server} stat {quote(path)}"),
        _command(
            "Write, read, compare and delete a file",
            f"head -c 1M /dev/urandom > /tmp/{_FILE}",
            _upload(ours),
            f"xrdfs {server} query checksum {inside}",
            f"xrdcp -f {quote(ours)} - | cmp - /tmp/{_FILE} && echo same",
            f"xrdfs {server} rm {inside}",
        ),
    ]


def _alone_http(endpoint: Endpoint, url: str) -> list[Command]:
    curl = f"curl -sS -f -L -m 60 {_trust(url)}"
    if endpoint.access == "ReadOnly" and endpoint.read_file is not None:
        known = quote(_below(url, endpoint.read_file.path))
        return [_command("Look at the known file, and read it", f"{curl}-I {known}", f"{curl}-o /dev/null {known}")]
    ours = quote(_below(url, _FILE))
    return [
        _command("Look at its folder", f"{curl}-I {quote(url)}"),
        _command(
            "Write, read, compare and delete a file",
            f"head -c 1M /dev/urandom > /tmp/{_FILE}",
            f"{curl}-T /tmp/{_FILE} {ours}",
            f"{curl}-I -H 'Want-Digest: adler32' {ours} | grep -i ^digest",
            f"{curl}{ours} | cmp - /tmp/{_FILE} && echo same",
            f"{curl}-X DELETE {ours}",
        ),
    ]


def _transfer(probe: QoSProbe, check: Check, targets: Targets) -> list[Command]:
    if check.destination is None:
        return _storage(probe, check, targets)
    assert probe.spec.transfer is not None  # noqa: S101 - chosen by it
    source, destination = _endpoint(probe, check.source), _endpoint(probe, check.destination)
    there, here = _url(source, check.protocol), _url(destination, check.protocol)
    if source is None or there is None or here is None:
        return []
    known = source.read_file.path if source.access == "ReadOnly" and source.read_file is not None else None
    origin, copy = _below(there, known or _FILE), _below(here, f"{_FILE}-from-{check.source}")
    if _is_root(there):
        return _copy_root(origin, copy, made=known is None)
    return _copy_http(origin, copy, made=known is None, push=probe.spec.transfer.mode == "Push")


def _copy_root(origin: str, copy: str, *, made: bool) -> list[Command]:
    put = [f"head -c 1M /dev/urandom > /tmp/{_FILE}", _upload(origin)] if made else []
    ours = (copy, origin) if made else (copy,)
    return [
        *([_command("Put a file at the source", *put)] if put else []),
        _command("Let the destination fetch it", f"xrdcp -f --tpc only {quote(origin)} {quote(copy)}"),
        _command("Compare, and delete what was written", *_checksums(origin, copy), *_removals(*ours)),
    ]


def _checksums(*urls: str) -> list[str]:
    return [f"xrdfs {server} query checksum {quote(path)}" for server, path in map(_split, urls)]


def _removals(*urls: str) -> list[str]:
    return [f"xrdfs {server} rm {quote(path)}" for server, path in map(_split, urls)]


def _copy_http(origin: str, copy: str, *, made: bool, push: bool) -> list[Command]:
    curl = f"curl -sS -f -m 600 {_trust(origin, copy)}"
    put = [f"head -c 1M /dev/urandom > /tmp/{_FILE}", f"{curl}-L -T /tmp/{_FILE} {quote(origin)}"] if made else []
    if push:
        title, header, at = "Let the source send it", f"Destination: {copy}", origin
    else:
        title, header, at = "Let the destination fetch it", f"Source: {origin}", copy
    return [
        *([_command("Put a file at the source", *put)] if put else []),
        _command(
            f"{title}; only a last line 'success:' is a success",
            f"{curl}-X COPY -H 'Overwrite: T' -H {quote(header)} {quote(at)}",
        ),
        _command(
            "Compare, and delete what was written",
            *(f"{curl}-L -I -H 'Want-Digest: adler32' {quote(url)} | grep -i ^digest" for url in (origin, copy)),
            *(f"{curl}-L -X DELETE {quote(url)}" for url in ((copy, origin) if made else (copy,))),
        ),
    ]


def _cache(probe: QoSProbe, _: Check, targets: Targets) -> list[Command]:
    assert probe.spec.cache is not None  # noqa: S101 - chosen by it
    if targets.cache is None:
        return []
    return _through(targets.cache, probe.spec.cache.file.path if probe.spec.cache.file is not None else None)


def _through(cache: Cache, known: str | None) -> list[Command]:
    through, origin = (_below(url, known or _FILE) for url in (cache.url, cache.origin_url))
    server, path = _split(through)
    evict = f"xrdfs {server} cache evict {quote(path)}"
    cold = f"time xrdcp -f {quote(through)} /dev/null"
    found = [
        _command("Forget it in the cache, read it cold, then warm", evict, cold, cold),
        _command("Read the origin without the cache", f"time xrdcp -f {quote(origin)} /dev/null"),
    ]
    if known:
        return found
    put = _command("Put a file at the origin", f"head -c 8M /dev/urandom > /tmp/{_FILE}", _upload(origin))
    return [put, *found, _command("Delete it", *_removals(origin), evict)]


def _upload(url: str) -> str:
    return f"xrdcp -f /tmp/{_FILE} {quote(url)}"


def _rucio(probe: QoSProbe, check: Check, targets: Targets) -> list[Command]:
    assert probe.spec.rucio is not None  # noqa: S101 - chosen by it
    if targets.rucio is None:
        return []
    ping = _command("Is it there?", f"curl -sS -m 30 {_trust(targets.rucio.url)}{quote(targets.rucio.url + '/ping')}")
    if check.protocol == "ping":
        return [ping]
    return [ping, *_logged_in(targets.rucio, probe.spec.rucio.account, check.protocol)]


def _logged_in(rucio: Rucio, account: str, asked: str | None) -> list[Command]:
    curl = f"curl -sS -m 30 {_trust(rucio.url, rucio.auth_url)}"
    log_in = _command(
        "Log in; you are asked for user and password",
        "read -rp 'User: ' user; read -rsp 'Password: ' password; echo",
        f'token=$(printf \'header = "X-Rucio-Username: %s"\\nheader = "X-Rucio-Password: %s"\\n\' '
        f'"$user" "$password" | {curl}-K - -o /dev/null -D - -H {quote("X-Rucio-Account: " + account)} '
        f"-H {quote('X-Rucio-VO: ' + rucio.vo)} {quote(rucio.auth_url + '/auth/userpass')} "
        "| tr -d '\\r' | sed -n 's/^x-rucio-auth-token: //Ip')",
        '[ -n "$token" ] && echo "logged in"',
    )
    path = {"whoami": "/accounts/whoami", "heartbeats": "/heartbeats"}.get(asked or "")
    if path is None:
        return [log_in]
    ask = f'printf \'header = "X-Rucio-Auth-Token: %s"\\n\' "$token" | {curl}-K - -L {quote(rucio.url + path)}'
    return [log_in, _command("Ask", ask)]


_MAKERS: Mapping[str, Callable[[QoSProbe, Check, Targets], list[Command]]] = {
    "tcp": _tcp,
    "http": _http,
    "storage": _storage,
    "transfer": _transfer,
    "cache": _cache,
    "rucio": _rucio,
}


def _endpoint(probe: QoSProbe, name: str) -> Endpoint | None:
    return next((endpoint for endpoint in probe.spec.endpoints if endpoint.name == name), None)


def _url(endpoint: Endpoint | None, protocol: str | None) -> str | None:
    """Give the URL of an endpoint for a protocol, as it is written on the wire."""
    urls: Sequence[Any] = endpoint.urls if endpoint is not None else ()
    found = next((one.url for one in urls if one.protocol == protocol), None)
    return found and found.replace("davs://", "https://", 1)


def _is_root(url: str) -> bool:
    return url.startswith(("root://", "roots://"))


def _below(url: str, path: str) -> str:
    """Give the URL of something in a folder; over root always with two slashes: after one, servers refuse the path."""
    if not _is_root(url):
        return f"{url.rstrip('/')}/{path.lstrip('/')}"
    scheme, _, rest = url.partition("://")
    server, _, folder = rest.partition("/")
    parts = (f"{scheme}://{server}/", folder.strip("/"), path.lstrip("/"))
    return "/".join(part for part in parts if part)


def _split(url: str) -> tuple[str, str]:
    """Give the server of a root URL, quoted with its scheme, and the path with one slash."""
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    return quote(f"{scheme}://{authority}"), f"/{path.strip('/')}"


def _trust(*urls: str) -> str:
    return f"{_GRID_CAS} " if any(url.startswith("https://") for url in urls) else ""


def _family(family: str) -> str:
    return {"IPv4": " -4", "IPv6": " -6"}.get(family, "")
