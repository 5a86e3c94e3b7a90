"""`[backup]`: where copies of everything go, how often, and who can read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.backup.keys import check_public
from gateway.settings.problems import mistake
from gateway.settings.values import Age, FilePath, Section
from rules.duration import DAY, HOUR

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _check_key(text: str) -> str:
    try:
        return check_public(text)
    except ValueError:
        what = "is a secret key" if "SECRET" in text else "is no public key"
        raise mistake(
            f"this {what}" if "SECRET" in text else f"{text!r} {what}",
            "Make a pair with holdwatch backup key, and write its public key here: age1…",
        ) from None


def _check_every(length: int) -> int:
    if length < HOUR:
        raise mistake("each backup copies everything again", 'Use at least "1 h"')
    return length


def _check_at(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise mistake(f"{text!r} is no time of day", 'Write it as "02:00"')
    return text


class Backup(Section):
    """Copies of everything, made by the gateway itself."""

    folder: FilePath = Field(
        description="Folder that they are written to: on another disk than the data, or they are "
        "lost together. It must be there."
    )
    every: Annotated[Age, AfterValidator(_check_every)] | None = Field(
        default=None,
        description="How often.",
        json_schema_extra={"default text": '`"1 day"`, unless `at` is given'},
    )
    at: Annotated[str, AfterValidator(_check_at)] | None = Field(
        default=None,
        description="When each day, such as 02:00, in the gateway's time zone.",
        json_schema_extra={"default text": "when `every` says"},
    )
    keep: int = Field(
        default=7,
        ge=1,
        le=1000,
        description="So many are kept; the oldest is removed once a new one was read back.",
    )
    keys: tuple[Annotated[str, AfterValidator(_check_key)], ...] = Field(
        default=(),
        description="Public keys (age1…) that they are encrypted for; any one of their secret keys "
        "opens them. Without one they hold no passwords and no private keys. `holdwatch backup "
        "key` makes a pair.",
    )
    needs_mount: bool = Field(
        default=False,
        description="The folder is on a disk of its own, and nothing is written while that is not "
        "there: an unplugged USB disk does not fill the one with the data.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.every is not None and self.at is not None:
            raise mistake("there is every, and at too", "Keep one of them")
        return self

    @property
    def interval(self) -> int:
        """How often, ms."""
        return DAY if self.every is None else self.every

    def is_there(self) -> str | None:
        """Say why nothing can be written to the folder now, None if it can. May hang."""
        return missing(self.folder, needs_mount=self.needs_mount)


def missing(folder: Path, *, needs_mount: bool) -> str | None:
    """Say why nothing can be written to a folder, None if it can. May hang."""
    try:
        device = folder.stat().st_dev
    except OSError as error:
        return f"{folder} is not there ({error.strerror})"
    if not folder.is_dir():
        return f"{folder} is no folder"
    if needs_mount and device == Path("/").stat().st_dev:
        return f"the disk of {folder} is not there: what lies at that place is the system's own"
    return None
