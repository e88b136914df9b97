"""Small servers beside gunicorn's: health and metrics, in threads that no request to Rucio can occupy.

Every worker answers on the same sockets, which the master opened before it forked: whoever asks reaches one that
lives, also when all threads of Rucio wait for the database.
"""

import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

Routes = Mapping[str, Callable[[], Answer]]


def has_ipv6() -> bool:
    """Whether this machine, or pod, can listen on IPv6; such a socket takes IPv4 as well."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


ANY = "[::]" if has_ipv6() else "0.0.0.0"  # noqa: S104 - a pod's own
"""All addresses, as gunicorn names them."""


def listener(port: int) -> socket.socket:
    """Open a port on all addresses."""
    family = socket.AF_INET6 if ANY == "[::]" else socket.AF_INET
    opened = socket.socket(family)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family is socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    opened.bind((ANY.strip("[]"), port))
    opened.listen(64)
    # All workers are woken by one connection; those that come too late must not wait for the next.
    opened.setblocking(False)
    return opened


def serve(opened: socket.socket, routes: Routes) -> None:
    """Answer GET requests on an open socket from now on, in the background."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            status, kind, body = route() if route else (404, "text/plain", b"not found\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
            """Probes come every few seconds and are no news."""

    server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = opened
    server.daemon_threads = True
    Thread(target=server.serve_forever, name=f"side-{opened.getsockname()[1]}", daemon=True).start()
