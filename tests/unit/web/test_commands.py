"""The commands that repeat a check by hand."""

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.probe.targets import Cache, Rucio, Targets
from datalake_operator.web.commands import Check, commands
from tests.support import lake
from tests.support.lake import Body, endpoint

TARGETS = Targets(
    cache=Cache("cache", "root://cache.lake.svc:1094//data", "root://origin.example.org:1094//data"),
    rucio=Rucio("rucio", "https://rucio.example.org", "https://auth.example.org", "esc"),
)
KNOWN = {"path": "known/file", "size": 12, "adler32": "1a2b3c4d"}


def lines(check: Check, spec: Mapping[str, Any], *endpoints: Body) -> list[str]:
    probe = parse(lake.probe("mesh", spec, endpoints=list(endpoints)))
    assert isinstance(probe, QoSProbe)
    return [line for command in commands(probe, check, TARGETS) for line in command["lines"]]


def transfer(check: Check, *endpoints: Body, **more: Any) -> list[str]:
    names = [one["name"] for one in endpoints]
    return lines(check, {"transfer": {"sources": names[:1], "destinations": names[1:], **more}}, *endpoints)


A, B = endpoint("A", protocols=("root", "davs")), endpoint("B", protocols=("root", "davs"))


def test_a_copy_over_root_is_third_party_only() -> None:
    assert (
        "xrdcp -f --tpc only root://a.example.org:1094//data/probe/by-hand root://b.example.org:1094//data/probe/by-hand-from-A"
        in transfer(Check("A", "B", "root"), A, B)
    )


def test_a_folder_over_root_is_written_with_two_slashes_whatever_its_url_has() -> None:
    one = {**A, "urls": [{"protocol": "root", "url": "root://a.example.org:1094/data/probe/"}]}
    found = lines(Check("A", None, "root"), {"storage": {"endpoints": ["A"]}}, one)
    assert "xrdcp -f /tmp/by-hand root://a.example.org:1094//data/probe/by-hand" in found


def test_a_copy_over_http_is_pulled_by_the_destination_or_pushed_by_the_source() -> None:
    check = Check("A", "B", "davs")
    curl = "curl -sS -f -m 600 --capath /etc/grid-security/certificates -X COPY -H 'Overwrite: T' -H "
    here, there = (
        "https://a.example.org:443//data/probe/by-hand",
        "https://b.example.org:443//data/probe/by-hand-from-A",
    )
    assert f"{curl}'Source: {here}' {there}" in transfer(check, A, B)
    assert f"{curl}'Destination: {there}' {here}" in transfer(check, A, B, mode="Push", protocols=["davs"])


def test_from_a_read_only_source_its_known_file_is_copied_and_nothing_written_there() -> None:
    found = transfer(Check("A", "B", "root"), {**A, "access": "ReadOnly", "readFile": KNOWN}, B)
    assert not any("urandom" in line for line in found)
    assert any("probe/known/file root://b.example.org" in line for line in found)


def test_a_storage_check_cleans_up_after_itself() -> None:
    storage = {"storage": {"endpoints": ["A"], "protocols": ["root", "davs"]}}
    assert lines(Check("A", None, "root"), storage, A)[-2] == "xrdfs root://a.example.org:1094 rm /data/probe/by-hand"
    assert "-X DELETE" in lines(Check("A", None, "davs"), storage, A)[-2]


def test_a_port_is_tried_in_its_family_and_a_website_is_asked() -> None:
    tcp = {"tcp": {"targets": [{"name": "t", "host": "fd00::1", "port": 1094, "ipFamily": "IPv6"}]}}
    assert lines(Check("t"), tcp)[0] == "nc -vz -w 10 -6 fd00::1 1094"
    http = {"http": {"targets": [{"name": "w", "url": "http://w.example.org/$(id)?a='b'"}]}}
    assert lines(Check("w"), http)[0].endswith(""" 'http://w.example.org/$(id)?a='"'"'b'"'"''""")


def test_a_cache_forgets_then_reads_cold_then_warm() -> None:
    found = lines(Check("cache", None, "root"), {"cache": {"xcacheRef": {"name": "cache"}, "generated": {}}})
    evict = found.index("xrdfs root://cache.lake.svc:1094 cache evict /data/by-hand")
    assert found[evict + 1] == found[evict + 2] == "time xrdcp -f root://cache.lake.svc:1094//data/by-hand /dev/null"


RUCIO = {"rucio": {"rucioServerRef": {"name": "rucio"}, "credentialsSecretRef": {"name": "secret-of-probe"}}}


def test_who_logs_in_is_asked_for_the_password_which_is_in_no_argument() -> None:
    found = lines(Check("rucio", None, "whoami"), RUCIO)
    assert any(line.startswith("read -rp") for line in found)
    assert not any("secret-of-probe" in line for line in found)
    assert not any(
        f"-H {quote}X-Rucio-{word}" in line for line in found for quote in "'\"" for word in ("Pass", "Auth-")
    )


def test_the_last_command_asks_the_probe_for_a_run() -> None:
    custom = {"custom": {"image": {"repository": "example.org/mine"}, "args": ["--token=abc"]}}
    [line] = lines(Check("x"), custom)
    assert line.startswith("kubectl -n lake annotate qosprobe mesh --overwrite datalake.projectescape.eu/reconcile-at=")


@pytest.mark.parametrize("protocol", ["root", "davs"])
@pytest.mark.parametrize("destination", ["B", None])
def test_every_line_is_a_line_of_a_shell(protocol: str, destination: str | None) -> None:
    rucio = [lines(Check("rucio", None, check), RUCIO) for check in ("ping", "authenticate", "whoami", "heartbeats")]
    for found in (transfer(Check("A", destination, protocol), A, B), *rucio):
        subprocess.run(["bash", "-n"], input="\n".join(found), text=True, check=True)
