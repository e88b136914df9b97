"""A program for the Python that has Rucio's client: uploads a file and downloads it again.

Its one argument is a JSON object, see `rucio_upload`. It prints a JSON object a line: `{"upload_seconds": 1.2}`,
`{"download_seconds": 0.8}`, or `{"failed": "<exception>", "text": "..."}`, and then exits with 1.
"""

import json
import logging
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any


def main(words: dict[str, Any]) -> None:
    """Upload, download and compare.

    Raises:
        Exception: whatever Rucio's client raises; ValueError when other bytes came back.
    """
    from rucio.client import Client  # noqa: PLC0415 - of the other environment
    from rucio.client.downloadclient import DownloadClient  # noqa: PLC0415
    from rucio.client.uploadclient import UploadClient  # noqa: PLC0415
    from rucio.common.config import get_config  # noqa: PLC0415

    # Parts of Rucio's client make clients of their own, from the configuration alone: the secrets are put into it here,
    # and into no file.
    secrets = Path(words["secrets"])
    for name, value in (
        ("username", (secrets / "username").read_text().strip()),
        ("password", (secrets / "password").read_text().strip("\n")),
    ):
        get_config().set("client", name, value.replace("%", "%%"))
    client = Client(timeout=60, user_agent="datalake-probe")
    logger = logging.getLogger("rucio")
    begun = time.monotonic()
    item = {
        "path": words["path"], "rse": words["rse"], "did_scope": words["scope"], "did_name": words["name"],
        "lifetime": words["lifetime"],
    }  # fmt: skip
    UploadClient(client, logger=logger).upload([item])
    _say({"upload_seconds": time.monotonic() - begun})
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        did = {"did": f"{words['scope']}:{words['name']}", "base_dir": folder, "rse": words["rse"], "no_subdir": True}
        DownloadClient(client, logger=logger).download_dids([did])
        _say({"download_seconds": time.monotonic() - begun})
        _compare(Path(folder) / words["name"], words)


def _compare(path: Path, words: dict[str, Any]) -> None:
    """Sum it up here: what the client says about it is not what came."""
    found, size = 1, 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            found, size = zlib.adler32(block, found), size + len(block)
    if (f"{found:08x}", size) != (words["adler32"], words["size"]):
        raise ValueError(f"checksum {found:08x} and {size} bytes instead of {words['adler32']} and {words['size']}")


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    try:
        main(json.loads(sys.argv[1]))
    except Exception as error:  # told to whoever started it
        _say({"failed": type(error).__name__, "text": str(error)[:2000]})
        sys.exit(1)
