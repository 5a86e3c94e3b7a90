"""Late data: the past is judged again, and what was told stays on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.reading import DeviceKey, Reading
from gateway.database import DiskError
from gateway.history import DamagedHistoryError
from rules.duration import MINUTE
from rules.revision import WITHDRAWN
from tests.gateway.parts import said
from tests.gateway.site import Series, Site, brief

D1 = DeviceKey("", "d-1")
DAY = 24 * 60
"""Minutes."""


async def test_a_late_breach_is_found_and_marked_retrospective(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 4"))
    await site.take(*series("9 9 9 9 9", first=10))
    assert site.alerts(D1) == [], "once the backlog pauses"
    await site.passes(1)
    (alert,) = site.alerts(D1)
    assert (*brief(alert, series), alert.retrospective) == ("resolved", 10, 40, 60, True)
    assert site.kinds() == ["firing", "resolved"]


async def test_a_late_breach_that_still_lasts_is_live(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 9"))
    await site.take(*series("9 9 9 9 9", first=10))
    await site.settle()
    (alert,) = site.monitor.open_alerts
    assert (*brief(alert, series), alert.retrospective) == ("firing", 10, 40, None, False)
    await site.take(*series("4", first=70))
    assert site.monitor.open_alerts == []


async def test_a_backfill_in_two_parts_that_reaches_now_is_live(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 4"))
    await site.take(*series("9 9 9 9 9", first=10))
    await site.settle()
    assert [one.retrospective for one in site.alerts(D1)] == [True]
    await site.take(*series("9 9 9", first=70))
    await site.take(said(at=series.at(60), value=9.0, sequence=1))
    await site.settle()
    (alert,) = site.monitor.open_alerts
    assert not alert.retrospective


async def test_an_alert_found_before_one_that_fires_leaves_it_firing(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 4 9 9 9 9"))
    await site.take(*series("9 9 9 9", first=10))
    await site.settle()
    assert [one.state for one in site.alerts(D1)] == ["resolved", "firing"]
    assert [one.state for one in site.monitor.open_alerts] == ["firing"]
    await site.take(*series("4", first=120))
    assert [one.state for one in site.alerts(D1)] == ["resolved", "resolved"]


async def test_neighbours_that_late_data_moves_keep_each_its_own_name(site: Site) -> None:
    series = Series(site)
    await site.take(*series("9 9 9 9 4 - - - - 4 9 9 9 9"))
    first, second = site.alerts(D1)
    await site.take(*series("9 9 9 9", first=50))
    await site.settle()
    found = site.alerts(D1)
    assert [brief(one, series) for one in found] == [
        ("resolved", 0, 30, 40),
        ("resolved", 50, 80, 90),
        ("firing", 100, 130, None),
    ]
    assert (found[0].id, found[2].id) == (first.id, second.id)


async def test_an_alert_that_comes_and_goes_with_late_data_is_told_each_time(site: Site) -> None:
    series = Series(site)
    await site.take(*series("9 9 - - 9 - - 9"))
    (first,) = site.alerts(D1)
    for n, value in enumerate((4.0, 9.0, 4.0, 9.0)):
        # The hold is 30 min: a value in between decides whether the breach lasted.
        await site.take(said(at=series.at(20 + n), value=value, sequence=n))
        await site.settle()
    stored, _ = site.state.read(0, 100)
    revised = [one.event.alert.revision for one in stored if one.event.kind == "revised"]
    assert revised == list(range(1, len(revised) + 1))
    assert len(revised) > 1
    assert site.alerts(D1)[0].id == first.id


async def test_a_beginning_that_late_data_moves_keeps_the_first_id(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - 9 9 9 9 9"))
    (first,) = site.alerts(D1)
    assert brief(first, series) == ("firing", 30, 60, None)
    await site.take(*series("9 9", first=10))
    await site.settle()
    (moved,) = site.monitor.open_alerts
    assert moved.id == first.id
    assert brief(moved, series) == ("firing", 10, 40, None)
    await site.crash()
    await site.take(*series("4", first=80))
    (over,) = site.alerts(D1)
    assert (over.id, *brief(over, series)) == (first.id, "resolved", 10, 40, 80)
    events, _ = site.state.read(0, 100)
    assert [one.event.kind for one in events] == ["firing", "revised", "resolved"]
    assert events[1].event.before == first, "the earlier verdict stays on record"


async def test_an_alert_that_late_data_disproves_is_withdrawn_and_can_come_back(
    site: Site,
) -> None:
    series = Series(site)
    await site.take(*series("9 9 - 9 9"))
    (first,) = site.alerts(D1)
    assert brief(first, series) == ("firing", 0, 30, None)
    await site.take(*series("4", first=20))
    await site.settle()
    (gone,) = site.alerts(D1)
    assert (gone.id, gone.state, gone.reason) == (first.id, "resolved", WITHDRAWN)
    assert site.monitor.open_alerts == []
    await site.take(*series("9 9", first=50))
    (again,) = site.monitor.open_alerts
    assert brief(again, series) == ("firing", 30, 60, None)


async def test_late_data_is_judged_although_the_gateway_crashed_before_it_did(site: Site) -> None:
    series = Series(site)
    await site.take(*series("4 - - - - - 4"))
    await site.take(*series("9 9 9 9 9", first=10))
    await site.monitor.checkpoint()
    await site.crash()
    await site.passes(1)
    assert [brief(one, series) for one in site.alerts(D1)] == [("resolved", 10, 40, 60)]
    assert site.state.late() == []


async def test_late_data_is_judged_from_the_history_when_the_journal_has_dropped_it(
    site: Site,
) -> None:
    series = Series(site)
    await site.take(*series("4 9 9 - 9 4"))
    await site.archive()
    await site.monitor.checkpoint()
    site.journal.prune(site.monitor.saved_cursor, 2**60, 2**60)
    site.journal.commit()
    await site.crash()
    await site.take(*series("4", first=30))
    await site.settle()
    assert [one.reason for one in site.alerts(D1)] == [WITHDRAWN]


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
