"""Which routes take an alert, and when their hours begin."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.notify.about import About
from gateway.notify.routes import Route, begins, routes_of, taking
from gateway.settings import SettingsError, parse
from gateway.settings.routes import Route as Declared
from rules.duration import HOUR
from rules.only import Schedule
from tests.gateway.notify.site import firing, own

REEFER = About(("reefer-1",), "Reefer", ("Hall 1",), ("vaccines", "insulin"))


@pytest.mark.parametrize(
    ("route", "alert", "takes"),
    [
        ({}, {}, True),
        ({"severity": "warning"}, {"severity": "info"}, False),
        ({"severity": "warning"}, {"severity": "critical"}, True),
        ({"devices": ("reefer-*",)}, {}, True),
        ({"devices": ("fridge-*",)}, {}, False),
        ({"sites": ("Hall ?",)}, {}, True),
        ({"sites": ("hall ?",)}, {}, False),
        ({"goods": ("ins*",)}, {}, True),
        ({"goods": ("meat",)}, {}, False),
        ({"rules": ("too-*",)}, {}, True),
        ({"rules": ("not-*",)}, {}, False),
        ({"rules": ("not-*", "too-*"), "sites": ("Hall 2",)}, {}, False),
    ],
)
def test_all_that_is_given_must_match(
    route: dict[str, Any], alert: dict[str, Any], *, takes: bool
) -> None:
    assert Route(name="r", channels=(), **route).takes(firing(**alert), REEFER) is takes


def names(*routes: Route) -> list[str]:
    return [one.name for one in taking(firing(), REEFER, routes, ("office", "duty"))]


def test_the_first_that_matches_counts_unless_it_says_go_on() -> None:
    other = Route(name="other", channels=(), sites=("Hall 2",))
    one, two = Route(name="one", channels=()), Route(name="two", channels=())
    onward = Route(name="onward", channels=(), go_on=True)
    assert names(other, one, two) == ["one"]
    assert names(onward, other, one, two) == ["onward", "one"]
    assert names(other) == []


def test_what_fails_of_a_channel_goes_to_all_others() -> None:
    (route,) = taking(own("channel duty"), REEFER, (), ("office", "duty", "boss"))
    assert (route.name, route.channels, route.gather) == ("", ("office", "boss"), 0)


def test_without_routes_warnings_go_to_every_channel() -> None:
    (route,) = routes_of((), ("office", "duty"), "UTC")
    assert (route.name, route.severity, route.channels) == ("all", "warning", ("office", "duty"))


def test_settings_are_taken_with_their_defaults_filled_in() -> None:
    declared = Declared.model_validate_json(
        '{"name": "cold", "gather": "20 s", "steps": [{"after": "5 min", "channels": ["duty"]}],'
        '"hours": {"days": ["mon"], "from": "06:00"}}'
    )
    (route,) = routes_of((declared,), ("office", "duty"), "Europe/Berlin")
    assert route.channels == ("office", "duty")
    assert (route.gather, route.steps[0].after) == (20_000, 300_000)
    assert route.hours is not None
    assert route.hours.timezone == "Europe/Berlin"


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "now", "begin"),
    [
        ({"from": "06:00", "to": "22:00"}, "2026-11-18 23:00", "2026-11-19 06:00"),
        ({"from": "06:00", "to": "22:00"}, "2026-11-18 05:59", "2026-11-18 06:00"),
        ({"from": "06:00", "to": "22:00", "days": ["mon"]}, "2026-11-18 05:59", "2026-11-23 06:00"),
        ({"from": "22:00", "to": "06:00", "days": ["fri"]}, "2026-11-21 07:00", "2026-11-27 22:00"),
        # The clocks are set forward that night, and back in the other.
        ({"from": "06:00", "to": "22:00"}, "2027-03-27 23:00", "2027-03-28 06:00"),
        ({"from": "06:00", "to": "22:00"}, "2026-10-24 23:00", "2026-10-25 06:00"),
    ],
)
def test_when_hours_begin_next(hours: dict[str, Any], now: str, begin: str) -> None:
    schedule = Schedule.model_validate({**hours, "timezone": "Europe/Berlin"})
    assert begins(schedule, ms(now)) == ms(begin)


def test_hours_that_begin_where_no_clock_stands_are_looked_at_again_in_an_hour() -> None:
    # 02:30 does not exist on the night in which clocks are set forward.
    days = Schedule.model_validate(
        {"days": ["sun"], "from": "02:30", "to": "02:45", "timezone": "Europe/Berlin"}
    )
    found = begins(days, ms("2027-03-28 00:00"))
    assert found == ms("2027-04-04 02:30") or found == ms("2027-03-28 00:00") + HOUR


def ms(text: str) -> int:
    moment = dt.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN)
    return int(moment.timestamp() * 1000)


# --- the settings file

FILE = """
[[brokers]]
name = "main"
host = "localhost"

[[channels]]
name = "duty"
kind = "mqtt"
broker = "main"
topic = "lamp"

[[routes]]
name = "cold"
channels = ["duty"]
"""


FALLING = """steps = [
    { after = "5 min", channels = ["duty"] },
    { after = "2 min", channels = ["duty"] },
]"""


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("", ""),
        ('steps = [{ after = "5 min", channels = ["boss"] }]', "there is no channel 'boss'"),
        (FALLING, "Put the one with the shortest"),
        ('repeat = "2 s"', "nobody is reminded every 2 s"),
        ('gather = "1 h"', "people would hear of an alert too late"),
        ('steps = [{ after = "0 s", channels = ["duty"] }]', "a step cannot wait"),
        ('hours = { days = ["monday"] }', "days"),
        ('[[routes]]\nname = "cold"', "already the name of another of the routes"),
        ('[acknowledgement]\nlongest = "1 s"', "nobody has an alert for 1 s"),
        ('[acknowledgement]\nshifts = ["6 am"]', "shifts"),
    ],
)
def test_mistakes_in_routes_are_told_with_a_cure(more: str, problem: str) -> None:
    if not problem:
        assert parse(FILE + more).routes[0].reached() == ("duty",)
        return
    with pytest.raises(SettingsError, match=problem):
        parse(FILE + more)
