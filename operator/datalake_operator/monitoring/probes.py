"""Alerts of probes: what is broken in the data lake, and what keeps us from knowing it."""

from datalake_operator.monitoring.rule import CELL, NAMESPACE, PROBE, PROBE_NAME, WHERE, Alert, Unless

_CELL_NAME = "{{ $labels.source }}{{ with $labels.destination }} to {{ . }}{{ end }}{{ with $labels.protocol }} ({{ . }}){{ end }}"  # noqa: E501
_SHOWN = f"{WHERE}/{{{{ $labels.probe }}}}"

_CENTRAL = f"max by ({NAMESPACE}) (datalake_probe_central_fault) == 1"
_ENDPOINT = f"max by ({NAMESPACE}, endpoint) (datalake_endpoint_state == 2)"
_LAST_RUN = "datalake_probe_last_run_timestamp_seconds or datalake_probe_created_timestamp_seconds"
_STALE = f"""\
time() - max by ({PROBE}) ({_LAST_RUN})
> on ({PROBE}) max by ({PROBE}) (datalake_probe_stale_after_seconds)"""
_UNMEASURED = f"max by ({PROBE}) (datalake_probe_unmeasured_runs) >= 2"

_CONTROL_PLANE = Unless("DatalakeControlPlaneDown", NAMESPACE, _CENTRAL)
# What is red stays red, unless the very probe that said so has lost its own ground.
_LOST = Unless("DatalakeControlPlaneDown", PROBE_NAME, f"max by ({PROBE_NAME}) (datalake_probe_central_fault) == 1")
_SUSPENDED = Unless("suspended", PROBE, f"max by ({PROBE}) (datalake_probe_suspended) == 1")
_STALE_PROBE = Unless("DatalakeProbeStale", PROBE, _STALE)
_CANNOT_RUN = Unless("DatalakeProbeCannotRun", PROBE, _UNMEASURED)


def _blamed(side: str) -> Unless:
    end = f'label_replace({_ENDPOINT}, "{side}", "$1", "endpoint", "(.+)")'
    return Unless("DatalakeEndpointCritical", f"{NAMESPACE}, {side}", end)


ALERTS = (
    Alert(
        name="DatalakeControlPlaneDown",
        expr=_CENTRAL,
        wait="5m",
        severity="critical",
        keep="5m",
        summary=f"Probes in {WHERE} can judge nothing: their own surroundings are broken",
        description=(
            "No endpoint answers, and checks that have nothing to do with any endpoint (the cluster's DNS, its API "
            "server, spec.control.targets) fail too. The fault is near the probes, not at the sites: look at DNS, the "
            "network and outgoing connections of this cluster. The grid shows everything as unknown meanwhile."
        ),
    ),
    Alert(
        name="DatalakeEndpointCritical",
        expr="datalake_endpoint_state == 2",
        group=f"{NAMESPACE}, endpoint",
        wait="10m",
        severity="critical",
        keep="5m",
        unless=(_LOST,),
        summary="{{ $labels.endpoint }} is down",
        description=(
            f"Probes in {WHERE} blame {{{{ $labels.endpoint }}}} itself, not its partners: its own check fails, or "
            "nearly all of its transfers do. The grid's header tells the reason and since when. Tell the site, or "
            "enter a maintenance if it is one."
        ),
    ),
    Alert(
        name="DatalakePairCritical",
        expr=f"max by ({CELL}) (datalake_probe_state == 2)",
        wait="15m",
        severity="warning",
        keep="5m",
        unless=(_blamed("source"), _blamed("destination"), _LOST),
        summary=f"{_CELL_NAME} fails",
        description=(
            f"The probe {_SHOWN} finds {_CELL_NAME} critical, while neither end is down for others. Open its cell "
            "in the grid: it has the reason, the last runs, and the command that repeats the check by hand."
        ),
    ),
    Alert(
        name="DatalakePairUnknown",
        expr=f"max by ({CELL}) (datalake_probe_state == 3)",
        wait="1h",
        severity="info",
        keep="5m",
        unless=(_STALE_PROBE, _CANNOT_RUN, _SUSPENDED, _CONTROL_PLANE),
        summary=f"{_CELL_NAME} has not been measured for an hour",
        description=(
            f"Runs of the probe {_SHOWN} end without a result for {_CELL_NAME}. NotMeasured means that the time "
            "ran out before its turn: raise spec.timeout, or lower the size of the payload."
        ),
    ),
    Alert(
        name="DatalakeProbeStale",
        expr=_STALE,
        wait="10m",
        severity="warning",
        keep="5m",
        unless=(_SUSPENDED, _CONTROL_PLANE),
        summary=f"The probe {_SHOWN} has not run for {{{{ $value | humanizeDuration }}}}",
        description=(
            "Its results are too old to be believed, so its cells are unknown. Look at its CronJob and Jobs: "
            f"kubectl -n {WHERE} get cronjobs,jobs,pods -l app.kubernetes.io/instance={{{{ $labels.probe }}}}"
        ),
    ),
    Alert(
        name="DatalakeProbeCannotRun",
        expr=_UNMEASURED,
        wait="1m",
        severity="warning",
        keep="5m",
        unless=(_STALE_PROBE, _SUSPENDED, _CONTROL_PLANE),
        summary=f"The last {{{{ $value }}}} runs of the probe {_SHOWN} measured nothing",
        description=(
            "No endpoint is blamed: its pods give no result, or do not start (a missing image or Secret, no node, too "
            f"little memory). The reason: kubectl -n {WHERE} describe qosprobe {{{{ $labels.probe }}}}"
        ),
    ),
    Alert(
        name="DatalakeCertificateExpires",
        expr=(
            f"min by ({CELL}) (datalake_probe_certificate_expiry_timestamp_seconds) - time()\n"
            "< 14 * 86400"
        ),
        wait="10m",
        severity="warning",
        unless=(_SUSPENDED,),
        summary="The certificate of {{ $labels.source }} ends in {{ $value | humanizeDuration }}",
        description=(
            f"The probe {_SHOWN} was shown a certificate that ends within 14 days; what it protects stops working "
            "then. Renew it, and let the server read it. A negative time: it has ended."
        ),
    ),
)  # fmt: skip
"""Alerts about what QoSProbes measure."""
