"""Certificates for servers of tests, good and bad ones, made by openssl."""

import ssl
import subprocess
from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")

LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
EXPIRED = ("20200101000000Z", "20200201000000Z")
CONFIGURATION = """
[ca]
default_ca = this
[this]
database = {database}
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = names
[names]
commonName = supplied
"""


class Authority:
    """A certificate authority in a folder.

    Attributes:
        certificate: of the authority, PEM.
    """

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate = folder / "ca.pem"
        openssl(
            "req", "-x509", *CURVE, "-keyout", folder / "ca.key", "-out", self.certificate, "-days", "30",
            "-subj", f"/O=Data Lake Tests/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def issue(self, name: str, hosts: str = LOCAL, dates: tuple[str, str] | None = None) -> tuple[Path, Path]:
        """Make a server's certificate; gives it with its key.

        Args:
            name: of the files.
            hosts: subject alternative names as openssl writes them.
            dates: from and to, YYYYMMDDHHMMSSZ. Default: 30 days from now.
        """
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={hosts}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        database = self._folder / "index.txt"
        database.touch()
        configuration = self._folder / "ca.cnf"
        configuration.write_text(CONFIGURATION.format(folder=self._folder, database=database))
        time = ("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", "30")
        openssl(
            "ca", "-batch", "-notext", "-config", configuration, "-cert", self.certificate, "-keyfile",
            self._folder / "ca.key", "-in", request, "-out", certificate, "-extfile", extensions, *time,
        )  # fmt: skip
        return certificate, key

    def context(self, name: str, hosts: str = LOCAL, dates: tuple[str, str] | None = None) -> ssl.SSLContext:
        """TLS of a server with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name, hosts, dates))
        return context


def openssl(*words: str | Path) -> None:
    """Run openssl."""
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
