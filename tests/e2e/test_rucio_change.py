"""What changes while a Rucio is in use: passwords, configuration, pods; and many who read at once. One server."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster import waiting
from tests.cluster.errors import ClusterError
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import catalogues
from tests.e2e.names import RUCIO
from tests.support.objects import condition

NAME = "changing"
READS = 1200
POSTGRES = f"{NAME}-postgres-0"
SPEC: Object = {
    "replicas": 2,
    "database": {"embedded": {"size": "1Gi", "backup": {"enabled": False}}},
    "migrations": {"backup": {"disabled": True}},
    "daemons": {"preset": "None"},
}
OPTION, FILE = "of-a-secret%", "of a file\n"

FILL = """
client.add_rse("SITE")
client.add_scope("root", "tests")
client.add_dataset("tests", "set")
client.set_local_account_limit("root", "SITE", -1)
answer = client.add_replication_rule([{"scope": "tests", "name": "set"}], copies=1, rse_expression="SITE")
"""
RULES = """
INSERT INTO rules SELECT (jsonb_populate_record(one,
    jsonb_build_object('id', gen_random_uuid(), 'rse_expression', 'SITE' || number))).*
FROM rules AS one, generate_series(1, :READS) AS number;
SELECT replace(id::text, '-', '') || ' ' || rse_expression FROM rules WHERE rse_expression <> 'SITE'
"""
READ = f"""
import asyncio, resource, socket
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
address = socket.gethostbyname("{NAME}.{RUCIO}.svc")
async def read(rule):
    reader, writer = await asyncio.open_connection(address, 80)
    head = f"GET /rules/{{rule}} HTTP/1.1\\r\\nHost: rucio\\r\\nX-Rucio-Auth-Token: {{client.auth_token}}\\r\\n"
    writer.write(f"{{head}}Connection: close\\r\\n\\r\\n".encode())
    answer = await reader.read()
    writer.close()
    status, body = answer.split()[1].decode(), answer.partition(b"\\r\\n\\r\\n")[2]
    body = json.loads(body) if status == "200" else {{}}
    return [rule, status, body.get("id"), body.get("rse_expression")]
async def read_all():
    return await asyncio.gather(*map(read, RULES))
RULES = json.loads('''%s''')
answer = asyncio.run(read_all())
"""
LOOP = f"""
import http.client, pathlib, socket, threading, time
from collections import Counter
began, stop = pathlib.Path("/tmp/{NAME}-began"), pathlib.Path("/tmp/{NAME}-stop")
address, headers = socket.gethostbyname("{NAME}.{RUCIO}.svc"), {{"X-Rucio-Auth-Token": client.auth_token}}
def anew():
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/rses/SITE", headers=headers)
    answer = connection.getresponse()
    return json.loads(answer.read())["rse"] if answer.status == 200 else answer.status
def kept():
    return client.get_rse("SITE")["rse"]
def loop(ask):
    while not stop.exists():
        try:
            outcome = ask()
        except Exception as error:
            outcome = repr(error)
        seen[ask.__name__][outcome] += 1
        began.touch()
        time.sleep(0.02)
seen = {{"anew": Counter(), "kept": Counter()}}
threads = [threading.Thread(target=loop, args=(ask,)) for ask in (anew, kept)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
began.unlink(), stop.unlink()
answer = seen
"""
"""Two who ask without a pause: each time over a new connection, and Rucio's client, which keeps its own."""
LOGIN = """
import urllib.error, urllib.request
headers = {{"X-Rucio-Account": "root", "X-Rucio-Username": "root", "X-Rucio-Password": {password!r}}}
try:
    print(urllib.request.urlopen(
        urllib.request.Request("http://{name}.{namespace}.svc/auth/userpass", headers=headers), timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.fixture(scope="module", autouse=True)
def changing(lake: Kubectl, client: None) -> Iterator[None]:  # noqa: ARG001 - it asks
    """A server with two replicas of two processes each, an RSE and one rule."""
    catalogues.apply(lake, NAME, **SPEC)
    catalogues.ready(lake, NAME)
    catalogues.ask(lake, NAME, FILL)
    yield
    lake("delete", "rucioserver", NAME, "--namespace", RUCIO)


def test_many_reads_at_once_are_all_answered_each_with_its_own(lake: Kubectl) -> None:
    rules = dict(line.split() for line in sql(lake, RULES.replace(":READS", str(READS))).splitlines())
    assert len(rules) == READS
    found = catalogues.ask(lake, NAME, READ % json.dumps(list(rules)))
    assert sorted(found) == sorted([rule, "200", rule, site] for rule, site in rules.items())
    pods = [pod["metadata"]["name"] for pod in catalogues.pods(lake, NAME, "server")]
    served = [lake("logs", "--namespace", RUCIO, pod).count('"GET /rules/') for pod in pods]
    assert sum(served) >= READS
    assert len(served) == 2
    assert min(served) > READS / 4
    server = catalogues.get(lake, NAME)
    told = condition(server, "ConnectionsSufficient")
    most = int(told["message"].split()[0])
    sessions = int(sql(lake, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'rucio' AND usename = 'rucio'"))
    assert told["status"] == "True"
    assert 0 < sessions <= most


def test_a_drain_of_nodes_takes_one_pod_at_a_time(lake: Kubectl) -> None:
    budget = lake.get("poddisruptionbudget", f"{NAME}-server", RUCIO)
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["status"]["expectedPods"] == 2


def test_a_changed_password_of_root_counts_and_no_pod_is_replaced(lake: Kubectl) -> None:
    before, pods = catalogues.secret(lake, f"{NAME}-root")["password"], uids(lake)
    password = f"%(new)s '{secrets.token_urlsafe()}"
    change_password(lake, f"{NAME}-root", password)
    waiting.until(lambda: login(lake, password) == "200", "the new password of root to count", seconds=60, every=1)
    assert login(lake, before) == "401"
    catalogues.ready(lake, NAME)
    assert condition(catalogues.get(lake, NAME), "Authenticated")["status"] == "True"
    assert uids(lake) == pods


def test_a_change_of_pods_fails_no_request(lake: Kubectl) -> None:
    before = uids(lake)
    apply(lake, "Secret", "extra", stringData={"value": OPTION})
    apply(lake, "ConfigMap", "extra", data={"value": FILE})
    reference = {"name": "extra", "key": "value"}
    changed = {
        **SPEC,
        "database": {**SPEC["database"], "pool": {"size": 40, "maxOverflow": 40}},
        "config": [{"section": "tests", "option": "plain", "value": "100%"}],
        "secretConfig": [{"section": "tests", "option": "secret", "secretKeyRef": reference}],
        "files": [{"name": "extra.txt", "configMapKeyRef": reference, "for": ["server"]}],
    }
    with ThreadPoolExecutor(1) as pool:
        loop = pool.submit(catalogues.ask, lake, NAME, LOOP)
        try:
            in_client(lake, f"until [ -e /tmp/{NAME}-began ]; do sleep 0.1; done")
            catalogues.apply(lake, NAME, **changed)
            server = catalogues.ready(lake, NAME)
            waiting.until(lambda: not uids(lake) & before, "the pods before to end", seconds=90, every=0.5)
        finally:
            in_client(lake, f"touch /tmp/{NAME}-stop")
        answers = loop.result()
    assert {kind: set(counts) for kind, counts in answers.items()} == {"anew": {"SITE"}, "kept": {"SITE"}}, answers
    assert min(counts["SITE"] for counts in answers.values()) > 100
    assert condition(server, "ConnectionsSufficient")["reason"] == "ConnectionsExceeded"
    pod = catalogues.pods(lake, NAME, "server")[0]["metadata"]["name"]
    there = lake.execute(RUCIO, pod, "cat", "/run/rucio/rucio.cfg", "/opt/rucio/etc/files/extra.txt")
    assert there.partition("[tests]\n")[2].startswith("plain = 100%%\nsecret = of-a-secret%%\n")
    assert there.endswith(FILE)


def test_a_changed_password_of_the_embedded_database_is_taken_up_by_all(lake: Kubectl) -> None:
    before, pods = catalogues.secret(lake, f"{NAME}-database")["password"], uids(lake)
    password = "p@ss/w%rd:#?&+'\" \\"  # noqa: S105 - of a test
    change_password(lake, f"{NAME}-database", password)
    waiting.until(lambda: not uids(lake, ending=False) & pods, "new pods of the server", seconds=120, every=0.5)
    catalogues.ready(lake, NAME)
    # The database's own pod may have been made anew a moment before, which Ready tells within seconds.
    waiting.until(lambda: knows_root(lake), "an answer with the new password", seconds=60, every=1)
    with pytest.raises(ClusterError, match="password authentication failed"):
        sql(lake, "SELECT 1", f"host=127.0.0.1 user=rucio dbname=rucio password={before}")


def knows_root(lake: Kubectl) -> bool:
    """Whether the servers answer root's question who it is: with a database, that is."""
    try:
        return bool(catalogues.ask(lake, NAME, "answer = client.whoami()['account']") == "root")
    except ClusterError as error:
        if "DatabaseException" not in str(error):
            raise
        return False


def sql(lake: Kubectl, statement: str, where: str = "host=/tmp user=postgres dbname=rucio") -> str:
    """What a statement answers, without decoration."""
    words = ["psql", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", where]
    return lake.execute(RUCIO, POSTGRES, *words, given=statement).strip()


def uids(lake: Kubectl, *, ending: bool = True) -> set[str]:
    """The pods of the server; those that are ending too, or not."""
    pods = [pod["metadata"] for pod in catalogues.pods(lake, NAME, "server")]
    return {pod["uid"] for pod in pods if ending or "deletionTimestamp" not in pod}


def change_password(lake: Kubectl, secret: str, password: str) -> None:
    """As a person would."""
    patch = json.dumps({"stringData": {"password": password}})
    lake("patch", "secret", secret, "--namespace", RUCIO, "--type=merge", "--patch", patch)


def login(lake: Kubectl, password: str) -> str:
    """How the server answers to a login of root."""
    script = LOGIN.format(name=NAME, namespace=RUCIO, password=password)
    return lake.execute(RUCIO, f"deployment/{catalogues.CLIENT}", "python3", "-", given=script).strip()


def in_client(lake: Kubectl, script: str) -> None:
    """Run a script of the shell in the client's pod."""
    lake.execute(RUCIO, f"deployment/{catalogues.CLIENT}", "sh", "-c", script, within=60)


def apply(lake: Kubectl, kind: str, name: str, **fields: Any) -> None:
    """Apply an object that holds data."""
    lake.apply(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": RUCIO}, **fields}))
