"""Which Rucio this is. Where it says so differs between versions; version_string is in all."""

from rucio.version import version_string

VERSION: str = version_string()
"""Version of the Rucio that is installed, e.g. 41.5.1."""
