"""The exporter as it runs: real sockets on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xcache_exporter import origin
from xcache_exporter.forward import WAITING, Forwarder
from xcache_exporter.server import Exporter
from xcache_exporter.settings import Destination, Disk, Settings, SettingsError, from_environment
from xcache_recorded import FOLDER, packets

ANY = ("127.0.0.1", 0)


def wait_for(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def settings(**values: object) -> Settings:
    return Settings(listen=ANY, gstream=ANY, summary=ANY, **values)  # type: ignore[arg-type]


def get(exporter: Exporter, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter.http.server_port}{path}", timeout=5) as answer:
        content: bytes = answer.read()
        return content


def send(exporter: Exporter) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _, stream, data in packets():
            heard = exporter.gstream if stream == "pfc" else exporter.summary
            sender.sendto(data, heard.getsockname())


@contextmanager
def collector() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(ANY)
        opened.settimeout(5)
        yield opened


def test_packets_become_metrics_and_state() -> None:
    with Exporter(settings()) as exporter:
        send(exporter)
        wait_for(lambda: json.loads(get(exporter, "/state"))["summary"]["packets"] == 9)
        wait_for(lambda: json.loads(get(exporter, "/state"))["stream"]["packets"] == 8)
        page = get(exporter, "/metrics").decode()
    assert "\nxcache_origin_read_bytes_total 2.32346688e+08\n" in page


def test_who_knows_a_path_learns_what_that_file_cost() -> None:
    with Exporter(settings()) as exporter:
        send(exporter)
        wait_for(lambda: json.loads(get(exporter, "/state"))["stream"]["packets"] == 8)
        cost = json.loads(get(exporter, "/file?path=%2Fescape%2Fc"))
        assert cost["version"] == 1
        assert cost["originBytes"] >= 22020096
        assert cost["closes"] >= 1
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            get(exporter, "/file?path=/escape/nowhere")
        refused.value.close()


def test_other_pages_are_not_found() -> None:
    with Exporter(settings()) as exporter, pytest.raises(urllib.error.HTTPError, match="404") as refused:
        get(exporter, "/")
    refused.value.close()


def test_while_the_drain_file_exists_the_cache_is_not_serving(tmp_path: Path) -> None:
    with Exporter(settings(drain_file=tmp_path / "drain")) as exporter:
        assert get(exporter, "/serving") == b""
        (tmp_path / "drain").touch()
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            get(exporter, "/serving")
        refused.value.close()


def test_everywhere_is_ipv6_too() -> None:
    with Exporter(Settings(listen=("0.0.0.0", 0), gstream=ANY, summary=ANY)) as exporter:  # noqa: S104
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, exporter.http.server_address[1]), 5):
                pass


def test_directory_statistics_are_read_from_the_server_s_folder(tmp_path: Path) -> None:
    (tmp_path / "DirStat.json").write_text((FOLDER / "DirStat-1.json").read_text())
    with Exporter(settings(state_dir=tmp_path)) as exporter:
        wait_for(lambda: json.loads(get(exporter, "/state"))["cache"])
        assert json.loads(get(exporter, "/state"))["cache"]["files"] == 13


def test_packets_are_sent_on_unchanged_to_the_collector_of_their_stream() -> None:
    with collector() as summaries, collector() as streams:
        forward = (
            Destination("summary", "127.0.0.1", summaries.getsockname()[1]),
            Destination("pfc", "127.0.0.1", streams.getsockname()[1]),
        )
        with Exporter(settings(forward=forward)) as exporter:
            send(exporter)
            wait_for(lambda: b'xcache_forwarded_packets_total{destination="' in get(exporter, "/metrics"))
            for wanted, heard in (("summary", summaries), ("pfc", streams)):
                assert [heard.recv(65536) for _, stream, _ in packets() if stream == wanted] == [
                    data for _, stream, data in packets() if stream == wanted
                ]


def test_a_collector_that_has_no_address_holds_up_nothing() -> None:
    forward = (Destination("pfc", "collector.invalid", 9930),)
    with Exporter(settings(forward=forward)) as exporter:
        send(exporter)
        wait_for(lambda: exporter.forwarders[0].dropped == 8)
        assert json.loads(get(exporter, "/state"))["stream"]["packets"] == 8


def test_packets_for_a_collector_that_is_too_slow_are_dropped_and_counted() -> None:
    forwarder = Forwarder(Destination("pfc", "127.0.0.1", 1))  # not started: as slow as can be
    for _ in range(WAITING + 3):
        forwarder.put(b"x")
    assert forwarder.dropped == 3


def test_as_a_process_it_ends_at_sigterm() -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[1]),
        **dict.fromkeys(("EXPORTER_LISTEN", "EXPORTER_GSTREAM", "EXPORTER_SUMMARY"), "127.0.0.1:0"),
    }
    command = [sys.executable, "-m", "xcache_exporter"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "metrics" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with collector() as taken:
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "EXPORTER_LISTEN": "127.0.0.1:0",
            "EXPORTER_SUMMARY": f"127.0.0.1:{taken.getsockname()[1]}",
        }
        command = [sys.executable, "-m", "xcache_exporter"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "in use" in done.stderr


def test_settings_come_from_the_environment() -> None:
    found = from_environment(
        {
            "EXPORTER_LISTEN": "[::]:1",
            "EXPORTER_DISKS": "data:d0=/data/d0,meta:meta=/meta",
            "EXPORTER_STATE_DIR": "/meta/ns/pfc-stats",
            "EXPORTER_FORWARD": '[{"name": "x", "stream": "summary", "host": "h", "port": 9}]',
            "EXPORTER_LOW_PERCENT": "90",
            "EXPORTER_MAX_SIZE": "",
        }
    )
    assert found.listen == ("::", 1)
    assert found.disks == (Disk("data", "d0", Path("/data/d0")), Disk("meta", "meta", Path("/meta")))
    assert found.forward == (Destination("summary", "h", 9),)
    assert (found.low_percent, found.max_size) == (90, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPORTER_LISTEN", "9931"),
        ("EXPORTER_SUMMARY", "h:99999"),
        ("EXPORTER_DISKS", "data=/data/d0"),
        ("EXPORTER_FORWARD", "{"),
        ("EXPORTER_FORWARD", '[{"stream": "other", "host": "h", "port": 9}]'),
        ("EXPORTER_FORWARD", '[{"stream": "pfc"}]'),
        ("EXPORTER_LOW_PERCENT", "90%"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    with socket.create_server(ANY) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if answer and connection.recv(20):
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_an_origin_answers_when_it_shakes_hands() -> None:
    with listening(bytes(16)) as port:
        assert origin.answers(f"root://127.0.0.1:{port}")


def test_an_origin_that_hangs_up_does_not_answer() -> None:
    with listening(b"") as port:
        assert not origin.answers(f"root://127.0.0.1:{port}")


def test_of_an_http_origin_a_connection_is_enough() -> None:
    with listening(b"") as port:
        assert origin.answers(f"http://127.0.0.1:{port}")


def test_an_origin_that_is_gone_does_not_answer() -> None:
    with socket.socket() as unused:
        unused.bind(ANY)
        assert not origin.answers(f"root://127.0.0.1:{unused.getsockname()[1]}")
    assert not origin.answers("root://origin.invalid:1094")
