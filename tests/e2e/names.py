"""Namespaces that the end-to-end tests share."""

OPERATOR = "e2e-operator"
"""The operator of the session."""
STORAGE = "e2e-storage"
"""Tests of storage."""
RUCIO = "e2e-rucio"
"""Tests of Rucio."""
