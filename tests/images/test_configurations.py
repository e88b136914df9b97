"""Whatever the schema accepts, the server in the image starts with it."""

from collections.abc import Iterator
from itertools import count, islice
from random import Random

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.pending import not_implemented
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.config import xrootd_cfg
from datalake_operator.build.storage import localroot, spaces, volumes
from images import build, engines
from tests.images.lab import Lab, lab, missing
from tests.unit.build.specs import spec

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the image is run without a cluster: {missing()}")

SPECS = 50
START = """
set -e
mkdir -p /run/xcache $FOLDERS
cd /tmp
xrootd -c /etc/xcache/xrootd.cfg > /tmp/log 2>&1 &
server=$!
for attempt in $(seq 100); do
    xrdfs 127.0.0.1:$PORT query config version > /tmp/answer 2>&1 && break
    kill -0 $server 2> /dev/null || break
    sleep 0.1
done
grep -q '^v5' /tmp/answer || { tail -n 15 /tmp/log; tail -n 3 /tmp/answer; exit 1; }
kill -9 $server
"""


def accepted() -> Iterator[XCacheNode]:
    """Resources by chance, with and without evil in them, that the schema takes and this version serves."""
    for seed in count():
        try:
            node = parse(spec(Random(seed)).body)  # noqa: S311 - the same ones at each run
        except InvalidResource:
            continue
        if isinstance(node, XCacheNode) and not not_implemented(node):
            yield node


@pytest.fixture(scope="module")
def opened() -> Iterator[Lab]:
    engine = engines.find()
    if engine.name != "buildah":
        pytest.skip("the image is run from buildah's storage")
    with lab(build.build("xcache"), dict(engine.environment)) as found:
        found.do("chmod", "1777", "/data", "/meta", "/run", user="0:0")
        for volume in ("/data", "/meta"):  # as large as the specs say; nothing is stored there
            found.do("mount", "-o", "remount,size=10t", volume, user="0:0")
        yield found


def test_none_of_fifty_specs_that_the_schema_accepts_keeps_the_server_from_starting(opened: Lab) -> None:
    for number, node in enumerate(islice(accepted(), SPECS)):
        found = volumes(node)
        folders = [localroot(found), *(path for _, path in spaces(found))]
        opened.write("/etc/xcache/xrootd.cfg", xrootd_cfg(node))
        port = str(node.spec.protocols.root.port)
        done = opened.run("bash", "-c", START, FOLDERS=" ".join(folders), PORT=port, HOME="/tmp")  # noqa: S108
        assert done.returncode == 0, f"spec {number}:\n{xrootd_cfg(node)}\n{done.stdout}{done.stderr}"
