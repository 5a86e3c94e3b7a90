"""What people state of devices changes what was judged of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from devices.reading import DeviceKey, Reading
from gateway.monitor import Monitor
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import REPLACED, Intervals, Stand
from rules.rule import RuleVersion
from tests.gateway.site import GONE, WARM, Series, Site, brief
from tests.rules.series import INTERVAL

D1 = DeviceKey("", "d-1")


class Offset:
    """Stands for the registry's corrections: so much is added from a time on."""

    def __init__(self) -> None:
        self.since = 1 << 62
        self.offset = 0.0

    @property
    def any(self) -> bool:
        return self.offset != 0

    def apply(self, readings: list[Reading]) -> list[Reading]:
        return [
            msgspec.structs.replace(one, values=tuple(v + self.offset for v in one.values))
            if one.when >= self.since
            else one
            for one in readings
        ]


class Stated(Site):
    """A site whose devices people state things of."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.offset = Offset()
        self.intervals: Intervals = ((0, INTERVAL),)
        self.stands: dict[DeviceKey, tuple[Stand, ...]] = {}

    def judge(self, versions: Sequence[RuleVersion]) -> Monitor:
        return Monitor(
            Engine(
                versions,
                lambda _device: self.intervals,
                stands_for=lambda device: self.stands.get(device, (Stand(device),)),
            ),
            self.state,
            self.journal,
            self.history,
            self.clock,
            corrections=self.offset,  # type: ignore[arg-type] # it does what they do
        )

    async def state_fact(self, since: int, *, told: bool = True) -> None:
        async with self.state.writing():
            self.monitor.stage_change(D1, since, "calibration")
        if told:
            self.monitor.changed(D1, since, "calibration")


@pytest.fixture
async def stated(tmp_path: Path) -> Stated:
    site = Stated(tmp_path)
    await site.start()
    return site


async def test_an_offset_is_judged_live(stated: Stated) -> None:
    stated.offset.since, stated.offset.offset = 0, 5.0
    series = Series(stated)
    await stated.take(*series("4 4 4 4"))
    (alert,) = stated.monitor.open_alerts
    assert brief(alert, series) == ("firing", 0, 30, None)
    assert alert.worst == 9.0
    newest = stated.monitor.latest(D1)
    assert newest is not None
    assert newest.values == (9.0,)
    stated.close()


async def test_an_offset_stated_later_changes_verdicts_from_its_time_on(stated: Stated) -> None:
    series = Series(stated)
    await stated.take(*series("4 4 4 4 4 4 4 4 4"))
    stated.offset.since, stated.offset.offset = series.at(30), 5.0
    await stated.state_fact(stated.offset.since)
    await stated.passes(1)
    (alert,) = stated.monitor.open_alerts
    assert brief(alert, series) == ("firing", 30, 60, None)
    assert alert.reason == "what was stated of its calibration brought it to light"
    stated.close()


async def test_late_data_and_what_is_stated_are_told_as_both(stated: Stated) -> None:
    series = Series(stated)
    await stated.take(*series("9 9 9 9 9 4"))
    stated.offset.since, stated.offset.offset = series.at(20), 0.5
    await stated.state_fact(stated.offset.since)
    await stated.take(*series("9.5", first=45))
    await stated.passes(1)
    (alert,) = stated.alerts(D1)
    assert alert.reason == "late data and what was stated of its calibration moved it"
    stated.offset.offset = -5.0
    await stated.state_fact(stated.offset.since)
    await stated.take(*series("9.5", first=46))
    await stated.passes(1)
    (alert,) = stated.alerts(D1)
    both = "late data and what was stated of its calibration"
    why = f"withdrawn: {both} show that the limit was not passed for long enough"
    assert alert.reason == why
    stated.close()


async def test_it_is_judged_again_also_after_a_crash(stated: Stated) -> None:
    series = Series(stated)
    await stated.take(*series("4 4 4 4 4 4 4 4 4"))
    await stated.monitor.checkpoint()
    stated.offset.since, stated.offset.offset = series.at(30), 5.0
    await stated.state_fact(stated.offset.since, told=False)
    await stated.crash()
    await stated.passes(1)
    (alert,) = stated.monitor.open_alerts
    assert brief(alert, series) == ("firing", 30, 60, None)
    cause = "late data or what was stated of the device"
    assert alert.reason == f"{cause} brought it to light", "which of them was forgotten"
    stated.close()


async def test_whoever_is_replaced_rings_no_more(tmp_path: Path) -> None:
    site = Stated(tmp_path)
    await site.start(WARM, GONE)
    series = Series(site)
    start = site.clock.now()
    await site.take(*series("9 9 9 9 9 9"))
    site.clock.passes(90 * MINUTE)
    await site.monitor.tick(start)
    assert {one.rule for one in site.monitor.open_alerts} == {"too-warm", "gone"}
    site.stands[D1] = (Stand(D1, until=series.at(45)),)
    await site.state_fact(series.at(45))
    await site.passes(1)
    assert site.monitor.open_alerts == []
    ended = {one.rule: one for one in site.alerts(D1)}
    assert {one.state for one in ended.values()} == {"indeterminate"}
    assert all(REPLACED in one.reason for one in ended.values())
    assert ended["too-warm"].ended == series.at(45)
    await site.passes(600)
    assert site.monitor.open_alerts == []
    site.close()


async def test_what_is_stated_of_a_device_never_heard_is_no_work(stated: Stated) -> None:
    await stated.state_fact(0)
    await stated.passes(1)
    assert stated.state.late() == []
    assert not list(stated.monitor.engine.devices())
    stated.close()


async def test_a_change_while_it_is_judged_again_is_not_forgotten(stated: Stated) -> None:
    series = Series(stated)
    await stated.take(*series("4 4 4 4 4 4 4 4 4"))
    await stated.state_fact(series.at(60))
    judging = stated.monitor.past.readings

    def meanwhile(device: DeviceKey, since: int, until: int) -> list[Reading]:
        stated.monitor.past.readings = judging  # type: ignore[method-assign]
        found = judging(device, since, until)
        stated.offset.since, stated.offset.offset = series.at(30), 5.0
        stated.monitor.changed(D1, series.at(30), "calibration")
        stated.offset.offset = 0.0
        return found

    stated.monitor.past.readings = meanwhile  # type: ignore[method-assign, assignment] # asked without an end
    await stated.passes(1)
    stated.offset.offset = 5.0
    assert stated.monitor.open_alerts == []
    assert stated.state.late(), "on the disk too"
    await stated.passes(1)
    assert len(stated.monitor.open_alerts) == 1
    stated.close()
