"""The exporter as a process: listens to xrootd, answers Prometheus and the operator."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from xcache_exporter import dirstats, origin
from xcache_exporter.forward import Forwarder
from xcache_exporter.gstream import InvalidPacketError
from xcache_exporter.metrics import CacheCollector
from xcache_exporter.record import Record
from xcache_exporter.settings import Settings
from xcache_exporter.state import state

LARGEST_PACKET = 65536

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the pod's own addresses

USAGE_EVERY = 10.0
"""Seconds between looks at DirStat.json, which pfc writes once a minute or less often."""


class Exporter:
    """All sockets and threads; a context manager.

    Args:
        settings: what to listen to.
        record: where everything heard is kept.

    Raises:
        OSError: at entry, when an address cannot be bound.
    """

    def __init__(self, settings: Settings, record: Record | None = None) -> None:
        self.settings = settings
        self.record = record or Record()
        self.forwarders = tuple(Forwarder(destination) for destination in settings.forward)
        self._registry = CollectorRegistry()
        self._registry.register(CacheCollector(self.record, settings, self.forwarders))
        self._stop = threading.Event()
        self._exit = ExitStack()

    def __enter__(self) -> "Exporter":
        with ExitStack() as opened:
            self.http = opened.enter_context(_Server(self.settings.listen, self))
            self.gstream = opened.enter_context(_udp(self.settings.gstream))
            self.summary = opened.enter_context(_udp(self.settings.summary))
            for forwarder in self.forwarders:
                forwarder.start()
                opened.callback(forwarder.stop)
            for work in (self._hear_gstream, self._hear_summary, self._watch_usage, self.http.serve_forever):
                thread = threading.Thread(target=work, daemon=True)
                thread.start()
                opened.callback(thread.join)
            opened.callback(self.http.shutdown)
            opened.callback(self._stop.set)
            self._exit = opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def metrics(self) -> bytes:
        """The page for Prometheus, in its text format."""
        return generate_latest(self._registry)

    def state(self) -> bytes:
        """The page for the operator."""
        return json.dumps(state(self.record, self.settings)).encode()

    def file(self, path: str) -> bytes | None:
        """What one file cost; None when it was not closed lately. Who does not know a path learns none."""
        with self.record.lock:
            sums = self.record.files.get(path)
            if sums is None:
                return None
            found = {"servedBytes": sums.served, "originBytes": sums.from_origin, "closes": sums.closes}
        return json.dumps({"version": 1, **found}).encode()

    def _hear_gstream(self) -> None:
        self._hear(self.gstream, "pfc", self.record.hear_gstream)

    def _hear_summary(self) -> None:
        self._hear(self.summary, "summary", self._take_summary)

    def _take_summary(self, data: bytes) -> None:
        if self.record.hear_summary(data):
            self.record.judge_origin(answers=bool(self.settings.origin) and origin.answers(self.settings.origin))

    def _hear(self, heard: socket.socket, stream: str, take: Callable[[bytes], None]) -> None:
        forwarders = [forwarder for forwarder in self.forwarders if forwarder.destination.stream == stream]
        while not self._stop.is_set():
            try:
                data = heard.recv(LARGEST_PACKET)
            except TimeoutError:
                continue
            take(data)
            for forwarder in forwarders:
                forwarder.put(data)

    def _watch_usage(self) -> None:
        while True:
            try:
                usage = dirstats.read(self.settings.state_dir)
                if usage:
                    self.record.hear_usage(usage)
            except InvalidPacketError:  # half written: the next look finds it whole
                pass
            if self._stop.wait(USAGE_EVERY):
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], exporter: Exporter) -> None:
        self.pages: dict[str, tuple[str, Callable[[], bytes]]] = {
            "/metrics": (CONTENT_TYPE_LATEST, exporter.metrics),
            "/state": ("application/json", exporter.state),
        }
        self.file = exporter.file
        self.drain_file = exporter.settings.drain_file
        if address[0] == _EVERYWHERE and socket.has_dualstack_ipv6():
            address = ("::", address[1])
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Take IPv4 too at `::`: the pod's address may be of either family."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's fault."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/serving":  # the kubelet asks
            draining = self.server.drain_file.exists()
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE if draining else HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content_type, body = self._page(path, query)
        if body is None:
            self.send_error(HTTPStatus.NOT_FOUND, "try /metrics or /state")
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _page(self, path: str, query: str) -> tuple[str, bytes | None]:
        if path == "/file":
            return "application/json", self.server.file(dict(parse_qsl(query)).get("path", ""))
        content_type, page = self.server.pages.get(path, ("", lambda: None))
        return content_type, page()

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - the name is the base class's
        """Requests are not logged: there is one every few seconds."""


def _udp(address: tuple[str, int]) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    opened.settimeout(0.5)  # how long an end may take
    try:
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened
