"""Passwords that do not exist yet: a build knows no randomness, so it says where one is wanted."""

GENERATED = "(generated)"
"""Stands in `stringData` of a Secret for a value that whoever creates it makes up."""
