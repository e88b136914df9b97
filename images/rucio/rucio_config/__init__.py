"""Composes `rucio.cfg` from what is mounted into a container."""
