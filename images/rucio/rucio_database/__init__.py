"""The state of a Rucio database, and what is done about it."""
