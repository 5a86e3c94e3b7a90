"""Consignments that a person can read, with what their sensors said.

A voyage begins at START; one sample every five minutes, which speaks for 12 min: see
`tests.rules.series`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from devices.reading import DeviceKey, Reading, layout, reading
from rules.alert import Alert
from rules.cargo.consignment import (
    Assignment,
    Consignment,
    Custody,
    Leg,
    Place,
    Staged,
    Travelled,
    subject,
)
from rules.cargo.judging import judge
from rules.cargo.verdict import Verdict
from rules.duration import MINUTE
from rules.profile import Profile
from tests.rules.series import INTERVAL, STEP, at

A = DeviceKey("acme", "probe-a")
B = DeviceKey("acme", "probe-b")
CHILLED: dict[str, Any] = {
    "name": "chilled",
    "title": "Chilled",
    "source": "a test",
    "measures": "air",
    "instructions": "Close the door.",
    "energy": 83.144,
    "ranges": ({"channel": "temperature", "low": 2.0, "high": 8.0, "aim": 5.0},),
}
TOTAL = {
    "name": "too-warm",
    "kind": "threshold",
    "channel": "temperature",
    "above": 8.0,
    "mode": "cumulative",
    "for": "60 min",
}


def profile(**settings: object) -> Profile:
    return Profile.model_validate({**CHILLED, **settings})


def said(series: str, sensor: DeviceKey = A, *, since: float = 0) -> list[Reading]:
    """Return what a sensor said: "5x12 9x3 - ?" as in `tests.rules.series`, every five minutes."""
    found, minutes = [], since
    for word in series.split():
        value, _, count = word.partition("x")
        for _ in range(int(count or 1)):
            if value != "-":
                number = math.nan if value == "?" else float(value)
                found.append(sample(minutes, sensor, temperature=number))
            minutes += STEP / MINUTE
    return found


def sample(minutes: float, sensor: DeviceKey = A, **values: float) -> Reading:
    channels = tuple(sorted(values))
    return reading(
        device=sensor,
        at=at(minutes),
        received=at(minutes) + 2000,
        layout=layout(channels),
        values=tuple(values[one] for one in channels),
        sequence=None,
    )


def assigned(
    sensor: DeviceKey = A, since: float = 0, until: float | None = None, ignore: float = 0
) -> Assignment:
    return Assignment(
        sensor=sensor,
        since=at(since),
        until=None if until is None else at(until),
        ignore_until=at(since + ignore),
    )


def custody(custodian: str, since: float, until: float | None, **more: object) -> Custody:
    made: dict[str, Any] = {"leg": None, **more}
    return Custody(
        custodian=custodian,
        since=at(since),
        until=None if until is None else at(until),
        **made,
    )


def consignment(**settings: object) -> Consignment:
    """A consignment that left Basel at START by truck, for Rotterdam."""
    defaults: dict[str, Any] = {
        "owner": "acme",
        "id": "C-1",
        "goods": "chilled",
        "created": at(-60),
        "legs": (
            Leg(
                number=1,
                custodian="Alpha",
                mode="road",
                origin=Place("Basel", (47.56, 7.59)),
                destination=Place("Rotterdam", (51.95, 4.14)),
                departs=at(0),
                vehicle="BS 1234",
            ),
        ),
        "travelled": (Travelled(1, at(0)),),
        "assignments": (assigned(),),
        "custody": (custody("Alpha", -60, None, leg=1),),
        "stages": (Staged("planned", at(-60)), Staged("in_transit", at(0))),
    }
    made: dict[str, Any] = {**defaults, **settings}
    return Consignment(**made)


def alert(
    rule: str = "too-warm", began: float = 0, ended: float | None = None, **more: object
) -> Alert:
    defaults: dict[str, Any] = {
        "id": f"{rule}-{began:g}",
        "rule": rule,
        "version": "0",
        "kind": "threshold",
        "severity": "warning",
        "device": subject("acme", "C-1"),
        "channel": "temperature",
        "state": "firing" if ended is None else "resolved",
        "reason": "",
        "began": at(began),
        "fired": at(began),
        "ended": None if ended is None else at(ended),
    }
    made: dict[str, Any] = {**defaults, **more}
    return Alert(**made)


def verdict(
    readings: str | Mapping[DeviceKey, Sequence[Reading]],
    goods: Profile | None = None,
    whole: Consignment | None = None,
    *,
    until: float,
    alerts: Sequence[Alert] = (),
    speaks: int = INTERVAL,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Verdict:
    """Judge what was said until so many minutes after START."""
    heard = {A: said(readings)} if isinstance(readings, str) else readings
    return judge(
        whole or consignment(),
        goods or profile(),
        heard,
        alerts,
        speaks=lambda _sensor, _when: speaks,
        until=at(until),
        said=notes,
    )


def minutes(length: float) -> float:
    return length / MINUTE
