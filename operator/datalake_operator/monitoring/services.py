"""Alerts of the operator, its resources, caches and Rucio."""

from dataclasses import replace

from datalake_operator.monitoring.rule import NAMESPACE, RESOURCE, TARGET, WHERE, Alert, Unless, condition, suspended

_JOB = "namespace, job"
_NAME = f"{WHERE}/{{{{ $labels.name }}}}"
_SERVER = f"{NAMESPACE}, name"


def _rucio(check: str) -> str:
    return f'max by ({_SERVER}) (datalake_rucio_up{{check="{check}"}}) == 0'


_STALLED = Unless("DatalakeResourceStalled", RESOURCE, condition("Stalled", 1))
_CACHE_DOWN = Unless("DatalakeCacheDown", RESOURCE, condition("Serving", 0, "XCacheNode"))
_DATABASE_DOWN = Unless("DatalakeRucioDatabaseDown", _SERVER, condition("DatabaseReachable", 0, "RucioServer"))
_SERVER_DOWN = Unless("DatalakeRucioServerDown", _SERVER, _rucio("server"))
_SERVER_OF_KIND = Unless(
    "DatalakeRucioServerDown", RESOURCE, f'label_replace({_rucio("server")}, "kind", "RucioServer", "", "")'
)
_DATABASE_OF_KIND = replace(_DATABASE_DOWN, on=RESOURCE)
_NOT_BORN = Unless("first installation", _SERVER, condition("Bootstrapped", 0, "RucioServer"))
_HELD = Unless("suspended", _SERVER, condition("Suspended", 1, "RucioServer"))

OPERATOR = (
    Alert(
        name="DatalakeOperatorAbsent",
        expr="absent(datalake_build_info)",
        wait="5m",
        severity="critical",
        summary="Prometheus hears nothing from the datalake operator",
        description=(
            "No operator is scraped, so nothing else here can be told. What it made goes on running, but is not "
            "repaired, and the grid is not brought up to date. Look at its Deployment, and at the ServiceMonitor."
        ),
    ),
    Alert(
        name="DatalakeOperatorWithoutLeader",
        expr=f"max by ({_JOB}) (datalake_leader) == 0",
        wait="5m",
        severity="critical",
        summary="No datalake operator in {{ $labels.namespace }} works; all stand by",
        description=(
            "None holds the Lease. kubectl -n {{ $labels.namespace }} get leases tells who does, and since when; the "
            "operator's log tells why it cannot take it (mostly a right that its role lacks)."
        ),
    ),
    Alert(
        name="DatalakeOperatorQueueStuck",
        expr="min_over_time(datalake_queue_depth[10m]) > 0 and datalake_leader == 1",
        wait="5m",
        severity="warning",
        unless=(
            Unless("reconciles end", TARGET, f"sum by ({TARGET}) (rate(datalake_reconciles_total[10m])) > 0"),
        ),
        summary="The datalake operator in {{ $labels.namespace }} does not get on: {{ $value }} resources wait",
        description=(
            "Resources wait, and none has been finished for ten minutes. Look at its log and at the API server; if "
            "both are well, restart the operator."
        ),
    ),
    Alert(
        name="DatalakeReconcileErrors",
        # A lasting error comes back at each attempt, so it does not matter that increase() misses the first one.
        expr=f'sum by ({_JOB}, kind) (increase(datalake_reconciles_total{{result="error"}}[30m])) > 3',
        wait="5m",
        severity="warning",
        summary="The datalake operator fails at {{ $labels.kind }} again and again",
        description="A fault of the operator's own: please report it. Its log has the traceback and the resource.",
    ),
    Alert(
        name="DatalakeResourceStalled",
        expr=condition("Stalled", 1),
        wait="5m",
        severity="warning",
        keep="5m",
        unless=(suspended(),),
        summary=f"{{{{ $labels.kind }}}} {_NAME} waits for somebody to act",
        description=(
            "The operator cannot go on by itself; what ran before goes on running. The resource's message names the "
            f"field and the mend: kubectl -n {WHERE} describe {{{{ $labels.kind }}}} {{{{ $labels.name }}}}"
        ),
    ),
    Alert(
        name="DatalakeResourceNotReady",
        expr=condition("Ready", 0),
        wait="30m",
        severity="warning",
        keep="5m",
        unless=(_STALLED, _CACHE_DOWN, _DATABASE_OF_KIND, _SERVER_OF_KIND, suspended()),
        summary=f"{{{{ $labels.kind }}}} {_NAME} is not ready",
        description=(
            "It has not been as its spec says for half an hour. The message of its condition Ready tells what it waits "
            f"for: kubectl -n {WHERE} describe {{{{ $labels.kind }}}} {{{{ $labels.name }}}}"
        ),
    ),
)  # fmt: skip
"""Alerts about the operator and what it looks after."""

CACHES = (
    Alert(
        name="DatalakeCacheDown",
        expr=condition("Serving", 0, "XCacheNode"),
        wait="5m",
        severity="critical",
        keep="5m",
        unless=(suspended("XCacheNode"),),
        summary=f"The cache {_NAME} serves nobody",
        description=(
            "Its server is not ready. The message of its condition Serving tells why: "
            f"kubectl -n {WHERE} describe xcachenode {{{{ $labels.name }}}}"
        ),
    ),
    Alert(
        name="DatalakeCacheOriginUnreachable",
        expr=condition("OriginReachable", 0, "XCacheNode"),
        wait="15m",
        severity="warning",
        keep="5m",
        unless=(_CACHE_DOWN, suspended("XCacheNode")),
        summary=f"The cache {_NAME} cannot open files at its origin",
        description=(
            "What is cached is served, everything else fails. Look at the origin, the network between, and the "
            "credentials that spec.origin names."
        ),
    ),
    Alert(
        name="DatalakeCacheDiskFull",
        expr=(
            f'sum by ({TARGET}) (xcache_disk_used_bytes{{space="data"}})\n'
            f'> on ({TARGET}) max by ({TARGET}) (xcache_watermark_bytes{{mark="high"}})'
        ),
        wait="30m",
        severity="warning",
        summary="The disks of the cache pod {{ $labels.pod }} stay above the high watermark",
        description=(
            "Purging does not keep up, or something else fills the volume. Look for foreign files on it, lower the "
            "watermarks, or make the volume bigger."
        ),
    ),
    Alert(
        name="DatalakeCacheChecksumErrors",
        # The exporter gives 0 from its start, so the first error is an increase.
        expr=f"sum by ({TARGET}) (increase(xcache_checksum_errors_total[1h])) > 0",
        wait="0m",
        severity="critical",
        summary="The cache pod {{ $labels.pod }} has read blocks with wrong checksums",
        description=(
            "Its disk or the way from the origin damages data. XRootD drops such blocks and fetches them anew. Look at "
            "the disk's health (SMART, kernel log) before it gets worse."
        ),
    ),
)
"""Alerts about caches."""

RUCIO = (
    Alert(
        name="DatalakeRucioDatabaseDown",
        expr=condition("DatabaseReachable", 0, "RucioServer"),
        wait="5m",
        severity="critical",
        keep="5m",
        unless=(suspended("RucioServer"),),
        summary=f"Rucio {_NAME} does not reach its database",
        description=(
            "Nothing of Rucio works meanwhile. The message of its condition DatabaseReachable has the answer: "
            f"kubectl -n {WHERE} describe rucioserver {{{{ $labels.name }}}}"
        ),
    ),
    Alert(
        name="DatalakeRucioServerDown",
        expr=_rucio("server"),
        wait="10m",
        severity="critical",
        keep="5m",
        unless=(_DATABASE_DOWN, _NOT_BORN, _HELD),
        summary=f"Rucio {_NAME} does not answer",
        description=(
            "No REST server answers on its health port, while the database does. Look at its pods: "
            f"kubectl -n {WHERE} get pods -l app.kubernetes.io/instance={{{{ $labels.name }}}}"
        ),
    ),
    Alert(
        name="DatalakeRucioLoginFails",
        expr=_rucio("login"),
        wait="15m",
        severity="warning",
        keep="5m",
        unless=(_SERVER_DOWN, _DATABASE_DOWN, _NOT_BORN, _HELD),
        summary=f"The operator cannot log in to Rucio {_NAME}",
        description=(
            "The server answers, but does not take root's password. Somebody changed it in Rucio: put the new one into "
            "the Secret that spec.rootAccount.secretRef names, or see docs/rucio.md."
        ),
    ),
    Alert(
        name="DatalakeRucioDaemonsSilent",
        expr=condition("DaemonsHealthy", 0, "RucioServer"),
        wait="15m",
        severity="warning",
        keep="5m",
        unless=(_SERVER_DOWN, _DATABASE_DOWN, suspended("RucioServer")),
        summary=f"Daemons of Rucio {_NAME} give no heartbeat",
        description=(
            "What they do (transfers, rules, deletions) does not happen. The message of the condition DaemonsHealthy "
            f"names them: kubectl -n {WHERE} describe rucioserver {{{{ $labels.name }}}}"
        ),
    ),
    Alert(
        name="DatalakeRucioBackupOld",
        expr=condition("BackupFresh", 0, "RucioServer"),
        wait="1h",
        severity="warning",
        keep="5m",
        unless=(suspended("RucioServer"),),
        summary=f"The newest dump of the database of Rucio {_NAME} is too old",
        description=(
            "Dumps fail or do not run. Look at the last Job of the backup: "
            f"kubectl -n {WHERE} get jobs -l app.kubernetes.io/instance={{{{ $labels.name }}}}"
        ),
    ),
)
"""Alerts about Rucio."""
