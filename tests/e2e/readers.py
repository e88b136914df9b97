"""Readers that take their time, and connections that do nothing, from the pod `client` in `e2e-storage`."""

from tests.cluster.errors import ClusterError
from tests.demo.kubectl import Kubectl
from tests.e2e import nodes
from tests.e2e.names import STORAGE

_CLIENT = "deployment/client"
_SLOWLY = """
timeout {seconds} xrdcp --silent --force --xrate {rate} {url} /tmp/{name} && sha256sum /tmp/{name}
rm -f /tmp/{name}
"""
_IDLE = """
import socket, struct, sys, time
for _ in range(100):  # a Service may refuse for a moment after its pod became Ready, as the node's rules come later
    try:
        connection = socket.create_connection((sys.argv[1], 1094), 10)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
connection.sendall(struct.pack(">5i", 0, 0, 0, 4, 2012))  # of the XRootD protocol: the initial handshake
connection.sendall(struct.pack(">2sHi8s4Bi", b"01", 3007, 1, b"idle", 0, 0, 5, 0, 0))  # and kXR_login
if len(connection.recv(64)) < 16:
    sys.exit("no answer")
connection.settimeout(200)
try:
    while connection.recv(64):
        pass
except ConnectionResetError:
    pass
"""
_CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 1094), 5)"


def slowly(lake: Kubectl, name: str, file: str, rate: str, seconds: int = 120) -> str:
    """Read a file from a cache at so many bytes a second (`2m`); what came, as SHA-256.

    Raises:
        ClusterError: It could not be read, or not within so many seconds.
    """
    script = _SLOWLY.format(seconds=seconds, rate=rate, url=nodes.url(name, file), name=name)
    return lake.execute(STORAGE, _CLIENT, "bash", "-ec", script).split()[0]


def idly(lake: Kubectl, name: str) -> None:
    """Log in to a cache and wait until it hangs up.

    Raises:
        ClusterError: It gave no answer, or did not hang up within 200 s.
    """
    lake.execute(STORAGE, _CLIENT, "python3", "-c", _IDLE, f"{name}.{STORAGE}.svc")


def refused(lake: Kubectl, name: str) -> bool:
    """Whether a new connection to a cache is refused."""
    try:
        lake.execute(STORAGE, _CLIENT, "python3", "-c", _CONNECT, f"{name}.{STORAGE}.svc")
    except ClusterError as error:
        return "ConnectionRefusedError" in str(error)
    return False
