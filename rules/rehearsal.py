"""Runs the tests that a profile carries: its series through the engine, its alerts compared.

The sample rules judge each series as they judge a consignment's past. What is about absence is
listened to as it would be live, from one interval to the next, with each reading heard at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from devices.reading import Reading, layout, reading
from rules.cargo.consignment import Consignment, Leg, Place, Staged, subject
from rules.duration import DAY, format_duration
from rules.engine import Engine
from rules.plan import always
from rules.profile import Expected, Profile, Sample
from rules.rule import AbsenceRule, Rule, current
from rules.series import values
from rules.transition import Episode, Transition, episode

START = 1_651_449_600_000
"""2022-05-02 00:00 UTC, a Monday: when every series begins."""
GOODS = subject("", "test")


class Rehearsed(NamedTuple):
    """What came of one test: the alerts expected, and those that came, a line each."""

    name: str
    expected: tuple[str, ...]
    came: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Whether exactly the expected alerts came."""
        return self.expected == self.came

    def difference(self) -> list[str]:
        """Return what was expected (-) and what came (+), with what both have between them."""
        lines = difflib.ndiff(self.expected or (NONE,), self.came or (NONE,))
        return [line for line in lines if not line.startswith("?")]


NONE = "no alert"


def rehearse(profile: Profile) -> list[Rehearsed]:
    """Run each test of a profile, in order."""
    return [_rehearse(profile.rules, sample) for sample in profile.tests]


def _rehearse(rules: Sequence[Rule], sample: Sample) -> Rehearsed:
    consignment = consignment_of(sample)
    bound = tuple(rule.bound(consignment) for rule in rules)
    heard = readings(sample)
    end = START + len(next(iter(_columns(sample).values()))) * sample.interval
    found = Engine(current(bound), always(sample.interval)).judge(heard)
    found += _absences(bound, sample.interval, heard, end)
    came = sorted(found, key=lambda one: (one.begin, one.fired_at, one.rule, one.channel))
    # An alert says only as much as the test asks of it, or nobody could leave anything out.
    expected = sorted(
        sample.alerts, key=lambda one: (one.begins, one.fires or one.begins, one.rule)
    )
    asked = _pair(expected, came)
    return Rehearsed(
        sample.name,
        tuple(_expected(one) for one in expected),
        tuple(_came(one, asked.get(number)) for number, one in enumerate(came)),
    )


def readings(sample: Sample) -> list[Reading]:
    """Return the readings that a test's series tell of, each heard as soon as it was measured."""
    columns = _columns(sample)
    found = []
    for index, row in enumerate(zip(*columns.values(), strict=True)):
        there = {
            channel: value for channel, value in zip(columns, row, strict=True) if value is not None
        }
        if not there:
            continue
        channels = tuple(sorted(there))
        when = START + index * sample.interval
        found.append(
            reading(
                device=GOODS,
                at=when,
                received=when,
                layout=layout(channels),
                values=tuple(there[channel] for channel in channels),
                sequence=None,
            )
        )
    return found


def consignment_of(sample: Sample) -> Consignment:
    """Return a consignment that has been on its way from the beginning of the test, as it says."""
    stops = [Place(f"stop {number}", position) for number, position in enumerate(sample.way, 1)]
    nowhere = Place("")
    origin, destination = (stops[0], stops[-1]) if stops else (nowhere, nowhere)
    leg = Leg(
        number=1,
        custodian="carrier",
        mode="road",
        origin=origin,
        destination=destination,
        departs=START,
        arrives=START + 3650 * DAY,
        via=tuple(stops[1:-1]),
    )
    return Consignment(
        owner=GOODS.owner,
        id="test",
        goods="test",
        created=START,
        origin=origin,
        destination=destination,
        legs=(leg,),
        stages=(Staged(sample.stage, START),),
        carried=sample.carried,
        cycles=sample.cycles,
    )


def _columns(sample: Sample) -> dict[str, list[float | None]]:
    return {channel: values(text) for channel, text in sample.series.items()}


def _absences(
    rules: Sequence[Rule], interval: int, heard: Sequence[Reading], end: int
) -> list[Episode]:
    """Return what rules about absence find, listening from the beginning of the series."""
    absence = tuple(rule for rule in rules if isinstance(rule, AbsenceRule))
    if not absence:
        return []
    engine = Engine(current(absence), always(interval))
    told: list[Transition] = []
    at = {one.at: one for one in heard}
    for now in range(START, end, interval):
        # What is heard at the very time is not missed.
        told += engine.tick(now - 1, START)
        if now in at:
            told += engine.fold([at[now]]).transitions
    told += engine.tick(end - 1, START)
    found = {one.id: episode(one) for one in told}
    return list(found.values())


def _pair(expected: Sequence[Expected], came: Sequence[Episode]) -> dict[int, Expected]:
    """Return for each that came the expected one that is about it: of the same rule, in order."""
    left = list(expected)
    found = {}
    for number, one in enumerate(came):
        meant = next((e for e in left if e.rule == one.rule), None)
        if meant is not None:
            left.remove(meant)
            found[number] = meant
    return found


def _expected(one: Expected) -> str:
    fires = one.begins if one.fires is None else one.fires
    return _line(one.rule, one.begins, fires, one.ends, one.severity, one.channel)


def _came(one: Episode, asked: Expected | None) -> str:
    ends = None if one.ended_at is None else one.ended_at - START
    return _line(
        one.rule,
        one.begin - START,
        one.fired_at - START,
        ends,
        one.severity if asked is None or asked.severity else None,
        one.channel if asked is None or asked.channel else None,
    )


def _line(  # noqa: PLR0913, PLR0917 - what an alert is compared by
    rule: str,
    begins: int,
    fires: int,
    ends: int | None,
    severity: str | None,
    channel: str | None,
) -> str:
    """Return an alert as a line: "too-warm begins 60 min, fires 2 h, ends 3 h"."""
    words = [
        f"{rule} begins {format_duration(begins)}",
        f"fires {format_duration(fires)}",
        "still open" if ends is None else f"ends {format_duration(ends)}",
        *(one for one in (severity, channel) if one),
    ]
    return ", ".join(words)
