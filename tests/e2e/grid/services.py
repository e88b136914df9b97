"""A cache and a Rucio in the lake, and an account for the probe: both use the endpoint that stays sound."""

import base64
import json
import secrets

from tests.demo.kubectl import Kubectl
from tests.demo.up import await_ready
from tests.e2e.grid.names import FOLDER, GRID, ROOT, SHELF, host
from tests.e2e.grid.probes import RUCIO, XCACHE
from tests.support.objects import rucio, xcache

RSE, SCOPE, ACCOUNT = "SHELF", "probe", "probe"
LOGIN = "probe-login"
"""Secret with the probe's username and password."""

_SMALL = {"replicas": 1, "daemons": {"preset": "None", "instances": [{"name": "undertaker", "sleepTime": "30s"}]}}
_SCRIPT = """
import json, os
os.environ.setdefault("USER", "setup")
from rucio.client import Client
given = json.loads({given!r})
root = given["root"]
client = Client(rucio_host=given["url"], auth_host=given["url"], account="root", auth_type="userpass", creds=root)
client.add_account(given["account"], "SERVICE", "probe@example.org")
client.add_identity(given["account"], given["account"], "USERPASS", "probe@example.org", password=given["password"])
client.add_scope(given["account"], given["scope"])
client.add_rse(given["rse"])
every = dict.fromkeys(("read", "write", "delete"), 1)
wide = every | dict.fromkeys(("third_party_copy_read", "third_party_copy_write"), 1)
client.add_protocol(given["rse"], {{
    "scheme": "root", "hostname": given["host"], "port": given["port"], "prefix": given["prefix"],
    "impl": "rucio.rse.protocols.xrootd.Default", "domains": {{"lan": every, "wan": wide}},
}})
client.set_local_account_limit(given["account"], given["rse"], -1)
"""


def apply(lake: Kubectl) -> None:
    """Ask for both; they start while other things are made."""
    origin = f"root://{host(SHELF)}:{ROOT}"
    storage = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "1Gi"}}], "maxCacheSize": "512Mi"}
    spec = {"exports": [FOLDER], "origin": {"url": origin}, "storage": storage, "drain": {"timeout": "0s"}}
    lake.apply(json.dumps(xcache(XCACHE, GRID, **spec)))
    lake.apply(json.dumps(rucio(RUCIO, GRID, **_SMALL)))
    login = {"username": ACCOUNT, "password": secrets.token_hex(16)}
    metadata = {"name": LOGIN, "namespace": GRID}
    lake.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": login}))


def await_both(lake: Kubectl) -> None:
    """Wait until both are ready, and give the probe its account and the shelf its RSE."""
    await_ready(lake, GRID, XCACHE)
    await_ready(lake, GRID, RUCIO, kind="rucioserver")
    given = {
        "url": f"http://{RUCIO}.{GRID}.svc",
        "root": _login(lake, f"{RUCIO}-root"),
        "account": ACCOUNT,
        "password": _login(lake, LOGIN)["password"],
        "scope": SCOPE,
        "rse": RSE,
        "host": host(SHELF),
        "port": ROOT,
        "prefix": f"/{FOLDER}/rse/",
    }
    script = _SCRIPT.format(given=json.dumps(given))
    lake.execute(GRID, f"deployment/{RUCIO}-server", "python3", "-", given=script, within=120)


def _login(lake: Kubectl, secret: str) -> dict[str, str]:
    data = lake.get("secret", secret, GRID)["data"]
    return {key: base64.b64decode(data[key]).decode() for key in ("username", "password")}
