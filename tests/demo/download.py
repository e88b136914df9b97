"""Runs in a pod that has Python and xrdcp: reads URLs, and prints one line of JSON about each."""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

TARGET = pathlib.Path(f"/tmp/read-{os.getpid()}")  # noqa: S108 - the pod's own emptyDir
AT_MOST = 180  # seconds for one read


def main() -> None:
    """Read every URL of the command line."""
    for url in sys.argv[1:]:
        await_port(url)
        begun = time.monotonic()
        fetch(url)
        seconds = time.monotonic() - begun
        with TARGET.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        answer = {"url": url, "seconds": seconds, "size": TARGET.stat().st_size, "sha256": digest}
        sys.stdout.write(json.dumps(answer) + "\n")
        TARGET.unlink()


def await_port(url: str) -> None:
    """Wait until something listens: a node's rules know a pod a moment after it is Ready. Time over is for the read."""
    parts = urllib.parse.urlsplit(url)
    last = time.monotonic() + 10
    while time.monotonic() < last:
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def fetch(url: str) -> None:
    """Read one URL (root or http) into the target; anything but the whole file ends the program."""
    if url.startswith("root"):
        done = subprocess.run(
            ["xrdcp", "--nopbar", "--silent", "--force", url, TARGET],
            timeout=AT_MOST,
            check=False,
            stdout=sys.stderr,
        )
        if done.returncode:
            sys.exit(f"xrdcp {url} ended with {done.returncode}")
        return
    with urllib.request.urlopen(url, timeout=AT_MOST) as answer, TARGET.open("wb") as file:  # noqa: S310
        while part := answer.read(2**20):
            file.write(part)
        if file.tell() != int(answer.headers["Content-Length"]):
            sys.exit(f"{url}: {file.tell()} bytes came, not {answer.headers['Content-Length']}")


if __name__ == "__main__":
    main()
