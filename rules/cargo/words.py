"""How lengths of time and moments are said in verdicts: one way for all of them."""

from __future__ import annotations

import datetime as dt

from rules.duration import MINUTE, SECOND, format_duration


def length(milliseconds: float) -> str:
    """Say a length of time: to the second, from ten minutes on to the minute."""
    whole = round(abs(milliseconds) / SECOND) * SECOND
    if whole >= 10 * MINUTE:
        whole = round(whole / MINUTE) * MINUTE
    return format_duration(whole if milliseconds >= 0 else -whole)


def moment(when: int, zone: dt.tzinfo) -> str:
    """Say a time (ms) by the clock on the wall: 2026-01-02 10:05 CET."""
    return f"{dt.datetime.fromtimestamp(when / 1000, zone):%Y-%m-%d %H:%M %Z}"
