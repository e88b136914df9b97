"""The flavour `control-plane`: etcd and API server as plain processes on the loopback interface; needs no root."""

from pathlib import Path

from tests.cluster import addresses
from tests.cluster.api_server import Settings
from tests.cluster.built import Built
from tests.cluster.errors import NotPossible


class ControlPlane(Built):
    """A real API server without anything that acts on what is written: no pods, no controllers, no garbage collector.

    So the cluster roles that are gathered from others (`view`, `edit`, `admin`) stay empty, namespaces have no service
    account, and what is deleted with its namespace or its owner stays.
    """

    flavour = "control-plane"

    def load_image(self, name: str, archive: Path) -> None:
        """Refused: nothing runs images here.

        Raises:
            NotPossible: Always.
        """
        raise NotPossible(f"a control plane runs no pods, so it has no use for {name} ({archive})")

    def _api_address(self) -> str:
        return "127.0.0.1"

    def _settings(self) -> Settings:
        given = addresses.given(self.run_dir)
        client_port, peer_port = given.etcd_ports
        assert self.audit_log is not None
        return Settings(
            run_dir=self.run_dir,
            authority=self.authority,
            address=self._api_address(),
            port=given.api_port,
            etcd_client_port=client_port,
            etcd_peer_port=peer_port,
            audit_log=self.audit_log,
        )

    def _start(self) -> None:
        addresses.take(self.run_dir)
        self._start_control_plane(["IP:127.0.0.1"])
        self._await("apiserver", self.client().is_ready, "the API server", seconds=60)
