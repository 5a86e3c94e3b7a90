"""Kinds about the device: its battery, its calibration, and where it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from devices.reading import EXPIRED, Reading
from rules.cargo.consignment import Consignment, Leg, Place
from rules.distance import format_distance, parse_distance
from rules.kinds.off_route import OffRoute
from tests.rules.kinds.told import by, every, expired, live
from tests.rules.series import START, readings, rule

BATTERY = {"kind": "low_battery"}
CALIBRATION = {"kind": "calibration_expired"}
HAMBURG, BERLIN, MUNICH = (53.55, 9.99), (52.52, 13.40), (48.14, 11.58)
LEIPZIG, WARSAW = (51.34, 12.37), (52.23, 21.01)
WAY = {"kind": "off_route", "route": [BERLIN, MUNICH]}


def levels(*values: float) -> list[Reading]:
    return every(30, *({"battery_level": value} for value in values))


@pytest.mark.parametrize(
    ("settings", "values", "told"),
    [
        ({}, [90, 14, 14, 14, 14], ["firing 90 warning"]),
        # Once it sends and is weak, then it has recovered: nothing to tell.
        ({}, [90, 14, 16, 14, 16], []),
        # It flutters: only a new battery, or a good while of warmth, ends it.
        ({}, [14, 14, 14, 16, 19, 21], ["firing 60 warning", "resolved 150 warning"]),
        (
            {"below": 30, "clear": 80},
            [29, 29, 29, 79, 80],
            ["firing 60 warning", "resolved 120 warning"],
        ),
        ({"for": "0 s"}, [15, 14.9], ["firing 30 warning"]),
    ],
)
def test_a_battery_that_is_low_for_an_hour_is_told(
    settings: Mapping[str, object], values: list[float], told: list[str]
) -> None:
    assert live({**BATTERY, "hold": "1 h", **settings}, levels(*values)) == told


def test_volts_need_a_limit_of_their_own() -> None:
    volts = {**BATTERY, "channel": "battery", "below": 2.4, "for": "0 s"}
    assert live(volts, every(5, {"battery": 2.5}, {"battery": 2.3}, {"battery": 2.49})) == [
        "firing 5 warning"
    ]
    assert rule(**volts).limit() == "battery below 2.4 V"
    assert rule(**BATTERY).limit() == "battery below 15.0 % for 60 min"


def test_who_measures_after_the_calibration_has_expired_is_told() -> None:
    good, late = readings("4x6"), [expired(one) for one in readings("4x12")[6:]]
    again = readings("-x12 4x3")
    told = ["firing 30 warning", "resolved 60 warning"]
    assert live(CALIBRATION, [*good, *late, *again]) == told
    assert live({**CALIBRATION, "for": "20 min"}, [*good, *late])[0] == "firing 50 warning"
    assert all(one.flags & EXPIRED for one in late)
    assert rule(**CALIBRATION).limit() == "measured with an expired calibration"


def positions(*places: tuple[float, float]) -> list[Reading]:
    return every(10, *({"latitude": north, "longitude": east} for north, east in places))


# From Berlin southwards some 20 km in 10 min.
ON_THE_WAY = [(BERLIN[0] - n * 0.18, BERLIN[1] - n * 0.075) for n in range(9)]


@pytest.mark.parametrize(
    ("settings", "places", "told"),
    [
        ({}, ON_THE_WAY, []),
        # Leipzig is 34 km off the line from Berlin to Munich.
        ({}, [BERLIN, LEIPZIG, (51.3, 12.3), (51.2, 12.2)], ["corridor firing 20 warning"]),
        ({"corridor": "40 km"}, [BERLIN, LEIPZIG, (51.3, 12.37), (51.25, 12.37)], []),
        (
            {"for": "0 s"},
            [BERLIN, WARSAW, BERLIN],
            ["corridor firing 10 warning", "corridor resolved 20 warning"],
        ),
        # It stands in the fields, on the way.
        (
            {},
            [*ON_THE_WAY[:4], *[ON_THE_WAY[3]] * 3, ON_THE_WAY[4]],
            ["stop firing 60 warning", "stop resolved 70 warning"],
        ),
        ({"stop": "45 min"}, [*ON_THE_WAY[:4], *[ON_THE_WAY[3]] * 3, ON_THE_WAY[4]], []),
        # At the ends of the way, and where a stop is known, it may stand.
        ({}, [BERLIN] * 9, []),
        ({"stops": [ON_THE_WAY[3]]}, [ON_THE_WAY[3]] * 9, []),
        # Without a way nobody knows what is off it.
        ({"route": []}, [WARSAW, LEIPZIG, HAMBURG, WARSAW], []),
    ],
)
def test_goods_keep_to_their_way_and_stop_where_it_was_planned(
    settings: Mapping[str, object], places: list[tuple[float, float]], told: list[str]
) -> None:
    assert live({**WAY, **settings}, positions(*places)) == told


def leg(number: int, begin: Place, end: Place, *via: Place) -> Leg:
    return Leg(number=number, custodian="us", mode="road", origin=begin, destination=end, via=via)


def test_a_consignment_says_its_way_by_the_places_of_its_legs() -> None:
    sent = Consignment(
        owner="",
        id="c-1",
        goods="x",
        created=START,
        legs=(
            leg(1, Place("port", HAMBURG), Place("depot", BERLIN)),
            leg(
                2,
                Place("depot", BERLIN),
                Place("clinic", MUNICH),
                Place("halt", LEIPZIG),
                Place("?"),
            ),
        ),
    )
    found = rule(kind="off_route")
    bound = found.bound(sent)
    assert isinstance(bound, OffRoute)
    assert bound.route == (HAMBURG, BERLIN, LEIPZIG, MUNICH)
    assert by(bound, positions(*[LEIPZIG] * 9)) == []
    assert by(bound, positions(*[WARSAW] * 5)) == [
        "corridor firing 10 warning",
        "stop firing 30 warning",
    ]
    stated = rule(**WAY).bound(sent)
    assert isinstance(stated, OffRoute)
    assert stated.route == (BERLIN, MUNICH)
    bare = Consignment(
        owner="",
        id="c-2",
        goods="x",
        created=START,
        origin=Place("a", BERLIN),
        destination=Place("b", MUNICH),
    )
    assert found.bound(bare).settings()["route"] == [list(BERLIN), list(MUNICH)]


def test_the_way_is_said_in_kilometres() -> None:
    found = rule(**WAY, radius="100 m", near="1.5 km")
    assert isinstance(found, OffRoute)
    assert [one.limit() for one in found.parts()] == [
        "more than 20 km off the planned way for 10 min",
        "stopped for 30 min, no known stop within 1.5 km",
    ]
    assert found.limit() == "; ".join(one.limit() for one in found.parts())
    assert rule(**found.settings()) == found


@pytest.mark.parametrize(
    ("text", "kilometres", "words"),
    [
        ("20 km", 20.0, "20 km"),
        ("200 m", 0.2, "200 m"),
        ("1.5km", 1.5, "1.5 km"),
        ("2 nmi", 3.704, "3.704 km"),
        ("10 mi", 16.09344, "16.09344 km"),
    ],
)
def test_distances_name_their_unit(text: str, kilometres: float, words: str) -> None:
    assert parse_distance(text) == pytest.approx(kilometres)
    assert format_distance(kilometres) == words
    assert parse_distance(words) == pytest.approx(kilometres)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({**BATTERY, "channel": "temperature"}, "temperature is no battery"),
        ({**BATTERY, "channel": "battery"}, "add below = 2.4"),
        ({**BATTERY, "below": 20, "clear": 20}, "must lie above below"),
        ({**BATTERY, "below": 0}, "greater than 0"),
        ({**CALIBRATION, "channel": "*"}, "one channel stands for all"),
        ({**WAY, "route": [[13.4, 252.5]]}, "write latitude, then longitude"),
        ({**WAY, "corridor": 20}, "Name the unit"),
        ({**WAY, "corridor": "20 parsecs"}, "unknown unit"),
        ({**WAY, "corridor": "far"}, "is no distance"),
        ({**WAY, "corridor": "0 km"}, "greater than 0"),
        ({**WAY, "radius": "30 km"}, "make it less than corridor"),
        ({**WAY, "channel": "temperature"}, "is no position"),
        ({**WAY, "stop": "0 s"}, "greater than 0"),
        ({**WAY, "steps": [{"severity": "critical", "after": "2 h"}]}, "leave out steps"),
        ({**WAY, "name": "n" * 55}, "at most 60 characters"),
    ],
)
def test_a_mistake_is_named_with_its_cure(settings: Mapping[str, object], cure: str) -> None:
    with pytest.raises(ValidationError, match=cure):
        rule(**settings)
