"""Endpoints of a QoSProbe: the rows and columns of the grid."""

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import Items, Model
from datalake_operator.api.rules import ListType, matching, quantity_range, rule

Protocol: TypeAlias = Literal["root", "roots", "http", "https", "davs"]
IpFamily: TypeAlias = Literal["Any", "IPv4", "IPv6"]

EndpointName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching(
        "[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?",
        "must be a name",
        mend="use letters, digits, '_', '.' and '-', e.g. CERN-EOS",
    ),
]

_AUTHORITY = r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
_CLIMBS = re.compile("/([.]|%2[eE]){1,2}(/|$)|%2[fF]")
_PATH = r"(/[A-Za-z0-9_.,:+=@~%/-]*)?"

StorageUrl: TypeAlias = Annotated[
    str,
    Field(max_length=1024),
    matching(
        f"(root|roots|http|https|davs)://{_AUTHORITY}{_PATH}",
        "must be a URL of scheme root, roots, http, https or davs, without user, query and fragment",
        mend="e.g. root://eos.example.org:1094//escape/probe",
    ),
    rule(
        r"!self.matches('/(\\.|%2[eE]){1,2}(/|$)|%2[fF]')",
        "must not contain the steps . and .., nor an encoded /",
        lambda url: _CLIMBS.search(url) is None,
        mend="write the path itself",
    ),
]
WebUrl: TypeAlias = Annotated[
    str,
    Field(max_length=1024),
    matching(
        rf"https?://{_AUTHORITY}(/[!-~]*)?",
        "must be an http or https URL without user",
        mend="e.g. https://rucio.example.org/ping",
    ),
]
FilePath: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    matching("[A-Za-z0-9_.,:+=@~%/-]+", "must be a path", mend="use letters, digits and _.,:+=@~%/-"),
    rule(
        r"!self.matches('(^|/)\\.\\.(/|$)')",
        "must not contain the step ..",
        lambda path: ".." not in path.split("/"),
        mend="write the path itself",
    ),
]
Adler32: TypeAlias = Annotated[
    str,
    Field(max_length=8),
    matching("[0-9a-f]{8}", "must be an adler32 checksum", mend="write 8 hexadecimal digits in lower case"),
]


def has_path(url: str) -> bool:
    """Whether a URL names more than the root of a server."""
    return bool(url.partition("://")[2].partition("/")[2].strip("/"))


def payload_size(high: str) -> Any:
    """Return the rule for the size of a file that a probe writes, up to `high`."""
    return quantity_range("1Ki", high)


class EndpointUrl(Model):
    """One way to reach an endpoint."""

    rules = (
        rule(
            "self.protocol == 'davs' ? self.url.matches('^(davs|https)://') : self.url.startsWith(self.protocol + '://')",
            "does not fit its protocol",
            lambda self: self.url.startswith(
                ("davs://", "https://") if self.protocol == "davs" else f"{self.protocol}://"
            ),
            mend="begin it with the protocol; davs may also be written https",
            at=".url",
        ),
    )

    protocol: Protocol
    """Protocol: root, roots, http, https or davs."""
    url: StorageUrl
    """URL of a folder that is the probe's own: outside every RSE prefix, never on tape-backed space."""


class KnownFile(Model):
    """A file that is there already."""

    path: FilePath
    """Path below the URL."""
    size: Annotated[int, Field(ge=0, le=2**50, json_schema_extra={"format": "int64"})]
    """Its size in bytes."""
    adler32: Adler32
    """Its adler32 checksum, 8 hexadecimal digits."""


class Endpoint(Model):
    """A storage endpoint: a row and a column of the grid."""

    rules = (
        rule(
            "self.access != 'ReadOnly' || has(self.readFile)",
            "access ReadOnly needs readFile",
            lambda self: self.access != "ReadOnly" or self.read_file is not None,
            mend="name a file that is there: readFile with path, size and adler32",
        ),
        rule(
            "self.access == 'ReadOnly' || self.urls.all(u, !u.url.matches('^[a-z]+://[^/]+/*$'))",
            "a URL without a path is refused for writing: it would be the root of somebody's storage",
            lambda self: self.access == "ReadOnly" or all(has_path(entry.url) for entry in self.urls),
            mend="add a folder that is the probe's own, or use access ReadOnly",
            at=".urls",
        ),
    )

    name: EndpointName
    """Name, e.g. CERN-EOS; the same name in two probes is the same row of the grid."""
    site: EndpointName
    """Site that it belongs to, e.g. CERN."""
    urls: Annotated[Items[EndpointUrl], Field(min_length=1, max_length=5), ListType("map", ("protocol",))]
    """How to reach it, one URL for each protocol."""
    access: Literal["ReadWrite", "ReadOnly"] = "ReadWrite"
    """What the probe may do. ReadWrite by default; ReadOnly needs readFile."""
    read_file: KnownFile | None = None
    """The file that is read with access ReadOnly."""
    ip_family: IpFamily = "Any"
    """IPv4 or IPv6 to test that family alone. Any by default, which hides a dead family."""
