"""Which days a report is about, and what it says when nobody can know them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from devices.reading import IMPORTED, DeviceKey
from gateway.past import Known
from gateway.refusal import ControlError
from gateway.report_range import find_zone, time_range
from tests.gateway.parts import said

ZURICH = ZoneInfo("Europe/Zurich")
HOLD = 20 * 60_000
DEVICE = DeviceKey("acme", "kitchen")


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZURICH).timestamp() * 1000)


FIRST, LAST, NOW = "2026-11-10 12:00", "2026-11-15 12:00", "2026-11-22 14:00"
IN_FILE = "2026-11-15 12:20"
"""Where a file with that last reading ends: its hold is over."""


def asked(
    since: str | None, until: str | None, *, last: str = LAST, flags: int = 0, hold: int = HOLD
) -> tuple[int, int]:
    known = Known(at(FIRST), said(at=at(last), flags=flags))
    return time_range(DEVICE, known, since=since, until=until, zone=ZURICH, now=at(NOW), hold=hold)


@pytest.mark.parametrize(
    ("since", "until", "start", "end", "of_a_file"),
    [
        (None, None, FIRST, NOW, IN_FILE),
        ("2026-11-12", None, "2026-11-12 00:00", NOW, IN_FILE),
        ("2026-11-01", None, FIRST, NOW, IN_FILE),
        ("2026-11-10", None, FIRST, NOW, IN_FILE),
        (None, "2026-11-13", FIRST, "2026-11-14 00:00", None),
        (None, "2026-11-10", FIRST, "2026-11-11 00:00", None),
        (None, "2026-11-19", FIRST, "2026-11-20 00:00", None),
        (None, "2026-11-22", FIRST, NOW, None),
        (None, "2026-12-31", FIRST, NOW, None),
        ("2026-11-18", "2026-11-19", "2026-11-18 00:00", "2026-11-20 00:00", None),
        ("2026-11-19", "2026-11-19", "2026-11-19 00:00", "2026-11-20 00:00", None),
        ("2026-11-18", None, "2026-11-18 00:00", NOW, None),
        ("2026-11-22", None, "2026-11-22 00:00", NOW, None),
        (None, "9999-12-30", FIRST, NOW, None),
    ],
)
def test_it_goes_from_the_first_reading_to_now_within_the_days_asked_for(
    since: str | None, until: str | None, start: str, end: str, of_a_file: str | None
) -> None:
    assert asked(since, until) == (at(start), at(end))
    assert asked(since, until, flags=IMPORTED) == (at(start), at(of_a_file or end))


def test_a_file_ends_on_the_day_of_its_last_reading() -> None:
    late = "2026-11-15 23:50"
    assert asked(None, None, last=late, flags=IMPORTED)[1] == at("2026-11-16 00:00")
    assert asked(None, None, last=late, flags=IMPORTED, hold=0)[1] == at(late) + 1
    assert asked(None, None, last="2026-11-22 13:55", flags=IMPORTED)[1] == at(NOW)


def test_a_reading_ahead_of_our_clock_is_told() -> None:
    ahead = "2026-11-22 14:03"
    assert asked(None, None, last=ahead) == (at(FIRST), at(ahead) + 1)
    assert asked(None, None, last=ahead, flags=IMPORTED) == (at(FIRST), at(ahead) + 1)


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("2026-11-13", "2026-11-12", "--from 2026-11-13 is later than --to 2026-11-12"),
        ("2030-01-01", "2026-11-12", "--from 2030-01-01 is later than --to 2026-11-12"),
        (None, "2026-11-09", "acme/kitchen is known from 2026-11-10 on, not before"),
        ("2026-11-01", "2026-11-09", "acme/kitchen is known from 2026-11-10 on, not before"),
        ("2026-11-23", None, "2026-11-23 is still to come"),
        ("2026-11-23", "2026-11-24", "2026-11-23 is still to come"),
        ("yesterday", None, "'yesterday' is no day"),
        (None, "2026-02-30", "'2026-02-30' is no day"),
        ("0001-01-01", "0001-01-01", "acme/kitchen is known from 2026-11-10 on, not before"),
        (None, "9999-12-31", None),
    ],
)
@pytest.mark.parametrize("flags", [0, IMPORTED])
def test_days_that_nobody_can_know_are_refused_with_the_reason(
    since: str | None, until: str | None, problem: str | None, flags: int
) -> None:
    if problem is None:
        assert asked(since, until, flags=flags) == (at(FIRST), at(NOW))
        return
    with pytest.raises(ControlError) as refused:
        asked(since, until, flags=flags)
    assert problem in refused.value.problem
    assert refused.value.cure


@pytest.mark.parametrize("name", ["Europe/Zurych", "../etc/passwd", ""])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(ControlError, match="no time zone"):
        find_zone(name)
