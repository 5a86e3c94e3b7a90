"""When somebody has an alert no more."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.notify.lapsing import Lapse, lapse, shift_end
from gateway.people.acts import Act, Facts
from gateway.settings.routes import Acknowledgement
from rules.duration import HOUR
from tests.gateway.notify.site import firing

SHIFTS = ("06:00", "14:00", "22:00")


def ms(text: str) -> int:
    moment = dt.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return int(moment.timestamp() * 1000)


TAKEN = ms("2026-11-18 13:00")
GRAVER = "it was warning when anna took it, and is critical"


@pytest.mark.parametrize(
    ("holds", "passed", "severity", "expected"),
    [
        ({}, 1000 * HOUR, "warning", Lapse()),
        ({}, 0, "info", Lapse()),
        ({}, 0, "critical", Lapse(GRAVER)),
        ({"longest": "4 h"}, 4 * HOUR - 1, "warning", Lapse(again=TAKEN + 4 * HOUR)),
        ({"longest": "4 h"}, 4 * HOUR, "warning", Lapse("it has not recovered for 4 h")),
        ({"shifts": SHIFTS}, HOUR - 1, "warning", Lapse(again=TAKEN + HOUR)),
        ({"shifts": SHIFTS}, HOUR, "warning", Lapse("the shift ended at 14:00")),
        ({"shifts": SHIFTS, "longest": "4 h"}, 0, "warning", Lapse(again=TAKEN + HOUR)),
        ({"shifts": SHIFTS, "longest": "30 min"}, 0, "warning", Lapse(again=TAKEN + HOUR // 2)),
    ],
)
def test_it_lapses_at_the_shift_after_its_time_and_when_it_gets_graver(
    holds: dict[str, Any], passed: int, severity: str, expected: Lapse
) -> None:
    assert asked(holds, severity=severity, now=TAKEN + passed) == expected


@pytest.mark.parametrize("more", [{"trusted": False}, {"now": TAKEN - HOUR}])
def test_no_shift_ends_by_a_clock_that_cannot_be_trusted(more: dict[str, Any]) -> None:
    holds = {"shifts": SHIFTS, "longest": "1 min"}
    assert asked(holds, **{"now": TAKEN + 9 * HOUR, **more}) == Lapse()
    assert asked(holds, severity="critical", **{"now": TAKEN, **more}) == Lapse(GRAVER)


def test_where_nobody_has_it_or_it_is_over_nothing_lapses() -> None:
    holds = Acknowledgement.model_validate({"longest": "1 min"})
    over = firing(state="resolved", ended=TAKEN)
    now = TAKEN + HOUR
    assert lapse(firing(), Facts(), holds, zone="UTC", now=now, trusted=True) == Lapse()
    assert lapse(over, known(), holds, zone="UTC", now=now, trusted=True) == Lapse()


@pytest.mark.parametrize(
    ("since", "end"),
    [
        ("2026-11-18 13:59", "2026-11-18 14:00"),
        ("2026-11-18 14:00", "2026-11-18 22:00"),
        ("2026-11-18 23:00", "2026-11-19 06:00"),
        ("2026-10-24 23:00", "2026-10-25 06:00"),
        ("2027-03-27 23:00", "2027-03-28 06:00"),
    ],
)
def test_shifts_end_by_the_clock_on_the_wall(since: str, end: str) -> None:
    assert shift_end(SHIFTS, ms(since), "Europe/Berlin")[0] == ms(end)


def asked(
    holds: dict[str, Any], *, now: int, severity: str = "warning", trusted: bool = True
) -> Lapse:
    return lapse(
        firing(severity=severity),
        known(),
        Acknowledgement.model_validate(holds),
        zone="Europe/Berlin",
        now=now,
        trusted=trusted,
    )


def known() -> Facts:
    return Facts(taken=Act("a", "acknowledged", "anna", TAKEN, "so", severity="warning"))
