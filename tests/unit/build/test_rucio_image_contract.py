"""The tools in the images of Rucio and PostgreSQL find what pods give them."""

import argparse
import configparser
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from datalake_operator.build.rucio import Plan, build
from postgres_tools import backup, connection, run
from rucio_config.compose import compose
from tests.unit.build.conftest import ROOT
from tests.unit.build.rucio_cases import GOLDEN, RUCIO_CONTEXT, children, container, read, rucio, templates
from tests.unit.build.test_rucio_children import EVERYTHING, EXTERNAL

VALUES = {
    "username": "rucio",
    "password": "p%40@ss:/%word",
    "database": "rucio",
    "uri": "postgresql://rucio:p%40ss%25@db.example.org:5432/rucio",
    "url": "postgresql://owner:geheim@direct.example.org/rucio",
    "pem": "-----BEGIN CERTIFICATE-----\n",
    "key": "100% $ecret",
}
"""What the Secrets of these tests hold."""


def root_of(template: Mapping[str, Any], configs: Mapping[tuple[str, str], Any], folder: Path) -> Path:
    """Put everything that a pod mounts below a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    for mount in container(template)["volumeMounts"]:
        volume, at = volumes[mount["name"]], folder / mount["mountPath"].lstrip("/")
        at.mkdir(parents=True)
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            for item in source.get("secret", {}).get("items", []):
                path = at / item["path"]
                path.parent.mkdir(exist_ok=True)
                path.write_text(VALUES[item["key"]])
        if "configMap" in volume:
            for name, content in configs["ConfigMap", volume["configMap"]["name"]]["data"].items():
                (at / name).write_text(content)
    return folder


def environment(template: Mapping[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(template).get("env", [])}


def composed(built: Mapping[tuple[str, str], Any], name: str, folder: Path) -> configparser.ConfigParser:
    """rucio.cfg of a pod, as Rucio reads it."""
    (template,) = (one for (_, found), one in templates(built).items() if found.startswith(name))
    parser = configparser.ConfigParser()
    parser.read_string(compose(environment(template), root_of(template, built, folder)))
    return parser


SPEC: dict[str, Any] = {
    "config": [{"section": "own", "option": "share", "value": "50% of %(all)s"}],
    "secretConfig": [{"section": "own", "option": "token", "secretKeyRef": {"name": "s", "key": "key"}}],
}


@pytest.mark.parametrize("name", ["rucio-server", "rucio-minos", "rucio-db-", "rucio-migrate-"])
def test_every_pod_with_rucio_in_it_has_its_whole_configuration(tmp_path: Path, name: str) -> None:
    found = composed(children(rucio(**SPEC), EVERYTHING), name, tmp_path / "root")
    url = found["database"]["default"]
    assert url.startswith("postgresql+psycopg://rucio:p%2540%40ss%3A%2F%25word@rucio-postgres/rucio?")
    assert dict(found["own"]) == {"share": "50% of %(all)s", "token": "100% $ecret"}
    assert found["policy"]["lfn2pfn_algorithm_default"] == "hash"


@pytest.mark.parametrize(
    ("name", "host"),
    [("rucio-server", "db"), ("rucio-minos", "db"), ("rucio-db-", "direct"), ("rucio-migrate-", "direct")],
)
def test_jobs_take_the_owners_url_and_all_check_the_servers_certificate(tmp_path: Path, name: str, host: str) -> None:
    url = composed(children(rucio(database=EXTERNAL), EVERYTHING), name, tmp_path / "root")["database"]["default"]
    assert f"@{host}.example.org" in url
    assert "sslmode=verify-full&sslrootcert=/run/secrets/database-ca/ca.crt" in url


@pytest.mark.parametrize("name", ["rucio-precheck-", "rucio-dump-", "rucio-backup"])
def test_dumps_find_their_database(tmp_path: Path, name: str) -> None:
    for database, where in (({"embedded": {}}, "rucio-postgres/rucio"), (EXTERNAL, "direct.example.org/rucio")):
        built = templates(children(rucio(database=database), EVERYTHING))
        for template in (one for (_, found), one in built.items() if found.startswith(name)):
            root = root_of(template, {}, tmp_path / "root")
            folders = {
                "DATABASE_SECRET": str(root / "run/secrets/database"),
                "DATABASE_CA": str(root / "run/secrets/database-ca/ca.crt"),
            }
            with connection.opened(environment(template) | folders, "test") as opened:
                assert where in opened.url
                assert ("sslmode=verify-full" in opened.url) is (database is EXTERNAL)
                assert opened.schema == ("prod" if database is EXTERNAL else "")


def test_dumps_are_given_words_that_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def stop(parser: argparse.ArgumentParser, words: list[str]) -> None:
        given.append(vars(original(parser, words)))
        raise KeyboardInterrupt

    original = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    for (_, name), template in templates(children(rucio(), EVERYTHING)).items():
        if name.startswith(("rucio-precheck-", "rucio-dump-", "rucio-backup")):
            with pytest.raises(KeyboardInterrupt):
                backup.main(container(template)["args"])
    folder = Path("/backup")
    assert given == [
        {"dir": folder, "name": "migration", "keep": 3, "check": True},
        {"dir": folder, "name": "migration", "keep": 3, "check": False},
        {"dir": folder, "name": "scheduled", "keep": 7, "check": False},
    ]


def test_the_embedded_database_understands_its_environment(tmp_path: Path) -> None:
    template = templates(children(rucio()))["StatefulSet", "rucio-postgres"]
    root = root_of(template, {}, tmp_path / "root")
    secret = {"DATABASE_SECRET": str(root / "run/secrets/database")}
    read = run.from_environment(environment(template) | secret, None)
    assert (read.user, read.database, read.max_connections) == ("rucio", "rucio", 300)
    assert str(read.data.parent) in {mount["mountPath"] for mount in container(template)["volumeMounts"]}
    assert read.sockets == "/tmp"  # noqa: S108 - which it may write to


def test_every_command_is_a_tool_of_its_image() -> None:
    own = {tool.name for image in ("rucio", "postgres") for tool in (ROOT / "images" / image / "bin").iterdir()}
    for case in GOLDEN.iterdir():
        server, stage = read(case)
        for template in templates(children(server, stage)).values():
            one = container(template)
            probes = [one[part] for part in ("startupProbe", "livenessProbe", "readinessProbe") if part in one]
            called = [one["command"][2], *(probe["exec"]["command"][0] for probe in probes if "exec" in probe)]
            assert set(called) <= own
            assert one["command"][:2] == ["tini", "--"]
            if called[0] == "rucio-run":
                assert one["command"][3].startswith("rucio-")


def test_words_of_jobs_at_the_database() -> None:
    plan = Plan("f" * 64, "a", "b", ("b",), None)
    stage = replace(EVERYTHING, plan=plan, adopt="rucio $(X)")
    built = {child["metadata"]["name"]: child for child in build(rucio(), RUCIO_CONTEXT, stage)}
    (ensure,) = (child for name, child in built.items() if name.startswith("rucio-db-"))
    identity = ["--cluster", "c-1", "--namespace", "demo", "--name", "rucio", "--version", "41.5.1", "--watch"]
    assert container(ensure["spec"]["template"])["args"] == [
        *("ensure", "--bootstrap", "--adopt=rucio $$(X)", "--root-secret", "/run/secrets/root"),
        *("--manage-root", "auto", "--lfn2pfn", "hash", *identity),
    ]
    migrate = built[f"rucio-migrate-{'f' * 10}"]
    assert container(migrate["spec"]["template"])["args"] == ["migrate", "--plan", "f" * 64, *identity]
    assert json.dumps(built).count("--watch") == 2
