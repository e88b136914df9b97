"""What the operator reads of the answers of a Rucio, with bounds that status can hold.

The image is the user's choice, so the answers may be anything: what breaks these rules must not reach `status`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=512)]
Name = Annotated[str, Field(max_length=4096)]
"""Rucio keeps names of executables up to 4,000 characters long."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class Health(_Part):
    """What the server's own check says."""

    state: Annotated[str, Field(max_length=64)]
    revision: Text | None = None
    head: Text | None = None
    version: Text | None = None
    hold: Text | None = None
    message: Annotated[str, Field(max_length=16384)] | None = None


class Heartbeat(_Part):
    """One daemon on one host."""

    executable: Name
    hostname: Name
    updated_at: Annotated[Text, Field(alias="updatedAt")]


class State(_Part):
    """All answers of one round."""

    health: Health
    login: Literal["ok", "refused", "failed"]
    login_error: Annotated[Text | None, Field(alias="loginError")] = None
    heartbeats: list[Heartbeat] | None = None

    def notable(self) -> object:
        """What is worth a reconcile at once when it changes."""
        beats = None if self.heartbeats is None else frozenset((b.executable, b.hostname) for b in self.heartbeats)
        health = self.health
        return (
            health.state,
            health.revision,
            health.head,
            health.version,
            health.hold,
            self.login,
            self.login_error,
            beats,
        )
