"""The catalogue is what the packages say."""

import json
import subprocess
from pathlib import Path

import pytest

from datalake_operator.build.rucio import catalogue
from images import build
from tests.support import rucio_environments as environments


def site_packages(version: str) -> Path:
    return next((environments.python(version).parents[1] / "lib").glob("python3*/site-packages"))


@pytest.mark.parametrize(("version", "older"), [("41.5.1", "38.6.4"), ("38.6.4", None)])
def test_the_file_is_what_the_script_makes_of_the_package(version: str, older: str | None) -> None:
    more = ["--older", str(site_packages(older))] if older else []
    done = subprocess.run(
        [environments.python(version), environments.IMAGE / "catalogue.py", *more],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    file = Path(catalogue.__file__).with_name("catalogue") / f"{version}.json"
    assert json.loads(done.stdout) == json.loads(file.read_text()), "see README.md of images/rucio"


def test_versions_are_those_of_images_and_locks_and_environments() -> None:
    locks = {path.stem for path in (environments.IMAGE / "requirements").glob("*.lock")}
    assert set(catalogue.KNOWN) == set(build.RUCIO) == locks == set(environments.VERSIONS)
    assert catalogue.KNOWN[0] == build.RUCIO[0] == "41.5.1"
    with pytest.raises(KeyError):
        catalogue.find("41.5.2")


def test_daemons_have_what_is_known_of_them() -> None:
    daemons = catalogue.find("41.5.1").daemons
    names = {
        "kronos": ("kronos-dataset", "kronos-file"), "bb8": ("rucio-bb8",), "follower": ("rucio-follower",),
        "rse-decommissioner": ("rsedecommissioner",), "replica-recoverer": ("suspicious-replica-recoverer",),
        "auditor": (), "cache-consumer": (),
    }  # fmt: skip
    for name, daemon in daemons.items():
        assert daemon.heartbeats == names.get(name, (name,))
        assert daemon.threads == ("threads" in daemon.flags)
        assert not {"help", "run-once"} & set(daemon.flags)
        assert daemon.many <= {flag for flag, takes in daemon.flags.items() if takes}
    assert daemons["reaper"].flags["greedy"] is False
    assert daemons["reaper"].flags["include-rses"] is True
    assert daemons["conveyor-submitter"].default_sleep == 600
    assert "oauth-manager" not in daemons
    assert "oauth-manager" in catalogue.find("38.6.4").daemons


@pytest.mark.parametrize("version", catalogue.KNOWN)
def test_presets_name_daemons_and_move_files_only_with_transfers(version: str) -> None:
    known = catalogue.find(version)
    for name in ("Minimal", "Standard", "None"):
        still, moving = (known.preset(name, transfers=transfers) for transfers in (False, True))
        assert set(moving) <= set(known.daemons)
        assert not [daemon for daemon in still if daemon.startswith("conveyor-")]
        assert set(moving) >= set(still)
    assert {"conveyor-submitter", "conveyor-poller", "conveyor-finisher"} <= set(
        known.preset("Minimal", transfers=True)
    )
    dangerous = {"undertaker", "reaper", "dark-reaper", "judge-cleaner", "minos", "necromancer"}
    conveyors = {name for name in known.daemons if name.startswith("conveyor-")}
    assert dangerous | conveyors <= {name for name, daemon in known.daemons.items() if daemon.destructive}


def test_options_that_are_no_more_are_named() -> None:
    removed = catalogue.find("41.5.1").removed_options
    assert "transfers.srm_https_compatibility" in removed
    assert "conveyor.scheme" not in removed
    assert all("." in name and mend for name, mend in removed.items())
