"""The runner of a probe: measures what its plan says, once, and leaves the result envelope. See README.md above."""
