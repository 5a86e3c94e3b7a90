"""`[log]`: what is logged, in what form, and how much at most."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.problems import mistake
from gateway.settings.size import Size
from gateway.settings.values import Section


def _check_rate(size: int) -> int:
    if size < 1_000:
        raise mistake("hardly a line fits into that", 'Use at least "1 kB"')
    return size


class Log(Section):
    """What the gateway tells of itself on its standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="`text` for people, `json` for programs: one object a line; `auto` is text on "
        "a terminal and JSON elsewhere.",
    )
    rate: Annotated[Size, AfterValidator(_check_rate)] = Field(
        default=16_000,
        description="At most so much a minute of lines about one and the same thing: what others "
        "do must not fill an SD card. How many were left out is logged.",
    )
