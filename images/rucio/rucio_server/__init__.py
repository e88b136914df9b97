"""The REST server: health, metrics and how gunicorn runs it."""
