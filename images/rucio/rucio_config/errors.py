"""What can be wrong with what is mounted."""


class ConfigError(Exception):
    """Something is missing or cannot be used. The message says what and how to mend it, and never shows a secret."""
