"""Read by every Python of the image when it starts: what Rucio has no option for."""

from contextlib import suppress

# psycopg prepares a statement that is used often, in a session that a transaction pooler gives to somebody else next
# ("prepared statement _pg3_0 already exists"). What is asked for here is rarely the same, so that nothing is lost.
with suppress(ImportError):
    import psycopg

    psycopg.Connection.connect.__func__.__kwdefaults__["prepare_threshold"] = None
