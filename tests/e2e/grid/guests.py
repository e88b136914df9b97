"""What is not the probes' own at an endpoint: it must be untouched, whatever they do there and however they end."""

import json
import textwrap
from collections.abc import Iterable

from tests.demo.kubectl import Kubectl
from tests.e2e.grid import origins
from tests.e2e.grid.names import FOLDER, GRID, ORIGINS
from tests.e2e.grid.probes import MESH, STORAGE

OTHER_CLUSTER = "0badcafe"
"""Eight characters of the uid of a cluster that is not ours."""
LOOK_ALIKES = (
    "precious.txt",
    "probe-20200101T000000Z-0123456789ab-0123456789.tmp",  # old, and its seal is wrong
    "probe-20200101T000000Z-0123456789ab.tmp",
    "seed-16-00000000-0123456789.dat",
    "probe-20200101T000000Z-0123456789ab-0123456789.tmp.d/inside",
)
"""Files in the probes' own folders that look like theirs, and are not."""

_PLANT = """
import json, os, pathlib, sys
for name in json.loads(sys.argv[1]):
    path = pathlib.Path("/data") / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"this is {name}\\n")
    os.utime(path, (1577836800, 1577836800))
"""
_LOOK = """
import hashlib, json, pathlib, sys
found = {}
for name in json.loads(sys.argv[1]):
    path = pathlib.Path("/data") / name.lstrip("/")
    if path.exists():
        stat = path.stat()
        found[name] = [hashlib.sha256(path.read_bytes()).hexdigest(), stat.st_mtime_ns, stat.st_ino, oct(stat.st_mode)]
print(json.dumps(found))
"""
_LIST = """
import json, pathlib, sys
folder = pathlib.Path("/data") / sys.argv[1].lstrip("/")
print(json.dumps(sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())))
"""


def own_folder(lake: Kubectl, probe: str) -> str:
    """The folder of a probe at every endpoint."""
    uid = lake.get("namespace", "kube-system")["metadata"]["uid"]
    return f"{FOLDER}/.datalake-probe/{uid[:8]}.{GRID}.{probe}"


def names(lake: Kubectl, probes: Iterable[str] = (MESH, STORAGE)) -> list[str]:
    """Everything that is not theirs: beside their folders, in them, and another cluster's."""
    beside = [f"{FOLDER}/science/run1.root", f"{FOLDER}/.datalake-probe/notes.txt", f"{FOLDER}/probe.txt"]
    for probe in probes:
        folder = own_folder(lake, probe)
        beside += [f"{folder}/{name}" for name in LOOK_ALIKES]
        beside += [f"{FOLDER}/.datalake-probe/{OTHER_CLUSTER}.{GRID}.{probe}/{name}" for name in LOOK_ALIKES]
    return beside


def plant(lake: Kubectl, found: list[str], endpoints: Iterable[str] = ORIGINS) -> None:
    """Put them at endpoints."""
    for endpoint in endpoints:
        _python(lake, endpoint, _PLANT, json.dumps(found))


def look(lake: Kubectl, found: list[str], endpoints: Iterable[str] = ORIGINS) -> dict[str, object]:
    """Content, time and identity of each by its name, at each endpoint."""
    return {endpoint: json.loads(_python(lake, endpoint, _LOOK, json.dumps(found))) for endpoint in endpoints}


def files(lake: Kubectl, endpoint: str, folder: str) -> list[str]:
    """Files in a folder at an endpoint."""
    answer: list[str] = json.loads(_python(lake, endpoint, _LIST, folder))
    return answer


def _python(lake: Kubectl, endpoint: str, script: str, argument: str) -> str:
    return origins.execute(lake, endpoint, f'python3 - "$1" <<"END"\n{textwrap.dedent(script)}\nEND\n', argument)
