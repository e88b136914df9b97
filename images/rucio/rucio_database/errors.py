"""What keeps us from the database, as a state with a message; and no secret in either."""

import re
from urllib.parse import quote, quote_plus


class Trouble(Exception):
    """The work cannot go on: `state` is one of `result.STATES`, `message` one line with the mend."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state
        self.message = message


def scrub(text: str, *secrets: str | None) -> str:
    """The text without those secrets, however they are quoted, and without the credentials of any URL."""
    for secret in secrets:
        # Shorter ones would blank half of the text, and no error message of PostgreSQL contains a password.
        if secret and len(secret) >= 4:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, "***")
    return re.sub(r"://[^/\s]*@", "://***@", text)


def first_line(error: BaseException, *secrets: str | None) -> str:
    """What happened, in one line: without SQL, parameters and details, which may show values."""
    original = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return scrub(lines[0] if lines else type(original).__name__, *secrets)[:300]
