"""What both flavours share that we build ourselves: life and death of the cluster, and faults of its API server."""

import re
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import builder, folders, packages, pki, processes, progress, waiting
from tests.cluster.api_server import FIRST_SERVICE, Client, Settings, api_server_command, etcd_command
from tests.cluster.errors import ClusterError

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?")  # as part of the name of a network interface, 15 at most
_FLAVOUR = "flavour"  # the file that says which one uses the run folder
_COMPLETE = "complete"  # the file that says that `up` got to its end
_UNSEEN = 2.0  # seconds: on a busy machine a new process has no name of its own at once


class Built(ABC):
    """A cluster of processes that we built; see `tests.cluster.Cluster` for what each method promises."""

    flavour: str

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ClusterError(f"{name!r} is no name for a cluster: at most 12 of a-z, 0-9 and -, a letter first")
        self.name = name
        self.run_dir = folders.runs() / name
        self.kubeconfig = self.run_dir / "kubeconfig"
        self.logs = self.run_dir / "logs"
        self.audit_log: Path | None = self.logs / "audit.log"
        self.authority = pki.Authority(self.run_dir / "pki")

    def up(self) -> None:
        """Start it; what a killed `up` left behind is removed before. Does nothing when it is up."""
        with self._held():
            if self.is_up():
                progress.say(f"cluster {self.name} is up: {self.kubeconfig}")
                return
            self._remove(keep_logs=False)
            packages.ensure(packages.PURPOSES[self.flavour])
            builder.build(builder.OF_FLAVOUR[self.flavour])
            with progress.step(f"Starting cluster {self.name} ({self.flavour})"):
                self.logs.mkdir(parents=True)
                (self.run_dir / _FLAVOUR).write_text(self.flavour)
                try:
                    self._start()
                except BaseException:
                    self._remove(keep_logs=True)
                    raise
                (self.run_dir / _COMPLETE).touch()

    def down(self) -> None:
        """Remove everything of it but its logs, which stay until the next `up`."""
        with self._held():
            self._remove(keep_logs=True)

    def is_up(self) -> bool:
        """Whether an `up` got to its end and the API server answers now."""
        return (self.run_dir / _COMPLETE).exists() and self.client().is_ready()

    def client(self) -> Client:
        """Reads from the API server as admin."""
        return Client(self.authority, self._api_address(), self._settings().port)

    def stop_api(self) -> None:
        """End the API server's process; clients are refused until `start_api`."""
        self.mend_api()  # a frozen process would not hear SIGTERM
        processes.end(self.run_dir, "apiserver", gently=5)

    def start_api(self) -> None:
        """Start the API server again, and wait until it is ready."""
        if not processes.find(self.run_dir, "apiserver"):
            self._launch("apiserver", api_server_command(self._settings()))
        self._await("apiserver", self.client().is_ready, "the API server", seconds=60)

    def cut_api(self) -> None:
        """Freeze the API server: it takes connections and answers nothing, as if the network swallowed the packets."""
        processes.send(self._pids("apiserver"), signal.SIGSTOP)

    def mend_api(self) -> None:
        """Let a frozen API server go on."""
        processes.send(self._pids("apiserver"), signal.SIGCONT)

    def client_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a client certificate for a user in groups; without RBAC it may do nothing."""
        name = pki.file_name(user, groups)
        path = self.run_dir / f"{name}.kubeconfig"
        if not path.exists():
            self.authority.issue(name, user, groups)
            self.authority.write_kubeconfig(name, self._server(), path)
        return path

    @abstractmethod
    def load_image(self, name: str, archive: Path) -> None:
        """Make the image in a docker-archive known to the node."""

    @abstractmethod
    def _settings(self) -> Settings:
        """How the API server is started, from what `_start` wrote."""

    @abstractmethod
    def _start(self) -> None:
        """Start everything in a fresh run folder, and wait until it is ready."""

    @abstractmethod
    def _api_address(self) -> str:
        """The address at which this machine reaches the API server."""

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Let nobody else start or remove the cluster of this name meanwhile, and be sure that it is of our flavour."""
        with folders.locked(self.run_dir.parent / f"{self.name}.lock"):
            flavour = self.run_dir / _FLAVOUR
            if flavour.exists() and flavour.read_text() != self.flavour:
                raise ClusterError(
                    f"{self.name} is the name of a cluster of flavour {flavour.read_text()}, not {self.flavour}"
                )
            yield

    def _server(self) -> str:
        return f"https://{self._api_address()}:{self._settings().port}"

    def _launch(self, part: str, command: Sequence[str | Path]) -> None:
        """Start one process where this flavour's processes live."""
        processes.start(self.run_dir, part, command, self.logs / f"{part}.log", {})

    def _pids(self, part: str) -> list[int]:
        return processes.find(self.run_dir, part)

    def _await(self, part: str, ready: Callable[[], object], what: str, *, seconds: float) -> None:
        """Wait until something is ready, but no longer than the process lives that makes it so."""
        seen = time.monotonic()

        def check() -> object:
            nonlocal seen
            if processes.find(self.run_dir, part):
                seen = time.monotonic()
            elif time.monotonic() - seen > _UNSEEN:
                raise ClusterError(f"{part} ended while it was waited for:\n{_last_lines(self.logs / f'{part}.log')}")
            return ready()

        waiting.until(check, f"{what} (see {self.logs})", seconds=seconds)

    def _start_control_plane(self, hosts: Sequence[str]) -> None:
        """Certificates, etcd and API server; `hosts` are the latter's further names, as openssl writes them."""
        settings = self._settings()
        self.authority.make()
        names = ["", ".default", ".default.svc", ".default.svc.cluster.local"]
        self.authority.issue("admin", "admin", ["system:masters"])
        self.authority.issue(
            "apiserver",
            "kube-apiserver",
            hosts=["DNS:localhost", *(f"DNS:kubernetes{name}" for name in names), f"IP:{FIRST_SERVICE}", *hosts],
        )
        self._launch("etcd", etcd_command(settings))
        self._launch("apiserver", api_server_command(settings))
        self.authority.write_kubeconfig("admin", self._server(), self.kubeconfig)

    def _remove(self, *, keep_logs: bool) -> None:
        processes.end(self.run_dir)
        if not self.run_dir.exists():
            return
        for entry in self.run_dir.iterdir():
            if entry == self.logs and keep_logs:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else "(no log)"
