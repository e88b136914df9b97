"""The database of a Rucio: says its state, fills an empty one, migrates an old one, and harms none.

Runs in the Rucio image with the version of Rucio that is wanted, as `rucio-run rucio-database VERB`. The REST server
shares its judgement (`rucio_database.classify`).
"""
