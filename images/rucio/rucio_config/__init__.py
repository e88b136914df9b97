"""Composes `rucio.cfg` from what is mounted into a container.

Needs Python alone, so that nothing is waited for.
"""
