"""Runs in a pod that has Rucio's client: makes a file known to Rucio, with a rule for it, and prints where it is.

Arguments: name of the RSE, URL of the file there, its size in bytes, its adler32. What is there already is left alone.
"""

import json
import sys
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rucio.client import Client
from rucio.common.exception import Duplicate, DuplicateRule

SCOPE = "demo"


def main(rse: str, url: str, size: str, adler32: str) -> None:
    """Register the file and print its name and replicas as JSON."""
    client = Client()
    parts = urllib.parse.urlsplit(url)
    name = parts.path.rpartition("/")[2]
    did = {"scope": SCOPE, "name": name}
    once(client.add_scope, "root", SCOPE)
    once(client.add_rse, rse, deterministic=False)
    reading = {"read": 1, "write": 0, "delete": 0}
    protocol = {
        "scheme": parts.scheme,
        "hostname": parts.hostname,
        "port": parts.port,
        "prefix": "/",
        "impl": "rucio.rse.protocols.xrootd.Default",
        "domains": {"lan": reading, "wan": reading | {"third_party_copy_read": 1, "third_party_copy_write": 0}},
    }
    once(client.add_protocol, rse, protocol)
    once(client.add_replica, rse, SCOPE, name, int(size), adler32, pfn=url)
    client.set_local_account_limit("root", rse, -1)  # as much as it likes; without a limit no rule may be made
    with suppress(Duplicate, DuplicateRule):
        client.add_replication_rule([did], copies=1, rse_expression=rse)
    (replica,) = client.list_replicas([did])
    sys.stdout.write(json.dumps({"did": f"{SCOPE}:{name}", "replicas": list(replica["pfns"])}) + "\n")


def once(call: Callable[..., Any], *arguments: Any, **more: Any) -> None:
    """Make something unless it is there."""
    with suppress(Duplicate):
        call(*arguments, **more)


if __name__ == "__main__":
    main(*sys.argv[1:])
