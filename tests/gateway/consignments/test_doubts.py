"""What a consignment lacks before it can be judged."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.consignments.doubts import Sensor, doubts, speaking
from rules.cargo.consignment import Assignment, Consignment, Custody, Leg, Place
from rules.duration import HOUR, MINUTE
from rules.profile import Profile
from tests.gateway.consignments.book import S1, S2
from tests.gateway.parts import NOW

PROFILE = {
    "name": "wine",
    "title": "Wine",
    "source": "a test",
    "measures": "air",
    "needs": ["humidity"],
    "interval": "15 min",
    "instructions": "Call.",
    "ranges": [{"channel": "temperature", "low": 10, "high": 16}],
    "rules": [
        {
            "name": "illuminance",
            "kind": "threshold",
            "channel": "illuminance",
            "above": 5,
        }
    ],
}
CALIBRATED = {"name": "papers", "kind": "calibration_expired", "channel": "temperature"}
OFF_ROUTE = {"name": "way", "kind": "off_route"}
ALL = frozenset({"temperature", "humidity", "illuminance"})


def sensor(**said: Any) -> Sensor:  # noqa: ANN401 - fields of a sensor
    known: dict[str, Any] = {"channels": ALL, "heard": True, "interval": MINUTE, "calibrated": {}}
    return Sensor(**{**known, **said})


def consignment(**said: Any) -> Consignment:  # noqa: ANN401 - fields of a consignment
    known: dict[str, Any] = {
        "owner": "acme",
        "id": "C-1",
        "goods": "wine",
        "created": 0,
        "custody": (Custody(custodian="Nord", since=0),),
    }
    return Consignment(**{**known, **said})


def profile(*rules: dict[str, Any], **said: Any) -> Profile:  # noqa: ANN401 - fields of a profile
    return Profile.model_validate({**PROFILE, **said, "rules": [*PROFILE["rules"], *rules]})


@pytest.mark.parametrize(
    ("sensors", "said"),
    [
        ({S1: sensor()}, []),
        ({}, ["No sensor speaks for it"]),
        ({S1: sensor(heard=False)}, ["acme/s-1 was never heard"]),
        (
            {S1: sensor(channels=frozenset({"temperature"}))},
            [
                "measures humidity, which the profile needs",
                "measures illuminance, which rule illuminance needs",
            ],
        ),
        (
            {
                S1: sensor(channels=frozenset({"temperature", "illuminance"})),
                S2: sensor(channels=frozenset({"humidity"})),
            },
            [],
        ),
        ({S1: sensor(interval=HOUR)}, ["acme/s-1: it sends every 60 min"]),
        ({S1: sensor(channels=None, heard=False)}, ["acme/s-1 was never heard"]),
    ],
)
def test_sensors_are_held_against_what_the_goods_ask(
    sensors: dict[Any, Sensor], said: list[str]
) -> None:
    told = doubts(consignment(), profile(), sensors, NOW)
    assert len(told) == len(said), told
    assert all(words in one for words, one in zip(said, told, strict=True))


def test_where_all_sensors_count_each_must_measure_it() -> None:
    sensors = {S1: sensor(), S2: sensor(channels=frozenset({"temperature", "illuminance"}))}
    (told,) = doubts(consignment(counts="all"), profile(), sensors, NOW)
    assert "acme/s-2 does not measure humidity" in told


@pytest.mark.parametrize(
    ("calibrated", "said"),
    [
        ({}, 3),
        ({"temperature": None, "humidity": NOW + 1, "illuminance": NOW}, 1),
        (dict.fromkeys(ALL), 0),
    ],
)
def test_calibration_is_asked_for_where_a_rule_does(
    calibrated: dict[str, int | None], said: int
) -> None:
    sensors = {S1: sensor(calibrated=calibrated)}
    assert doubts(consignment(), profile(), sensors, NOW) == []
    told = doubts(consignment(), profile(CALIBRATED), sensors, NOW)
    assert len(told) == said, told
    assert all("calibrat" in one for one in told)


def test_a_way_on_which_nobody_hears_needs_an_arrival_and_a_watched_one_places() -> None:
    place = Place("A", (53.0, 9.0))
    leg = Leg(
        number=1, custodian="Sea", mode="sea", origin=place, destination=Place("B"), heard=False
    )
    one = consignment(legs=(leg,))
    (told,) = doubts(one, profile(), {S1: sensor()}, NOW)
    assert "leg C-1 --number 1 --arrives" in told
    told, where = doubts(one, profile(OFF_ROUTE), {S1: sensor(channels=None)}, NOW)
    assert "Nobody said where B is" in where


def test_nobody_answerable_is_told() -> None:
    one = consignment(custody=(Custody(custodian="not stated", since=0),))
    (told,) = doubts(one, profile(), {S1: sensor()}, NOW)
    assert "change C-1 --custodian" in told


def test_only_who_speaks_now_or_later_is_asked() -> None:
    spoke = (Assignment(sensor=S1, since=0, until=NOW), Assignment(sensor=S2, since=NOW + 9))
    assert speaking(consignment(assignments=spoke), NOW) == [S2]
