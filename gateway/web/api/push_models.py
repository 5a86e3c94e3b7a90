"""What answers hold to whoever pushes what devices said."""

from __future__ import annotations

from pydantic import Field

from gateway.web.api.models import Model


class Refused(Model):
    """Why a message, or a part of it, lies in the quarantine, and what to do."""

    reason: str = Field(description="A short name, by which such messages are counted.")
    detail: str
    cure: str


class Pushed(Model):
    """What became of a message. All of it is on the disk."""

    readings: int
    later: int = Field(description="Messages that a vendor's codec reads soon.")
    quarantine: list[Refused] = Field(
        description="What could not be understood. It is kept, and need not be sent again."
    )
