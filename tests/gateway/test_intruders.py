"""Alerts about those who try what they may not: what they advise, and when they are over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.intruders import FORGIVEN, Intruders
from gateway.own_alerts import OwnAlerts
from gateway.state import State
from rules.alert import Alert
from tests.gateway.parts import ToldClock

DEVICE = DeviceKey("", "x-1")


class Watch:
    """Intruders over alerts of the gateway, with a clock that is told."""

    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock()
        self.state = State(folder / "state.db")
        self.alerts = OwnAlerts("", "box", self.state, self.clock, [])
        self.intruders = Intruders(self.alerts, self.clock)

    def open(self) -> list[Alert]:
        self.intruders.check()
        return self.alerts.open_alerts


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.state.close()


@pytest.mark.parametrize(
    ("source", "cure", "foreign"),
    [
        ("listener/gate", "`holdwatch device change gate --may-speak-for …`", "`speaks_for`"),
        ("http:loggers", "revoke the key loggers", "`speaks_for`"),
        ("poll:store", "`speaks_for` of the poll store in the settings", "broker"),
        ("main", "`speaks_for` of the broker main in the settings", "holdwatch device"),
    ],
)
def test_the_cure_is_that_of_the_way_by_which_it_came(
    watch: Watch, source: str, cure: str, foreign: str
) -> None:
    watch.intruders.spoke_for(DEVICE, source)
    (alert,) = watch.open()
    assert alert.channel == f"identity {source}"
    assert cure in alert.note
    assert foreign not in alert.note


def test_it_is_over_ten_minutes_after_the_last_attempt(watch: Watch) -> None:
    watch.intruders.spoke_for(DEVICE, "main")
    watch.intruders.guessed("192.0.2.1")
    for _ in range(3):
        watch.clock.passes(FORGIVEN - 1)
        assert len(watch.open()) == 2
        watch.intruders.spoke_for(DEVICE, "main")
        watch.intruders.guessed("192.0.2.1")
    watch.clock.passes(FORGIVEN)
    assert watch.open() == []


def test_what_the_settings_name_no_more_is_over(watch: Watch) -> None:
    for subject in ("broker main", "broker old", "certificate 0.0.0.0:8883", "disk"):
        watch.alerts.report(subject, "it is wrong")
    watch.alerts.forget("broker", ["main"])
    watch.alerts.forget("certificate", ["0.0.0.0:8884"])
    assert [one.channel for one in watch.open()] == ["broker main", "disk"]


def test_a_restart_begins_the_ten_minutes_anew_and_no_more(watch: Watch) -> None:
    watch.intruders.spoke_for(DEVICE, "main")
    watch.clock.passes(FORGIVEN - 1)
    watch.intruders = Intruders(watch.alerts, watch.clock)
    watch.clock.passes(FORGIVEN - 1)
    assert len(watch.open()) == 1
    watch.clock.passes(1)
    assert watch.open() == []
