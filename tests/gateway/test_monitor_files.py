"""Readings from loggers' files: history, until their device is heard."""

from __future__ import annotations

from devices.reading import IMPORTED, DeviceKey, Reading
from tests.gateway.parts import said
from tests.gateway.site import Series, Site

D1 = DeviceKey("", "d-1")


async def test_what_a_logger_held_is_history(site: Site) -> None:
    series = Series(site)
    await site.take(
        *(
            said(at=one.at, value=one.values[0], flags=IMPORTED, received=site.clock.now())
            for one in series("4 9 9 9 9 4")
        )
    )
    (alert,) = site.alerts(D1)
    assert alert.retrospective
    await site.passes(600)
    assert len(site.alerts(D1)) == 1, "nobody was heard, so nobody is missing"


def from_file(site: Site, readings: list[Reading]) -> list[Reading]:
    return [
        said(at=one.at, value=one.values[0], flags=IMPORTED, received=site.clock.now())
        for one in readings
    ]


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
