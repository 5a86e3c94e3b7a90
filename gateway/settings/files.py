"""`[journal]`, `[history]`, `[disk]`: how long and how much of what is stored is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.problems import mistake
from gateway.settings.size import Size
from gateway.settings.values import Age, Section
from rules.duration import DAY, MINUTE, Duration


def _check_commit_interval(length: int) -> int:
    if length > MINUTE:
        raise mistake("a sender does not wait so long", 'Use at most "60 s"')
    return length


class JournalSection(Section):
    """Everything that arrived, in the order of time, for some days."""

    keep: Age = Field(default=7 * DAY, description="How long.")
    keep_size: Size = Field(default=2 * 10**9, description="At most so much.")
    keep_quarantine: Age = Field(
        default=90 * DAY,
        description="How long messages that could not be decoded are kept, to be decoded again.",
    )
    quarantine_size: Size = Field(
        default=200 * 10**6,
        description="At most so much of them; the oldest go first, and the log says so.",
    )
    commit_interval: Annotated[Duration, AfterValidator(_check_commit_interval)] = Field(
        default=20,
        description="How long a message may wait for its commit, and its sender for the "
        "acknowledgement. Longer spares an SD card.",
    )


class HistorySection(Section):
    """The readings of years, compact."""

    keep: Age = Field(
        default=5 * 366 * DAY,
        description="How long. A year counts 366 days.",
        json_schema_extra={"default text": '`"5 years"`'},
    )
    keep_size: Size | None = Field(
        default=None,
        description="At most so much; the oldest days go first.",
        json_schema_extra={"default text": "no limit but the disk's"},
    )


class DiskSection(Section):
    """What happens before the disk is full."""

    ballast: Size = Field(
        default=16 * 10**6,
        description="A file of this size is kept, and given up so that alerts can still be "
        "written.",
    )
    minimum_free: Size = Field(
        default=64 * 10**6,
        description="With less free room nothing is received or acknowledged, and an alarm tells.",
    )
    soon: Age = Field(
        default=14 * DAY,
        description="An alert tells when the disk is full in less time than this, at the rate of "
        "the last days.",
    )
    least_history: Age = Field(
        default=30 * DAY,
        description="So much of the history is not given up for want of room.",
    )
