"""Durations and states."""

from __future__ import annotations

from typing import Literal

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """How long a rule waits. Durations in milliseconds.

    `hold` is how long a sample speaks for; `reset_after` (cumulative only) is the continuous
    CLEAR time after which the total starts again, None for never.
    """

    mode: Literal["instant", "consecutive", "cumulative"]
    duration: int
    clear_duration: int
    gap: Literal["pause", "reset"]
    hold: int
    reset_after: int | None = None
