"""`docs/xcache.md` says what the code does: metrics, directives, reasons, examples."""

import re
from pathlib import Path

import yaml
from prometheus_client.core import Metric

from datalake_operator.api.xcache_config import GRAMMAR
from xcache_exporter import dirstats
from xcache_exporter.forward import Forwarder
from xcache_exporter.metrics import CacheCollector
from xcache_exporter.record import Record
from xcache_exporter.settings import Destination, Disk, Settings
from xcache_recorded import FOLDER, Clock, replay

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "xcache.md").read_text()
CONDITIONS = (ROOT / "docs" / "conditions.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Cells of the rows of the table below a heading, without its head."""
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def exported(tmp_path: Path) -> list[Metric]:
    """Every metric that the exporter can give."""
    clock = Clock()
    record = Record(clock)
    replay(record, clock)
    for name in ("DirStat-1.json", "DirStat-2.json"):
        (tmp_path / "DirStat.json").write_bytes((FOLDER / name).read_bytes())
        usage = dirstats.read(tmp_path)
        assert usage
        record.hear_usage(usage)
    settings = Settings(disks=(Disk("data", "d0", tmp_path),), low_percent=90, high_percent=95, max_size=1)
    return list(CacheCollector(record, settings, [Forwarder(Destination("pfc", "example.org", 1))]).collect())


def test_the_catalogue_of_metrics_is_what_the_exporter_gives(tmp_path: Path) -> None:
    given = {
        (metric.name + ("_total" if metric.type == "counter" else ""), metric.type, tuple(metric.samples[0].labels))
        for metric in exported(tmp_path)
    }
    documented = {
        (name.strip("`"), type_, tuple(re.findall("`([^`]+)`", labels)))
        for name, type_, labels, _ in table("Monitoring")
    }
    assert documented == given


def test_the_table_of_directives_is_the_list_of_those_that_are_taken() -> None:
    assert {row[0].strip("`") for row in table("Directives of your own")} == GRAMMAR.keys()


def test_every_reason_that_needs_hands_is_in_the_troubleshooting_and_no_other() -> None:
    named = {reason for row in table("Troubleshooting") for reason in re.findall("`(\\w+)`", row[0])}
    of_caches = CONDITIONS.partition("\n## Reasons of a spec: RucioServer\n")[0]
    known = set(re.findall(r"^\| `(\w+)`", of_caches, re.MULTILINE))
    at_rest = {
        "Reconciling",
        "Suspended",
        "Bound",
        "Ephemeral",
        "Serving",
        "DrainRequested",
        "NoMisses",
        "OriginAnswers",
    }
    types = set(re.findall(r"^\| `(\w+)` \| (?:all|[A-Z])", CONDITIONS.partition("\n## ")[0], re.MULTILINE))
    assert named == known - at_rest - types


def test_every_example_is_named_and_every_name_is_one() -> None:
    named = set(re.findall(r"\(\.\./examples/([a-z-]+\.yaml)\)", TEXT))
    there = {path.name for pattern in ("xcache-*.yaml", "local-*.yaml") for path in (ROOT / "examples").glob(pattern)}
    assert named == there


def test_the_local_cache_asks_for_the_volumes_that_its_example_makes() -> None:
    objects = list(yaml.safe_load_all((ROOT / "examples" / "local-volumes.yaml").read_text()))
    volumes = [one["spec"] for one in objects if one["kind"] == "PersistentVolume"]
    cache = yaml.safe_load((ROOT / "examples" / "xcache-local.yaml").read_text())["spec"]
    claims = [entry["claim"] for entry in (*cache["storage"]["data"], cache["storage"]["meta"])]
    assert sorted((claim["storageClassName"], claim["size"]) for claim in claims) == sorted(
        (volume["storageClassName"], volume["capacity"]["storage"]) for volume in volumes
    )
    assert {one["metadata"]["name"] for one in objects if one["kind"] == "StorageClass"} == {
        claim["storageClassName"] for claim in claims
    }
