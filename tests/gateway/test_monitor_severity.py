"""An alert that becomes graver or milder is told so, once, whatever restarts."""

from __future__ import annotations

import pytest

from devices.reading import DeviceKey
from tests.gateway.site import WARM, Series, Site

D1 = DeviceKey("", "d-1")
GRAVER = {**WARM, "steps": [{"severity": "critical", "beyond": 4.0}]}


async def begin(site: Site) -> Series:
    await site.crash(GRAVER)
    series = Series(site)
    # From when the rule is in force.
    series.start = site.clock.now()
    return series


@pytest.mark.parametrize("after", [5, 6, 7, 8])
async def test_each_rise_and_fall_is_an_event_of_the_one_alert(site: Site, after: int) -> None:
    series = await begin(site)
    whole = series("4 9 9 9 9 13 13 9 9 4")
    await site.take(*whole[:after])
    await site.crash(GRAVER)
    await site.take(*whole[after:])
    assert site.kinds() == ["firing", "severity", "severity", "resolved"]
    events = [one.event for one in site.state.read(0, 100)[0]]
    assert [one.alert.severity for one in events] == ["warning", "critical", "warning", "warning"]
    assert [one.before.severity for one in events if one.before] == ["warning", "critical"]
    assert len({one.alert.id for one in events}) == 1


async def test_what_is_open_is_as_grave_as_it_is_now(site: Site) -> None:
    series = await begin(site)
    await site.take(*series("4 9 9 9 9 13"))
    (alert,) = site.monitor.open_alerts
    assert (alert.severity, alert.reason) == ("critical", "it was warning before")
    assert [one.severity for one in site.state.open_alerts()] == ["critical"]


async def test_late_data_that_was_graver_revises_what_was_told(site: Site) -> None:
    series = await begin(site)
    await site.take(*series("4 9 9 9 9 - 9 4"))
    assert site.kinds() == ["firing", "resolved"]
    await site.take(*series("13", first=50))
    await site.settle()
    (alert,) = site.alerts(D1)
    assert (alert.severity, alert.worst) == ("warning", 13.0)
