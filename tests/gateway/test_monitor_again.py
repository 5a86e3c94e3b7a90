"""What a review of judging found, so that it stays mended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices.reading import IMPORTED, RETAINED, DeviceKey
from gateway.database import DiskError
from gateway.history import DamagedHistoryError
from rules.duration import MINUTE
from rules.revision import WITHDRAWN
from tests.gateway.parts import said
from tests.gateway.site import GONE, WARM, Site
from tests.gateway.test_monitor import Series, brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.reading import Reading

D1 = DeviceKey("", "d-1")
DAY = 24 * 60


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    await made.start()
    yield made
    made.close()


def from_file(site: Site, readings: list[Reading]) -> list[Reading]:
    return [
        said(at=one.at, value=one.values[0], flags=IMPORTED, received=site.clock.now())
        for one in readings
    ]


async def test_an_alert_that_was_withdrawn_fires_when_its_run_lasts_after_all(site: Site) -> None:
    series = Series(site)
    await site.take(*series("9 9 - 9"))
    # Late: between 15 and 30 nobody knows, so it has not lasted 30 minutes yet.
    await site.take(said(at=series.at(15), value=-999.0))
    await site.settle()
    assert [one.reason for one in site.alerts(D1)] == [WITHDRAWN]
    await site.take(*series("9 9 9", first=40))
    (alert,) = site.monitor.open_alerts
    assert (alert.state, alert.revision) == ("firing", 2)
    await site.crash()
    assert [one.id for one in site.monitor.open_alerts] == [alert.id]


async def test_who_is_missing_is_still_missed_after_the_rule_was_edited(site: Site) -> None:
    await site.crash(GONE)
    now = site.clock.now()
    await site.take(said(at=now, received=now))
    await site.passes(61)
    assert [one.state for one in site.alerts(D1)] == ["firing"]
    await site.monitor.checkpoint()
    await site.crash({**GONE, "note": "Look for it."})
    await site.passes(1)
    assert [one.state for one in site.alerts(D1)] == ["indeterminate"]
    await site.passes(61)
    assert [one.note for one in site.monitor.open_alerts] == ["Look for it."]


async def test_a_file_that_ends_in_breach_is_live_once_its_device_is_heard(site: Site) -> None:
    series = Series(site)
    await site.take(*from_file(site, series("4 9 9 9 9")))
    assert [one.retrospective for one in site.monitor.open_alerts] == [True]
    await site.take(*series("9", first=50))
    assert [one.retrospective for one in site.monitor.open_alerts] == [False]
    assert site.kinds() == ["firing", "revised"]


async def test_a_live_alert_beside_an_old_file_of_its_device_is_live(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9"), *from_file(site, series("4", first=-600)))
    await site.take(*from_file(site, series("4", first=-500)), *series("9", first=40))
    assert [one.retrospective for one in site.monitor.open_alerts] == [False]


async def test_a_breach_in_a_backlog_that_is_over_for_long_is_retrospective(site: Site) -> None:
    await site.take(*Series(site)("4 9 9 9 9 9 4 4"))
    assert [one.retrospective for one in site.alerts(D1)] == [True]


async def test_what_the_history_has_dropped_is_no_reason_to_withdraw(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 4", first=-40 * DAY), *series("4 4"))
    await site.archive()
    await site.monitor.checkpoint()
    site.journal.prune(site.monitor.saved_cursor, 2**60, 2**60)
    site.journal.commit()
    (told,) = site.alerts(D1)
    site.history.prune(site.clock.now() - 10 * DAY * MINUTE)
    await site.take(*series("4", first=-50 * DAY))
    await site.settle()
    assert site.alerts(D1) == [told]


async def test_a_damaged_past_leaves_its_verdicts_and_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 9 9 4"))
    told = site.alerts(D1)

    def damaged(*_: object) -> list[Reading]:
        raise DamagedHistoryError(Path("history.db"), "d-1 is damaged on a day", "Restore it")

    monkeypatch.setattr(site.history, "read", damaged)
    await site.take(*series("9", first=-10))
    await site.settle()
    assert site.alerts(D1) == told
    assert "d-1" in (site.monitor.problem or "")
    await site.crash()
    assert site.state.late() == []


async def test_nothing_is_judged_again_while_no_checkpoint_can_be_saved(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 4"))
    await site.take(*series("9 9 9 9 9", first=10))
    with monkeypatch.context() as patch:

        def fails() -> None:
            site.state.rollback()
            raise DiskError("full")

        patch.setattr(site.state, "commit", fails)
        await site.settle()
    assert site.alerts(D1) == []
    await site.settle()
    assert [brief(one, series) for one in site.alerts(D1)] == [("resolved", 10, 40, 60)]


async def test_a_kept_message_with_an_impossible_time_is_not_judged(site: Site) -> None:
    await site.crash({**WARM, "for": "0 s"})
    await site.take(said(at=5, received=site.clock.now(), value=9.0, flags=RETAINED))
    assert site.alerts(D1) == []


async def test_the_worst_that_late_data_shows_is_told(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 - 9 9 4"))
    await site.take(*series("42", first=30))
    await site.settle()
    assert [one.worst for one in site.alerts(D1)] == [42.0]


async def test_the_latest_reading_is_the_newest_and_not_the_last_that_came(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 5", first=50))
    await site.take(*series("3"))
    latest = site.monitor.latest(D1)
    assert latest is not None
    assert latest.values == (5.0,)


async def test_a_device_heard_before_our_clock_was_set_back_is_missed_in_time(site: Site) -> None:
    await site.crash(GONE)
    now = site.clock.now()
    await site.take(said(at=now, received=now))
    site.clock.wall -= DAY * MINUTE
    site.monitor.engine.set_back(site.clock.now())
    await site.passes(61)
    assert [one.state for one in site.monitor.open_alerts] == ["firing"]
