"""Made-up reports on consignments, small and as large as they come."""

from __future__ import annotations

import math
from typing import Any

from devices.reading import DeviceKey
from gateway.consignments.report import (
    Alerted,
    Certificate,
    Chart,
    Decision,
    Earlier,
    Line,
    Report,
    RuleText,
    Said,
    Sensor,
    Version,
)
from gateway.people.acts import Act
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
from rules.cargo.verdict import (
    Band,
    Budget,
    Cases,
    Excluded,
    Excursion,
    Extreme,
    Share,
    Statistic,
    Verdict,
)
from rules.duration import DAY, HOUR, MINUTE

OWNER = "acme"
SINCE = 1_778_565_600_000  # 2026-05-12 06:00 UTC
UNTIL = SINCE + 3 * DAY
SENSORS = (DeviceKey(OWNER, "logger-17"), DeviceKey(OWNER, "logger-18"))
ID = "vac-2026-0512"
RULE = "vaccines@0123456789ab"
PROFILE: dict[str, Any] = {
    "name": "vaccines",
    "title": "Refrigerated vaccines",
    "source": "AAP and CDC, storage and handling of vaccines",
    "basis": "standard",
    "measures": "buffered probe",
    "instructions": "Move the goods into a working refrigerator and call the quality desk.",
    "ranges": [{"channel": "temperature", "low": 2.0, "high": 8.0, "aim": 5.0}],
    "criteria": {"reject": ["freezing"], "accept": ["short-warm"], "unknown": "2 h"},
    "energy": 83.144,
}


def consignment(**more: object) -> Consignment:
    """A consignment of vaccines in two legs."""
    warsaw, lodz, izmir = Place("Łódź, magazyn 4"), Place("Ηράκλειο"), Place("İzmir, Türkiye")
    fields: dict[str, Any] = {
        "owner": OWNER,
        "id": ID,
        "goods": "vaccines",
        "version": RULE,
        "created": SINCE,
        "description": "Вакцины для клиники: 12 boxes, keep at 2 to 8 °C",
        "quantity": 1200.0,
        "unit": "doses",
        "value": 48000.0,
        "currency": "EUR",
        "origin": warsaw,
        "destination": izmir,
        "legs": (
            Leg(
                number=1,
                custodian="Kühne & Søn",
                mode="road",
                origin=warsaw,
                destination=lodz,
                departs=SINCE,
                arrives=SINCE + DAY,
                vehicle="WX 4711",
            ),
            Leg(
                number=2,
                custodian="Aegean Cargo",
                mode="sea",
                origin=lodz,
                destination=izmir,
                departs=SINCE + DAY,
                arrives=SINCE + 3 * DAY,
                vehicle="MSKU9070323",
                heard=False,
            ),
        ),
        "travelled": (
            Travelled(1, SINCE, SINCE + DAY + HOUR),
            Travelled(2, SINCE + DAY + 2 * HOUR, UNTIL),
        ),
        "assignments": tuple(
            Assignment(sensor=one, since=SINCE, ignore_until=SINCE + 30 * MINUTE, where=where)
            for one, where in zip(SENSORS, ("door side", "in the middle"), strict=True)
        ),
        "custody": (
            Custody(custodian="Kühne & Søn", since=SINCE, until=SINCE + DAY + HOUR, leg=1),
            Custody(
                custodian="Kühne & Søn",
                since=SINCE + DAY + HOUR,
                until=SINCE + DAY + 5 * HOUR,
                confirmed=False,
                leg=1,
            ),
            Custody(custodian="Aegean Cargo", since=SINCE + DAY + 5 * HOUR, leg=2),
        ),
        "stages": (Staged("in_transit", SINCE), Staged("delivered", UNTIL)),
    }
    return Consignment(**{**fields, **more})


def excursion(number: int = 1, **more: object) -> Excursion:
    fields: dict[str, Any] = {
        "number": number,
        "channel": "temperature",
        "side": "above",
        "begin": SINCE + 20 * HOUR,
        "end": SINCE + 22 * HOUR + 20 * MINUTE,
        "out": 140 * MINUTE,
        "unknown": 0,
        "worst": 11.43,
        "worst_at": SINCE + 21 * HOUR,
        "worst_sensor": SENSORS[0],
        "shares": (Share("Kühne & Søn", 140 * MINUTE, confirmed=True, leg=1),),
        "place": "near Brno",
        "alerts": ("0f1e2d3c4b5a6978",),
        "explanation": "Above 8 °C for 2 h 20 min. driver: Door was open, now closed.",
    }
    return Excursion(**{**fields, **more})


def verdict(**more: object) -> Verdict:
    fields: dict[str, Any] = {
        "consignment": ID,
        "profile": "vaccines",
        "version": RULE,
        "since": SINCE,
        "until": UNTIL,
        "statistics": (
            Statistic(
                channel="temperature",
                unit="°C",
                readings=1650,
                lowest=Extreme(2.91, SINCE + 50 * HOUR, SENSORS[1]),
                highest=Extreme(11.43, SINCE + 21 * HOUR, SENSORS[0]),
                mean=5.237,
                known=3 * DAY - 4 * HOUR,
                unknown=4 * HOUR,
                partly=35 * MINUTE,
                mkt=Cases(5.61, 5.58, 5.97),
            ),
            Statistic(
                channel="humidity",
                unit="%RH",
                readings=825,
                lowest=Extreme(41.0, SINCE + 3 * HOUR, SENSORS[0]),
                highest=Extreme(63.5, SINCE + 44 * HOUR, SENSORS[0]),
                mean=52.16,
                known=3 * DAY - 4 * HOUR,
                unknown=4 * HOUR,
            ),
        ),
        "bands": (
            Band("temperature", "below the range", None, 2.0, Cases(0, 0, 4 * HOUR), inside=False),
            Band(
                "temperature",
                "in the range",
                2.0,
                8.0,
                Cases(3 * DAY - 4 * HOUR - 140 * MINUTE, 3 * DAY - 140 * MINUTE, 2.6 * DAY),
                inside=True,
            ),
            Band(
                "temperature",
                "above the range",
                8.0,
                None,
                Cases(140 * MINUTE, 140 * MINUTE, 380 * MINUTE),
                inside=False,
            ),
        ),
        "budgets": (
            Budget(
                rule="stability-budget",
                unit="ms",
                allowed=24 * HOUR,
                carried=3 * HOUR,
                used=Cases(320 * MINUTE, 320 * MINUTE, 560 * MINUTE),
                left=Cases(1120 * MINUTE, 1120 * MINUTE, 880 * MINUTE),
            ),
            Budget(
                rule="freeze-thaw",
                unit="cycles",
                allowed=1,
                carried=0,
                used=Cases(0, 0, 1),
                left=Cases(1, 1, 0),
            ),
        ),
        "excursions": (excursion(),),
        "excluded": (
            Excluded(SENSORS[0], SINCE, SINCE + 30 * MINUTE, 7, "first 30 min: not cool yet"),
        ),
        "known": 3 * DAY - 4 * HOUR,
        "unknown": 4 * HOUR,
        "proposal": "hold",
        "reasons": (
            "too-warm alerted, and no criterion says what that means",
            "nobody knows of 4 h, and at most 2 h may be unknown",
        ),
    }
    return Verdict(**{**fields, **more})


def line(sensor: DeviceKey, shift: float, step: int = 10 * MINUTE) -> Line:
    """A temperature that swings, is too warm once, and is not known for four hours."""
    times, values = [], []
    for when in range(SINCE, UNTIL, step):
        hours = (when - SINCE) / HOUR
        value: float | None = 5 + shift + 0.9 * math.sin(hours / 3)
        if 20 <= hours < 22.4:
            value = 8.4 + 3 * math.sin((hours - 20) / 2.4 * math.pi)
        if 40 <= hours < 44:
            value = None
        times.append(when)
        values.append(value if value is None else round(value, 2))
    return Line(sensor=sensor, times=tuple(times), values=tuple(values), thinned=False)


def sensor(key: DeviceKey, **more: object) -> Sensor:
    fields: dict[str, Any] = {
        "key": key,
        "name": "",
        "model": "Q-tag CLm doc",
        "where": "door side",
        "calibrations": (
            Certificate(
                channel="temperature",
                since=SINCE - 100 * DAY,
                certificate="DAkkS 2026-0117",
                expires=SINCE + 265 * DAY,
                offset=-0.1,
                good=True,
            ),
        ),
        "readings": 825,
        "first": SINCE,
        "last": UNTIL - 10 * MINUTE,
        "digest": "5d" * 32,
    }
    return Sensor(**{**fields, **more})


def alerted(number: int = 0) -> Alerted:
    identity = f"{number:04x}2d3c4b5a6978"
    alert = Alert(
        id=identity,
        rule="too-warm",
        version=RULE,
        kind="threshold",
        severity="critical",
        device=subject(OWNER, ID),
        channel="temperature",
        state="resolved",
        reason="back below 8.0 °C",
        began=SINCE + 20 * HOUR,
        fired=SINCE + 20 * HOUR + 30 * MINUTE,
        ended=SINCE + 22 * HOUR + 20 * MINUTE,
        limit="above 8.0 °C for 30 min",
        unit="°C",
        worst=11.43,
        worst_at=SINCE + 21 * HOUR,
    )
    acts = (
        Act(identity, "acknowledged", "piotr", SINCE + 21 * HOUR, "Door was open, now closed"),
        Act(identity, "noted", "anna", SINCE + 23 * HOUR, "Driver said: queue at the border"),
    )
    return Alerted(alert, acts)


def report(**more: object) -> Report:
    fields: dict[str, Any] = {
        "consignment": consignment(),
        "profile": PROFILE,
        "rules": (
            RuleText(
                name="too-warm",
                version=RULE,
                severity="critical",
                limit="above 8.0 °C for 30 min",
                counts="any",
                note="Move the goods.",
            ),
            RuleText(
                name="freezing",
                version=RULE,
                severity="critical",
                limit="at or below -0.5 °C for 60 min",
                counts="any",
                note="",
            ),
        ),
        "verdict": verdict(),
        "facts": (
            Said(
                number=12,
                kind="handed-over",
                at=SINCE + DAY + HOUR,
                entered=SINCE + DAY + 9 * HOUR,
                who="piotr",
                reason="no network in the port",
                fact={"to": "Aegean Cargo", "leg": 2},
                late=True,
            ),
            Said(
                number=9,
                kind="created",
                at=SINCE,
                entered=SINCE,
                who="anna",
                reason="",
                fact={"goods": "vaccines", "version": RULE},
                late=False,
            ),
        ),
        "alerts": (alerted(),),
        "sensors": tuple(sensor(one) for one in SENSORS),
        "charts": (
            Chart(
                channel="temperature",
                unit="°C",
                lines=tuple(
                    line(one, shift) for one, shift in zip(SENSORS, (0, -0.6), strict=True)
                ),
                unknown=((SINCE + 40 * HOUR, SINCE + 44 * HOUR),),
            ),
        ),
        "earlier": (),
        "made": UNTIL + HOUR,
        "head": 123_456,
        "software": "0.1.0",
        "box": "gw-1",
        "zone": "Europe/Berlin",
    }
    return Report(**{**fields, **more})


def decision(digest: str) -> Decision:
    return Decision(
        meaning="released",
        name="Quality Desk Łódź",
        login="anna",
        at=UNTIL + 2 * HOUR,
        reason="Mean and budget are well; the manufacturer has confirmed 24 h up to 15 °C.",
        digest=digest,
    )


def draft(**more: object) -> Version:
    made = report(**more)
    return Version(number=0, report=made, digest=made.digest())


def signed(number: int = 1, **more: object) -> Version:
    made = report(**more)
    digest = made.digest()
    return Version(number=number, report=made, digest=digest, decision=decision(digest))


LONG = "ź" * 30 + "-0123456789-0123456789-012345x"
"""An id of sixty signs without a space."""


def crowded() -> Version:
    """All of it long: ids of sixty signs, forty excursions, twenty sensors, pages of words."""
    keys = tuple(DeviceKey(OWNER, f"{number:02d}-{LONG[3:]}") for number in range(20))
    names = ("Transporte Frigorífico Internacional del Mediterráneo y Asociados S.A.", "Ωκεανός")
    shares = tuple(
        Share(names[n % 2], (n + 1) * HOUR, confirmed=n % 3 != 0, leg=n) for n in range(6)
    )
    found = tuple(
        excursion(
            n + 1,
            begin=SINCE + n * 100 * MINUTE,
            end=SINCE + n * 100 * MINUTE + 40 * MINUTE if n < 39 else None,
            worst_sensor=keys[n % 20],
            shares=shares if n == 3 else shares[n % 5 : n % 5 + 1],
            place="Грузовой терминал Шереметьево, склад номер четыре",
            unknown=n * MINUTE,
            explanation="word " * 1200 if n == 5 else "Too warm while the doors were open. " * 4,
        )
        for n in range(40)
    )
    assignments = tuple(Assignment(sensor=one, since=SINCE, where="pallet " * 9) for one in keys)
    return signed(
        number=12,
        consignment=consignment(
            id=LONG,
            description="Жизненно важные препараты, держать в прохладе " * 12,
            origin=Place("Ł" * 90),
            destination=Place("Международный аэропорт " * 8),
            assignments=assignments,
            custody=tuple(
                Custody(
                    custodian=names[n % 2], since=SINCE + n * HOUR, until=SINCE + (n + 1) * HOUR
                )
                for n in range(71)
            ),
            stages=(
                Staged("delivered", UNTIL),
                Staged("released", UNTIL),
                Staged("under_review", UNTIL),
            ),
        ),
        verdict=verdict(
            consignment=LONG,
            excursions=found,
            proposal="reject",
            reasons=tuple(f"criterion {n}: " + "very " * 30 + "warm" for n in range(12)),
            budgets=verdict().budgets * 4,
        ),
        charts=(
            Chart(
                channel="temperature",
                unit="°C",
                lines=tuple(line(one, n / 8 - 1.2) for n, one in enumerate(keys)),
                unknown=((SINCE, SINCE + HOUR), (SINCE + 40 * HOUR, SINCE + 44 * HOUR)),
            ),
            Chart(
                channel="humidity",
                unit="%RH",
                lines=(line(keys[0], 40),),
                unknown=(),
            ),
        ),
        sensors=tuple(sensor(one, calibrations=sensor(one).calibrations * 5) for one in keys),
        alerts=tuple(alerted(n) for n in range(40)),
        facts=tuple(
            Said(
                number=n,
                kind="planned",
                at=SINCE,
                entered=SINCE + DAY,
                who="anna",
                reason="wrong port " * 40,
                fact={"legs": [{}] * 3},
                late=True,
                withdrawn=n % 2 == 0,
            )
            for n in range(9)
        ),
        earlier=tuple(Earlier(n, decision("0" * 64)) for n in range(1, 12)),
    )


def empty() -> Version:
    """Nothing was measured, nobody is named, nothing happened."""
    nobody = Consignment(owner=OWNER, id="x", goods="", created=SINCE)
    return draft(
        consignment=nobody,
        profile={},
        rules=(),
        verdict=verdict(
            until=SINCE,
            statistics=(),
            bands=(),
            budgets=(),
            excursions=(),
            excluded=(),
            known=0,
            unknown=0,
            proposal="indeterminate",
            reasons=(),
        ),
        facts=(),
        alerts=(),
        sensors=(),
        charts=(Chart(channel="temperature", unit="°C", lines=(), unknown=((SINCE, SINCE),)),),
    )


def odd() -> Version:
    """Signs that a font lacks or that mean something to others, and a night of changed clocks."""
    since = 1_792_879_200_000  # 2026-10-24 22:00 UTC: clocks in Berlin are set back at 01:00 UTC
    shift = since - SINCE
    until = since + 8 * HOUR
    return signed(
        consignment=consignment(
            id="冷链-<b>&amp;</b>-\x07",
            description="</para><font size=99>big</font> & <img src='x'/> 药品 🚚\nsecond line",
            custody=(Custody(custodian="<i>中外运</i>", since=since - DAY),),
            created=since,
        ),
        verdict=verdict(
            since=since,
            until=until,
            excursions=(
                excursion(
                    begin=since + 4 * HOUR + 30 * MINUTE,
                    end=None,
                    side="below",
                    worst=-21.555,
                    worst_at=since + 5 * HOUR,
                    explanation="a < b & c > d",
                ),
            ),
        ),
        charts=(
            Chart(
                channel="temperature.return_air",
                unit="°C",
                lines=(
                    Line(
                        sensor=SENSORS[0],
                        times=tuple(one + shift for one in range(SINCE, SINCE + 8 * HOUR, HOUR)),
                        values=(5.0, 5.0, None, 5.5, None, -21.555, -20.0, -3.0),
                        thinned=True,
                    ),
                ),
                unknown=((since + 2 * HOUR, since + 3 * HOUR),),
            ),
        ),
        earlier=(),
    )
