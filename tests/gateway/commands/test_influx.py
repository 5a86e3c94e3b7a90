"""Copies to a real InfluxDB, as they are asked about: ranges sent again, and what was refused."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.app import Gateway
from gateway.commands.influx import chosen
from gateway.people.audit import page
from gateway.refusal import ControlError
from gateway.settings import parse
from gateway.state import StoredEvent
from rules.alert import Event
from rules.duration import DAY, HOUR
from tests.gateway.asked import SETTINGS, Asked, alarm
from tests.gateway.parts import NOW, ToldClock, said
from tests.influxdb import RunningInflux

SERVER = """
[[influxdb]]
name = "office"
url = "{url}"
database = "{database}"
names = {{ gateway = "" }}
"""
READINGS = 'SELECT "temperature" FROM "readings"'


class Copied(Asked):
    """A gateway that runs and copies to a database of its own."""

    def __init__(self, gateway: Gateway, server: RunningInflux, database: str) -> None:
        super().__init__(gateway)
        self.server = server
        self.database = database

    async def take(self, *values: float, first: int = NOW) -> None:
        """Let readings come, an hour apart, and be copied."""
        readings = [said(at=first + n * HOUR, value=value) for n, value in enumerate(values)]
        await self.gateway.ingest.store(readings)
        await self.until(lambda: not self.gateway.copies[0].sink.waiting)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - a real server gives no sign
                await asyncio.sleep(0.02)

    def values(self) -> list[float]:
        return [one["temperature"] for one in self.server.rows(self.database, READINGS)]

    def spoil(self) -> None:
        """Let the server refuse temperatures: the field is there, and holds whole numbers."""
        self.server.write(self.database, b"readings,device=other temperature=1i %d" % (NOW * 10**6))

    def empty(self) -> None:
        """Let the server begin anew. It hangs at times where a measurement is dropped."""
        self.server.query("", f'DROP DATABASE "{self.database}"')
        self.server.database(self.database)


@contextlib.asynccontextmanager
async def copying(folder: Path, more: str) -> AsyncIterator[Gateway]:
    settings = parse(SETTINGS.format(folder=folder) + more)
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    task = asyncio.create_task(gateway.run())
    yield gateway
    gateway.stop()
    await task
    gateway.close()


@pytest.fixture
async def copied(tmp_path: Path, influxdb: RunningInflux) -> AsyncIterator[Copied]:
    database = await asyncio.to_thread(influxdb.database)
    async with copying(tmp_path, SERVER.format(url=influxdb.url, database=database)) as gateway:
        yield Copied(gateway, influxdb, database)


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway whose server is not there."""
    more = SERVER.format(url="http://127.0.0.1:9", database="x") + 'version = "1"\n'
    async with copying(tmp_path, more) as gateway:
        yield Asked(gateway)


def noted(ask: Asked) -> list[tuple[str, str]]:
    return [(one.what, one.object) for one in page(ask.gateway.state, None, 100)[::-1]]


async def test_status_and_health_say_how_a_server_stands(copied: Copied) -> None:
    await copied.take(4.5, 5.5)
    for command in ("status", "health"):
        told = await copied(command)
        office = told["influxdb"]["office"]
        assert (office["well"], office["version"], office["waiting"]) == (True, "1.6.7", 0)
        assert office["written"] >= 2
        assert told["waiting"]["influxdb:office"] == 0
    async with copied.gateway.state.writing():
        copied.gateway.state.note_missed("influxdb:office", [20_000])
    (server,) = (await copied("influx-status"))["servers"].values()
    assert server["database"] == copied.database
    assert (server["missed_days"], server["missed"]) == (1, ["2024-10-04"])


async def test_one_server_can_be_asked_for(copied: Copied) -> None:
    assert list((await copied("influx-status", name="office"))["servers"]) == ["office"]
    with pytest.raises(ControlError, match=r"there is no \[\[influxdb\]\] called cellar"):
        await copied("influx-status", name="cellar")


async def test_a_range_is_sent_again_and_nothing_outside_of_it(copied: Copied) -> None:
    await copied.take(1.0, 2.0, first=NOW - 2 * DAY)
    await copied.take(3.0, first=NOW)
    assert copied.values() == [1.0, 2.0, 3.0]
    copied.empty()
    steps: list[tuple[int, int]] = []
    answer = await copied.commands.answer(
        {"do": "influx-backfill", "since": _day(NOW - 2 * DAY), "until": _day(NOW - DAY)},
        lambda done, all_: steps.append((done, all_)),
    )
    assert (answer["name"], answer["sent"], answer["damaged"]) == ("office", 2, "")
    assert copied.values() == [1.0, 2.0]
    assert steps[-1][0] == steps[-1][1]
    assert (await copied("influx-backfill", since=_day(NOW - 9 * DAY)))["sent"] == 3
    assert copied.values() == [1.0, 2.0, 3.0], "until now, where nothing else is said"
    assert noted(copied) == [("influx-backfill", "office")] * 2


async def test_one_range_at_a_time_is_sent_to_a_server(
    copied: Copied, monkeypatch: pytest.MonkeyPatch
) -> None:
    await copied.take(1.0)
    began = asyncio.Event()

    async def for_ever(*_range: object) -> int:
        began.set()
        await asyncio.Event().wait()
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(copied.gateway.copies[0].refill, "send", for_ever)
        first = asyncio.create_task(copied("influx-backfill", since=_day(NOW)))
        await began.wait()
        with pytest.raises(ControlError, match="a backfill of office is under way"):
            await copied("influx-backfill", since=_day(NOW - DAY))
        first.cancel()
        await asyncio.wait([first])
    assert (await copied("influx-backfill", since=_day(NOW)))["sent"] == 1
    assert len(noted(copied)) == 2, "what was refused is no act"


def _day(when: int) -> str:
    return datetime.fromtimestamp(when / 1000, UTC).date().isoformat()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"since": "2126-01-01"}, "2126-01-01 is still to come"),
        ({"since": "May"}, "'May' is no day"),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "is later than --to 2026-05-01"),
        ({"since": "2026-05-02", "zone": "Moon"}, "'Moon' is no time zone"),
        ({"since": "2026-05-02", "name": "cellar"}, "no [[influxdb]] called cellar"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(
    copied: Copied, asked: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ControlError) as refused:
        await copied("influx-backfill", **asked)
    assert problem in refused.value.problem
    assert noted(copied) == []


@pytest.mark.parametrize("in_the_history", [False, True])
async def test_a_server_that_is_away_ends_it_and_says_what_to_do(
    away: Asked, *, in_the_history: bool
) -> None:
    await away.gateway.ingest.store([said()])
    async with asyncio.timeout(20):
        while away.gateway.copies[0].delivery.well:  # noqa: ASYNC110 - a real server gives no sign
            await asyncio.sleep(0.02)
    if in_the_history:
        await away.gateway.archivist.store()
        assert away.gateway.history.cursor == away.gateway.journal.head
    with pytest.raises(ControlError) as refused:
        await away("influx-backfill", since=_day(NOW - DAY))
    assert "not all was sent: office: cannot connect" in refused.value.problem.casefold()
    assert "run this again" in refused.value.cure


async def test_what_was_refused_is_told_by_reason_and_taken_once_it_can_be(copied: Copied) -> None:
    copied.spoil()
    await copied.take(4.5, 5.5, 6.5)
    told = await copied("influx-rejected")
    assert (told["name"], told["total"], told["more"]) == ("office", 3, 0)
    (reason,) = told["reasons"]
    assert "already exists as type integer" in reason["reason"]
    assert (reason["count"], reason["devices"]) == (3, 1)
    assert (reason["first"], reason["last"]) == (NOW, NOW + 2 * HOUR)
    assert reason["example"] == {
        "device": "d-1",
        "at": NOW + 2 * HOUR,
        "what": {"temperature": 6.5},
    }
    assert (await copied("health"))["influxdb"]["office"]["rejected"] == 3
    again = await copied("influx-retry")
    assert (again["taken"], again["left"]) == (0, 3), "nothing was mended"
    copied.empty()
    again = await copied("influx-retry")
    assert (again["taken"], again["left"]) == (3, 0)
    assert copied.values() == [4.5, 5.5, 6.5]
    assert copied.gateway.copies[0].rejected == 0
    assert noted(copied) == [("influx-retry", "office")] * 2
    assert (await copied("influx-retry"))["taken"] == 0
    assert len(noted(copied)) == 2, "nothing was done"


async def test_what_is_given_up_is_on_record_and_what_came_later_stays(copied: Copied) -> None:
    copied.spoil()
    await copied.take(4.5, 5.5)
    seen = (await copied("influx-rejected"))["newest"]
    await copied.take(6.5, first=NOW + 5 * HOUR)
    answer = await copied("influx-drop", newest=seen)
    assert (answer["dropped"], answer["left"]) == (2, 1)
    assert copied.gateway.copies[0].rejected == 1
    (entry,) = page(copied.gateway.state, None, 10)
    assert (entry.what, entry.object, entry.before["rejected"]) == ("influx-drop", "office", 2)
    assert entry.before["points"][0] == {"device": "d-1", "at": NOW}


async def test_refused_alerts_are_seen_to_like_readings(copied: Copied) -> None:
    event = Event(key="a1:firing", kind="firing", at=NOW, alert=alarm("a1"))
    state = copied.gateway.state
    async with state.writing():
        body = msgspec.json.encode(StoredEvent(1, NOW, event))
        state.bury("influxdb:office:alerts", [(body, "400 no")], NOW)
    (reason,) = (await copied("influx-rejected"))["reasons"]
    assert reason["example"]["what"] == {"rule": "too-warm", "event": "firing"}
    assert (await copied("status"))["influxdb"]["office"]["rejected"] == 1
    assert (await copied("influx-retry"))["taken"] == 1
    (row,) = copied.server.rows(copied.database, 'SELECT "event", "rule" FROM "alerts"')
    assert (row["event"], row["rule"]) == ("firing", "too-warm")


async def test_a_server_that_goes_in_the_middle_leaves_them_where_they_are(away: Asked) -> None:
    state = away.gateway.state
    event = Event(key="a1:firing", kind="firing", at=NOW, alert=alarm("a1"))
    async with state.writing():
        body = msgspec.json.encode(StoredEvent(1, NOW, event))
        state.bury("influxdb:office:alerts", [(body, "400 no")], NOW)
    with pytest.raises(ControlError, match="0 were taken, and then: office"):
        await away("influx-retry")
    assert (await away("influx-rejected"))["total"] == 1


async def test_what_a_server_refused_that_is_gone_can_be_seen_and_given_up(ask: Asked) -> None:
    state = ask.gateway.state
    event = Event(key="a1:firing", kind="firing", at=NOW, alert=alarm("a1"))
    async with state.writing():
        body = msgspec.json.encode(StoredEvent(1, NOW, event))
        state.bury("influxdb:old:alerts", [(body, "400 no")], NOW)
    assert (await ask("influx-rejected"))["name"] == "old", "the only one"
    with pytest.raises(ControlError, match=r"there is no \[\[influxdb\]\] in the settings"):
        await ask("influx-retry", name="old")
    assert (await ask("influx-drop", name="old"))["dropped"] == 1
    assert state.dead_letters() == {}


@pytest.mark.parametrize(
    ("name", "known", "more", "found"),
    [
        (None, ["a"], [], "a"),
        (None, ["a"], ["old"], "a"),
        ("old", ["a"], ["old"], "old"),
        (None, [], ["old"], "old"),
        ("b", ["a", "b"], [], "b"),
    ],
)
def test_which_server_is_meant(
    name: str | None, known: list[str], more: list[str], found: str
) -> None:
    assert chosen(name, known, more) == found


@pytest.mark.parametrize(
    ("name", "known", "problem"),
    [
        (None, ["b", "a"], "there are several [[influxdb]]. Say which one: a, b"),
        ("c", ["a"], "there is no [[influxdb]] called c. Use one of a;"),
        (None, [], "there is no [[influxdb]] in the settings. Add one"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(
    name: str | None, known: list[str], problem: str
) -> None:
    with pytest.raises(ControlError, match=re.escape(problem)):
        chosen(name, known)
