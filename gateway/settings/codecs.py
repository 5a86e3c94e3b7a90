"""`[codecs]`: vendors' payload codecs, where they are kept and what one call may take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.settings.problems import mistake
from gateway.settings.size import Size, format_size
from gateway.settings.values import FilePath, Section
from rules.duration import SECOND, Duration, format_duration

LEAST_MEMORY, MOST_MEMORY = 2 * 10**6, 128 * 10**6
LEAST_TIME, MOST_TIME = 20, 5 * SECOND


def _check_memory(size: int) -> int:
    if not LEAST_MEMORY <= size <= MOST_MEMORY:
        raise mistake(
            f"a codec cannot work with {format_size(size)}"
            if size < LEAST_MEMORY
            else "so much memory would be taken from the gateway",
            f'Use "{format_size(LEAST_MEMORY)}" to "{format_size(MOST_MEMORY)}"',
        )
    return size


def _check_time(length: int) -> int:
    if not LEAST_TIME <= length <= MOST_TIME:
        raise mistake(
            "a codec cannot start in that time"
            if length < LEAST_TIME
            else "all other codecs wait so long for one that hangs",
            f'Use "{format_duration(LEAST_TIME)}" to "{format_duration(MOST_TIME)}"',
        )
    return length


class Codecs(Section):
    """Vendors' payload codecs: JavaScript, run in a process that can reach nothing."""

    folder: FilePath | None = Field(
        default=None,
        description="Folder of the files, such as lht65.js; see the guide to codecs.",
        json_schema_extra={"default text": "`codecs` beside the settings, where there is one"},
    )
    memory: Annotated[Size, AfterValidator(_check_memory)] = Field(
        default=16 * 10**6, description="Memory that one codec may take."
    )
    time: Annotated[Duration, AfterValidator(_check_time)] = Field(
        default=250, description="Computing time that one message may take."
    )

    def place(self, beside: Path | None) -> Path | None:
        """Return the folder; where nobody named one, `codecs` in `beside`, if that is given."""
        if self.folder is not None or beside is None:
            return self.folder
        return beside / "codecs"
