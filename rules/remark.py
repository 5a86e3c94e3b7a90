"""What there is to remark on a reading, in words that a person understands."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from devices.reading import QUANTITIES
from rules.duration import DAY, HOUR, MINUTE, SECOND

Name = Literal[
    "out-of-range",
    "missing",
    "frozen",
    "jump",
    "clock-off",
    "late",
    "low-battery",
    "weak-signal",
    "sequence-gap",
    "maintenance",
]
NAMES: tuple[Name, ...] = get_args(Name)
WORDS: dict[Name, str] = {
    "out-of-range": "outside of what can be true",
    "missing": "without a value",
    "frozen": "always the same value",
    "jump": "impossible jump",
    "clock-off": "clock wrong",
    "late": "came late",
    "low-battery": "battery low",
    "weak-signal": "signal weak",
    "sequence-gap": "messages before it missing",
    "maintenance": "in maintenance",
}
"""What each is called in a heading."""


class Remark(msgspec.Struct, frozen=True, gc=False):
    """One thing that is remarkable about a reading. `channel` is "" for the reading as a whole."""

    name: Name
    channel: str
    text: str


def told(channel: str, value: float) -> str:
    """Return a value with its unit."""
    unit = QUANTITIES[channel.partition(".")[0]].unit
    return f"{value:.7g} {unit}" if unit else f"{value:.7g}"


def lasting(length: int) -> str:
    """Return about how long that is (ms): "3 days", "5 h", "12 min"."""
    for unit, size in (("days", 2 * DAY), ("h", 2 * HOUR), ("min", 2 * MINUTE)):
        if length >= size:
            return f"{length // (size // 2)} {unit}"
    return f"{length / SECOND:g} s"


def out_of_range(channel: str, value: float, low: float, high: float) -> Remark:
    """Return the remark on a value that cannot be true."""
    text = f"{told(channel, value)} cannot be: it would lie between {low:g} and {high:g}"
    return Remark("out-of-range", channel, text)


def missing(channel: str) -> Remark:
    """Return the remark on a value that the device has not got."""
    return Remark("missing", channel, "the device sent no value")


def frozen(channel: str, value: float, length: int) -> Remark:
    """Return the remark on a sensor that seems to be stuck, for `length` ms."""
    return Remark(
        "frozen", channel, f"{told(channel, value)} to the last digit for {lasting(length)}"
    )


def jump(channel: str, before: float, value: float, length: int) -> Remark:
    """Return the remark on a value that moved faster than anything real, within `length` ms."""
    text = f"from {told(channel, before)} to {told(channel, value)} in {lasting(length)}"
    return Remark("jump", channel, f"{text}: nothing real changes so fast")


def clock_off(*, ahead: bool, length: int) -> Remark:
    """Return the remark on a clock that is `length` ms ahead, or lies before the year 2000."""
    if ahead:
        return Remark("clock-off", "", f"its clock is {lasting(length)} ahead")
    return Remark("clock-off", "", "its clock was never set: it says a time before the year 2000")


def low_battery(channel: str, value: float, limit: float) -> Remark:
    """Return the remark on a battery below its limit."""
    return Remark(
        "low-battery", channel, f"{told(channel, value)}: change it below {told(channel, limit)}"
    )


def weak_signal(channel: str, value: float) -> Remark:
    """Return the remark on a signal that is barely heard."""
    return Remark("weak-signal", channel, f"{told(channel, value)}: messages are soon lost")


def sequence_gap(count: int, first: int, last: int) -> Remark:
    """Return the remark that `count` messages before this one have not come."""
    if count == 1:
        return Remark("sequence-gap", "", f"message {first} before it has not come")
    return Remark(
        "sequence-gap", "", f"{count} messages before it have not come ({first} to {last})"
    )


LATE = Remark(
    "late",
    "",
    "received an hour or more after its time: it was stored on the way, or its clock is slow",
)
MAINTENANCE = Remark("maintenance", "", "measured while the device was in maintenance")
