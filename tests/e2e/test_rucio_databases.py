"""Databases of somebody else behind TLS and behind a pooler, with passwords that URLs trip over. Two servers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.cluster import Cluster, waiting
from tests.cluster.pki import Authority
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import catalogues, databases, poolers
from tests.e2e.names import RUCIO
from tests.support.objects import condition

TRUSTING, POOLED = "trusting", "pooled"
"""A server that checks the database's certificate, and one behind pgbouncer: each with a role and database so named."""
PASSWORD, OTHER = "p@ss/w%rd:#?&+", "n+w&p@ss/w%20rd"
SCHEMA = "Grid"
HOST = f"{databases.HOST}.{RUCIO}"
DATA = "/data/pgdata"
EXTERNAL: Object = {
    "urlSecretRef": {"name": f"{TRUSTING}-app", "key": "uri"},
    "caSecretRef": {"name": f"{TRUSTING}-ca", "key": "ca.crt"},
    "schema": SCHEMA,
}
TABLES = "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN ('information_schema', 'pg_catalog')"
SESSIONS = """
FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
WHERE datname = current_database() AND usename = current_database() AND application_name NOT LIKE 'rucio-database%'
"""
"""Those of a server."""
WORK = 'client.add_scope("root", "s"); client.add_rse("R"); answer = [client.whoami()["account"], client.list_scopes()]'
LOOK = 'answer = [client.whoami()["account"], client.list_scopes()]'


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    """That of the database's certificate, and another one."""
    folder: Path = tmp_path_factory.mktemp("authorities")
    right, wrong = Authority(folder / "right"), Authority(folder / "wrong")
    right.make()
    wrong.make()
    right.issue("server", "database", hosts=[f"DNS:{HOST}"])
    return right, wrong


@pytest.fixture(scope="module", autouse=True)
def refused(
    node: Cluster,
    lake: Kubectl,
    client: None,  # noqa: ARG001 - it asks
    database: None,  # noqa: ARG001 - it is asked
    authorities: tuple[Authority, Authority],
) -> Iterator[dict[str, str]]:
    """What Ready says of both, with the wrong authority and without a direct URL."""
    certify(lake, authorities[0])
    for name in (TRUSTING, POOLED):
        databases.sql(lake, "postgres", f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        databases.run(lake, f"createdb --owner {name if name == POOLED else 'postgres'} {name}")
    databases.sql(lake, TRUSTING, f'CREATE SCHEMA "{SCHEMA}" AUTHORIZATION {TRUSTING}')
    secret(lake, f"{TRUSTING}-app", as_cloudnative_pg(TRUSTING, PASSWORD))
    secret(lake, f"{TRUSTING}-ca", {"ca.crt": authorities[1].certificate.read_text()})
    poolers.start(node, lake, POOLED, PASSWORD)
    for key, host in (("pooler", f"{poolers.HOST}.{RUCIO}.svc"), ("direct", f"{HOST}.svc")):
        secret(lake, f"{POOLED}-{key}", {"url": f"postgres://{POOLED}:{quote(PASSWORD, safe='')}@{host}/{POOLED}"})
    apply(lake, TRUSTING, EXTERNAL)
    apply(lake, POOLED, {"urlSecretRef": {"name": f"{POOLED}-pooler", "key": "url"}})
    yield {
        TRUSTING: catalogues.says(lake, TRUSTING, "DatabaseUnreachable"),
        POOLED: catalogues.says(lake, POOLED, "TransactionPooler"),
    }
    lake("delete", "rucioserver", TRUSTING, POOLED, "--namespace", RUCIO)
    lake("delete", "deployment", poolers.HOST, "--namespace", RUCIO)
    databases.sql(lake, "postgres", "ALTER SYSTEM RESET ssl")
    databases.sql(lake, "postgres", "SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def mended(lake: Kubectl, refused: dict[str, str], authorities: tuple[Authority, Authority]) -> None:  # noqa: ARG001
    """Both, once their users have done what they were told."""
    secret(lake, f"{TRUSTING}-ca", {"ca.crt": authorities[0].certificate.read_text()})
    urls = {"urlSecretRef": f"{POOLED}-pooler", "adminUrlSecretRef": f"{POOLED}-direct"}
    apply(lake, POOLED, {field: {"name": name, "key": "url"} for field, name in urls.items()})
    for name in (TRUSTING, POOLED):
        catalogues.ready(lake, name)


def test_a_certificate_of_another_authority_is_said_and_nothing_starts(lake: Kubectl, refused: dict[str, str]) -> None:
    assert "certificate verify failed" in refused[TRUSTING]
    assert f"{HOST}:5432 is not trusted" in refused[TRUSTING]
    assert "caSecretRef" in refused[TRUSTING]
    assert PASSWORD not in json.dumps(catalogues.get(lake, TRUSTING))
    assert databases.sql(lake, TRUSTING, TABLES) == ""


def test_a_pooler_alone_is_refused_with_the_mend_and_nothing_is_written(lake: Kubectl, refused: dict[str, str]) -> None:
    server = catalogues.get(lake, POOLED)
    assert "adminUrlSecretRef" in refused[POOLED]
    assert condition(server, "Stalled")["reason"] == "TransactionPooler"
    assert catalogues.working(lake, POOLED) == []
    assert databases.sql(lake, POOLED, TABLES) == ""


@pytest.mark.usefixtures("mended")
def test_a_secret_of_cloudnative_pg_serves_with_its_authority_and_a_schema_of_its_own(lake: Kubectl) -> None:
    assert catalogues.ask(lake, TRUSTING, WORK) == ["root", ["s"]]
    assert databases.sql(lake, TRUSTING, TABLES) == SCHEMA
    assert databases.sql(lake, TRUSTING, "SELECT DISTINCT ssl" + SESSIONS) == "t"


@pytest.mark.usefixtures("mended")
def test_with_a_direct_url_beside_it_a_pooler_serves(lake: Kubectl) -> None:
    assert catalogues.ask(lake, POOLED, WORK) == ["root", ["s"]]
    assert databases.sql(lake, POOLED, "SELECT DISTINCT client_addr" + SESSIONS) == poolers.address(lake)


@pytest.mark.usefixtures("mended")
def test_a_password_that_is_changed_at_the_database_first_is_asked_for_and_then_taken_up(lake: Kubectl) -> None:
    before = serving(lake)
    databases.sql(lake, "postgres", f"ALTER ROLE {TRUSTING} PASSWORD '{OTHER}'")
    databases.sql(lake, TRUSTING, "SELECT pg_terminate_backend(pid)" + SESSIONS)
    assert TRUSTING in catalogues.says(lake, TRUSTING, "DatabasePasswordRefused", seconds=60)
    secret(lake, f"{TRUSTING}-app", as_cloudnative_pg(TRUSTING, OTHER))
    # until they have ended, the node's rules may still lead to pods with the password of before
    waiting.until(lambda: not before & serving(lake), "the end of the pods before", seconds=120, every=0.5)
    catalogues.ready(lake, TRUSTING)
    assert catalogues.ask(lake, TRUSTING, LOOK) == ["root", ["s"]]


def serving(lake: Kubectl) -> set[str]:
    """The pods of the server that checks certificates, with those that are ending."""
    return {pod["metadata"]["uid"] for pod in catalogues.pods(lake, TRUSTING, "server")}


def certify(lake: Kubectl, authority: Authority) -> None:
    """Give the PostgreSQL a certificate."""
    files = {name: (authority.folder / name).read_text() for name in ("server.crt", "server.key")}
    lines = [f"cat > {DATA}/{name} <<'END'\n{text}\nEND" for name, text in files.items()]
    databases.run(lake, "\n".join(["umask 077", *lines]))
    databases.sql(lake, "postgres", "ALTER SYSTEM SET ssl = on")
    databases.sql(lake, "postgres", "SELECT pg_reload_conf()")


def as_cloudnative_pg(name: str, password: str) -> dict[str, str]:
    """What its operator writes for a role and database of this name: Go leaves more as it is in a URL than Python."""
    place, encoded = f"{HOST}:5432/{name}", quote(password, safe="$&+,;=")
    parameters = f"password={quote(password, safe='')}&user={name}"
    return {
        "dbname": name,
        "fqdn-jdbc-uri": f"jdbc:postgresql://{HOST}.svc.cluster.local:5432/{name}?{parameters}",
        "fqdn-uri": f"postgresql://{name}:{encoded}@{HOST}.svc.cluster.local:5432/{name}",
        "host": HOST,
        "jdbc-uri": f"jdbc:postgresql://{place}?{parameters}",
        "password": password,
        "pgpass": f"{HOST}:5432:{name}:{name}:{password}\n",
        "port": "5432",
        "uri": f"postgresql://{name}:{encoded}@{place}",
        "user": name,
        "username": name,
    }


def secret(lake: Kubectl, name: str, values: dict[str, str]) -> None:
    """Apply a Secret."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": RUCIO}}
    lake.apply(json.dumps({**body, "stringData": values}))


def apply(lake: Kubectl, name: str, external: dict[str, Any]) -> None:
    """Apply a server with this external database."""
    spec = {**catalogues.SMALL, "migrations": {"backup": {"disabled": True}}}
    catalogues.apply(lake, name, **spec, database={"external": external})
