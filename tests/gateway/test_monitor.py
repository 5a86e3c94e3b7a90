"""The monitor: what is judged is told once, whatever restarts and fails."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gateway.monitor
import gateway.told
from devices.reading import RETAINED, DeviceKey, Reading
from gateway.database import DiskError
from gateway.own_alerts import KIND, OwnAlerts
from rules.duration import MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.revision import WITHDRAWN
from rules.subject import order
from tests.gateway.parts import said
from tests.gateway.site import GONE, WARM, Series, Site, brief

D1 = DeviceKey("", "d-1")


async def test_a_breach_that_lasts_fires_and_is_resolved(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 9"))
    (alert,) = site.monitor.open_alerts
    assert brief(alert, series) == ("firing", 10, 40, None)
    assert not alert.retrospective
    await site.take(*series("4", first=60))
    assert site.monitor.open_alerts == []
    assert [brief(one, series) for one in site.alerts(D1)] == [("resolved", 10, 40, 60)]
    assert site.kinds() == ["firing", "resolved"]


@pytest.mark.parametrize("saved", [False, True], ids=["no checkpoint", "checkpoint"])
@pytest.mark.parametrize("after", range(1, 7))
async def test_a_restart_anywhere_in_a_duration_changes_nothing(
    site: Site, after: int, *, saved: bool
) -> None:
    series = Series(site)
    whole = series("4 9 9 9 9 4 4")
    await site.take(*whole[:after])
    if saved:
        await site.monitor.checkpoint()
    await site.crash()
    await site.take(*whole[after:])
    assert [brief(one, series) for one in site.alerts(D1)] == [("resolved", 10, 40, 50)]
    assert site.kinds() == ["firing", "resolved"]


async def test_judging_the_same_again_after_a_crash_makes_no_second_alert(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 4 9 9 9 9 9"))
    before = site.state.read(0, 100)
    for _ in range(3):
        await site.crash()
        assert site.monitor.cursor == site.journal.head
        assert site.state.read(0, 100) == before
        assert [one.state for one in site.monitor.open_alerts] == ["firing"]


async def test_a_rule_that_is_gone_closes_its_alert_as_indeterminate(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 9"))
    await site.monitor.checkpoint()
    await site.crash(GONE)
    await site.passes(0)
    (alert,) = site.alerts(D1)
    assert alert.state == "indeterminate"
    assert site.monitor.open_alerts == []
    await site.crash(GONE)
    await site.passes(0)
    assert site.kinds() == ["firing", "indeterminate"]


async def test_a_rule_that_changed_closes_the_alert_of_its_earlier_version(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 9"))
    stricter = {**WARM, "above": 7.0}
    await site.crash(stricter)
    await site.passes(0)
    assert [one.state for one in site.alerts(D1)] == ["indeterminate"]
    now = site.clock.now()
    await site.take(*(said(at=now + n * 10 * MINUTE, value=7.5) for n in range(5)))
    (alert,) = site.monitor.open_alerts
    assert alert.limit == "above 7.0 °C for 30 min"


async def test_a_rule_that_nobody_knows_any_more_keeps_what_its_alert_said(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 9"))
    await site.monitor.checkpoint()
    (before,) = site.alerts(D1)
    site.monitor = site.judge([])
    await site.passes(0)
    (after,) = site.alerts(D1)
    assert (after.state, after.kind, after.severity, after.limit) == (
        *("indeterminate", before.kind, before.severity, before.limit),
    )


async def test_an_alert_whose_device_is_ahead_of_us_closes_with_its_rule(site: Site) -> None:
    now = site.clock.now()
    await site.take(*(said(at=now + n * MINUTE, value=9.0, received=now) for n in range(-32, 4)))
    (alert,) = site.monitor.open_alerts
    site.clock.passes(-2 * MINUTE)
    assert alert.fired > site.clock.now() - 10 * MINUTE
    await site.monitor.checkpoint()
    await site.crash(GONE)
    await site.passes(0)
    assert site.monitor.open_alerts == []


async def test_alerts_about_the_gateway_itself_are_not_the_monitors(site: Site) -> None:
    own = OwnAlerts("", "box", site.state, site.clock, [])
    own.report("disk", "it is full")
    task = asyncio.create_task(own.run())
    async with asyncio.timeout(10):
        while not site.state.open_alerts():  # noqa: ASYNC110 - the record is all there is to see
            await asyncio.sleep(0.001)
    task.cancel()
    await site.crash()
    assert [one.kind for one in site.state.open_alerts()] == [KIND]
    assert site.monitor.open_alerts == []
    again = OwnAlerts("", "box", site.state, site.clock, [])
    assert [one.channel for one in again.open_alerts] == ["disk"]


async def test_alerts_wait_for_a_disk_that_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.told, "RETRY", 0.0)
    commit, attempts = site.state.commit, [0]

    def fail() -> None:
        attempts[0] += 1
        if attempts[0] <= 3:
            site.state.rollback()
            raise DiskError("it is full")
        commit()

    monkeypatch.setattr(site.state, "commit", fail)
    await site.take(*Series(site)("4 9 9 9 9 9"))
    assert attempts[0] == 4
    assert site.kinds() == ["firing"]


async def test_a_checkpoint_that_fails_leaves_the_last_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = Series(site)
    await site.take(*series("4 9 9"))

    def fail() -> None:
        site.state.rollback()
        raise DiskError("it is full")

    with monkeypatch.context() as patch:
        patch.setattr(site.state, "commit", fail)
        await site.monitor.checkpoint()
    assert site.monitor.saved_cursor == 0
    await site.monitor.checkpoint()
    assert site.monitor.saved_cursor == 3
    await site.crash()
    await site.take(*series("9 9", first=30))
    assert site.kinds() == ["firing"]


async def test_a_checkpoint_beside_judging_saves_no_state_of_another_moment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged while a checkpoint waits for the disk belongs to the next one."""
    monkeypatch.setattr(gateway.monitor, "SLICE", 1)
    series = Series(site)
    devices = [f"d-{n}" for n in range(1, 9)]

    def minute(n: int) -> list[Reading]:
        return [said(one, series.at(10 * n), 9.0) for one in devices]

    await site.take(*minute(0))
    for n in range(1, 5):
        site.journal.append(minute(n))
        site.journal.commit()
        site.journal.publish()
        await asyncio.gather(site.monitor.checkpoint(), site.catch_up())
    await site.crash()
    fired = {one.device.id: one.fired for one in site.state.open_alerts()}
    assert fired == dict.fromkeys(devices, series.at(30))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 6)),
        st.tuples(
            st.sampled_from(["crash", "checkpoint", "settle", "archive", "again"]), st.just(0)
        ),
    ),
    max_size=14,
)


@given(
    shape=st.lists(
        st.tuples(st.sampled_from([4.0, 8.0, 9.0, -300.0]), st.sampled_from([5, 10, 45, 700])),
        min_size=5,
        max_size=40,
    ),
    shuffle=st.randoms(use_true_random=False),
    steps=STEPS,
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_order_and_the_crashes_the_alerts_are_those_of_an_offline_judge(
    shape: list[tuple[float, int]], shuffle: object, steps: list[tuple[str, int]]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="monitor-"))
    try:
        asyncio.run(_compare(folder, shape, shuffle, steps))
    finally:
        shutil.rmtree(folder)


async def _compare(
    folder: Path, shape: list[tuple[float, int]], shuffle: object, steps: list[tuple[str, int]]
) -> None:
    site = Site(folder)
    await site.start()
    at, arriving = site.clock.now() - 60 * 24 * 3600 * 1000, []
    for number, (value, minutes) in enumerate(shape):
        at += minutes * MINUTE
        arriving.append(said(at=at, value=value, sequence=number))
    shuffle.shuffle(arriving)  # type: ignore[attr-defined]  # hypothesis' own Random
    whole, taken = list(arriving), 0
    for what, count in steps:
        if what == "take":
            await site.take(*arriving[taken : taken + count])
            taken += count
        elif what == "again":
            await site.take(*arriving[max(0, taken - 3) : taken])
        elif what == "crash":
            await site.crash()
        elif what == "checkpoint":
            await site.monitor.checkpoint()
        elif what == "archive":
            await site.archive()
        else:
            await site.settle()
    await site.take(*arriving[taken:])
    await site.settle()
    judged = Engine(site.versions, always(12 * MINUTE)).judge(sorted(whole, key=order))
    expected = sorted((one.begin, one.fired_at, one.ended_at) for one in judged)
    found = [one for one in site.alerts(D1) if one.reason != WITHDRAWN]
    assert sorted((one.began, one.fired, one.ended) for one in found) == expected
    assert {one.id for one in site.monitor.open_alerts} == {
        one.id for one in found if one.ended is None
    }
    site.close()


async def test_a_kept_message_with_an_impossible_time_is_not_judged(site: Site) -> None:
    await site.crash({**WARM, "for": "0 s"})
    await site.take(said(at=5, received=site.clock.now(), value=9.0, flags=RETAINED))
    assert site.alerts(D1) == []
