"""The tools in the cache's image read what the pod gives them."""

from pathlib import Path

from datalake_operator.build import Context
from datalake_operator.build.xcache import build
from tests.unit.build.conftest import MakeNode
from xcache_exporter import settings as exporter
from xcache_tools import prepare

STORAGE = {
    "data": [{"name": "d0", "claim": {"size": "20Gi"}}, {"name": "d1", "claim": {"size": "20Gi"}}],
    "meta": {"claim": {"size": "1Gi"}},
    "maxCacheSize": "8Gi",
}
FORWARD = [
    {"name": "a", "host": "collector.example.org", "port": 9930},
    {"name": "b", "stream": "gstream", "host": "2001:db8::9", "port": 9931},
]


def test_the_exporter_and_the_preparation_understand_the_pods_environment(node: MakeNode, context: Context) -> None:
    pod = build(node(storage=STORAGE, monitoring={"forwardTo": FORWARD}), context)[-1]["spec"]["template"]["spec"]
    containers = {container["name"]: container for container in pod["initContainers"] + pod["containers"]}
    given = {
        name: {entry["name"]: entry["value"] for entry in container["env"]} for name, container in containers.items()
    }

    read = exporter.from_environment(given["exporter"])
    assert read == exporter.Settings(
        state_dir=Path("/meta/ns/pfc-stats"),
        disks=(
            exporter.Disk("data", "d0", Path("/data/d0")),
            exporter.Disk("data", "d1", Path("/data/d1")),
            exporter.Disk("meta", "meta", Path("/meta")),
        ),
        site="DEMO",
        forward=(
            exporter.Destination("summary", "collector.example.org", 9930),
            exporter.Destination("pfc", "2001:db8::9", 9931),
        ),
        origin="root://origin.demo.svc.cluster.local:1094",
        low_percent=90,
        high_percent=95,
        max_size=8 * 2**30,
    )
    mounted = {mount["mountPath"] for mount in containers["exporter"]["volumeMounts"]}
    assert {str(disk.path) for disk in read.disks} | {str(read.drain_file.parent)} <= mounted

    assert prepare.from_environment(given["prepare"]) == prepare.Settings(
        local_root=Path("/meta/ns"),
        spaces=(("data", Path("/data/d0/data")), ("data", Path("/data/d1/data")), ("meta", Path("/meta/meta"))),
        max_size=8 * 2**30,
        low_percent=90,
    )


def test_every_command_is_a_tool_of_the_image(node: MakeNode, context: Context) -> None:
    pod = build(node(), context)[-1]["spec"]["template"]["spec"]
    (xrootd,) = pod["containers"]
    called = {container["command"][2] for container in pod["initContainers"]}
    called |= {xrootd[probe]["exec"]["command"][0] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    called |= {xrootd["lifecycle"]["preStop"]["exec"]["command"][0]}
    tools = Path(__file__).parents[3] / "images" / "xcache" / "bin"
    assert called <= {tool.name for tool in tools.iterdir()}
