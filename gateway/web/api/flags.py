"""The flags of readings as words."""

from __future__ import annotations

from functools import lru_cache

from devices.reading import (
    ARRIVAL,
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    IMPORTED,
    OWN_CLOCK_UNTRUSTED,
    RETAINED,
    UNUSABLE,
)
from gateway.web.corrected import CALIBRATED, MAINTAINED

_WORDS = {
    ARRIVAL: "no-clock",
    CLOCK_AHEAD: "clock-ahead",
    CLOCK_BEHIND: "clock-behind",
    RETAINED: "retained",
    IMPORTED: "imported",
    OWN_CLOCK_UNTRUSTED: "own-clock-untrusted",
    CALIBRATED: "calibrated",
    MAINTAINED: "maintenance",
}


def flag_words(flags: int) -> tuple[str, ...]:
    """Return the flags of a reading, or of several, in words."""
    return _words(flags & ~UNUSABLE)


@lru_cache(256)
def _words(flags: int) -> tuple[str, ...]:
    return tuple(word for bit, word in _WORDS.items() if flags & bit)
