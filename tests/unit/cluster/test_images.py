import hashlib
import json
import tarfile
from pathlib import Path

from tests.cluster import images


def test_the_archive_is_what_docker_save_writes(tmp_path: Path) -> None:
    program, archive = tmp_path / "program", tmp_path / "tools.tar"
    program.write_bytes(b"\x7fELF")
    images.write_tools(program, archive)
    with tarfile.open(archive) as opened:
        parts = {name: opened.extractfile(name).read() for name in opened.getnames()}  # type: ignore[union-attr]
    (manifest,) = json.loads(parts["manifest.json"])
    assert manifest["RepoTags"] == [images.PAUSE, images.VOLUME_HELPER]
    config = json.loads(parts[manifest["Config"]])
    (layer,) = manifest["Layers"]
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(parts[layer]).hexdigest()]
    assert config["config"]["Entrypoint"] == [images.TOOLS]


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x")
    for name in ("a", "b"):
        images.write_tools(program, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
