"""A data lake on a day with some trouble, as the page is tested and drawn with."""

from typing import Any

from tests.support.lake import Body, at, cell, condition, endpoint, figures, mesh, operand, probe, put

HOSTILE = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>&amp;\u2028{{ 7*7 }}<!--"


def troubled() -> list[Body]:
    """Give a lake in which one endpoint is down, one link is broken, one is slow, a site is in maintenance."""
    return [_mesh(), _storage(), *_singles(), *_operands()]


def _mesh() -> Body:
    grid = mesh(count=8, broken="PIC-02")
    put(
        grid, "CERN-01", "DESY-03", "davs",
        state="critical", reason="TransferFailed", since=at(95), runs="o" * 14 + "x" * 6, reasons="W" * 6,
        measurements=[],
    )  # fmt: skip
    put(
        grid, "SARA-04", "RAL-08", "root",
        state="warning", reason="Slow", since=at(20), runs="o" * 18 + "ws", reasons="QQ",
        measurements=figures(throughput_bytes_per_second="8e6", seconds="13.1"),
    )  # fmt: skip
    for one in grid["status"]["cells"]:
        if "LAPP-05" in (one["source"], one.get("destination")) and one["state"] == "ok":
            one |= {"state": "maintenance", "reason": "Maintenance", "since": at(61), "measurements": []}
    grid["spec"]["maintenance"] = [
        {"name": "cooling", "from": at(61), "to": at(-180), "sites": ["LAPP"], "endpoints": [], "reason": "New cooling"}
    ]
    grid["status"]["maintenance"] = [{"name": "cooling", "to": at(-180), "reason": "New cooling"}]
    return grid


def _storage() -> Body:
    return probe(
        "storage",
        {"storage": {"endpoints": ["CERN-01", "PIC-02", "IDIA-09"], "protocols": ["root", "davs"]}},
        [
            cell("CERN-01", None, "root", measurements=figures(write_seconds="0.31", read_seconds="0.12")),
            cell("PIC-02", None, "root", "critical", reason="Refused"),
            cell("IDIA-09", None, "davs", "critical", reason="NoSpace", since=at(12)),
        ],
        endpoints=[
            endpoint("CERN-01", "CERN", ["root", "davs"]),
            endpoint("PIC-02", "PIC"),
            endpoint("IDIA-09", "IDIA", ["davs"]),
        ],
        blamed=[
            {"name": "PIC-02", "role": "both", "state": "critical", "reason": "Refused", "since": at(35)},
            {"name": "IDIA-09", "role": "destination", "state": "critical", "reason": "NoSpace", "since": at(12)},
        ],
    )


def _singles() -> list[Body]:
    iam = "https://iam.example.org/.well-known/openid-configuration"
    websites = [
        {"name": "iam", "url": iam, "expectStatus": [200]},
        {"name": "fts", "url": "https://fts.example.org:8446/", "expectStatus": [200, 403]},
    ]
    port = {"name": "perfsonar", "host": "ps.example.org", "port": 443, "ipFamily": "IPv6"}
    ending = figures(tls_days_left="9", seconds="0.08")
    broken = "the image registry.example.org/mine:1 cannot be pulled: not found"
    return [
        probe(
            "web", {"http": {"targets": websites}},
            [
                cell("iam", state="warning", reason="CertificateExpiring", measurements=ending),
                cell("fts", measurements=figures(seconds="0.141")),
            ],
        ),
        probe(
            "ports", {"tcp": {"targets": [port]}},
            [cell("perfsonar", state="skipped", reason="NoFamilyInPod", runs="-" * 20, reasons="d" * 20)],
        ),
        probe(
            "through-cache", {"cache": {"xcacheRef": {"name": "cache"}, "generated": {"size": "8Mi"}}},
            [cell("cache", None, "root", measurements=figures(warm_speedup_ratio="6.4", cold_seconds="1.9"))],
        ),
        probe(
            "catalogue", {"rucio": {"rucioServerRef": {"name": "rucio"}, "account": "probe", "checks": ["Ping"]}},
            [
                cell("rucio", None, "ping", measurements=figures(seconds="0.021")),
                cell("rucio", None, "authenticate", measurements=figures(seconds="0.2")),
                cell("rucio", None, "heartbeats", "unknown", reason="NotMeasured", since=at(6)),
            ],
        ),
        probe(
            "new", {"custom": {"image": {"repository": "registry.example.org/mine"}}},
            status={"lastRun": {}, "runs": []}, conditions=[condition("Ready", "False", "ImagePullFailed", broken)],
        ),
    ]  # fmt: skip


def _operands() -> list[Body]:
    usage = {"usedBytes": 1_210_000_000_000, "limitBytes": 1_800_000_000_000, "usedPercent": 67, "files": 41_233}
    endpoints = {"root": "root://cache.lake.svc:1094/", "http": "http://cache.lake.svc:8080/"}
    key = "pod edge-0: container xrootd ended with code 1: cannot open the key of the host certificate"
    return [
        operand(
            "XCacheNode", "cache",
            spec={"origin": {"url": "root://origin.example.org:1094"}, "exports": ["/data"], "storage": {
                "data": [{"name": "d", "emptyDir": {"sizeLimit": "10Gi"}}]}},
            status={
                "version": "v5.8.1", "endpoints": endpoints, "cache": {**usage, "time": at(4)}, "byteHitPercent1h": 87
            },
        ),
        operand("XCacheNode", "edge", "False", "Crashing", key),
        operand(
            "RucioServer", "rucio", reason="Ready",
            status={
                "version": "38.2.0", "endpoints": {"rest": "http://rucio.lake.svc"},
                "daemonCount": {"desired": 9, "live": 9, "summary": "9/9"},
                "schema": {"revision": "3b943000da18", "head": "3b943000da18"},
                "backups": [{"name": "d", "time": at(380), "size": 1}],
            },
        ),
    ]  # fmt: skip


def hostile(value: Any) -> Any:
    """The same with HTML in every string that a user or a server may write."""
    fixed = {
        "kind",
        "namespace",
        "resourceVersion",
        "state",
        "role",
        "status",
        "runs",
        "from",
        "to",
        "time",
        "protocol",
    }
    if isinstance(value, dict):
        return {
            name: part if name in fixed and not isinstance(part, list | dict) else hostile(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [hostile(part) for part in value]
    return value + HOSTILE if isinstance(value, str) else value
