"""What a gateway gives up while its disk gets full, and that it goes on alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.disk import Disk
from gateway.ladder import COPIES, HISTORY, INTAKE, JOURNAL, WELL, Room
from gateway.settings import parse
from rules.alert import Alert
from rules.duration import DAY, HOUR
from tests.gateway.asked import alarm, recorded
from tests.gateway.parts import NOW, ToldClock, said

MB = 10**6
SETTINGS = """\
[gateway]
box = "here"
data = "{folder}/data"

[disk]
minimum_free = "100 MB"
ballast = "1 MB"
least_history = "10 days"

[[influxdb]]
url = "http://127.0.0.1:1"
database = "cold"
"""
OURS = DeviceKey("", "d-1")


class Filled:
    """A gateway on a disk whose room is told."""

    def __init__(self, gateway: Gateway, clock: ToldClock, room: list[int]) -> None:
        self.gateway = gateway
        self.clock = clock
        self._room = room

    def free(self, megabytes: float) -> None:
        self._room[0] = int(megabytes * MB)
        self.gateway.caretaker.check_disk()

    async def hear(self, *times: int, device: str = "d-1") -> None:
        """Take in a reading of each time, and have it judged and packed."""
        gateway = self.gateway
        gateway.journal.append([said(device, at=one) for one in times])
        gateway.journal.commit()
        gateway.journal.publish()
        batch = gateway.journal.read(gateway.archivist.cursor, 10**6)
        for one in (gateway.monitor, gateway.freight.monitor, gateway.archivist):
            await one.handle(batch.readings, batch.cursor)

    async def act(self) -> None:
        """Do what this step says, and commit as ingest would."""
        gateway = self.gateway
        self.clock.passes(HOUR)
        await gateway.room.act()
        for copies in gateway.copies:
            await copies.sink.keep_within()
            await copies.sink.save()
        gateway.caretaker.prune(gateway.journal)
        gateway.journal.commit()

    def in_journal(self) -> int:
        return int(self.gateway.journal.rows("SELECT count(*) FROM reading")[0][0])

    def in_history(self, device: DeviceKey = OURS) -> list[int]:
        """The days of a device that the history has, counted back from now."""
        days = self.gateway.history.days(device, 0, NOW + DAY)
        return [(NOW - one.first) // DAY for one in days]

    def alert(self) -> Alert | None:
        open_alerts = self.gateway.own_alerts.open_alerts
        return next((one for one in open_alerts if one.channel == "disk"), None)


@pytest.fixture
async def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Filled]:
    room = [1000 * MB]
    monkeypatch.setattr(Disk, "free", lambda _self: room[0])
    monkeypatch.setattr(
        Disk, "room", lambda _self, spare: Room(2000 * MB, room[0], spare, 100 * MB)
    )
    gateway = Gateway(parse(SETTINGS.format(folder=tmp_path)), join=False)
    gateway.clock = clock = ToldClock()
    await gateway.compose()
    yield Filled(gateway, clock, room)
    gateway.close()


async def test_on_the_first_step_the_journal_keeps_what_somebody_still_needs(
    filled: Filled,
) -> None:
    await filled.hear(*(NOW - one * HOUR for one in range(20, 0, -1)))
    filled.free(240)
    await filled.act()
    assert filled.gateway.room.step == JOURNAL
    assert filled.in_journal() == 20, "an InfluxDB has none of them"
    filled.free(190)
    assert filled.gateway.room.step == COPIES
    await filled.act()
    await filled.act()
    assert filled.in_journal() == 1, "the newest stays, for its number"
    copies = filled.gateway.copies[0]
    assert copies.refill.missed, "what it lacks is noted, to be sent from the history"
    assert copies.sink.waiting == 0


async def test_what_is_not_judged_stays_whatever_the_room(filled: Filled) -> None:
    gateway = filled.gateway
    gateway.journal.append([said(at=NOW - one * HOUR) for one in range(20, 0, -1)])
    gateway.journal.commit()
    gateway.journal.publish()
    batch = gateway.journal.read(0, 10**6)
    await gateway.archivist.handle(batch.readings, batch.cursor)
    filled.free(110)
    await filled.act()
    await filled.act()
    assert gateway.room.step == HISTORY
    assert filled.in_journal() == 20


async def test_days_leave_the_history_from_the_oldest_on_but_for_evidence(filled: Filled) -> None:
    """One look, one day; the days of an alert stay, of its device; and so do the last ten."""
    other = DeviceKey("", "d-2")
    for device in ("d-1", "d-2"):
        await filled.hear(*(NOW - one * DAY for one in range(14, 0, -1)), device=device)
    began = NOW - 13 * DAY
    await recorded(
        filled.gateway.state, alarm("a1", device=OURS, began=began, fired=began, ended=began + 9)
    )
    filled.free(140)
    assert filled.gateway.room.step == HISTORY
    await filled.act()
    assert filled.in_history(other) == list(range(13, 0, -1))
    assert filled.in_history() == list(range(13, 0, -1))
    for _ in range(6):
        await filled.act()
    assert filled.in_history(other) == list(range(10, 0, -1))
    assert filled.in_history() == [13, *range(10, 0, -1)]


async def test_below_the_last_step_nothing_is_received_and_it_goes_on_alone(
    filled: Filled,
) -> None:
    filled.free(99)
    assert filled.gateway.room.step == INTAKE
    assert filled.gateway.ingest.held
    alert = filled.alert()
    assert alert is not None
    assert (alert.severity, "100 MB must stay" in alert.reason) == ("critical", True)
    assert "never given up" in alert.note
    filled.free(120)
    assert not filled.gateway.ingest.held
    alert = filled.alert()
    assert alert is not None
    assert alert.severity == "warning", "it is no longer so grave, and still told"
    filled.free(400)
    assert filled.gateway.room.step == WELL
    assert filled.alert() is None


async def test_people_are_told_before_it_bites(filled: Filled) -> None:
    """900 MB fall by 40 a day: in the second day it is said that they will last for weeks."""
    free = 1000.0
    for _ in range(24):
        filled.free(free)
        filled.clock.passes(HOUR)
        free -= 100 / 24
    alert = filled.alert()
    assert alert is not None
    assert alert.severity == "warning"
    assert "enough for about 8 days; below 250 MB readings" in alert.reason
    assert filled.gateway.room.step == WELL
    assert filled.gateway.room.report()["full_in"] // DAY == 8


async def test_the_report_says_who_takes_how_much(filled: Filled) -> None:
    await filled.hear(NOW - HOUR)
    report = filled.gateway.room.report()
    ours = sum(report[one] for one in ("journal", "history", "evidence", "state", "ballast"))
    assert report["ballast"] >= MB
    assert report["others"] == report["total"] - report["free"] - ours
    assert [one["below"] // MB for one in report["steps"]] == [250, 200, 150, 100]


async def test_a_clock_that_leapt_takes_no_young_days_from_the_history(filled: Filled) -> None:
    await filled.hear(*(NOW - one * DAY for one in range(14, 0, -1)))
    filled.free(140)
    filled.clock.wall += 900 * DAY
    filled.clock.corrected()
    await filled.act()
    assert filled.in_history() == list(range(14, 0, -1))
