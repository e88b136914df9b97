"""What builds, keeps and sends images: Docker or buildah. They differ in a few words only."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PULL_SECONDS = 300
"""A base image has 30 MB; a registry that takes longer than this does not answer."""

KEPT_LINES = 40
"""Lines of output shown when a command fails."""

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


class BuildError(Exception):
    """A command failed, or no engine is there; the message says what and how to mend it."""


@dataclass(frozen=True)
class Engine:
    """One of the two.

    Attributes:
        name: of its program.
        environment: what its program needs beyond our own.
        inspect_words: how to look at an image.
        labels: where its labels are, for the program's `--format`.
        build_words: how to build.
        steps: finds the lines that say how far a build is.
        save_words: how to write a docker-archive, with `{reference}` and `{path}`.
    """

    name: str
    environment: Mapping[str, str]
    inspect_words: tuple[str, ...]
    labels: str
    build_words: tuple[str, ...]
    steps: re.Pattern[str]
    save_words: tuple[str, ...]

    def label(self, reference: str, label: str) -> str | None:
        """The label of an image that is here: empty when it has none of that name, None without the image."""
        form = f'{{{{with index {self.labels} "{label}"}}}}{{{{.}}}}{{{{end}}}}'
        done = self._quietly([*self.inspect_words, "--format", form, reference])
        return done.stdout.strip() if done.returncode == 0 else None

    def build(
        self,
        reference: str,
        context: Path,
        dockerfile: str,
        labels: Mapping[str, str],
        secrets: Mapping[str, Path],
        arguments: Mapping[str, str],
        *,
        cached: bool,
    ) -> None:
        """Build `context/dockerfile`; `secrets` are mounted by the steps that name them, and proxies handed on."""
        words = [*self.build_words, "--network", "host", "--file", str(context / dockerfile), "--tag", reference]
        words += [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        words += [word for key, path in secrets.items() for word in ("--secret", f"id={key},src={path}")]
        proxies = [name for proxy in _PROXIES for name in (proxy, proxy.upper()) if os.environ.get(name)]
        given = [*proxies, *(f"{name}={value}" for name, value in arguments.items())]
        words += [word for argument in given for word in ("--build-arg", argument)]
        self._run([*words, *([] if cached else ["--no-cache"]), str(context)], self.steps)

    def pull(self, reference: str) -> bool:
        """Whether a registry gave it."""
        try:
            return self._quietly(["pull", reference], timeout=PULL_SECONDS).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def push(self, reference: str) -> None:
        """Send it to its registry."""
        self._run(["push", reference])

    def save(self, reference: str, path: Path) -> None:
        """Write it as a docker-archive."""
        self._run([word.format(reference=reference, path=path) for word in self.save_words])

    def _run(self, words: Sequence[str], shown: re.Pattern[str] | None = None) -> None:
        run([self.name, *words], shown, self.environment)

    def _quietly(self, words: Sequence[str], timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own words
            [self.name, *words],
            env={**os.environ, **self.environment}, capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip


@functools.cache
def find() -> Engine:
    """The engine of this machine: Docker where one answers, else buildah.

    Raises:
        BuildError: when there is neither.
    """
    if shutil.which("docker") and _answers(["docker", "version"]):
        return Engine(
            "docker",
            {"DOCKER_BUILDKIT": "1"},
            ("image", "inspect"),
            ".Config.Labels",
            ("build", "--progress", "plain"),
            re.compile(r"^#\d+ (\[.*\].*)"),
            ("save", "--output", "{path}", "{reference}"),
        )
    if not shutil.which("buildah"):
        raise BuildError("neither a Docker engine nor buildah is here: apt-get install buildah")
    driver = os.environ.get("STORAGE_DRIVER") or next(
        (driver for driver in ("overlay", "vfs") if _answers(["buildah", "--storage-driver", driver, "images"])), "vfs"
    )
    return Engine(
        "buildah",
        {"BUILDAH_ISOLATION": os.environ.get("BUILDAH_ISOLATION", "chroot"), "STORAGE_DRIVER": driver},
        ("inspect", "--type", "image"),
        ".OCIv1.Config.Labels",
        ("build", "--layers"),
        re.compile(r"^(?:\[\d+/\d+\] )?STEP (?!.*LABEL)(.*)"),
        ("push", "--quiet", "{reference}", "docker-archive:{path}:{reference}"),
    )


def run(
    command: Sequence[str], shown: re.Pattern[str] | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command and show the first group of the lines that match `shown`.

    Raises:
        BuildError: when it fails, with its last lines.
    """
    last: deque[str] = deque(maxlen=KEPT_LINES)
    with subprocess.Popen(  # noqa: S603 - our own words
        command,
        env={**os.environ, **(environment or {})}, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            last.append(line)
            if shown and (found := shown.match(line)):
                sys.stderr.write(f"  {' '.join(found[1].split())[:110]}\n")
    if process.returncode:
        raise BuildError(f"{command[0]} {command[1]} failed ({process.returncode}):\n{''.join(last)}")


def _answers(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
