from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from datalake_operator.status.conditions import rfc3339
from datalake_operator.status.rucio.catalogue import wanted as instances
from datalake_operator.status.rucio.daemons import Daemon, Wanted, fields, healthy, look
from tests.unit.status.conftest import NOW
from tests.unit.status.rucio.conftest import deployment, pod, server, view

LIMIT = timedelta(minutes=10)
REAPER = Wanted("reaper", 1, "rucio-reaper", ("reaper",), LIMIT)
KRONOS = Wanted("kronos", 1, "rucio-kronos", ("kronos-dataset", "kronos-file"), LIMIT)
SILENT = Wanted("auditor", 1, "rucio-auditor", (), LIMIT)


def beat(host: str, executable: str = "reaper", ago: float = 30) -> dict[str, str]:
    return {"executable": executable, "hostname": host, "updatedAt": rfc3339(NOW - timedelta(seconds=ago))}


def judged(
    *beats: Mapping[str, str] | None, wanted: Wanted = REAPER, pods: tuple[Any, ...] | None = None, now: datetime = NOW
) -> Daemon:
    some = (pod(f"daemon-{wanted.name}", "a"),) if pods is None else pods
    rows = None if beats == (None,) else [one for one in beats if one is not None]
    return look(wanted, view(pods=some), rows, now)


def reason(daemon: Daemon) -> str:
    return healthy([daemon]).reason


def test_a_fresh_heartbeat_of_the_pod_is_life() -> None:
    daemon = judged(beat("a"))
    assert (daemon.live, daemon.last, daemon.silent) == (1, NOW - timedelta(seconds=30), False)
    assert daemon.due == NOW - timedelta(seconds=30) + LIMIT
    assert reason(daemon) == "DaemonsAlive"


def test_the_newest_row_of_a_pod_counts_and_those_of_gone_pods_do_not() -> None:
    assert judged(beat("a", ago=5000), beat("a", ago=10), beat("gone", ago=1)).last == NOW - timedelta(seconds=10)
    assert judged(beat("gone", ago=1)).live == 0


def test_names_are_matched_by_their_beginning() -> None:
    assert judged(beat("a", "reaper-tape=true")).live == 1
    assert judged(beat("a", "dark-reaper")).live == 0


def test_a_heartbeat_beyond_its_limit_is_silence() -> None:
    on_time = judged(beat("a", ago=600))
    late = judged(beat("a", ago=601))
    assert (reason(on_time), reason(late)) == ("DaemonsAlive", "HeartbeatsStale")
    assert "reaper (10m)" in healthy([late]).message
    assert (late.live, late.due) == (0, None)


def test_one_that_hangs_is_silent_although_its_pod_is_no_longer_ready() -> None:
    hanging = (pod("daemon-reaper", "a", ready=False),)
    soon = judged(beat("a", ago=590), pods=hanging)
    assert (reason(soon), soon.due) == ("DaemonsAlive", NOW + timedelta(seconds=10))
    assert reason(judged(beat("a", ago=601), pods=hanging)) == "HeartbeatsStale"


def test_a_pod_that_has_not_written_yet_has_as_much_time_for_the_first() -> None:
    young = judged()
    assert reason(young) == "DaemonsStarting"
    assert young.due == datetime.fromisoformat("2026-11-25T12:09:30Z")
    assert reason(judged(now=NOW + timedelta(minutes=10))) == "HeartbeatsStale"


def test_a_daemon_of_two_parts_lives_while_both_do() -> None:
    both = judged(beat("a", "kronos-file"), beat("a", "kronos-dataset", 60), wanted=KRONOS)
    assert (both.live, both.last) == (1, NOW - timedelta(seconds=60))
    assert judged(beat("a", "kronos-file"), wanted=KRONOS).live == 0
    assert (
        reason(judged(beat("a", "kronos-file"), beat("a", "kronos-dataset", 700), wanted=KRONOS)) == "HeartbeatsStale"
    )


def test_one_that_writes_none_is_judged_by_its_pod() -> None:
    assert reason(judged(wanted=SILENT)) == "DaemonsAlive"
    assert reason(judged(wanted=SILENT, pods=(pod("daemon-auditor", ready=False),))) == "DaemonsStarting"


def test_so_is_everybody_while_the_server_does_not_answer() -> None:
    assert reason(judged(None)) == "DaemonsAlive"


def test_a_pod_that_cannot_run_is_told_with_its_words() -> None:
    ended = {"terminated": {"exitCode": 1, "message": "no such flag"}}
    crashing = [{"name": "daemon", "ready": False, "state": {"waiting": {}}, "lastState": ended}]
    daemon = judged(beat("a"), pods=(pod("daemon-reaper", "a", ready=False, containerStatuses=crashing),))
    assert reason(daemon) == "DaemonsFailing"
    assert "no such flag" in healthy([daemon]).message


def test_pods_that_cannot_be_made_are_told() -> None:
    failure = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]
    refused = deployment("rucio-reaper", 1, conditions=failure)
    daemon = look(REAPER, view(("Deployment", refused)), [], NOW)
    assert (reason(daemon), daemon.failing) == ("DaemonsFailing", "exceeded quota")


def test_a_pod_that_stops_is_nobodys_fault() -> None:
    leaving = pod("daemon-reaper", "a")
    leaving["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    daemon = judged(beat("a", ago=5000), pods=(leaving,))
    assert (daemon.live, daemon.silent, reason(daemon)) == (0, False, "DaemonsStarting")


def test_many_that_fail_are_not_all_named() -> None:
    some = [Daemon(Wanted(f"d{n}", 1, "", ("d",), LIMIT), 0, None, None, silent=True, due=None) for n in range(8)]
    assert "d4 (10m) and 3 more" in healthy(some).message


def test_what_the_spec_and_the_catalogue_say_is_what_is_wanted() -> None:
    one = server(
        daemons={
            "preset": "None",
            "instances": [
                {"name": "tape", "daemon": "reaper", "replicas": 2, "sleepTime": "10m"},
                {"name": "necromancer", "heartbeatTimeout": "1m"},
                {"name": "hermes"},
            ],
        }
    )
    free, held = instances(one, held=False), instances(one, held=True)
    assert [(each.name, each.replicas, each.deployment) for each in free] == [
        ("tape", 2, "rucio-tape"),
        ("necromancer", 1, "rucio-necromancer"),
        ("hermes", 1, "rucio-hermes"),
    ]
    assert [each.limit.total_seconds() for each in free] == [1800, 60, 600]
    assert [each.replicas for each in held] == [0, 0, 1]


# --- what status shows


def shown(*daemons: Daemon, before: Mapping[str, Any] | None = None, now: datetime = NOW) -> dict[str, Any]:
    return fields(daemons, before or {}, now)


def test_status_lists_them_and_counts_them_for_the_column() -> None:
    assert shown(judged(beat("a")), judged(wanted=SILENT)) == {
        "daemons": [
            {"name": "reaper", "desired": 1, "live": 1, "lastHeartbeatTime": "2026-11-25T11:59:30Z"},
            {"name": "auditor", "desired": 1, "live": 1},
        ],
        "daemonCount": {"desired": 2, "live": 2, "summary": "2/2"},
    }


def test_times_alone_are_written_every_five_minutes_at_most() -> None:
    before = shown(judged(beat("a")))
    newer = judged(beat("a", ago=0))
    assert shown(newer, before=before, now=NOW + timedelta(minutes=4, seconds=29)) == before
    late = shown(newer, before=before, now=NOW + timedelta(minutes=4, seconds=30))
    assert late["daemons"][0]["lastHeartbeatTime"] == "2026-11-25T12:00:00Z"
    dead = judged(beat("a", ago=700))
    assert shown(dead, before=before)["daemons"][0]["live"] == 0


@pytest.mark.parametrize("before", [{"daemons": [{"name": "other"}]}, {"daemons": None}, {}])
def test_another_list_is_written_at_once(before: dict[str, Any]) -> None:
    assert shown(judged(beat("a")), before=before)["daemons"][0]["name"] == "reaper"
