"""Dead links: who is behind them, and how one is found that says nothing of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.notify.hiding import Heard, gravest, silent, source_of_link
from gateway.own_alerts import OwnAlerts
from rules.alert import Alert
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.notify.site import Site, lost, own
from tests.gateway.parts import NOW, said


@pytest.mark.parametrize(
    ("alert", "source"),
    [
        (own("broker main"), "main"),
        (own("broker main", severity="warning"), None),
        (own("way poll:cold"), "poll:cold"),
        (own("link listener/gate"), "listener/gate"),
        (own("disk"), "*"),
        (own("influxdb main"), None),
        (own("broker main", state="resolved", ended=NOW), None),
        (lost(1), None),
    ],
)
def test_what_says_that_a_link_is_dead(alert: Alert, source: str | None) -> None:
    assert source_of_link(alert) == source


def heard(*who: tuple[int, str, int]) -> Heard:
    """Who was heard: number, source, and how long ago (ms)."""
    last = {
        DeviceKey("", f"fridge-{number}"): said(f"fridge-{number}", NOW - ago, source=source)
        for number, source, ago in who
    }
    return Heard(
        lambda: last, lambda one: last[one].source if one in last else "", lambda _: MINUTE
    )


THREE = ((1, "main", HOUR), (2, "main", HOUR), (3, "main", HOUR))


@pytest.mark.parametrize(
    ("missing", "known", "found"),
    [
        ((1, 2, 3), THREE, True),
        ((1, 2), THREE[:2], False),
        ((1, 2, 3), (*THREE, (4, "main", HOUR)), False),
        ((1, 2, 3), (*THREE, (4, "main", 2 * DAY)), True),
        ((1, 2, 3), (*THREE, (4, "other", 0)), True),
        # Not heard since our start: whoever else comes through it may not have been either.
        ((1, 2, 3), THREE[:2], False),
    ],
)
def test_several_that_go_at_once_are_their_link(
    missing: tuple[int, ...], known: tuple[tuple[int, str, int], ...], *, found: bool
) -> None:
    alerts = [lost(number, began=NOW - HOUR) for number in missing]
    assert list(silent(alerts, heard(*known), NOW)) == (["main"] if found else [])


def test_who_fell_silent_long_before_does_not_make_it_a_link() -> None:
    alerts = [lost(n, began=NOW - n * HOUR) for n in (1, 2, 3)]
    assert silent(alerts, heard(*THREE), NOW) == {}


def test_a_link_is_as_grave_as_the_gravest_behind_it() -> None:
    assert gravest([lost(1), lost(2, severity="critical"), lost(3)]) == "critical"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.sources = {DeviceKey("", f"fridge-{n}"): "main" for n in (1, 2, 3)}
    yield made
    made.state.close()


async def test_a_link_that_is_found_dead_is_told_in_the_place_of_its_sensors(site: Site) -> None:
    site.policy = site.policy._replace(
        routes=(msgspec.structs.replace(site.policy.routes[0], gather=10_000),)
    )
    site.restart()
    alerts = OwnAlerts("", "box", site.state, site.clock, [])
    known = heard(*THREE)
    await site.record(*(lost(n, began=NOW - HOUR) for n in (1, 2, 3)))
    await site.follow()
    site.notifier.watch_links(alerts, known)
    (link,) = alerts.open_alerts
    assert (link.channel, link.severity) == ("link main", "warning")
    assert link.reason == "none of the 3 sensors that come through main is heard"
    await site.record(link)
    await site.follow()
    await site.passes(MINUTE)
    assert site.told() == [(link.id, "fired", 0)]
    assert len(site.messages("office")[0].lines[0].hides) == 3
    # One of them is heard again: so is the link.
    known = heard(*THREE[:2], (3, "main", -10 * MINUTE))
    await site.ends("lost-3")
    site.clock.passes(10 * MINUTE)
    site.notifier.watch_links(alerts, known)
    assert alerts.open_alerts == []


async def test_where_the_link_says_so_itself_nothing_is_added(site: Site) -> None:
    alerts = OwnAlerts("", "box", site.state, site.clock, [])
    await site.record(own("broker main"), *(lost(n, began=NOW - HOUR) for n in (1, 2, 3)))
    await site.follow()
    site.notifier.watch_links(alerts, heard(*THREE))
    assert alerts.open_alerts == []


async def test_a_consignment_is_hidden_where_all_its_sensors_are(site: Site) -> None:
    await site.record(own("broker main"))
    for identity, sensors in (("C-1", (1, 2)), ("C-2", (1, 9)), ("C-3", ())):
        await site.states(identity, *(DeviceKey("", f"fridge-{n}") for n in sensors))
        alert = lost(9, device=DeviceKey("", f"consignment/{identity}"))
        await site.record(msgspec.structs.replace(alert, id=identity))
    await site.follow()
    assert site.why("C-1") == [("all", "hidden behind broker main")]
    assert site.why("C-2") == site.why("C-3") == [("all", "told")]
