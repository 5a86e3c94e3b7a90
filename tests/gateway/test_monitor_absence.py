"""Who is not heard any more is missed, once, and only while we can hear."""

from __future__ import annotations

from devices.reading import DeviceKey
from rules.duration import MINUTE
from tests.gateway.parts import said
from tests.gateway.site import GONE, WARM, Site

D1 = DeviceKey("", "d-1")
DAY = 24 * 60
"""Minutes."""


async def test_who_is_not_heard_any_more_is_missed_once_and_found_again(site: Site) -> None:
    await site.crash(WARM, GONE)
    now = site.clock.now()
    await site.take(said(at=now, received=now))
    await site.passes(59)
    assert site.alerts(D1) == []
    await site.passes(60.5)
    (alert,) = site.monitor.open_alerts
    assert (alert.rule, alert.began) == ("gone", now)
    await site.crash()
    await site.passes(60.5)
    assert site.kinds() == ["firing"]
    await site.take(said(at=site.clock.now()))
    assert site.kinds() == ["firing", "resolved"]


async def test_who_was_missing_when_we_crashed_is_found_again_by_the_first_word(
    site: Site,
) -> None:
    await site.crash(GONE)
    await site.take(said(at=site.clock.now()))
    await site.monitor.checkpoint()
    await site.passes(61)
    assert site.kinds() == ["firing"]
    await site.crash()
    await site.take(said(at=site.clock.now()))
    assert site.kinds() == ["firing", "resolved"]
    assert site.monitor.open_alerts == []


async def test_nobody_is_missed_while_we_could_not_hear_or_have_not_read(site: Site) -> None:
    await site.crash(GONE)
    await site.take(said(at=site.clock.now()))
    site.clock.passes(300 * MINUTE)
    await site.monitor.tick(None)
    assert site.kinds() == [], "not joined"
    await site.monitor.tick(site.clock.now())
    assert site.kinds() == [], "joined just now"
    site.journal.append([said(at=site.clock.now())])
    site.journal.commit()
    site.journal.publish()
    await site.monitor.tick(site.clock.now() - 200 * MINUTE)
    assert site.kinds() == [], "something unread is in the journal"


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


async def test_a_device_heard_before_our_clock_was_set_back_is_missed_in_time(site: Site) -> None:
    await site.crash(GONE)
    now = site.clock.now()
    await site.take(said(at=now, received=now))
    site.clock.wall -= DAY * MINUTE
    site.monitor.engine.set_back(site.clock.now())
    await site.passes(61)
    assert [one.state for one in site.monitor.open_alerts] == ["firing"]
