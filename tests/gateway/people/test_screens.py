"""Wall screens that should be connected: when one that is dark raises an alert, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.own_alerts import OwnAlerts
from gateway.people.audit import Who
from gateway.people.logins import Logins
from gateway.people.people import People
from gateway.people.screens import Screens
from gateway.settings import parse
from gateway.state import State
from tests.broker import free_port
from tests.gateway.parts import ToldClock

ROOT = Who("root", "command line")
SECOND = 1_000


class Hall:
    """A gateway's screens, the page that tells of them, and the alerts that come of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.clock = ToldClock()
        self.people = People(state, self.clock)
        self.logins = Logins(state, self.people, self.clock)
        self.alerts = OwnAlerts("", "here", state, self.clock, [])
        self.screens = Screens(self.people, self.clock)

    async def hang(self, name: str, *, opened: bool = True) -> None:
        """Add a screen; `opened`: and open its link in a browser."""
        token = await self.people.add_screen(name, ROOT)
        if opened:
            await self.logins.seen(sha256(token.encode()).digest(), None)

    def passes(self, seconds: int, *connected: str, page: bool = True) -> list[str]:
        """Let time pass while these are connected; return the subjects of alerts that are open."""
        for second in range(seconds):
            if page and second % 5 == 0:
                self.screens.tell(connected)
            self.clock.passes(SECOND)
            self.screens.check(self.alerts)
        return [one.channel for one in self.alerts.open_alerts]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    state = State(tmp_path / "state.db")
    made = Hall(state)
    await made.hang("hall")
    yield made
    state.close()


async def test_a_screen_that_is_connected_is_not_missed(hall: Hall) -> None:
    assert hall.passes(300, "hall") == []
    assert hall.screens.connected() == {"hall"}


async def test_a_screen_that_went_dark_raises_a_warning_after_half_a_minute(hall: Hall) -> None:
    hall.passes(100, "hall")
    assert hall.passes(29) == []
    assert hall.screens.connected() == set()
    assert hall.passes(1) == ["screen hall"]
    (alert,) = hall.alerts.open_alerts
    assert alert.severity == "warning"
    assert "holdwatch screen revoke hall" in alert.reason


async def test_the_alert_ends_when_the_screen_is_back(hall: Hall) -> None:
    hall.passes(100, "hall")
    assert hall.passes(60) == ["screen hall"]
    assert hall.passes(1, "hall") == []


async def test_the_alert_ends_when_the_screen_is_revoked(hall: Hall) -> None:
    await hall.hang("gate")
    assert hall.passes(100) == ["screen gate", "screen hall"]
    await hall.people.revoke_screen("gate", ROOT)
    assert hall.passes(1) == ["screen hall"]


async def test_a_screen_that_loads_its_page_again_is_not_missed(hall: Hall) -> None:
    for _ in range(10):
        assert hall.passes(20, "hall") == []
        assert hall.passes(10) == []


async def test_a_link_that_nobody_has_opened_yet_is_not_missed(hall: Hall) -> None:
    await hall.hang("new", opened=False)
    assert hall.passes(300, "hall") == []


async def test_after_a_start_a_screen_has_a_minute_to_come_back(hall: Hall) -> None:
    assert hall.passes(59) == []
    assert hall.passes(1) == ["screen hall"]


async def test_with_the_page_gone_every_screen_is_dark(hall: Hall) -> None:
    hall.passes(100, "hall")
    assert hall.passes(39, page=False) == []
    assert hall.passes(1, page=False) == ["screen hall"]


async def test_an_alert_of_the_last_run_stays_until_the_screen_is_back(hall: Hall) -> None:
    assert hall.passes(60) == ["screen hall"]
    hall.screens = Screens(hall.people, hall.clock)
    assert hall.passes(30) == ["screen hall"]
    assert hall.passes(1, "hall") == []


async def started(folder: Path, web: str) -> Gateway:
    """Start a gateway as far as its alerts about itself; nothing is served."""
    settings = parse(f'[gateway]\nbox = "here"\ndata = "{folder}"\n{web}')
    gateway = await asyncio.to_thread(Gateway, settings)
    gateway.clock = ToldClock()
    await gateway.compose()
    return gateway


async def test_a_gateway_misses_its_screens_while_it_has_a_page(tmp_path: Path) -> None:
    gateway = await started(tmp_path, f"[web]\nport = {free_port()}")
    token = await gateway.people.add_screen("hall", ROOT)
    await gateway.logins.seen(sha256(token.encode()).digest(), None)
    assert isinstance(gateway.clock, ToldClock)
    gateway.clock.passes(60 * SECOND)
    working = [
        asyncio.create_task(one) for one in (gateway.caretaker.watch(), gateway.own_alerts.run())
    ]
    async with asyncio.timeout(20):
        while not gateway.state.open_alerts():  # noqa: ASYNC110 - the disk gives no sign
            await asyncio.sleep(0.01)
    assert [one.channel for one in gateway.state.open_alerts()] == ["screen hall"]
    for task in working:
        task.cancel()
    gateway.close()

    gateway = await started(tmp_path, "")
    assert gateway.own_alerts.open_alerts == []
    gateway.close()
