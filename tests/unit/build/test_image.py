import pytest

from datalake_operator.api.common import Image
from datalake_operator.build.image import image_reference, image_version

DIGEST = "sha256:" + "0" * 64
OURS = "ghcr.io/projectescape/datalake-xcache:5.8.1-1"


@pytest.mark.parametrize(
    ("spec", "default", "expected"),
    [
        ({}, OURS, OURS),
        ({"tag": "5.8.2-1"}, OURS, "ghcr.io/projectescape/datalake-xcache:5.8.2-1"),
        ({"repository": "mirror:5000/xcache"}, OURS, "mirror:5000/xcache:5.8.1-1"),
        ({"repository": "mirror:5000/xcache", "tag": "a"}, OURS, "mirror:5000/xcache:a"),
        ({"digest": DIGEST}, OURS, f"ghcr.io/projectescape/datalake-xcache@{DIGEST}"),
        ({"digest": DIGEST, "tag": "a"}, OURS, f"ghcr.io/projectescape/datalake-xcache@{DIGEST}"),
        ({}, f"r/x:1@{DIGEST}", f"r/x@{DIGEST}"),
        ({"tag": "2"}, f"r/x:1@{DIGEST}", "r/x:2"),
        ({}, "localhost:5000/x", "localhost:5000/x"),
    ],
)
def test_what_the_spec_names_is_laid_over_the_default(spec: dict[str, str], default: str, expected: str) -> None:
    assert image_reference(Image.model_validate(spec), default) == expected


def test_the_version_is_the_tag() -> None:
    assert image_version("localhost:5000/x:5.8.1-1") == "5.8.1-1"
    assert image_version(f"localhost:5000/x@{DIGEST}") is None
    assert image_version("localhost:5000/x") is None
