"""Who is told, when, and why not: over a real file, with a clock that is told the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.follow import RetryLater
from gateway.notify.gather import MOST
from gateway.notify.mutes import Mute
from gateway.notify.routes import Route, Step
from gateway.registry.cards import Maintenance
from gateway.settings.routes import Acknowledgement
from rules.duration import DAY, HOUR, MINUTE, SECOND
from rules.only import Schedule
from rules.revision import WITHDRAWN
from tests.gateway.notify.site import ANNA, Site, firing, lost, own
from tests.gateway.parts import NOW, ToldClock

Make = Callable[..., Site]
ALL = Route(name="all", channels=("office",))
URGENT = Route(
    name="urgent",
    channels=("office",),
    steps=(Step(15 * MINUTE, ("duty",)), Step(45 * MINUTE, ("boss",))),
    repeat=30 * MINUTE,
)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Site] = []

    def site(*routes: Route, **more: object) -> Site:
        made.append(Site(tmp_path, *routes, **more))  # type: ignore[arg-type] # as it takes them
        return made[-1]

    yield site
    for one in made:
        one.state.close()


# --- beginning and end


async def test_a_beginning_and_its_end_are_told_once_each(make: Make) -> None:
    site = make(ALL)
    await site.fires()
    assert site.told() == [("a", "fired", 0)]
    await site.passes(3 * HOUR)
    await site.ends()
    await site.passes(3 * HOUR)
    assert site.told() == [("a", "fired", 0), ("a", "resolved", 0)]


async def test_a_line_says_name_site_and_who_has_it(make: Make) -> None:
    site = make(ALL)
    await site.fires()
    await site.does("acknowledged")
    await site.ends()
    first, last = (message.lines[0] for message in site.messages("office"))
    assert (first.name, first.site, first.holder) == ("Fridge", "Hall 1", "")
    assert last.holder == "anna"


async def test_goods_are_those_of_the_consignments_that_a_sensor_speaks_for(make: Make) -> None:
    site = make(Route(name="cold", goods=("vacc*",), channels=("office",)))
    await site.states("C-1", DeviceKey("", "fridge-1"))
    await site.states("C-2", DeviceKey("", "fridge-2"), goods="meat")
    await site.fires("a")
    await site.fires("b", device=DeviceKey("", "fridge-2"))
    await site.fires("c", device=DeviceKey("", "consignment/C-1"))
    lines = [line for message in site.messages("office") for line in message.lines]
    assert sorted((one.alert.id, one.name, one.site, one.goods) for one in lines) == [
        ("a", "Fridge", "Hall 1", "vaccines"),
        ("c", "Box C-1", "Hall 1", "vaccines"),
    ]


async def test_what_late_data_disproves_is_withdrawn(make: Make) -> None:
    site = make(ALL)
    await site.fires()
    await site.passes(MINUTE)
    await site.ends(reason=WITHDRAWN)
    assert site.occasions() == ["fired", "withdrawn"]


async def test_what_begins_again_under_its_id_is_told_again(make: Make) -> None:
    site = make(ALL)
    await site.fires()
    await site.ends()
    await site.becomes(state="firing", ended=None)
    await site.ends()
    told = [("a", "fired", 0), ("a", "resolved", 0), ("a", "fired", 1), ("a", "resolved", 1)]
    assert sorted(site.told()) == sorted(told)


async def test_what_was_over_before_anybody_was_told_drops_out(make: Make) -> None:
    site = make(Route(name="all", channels=("office",), gather=10 * SECOND))
    await site.fires()
    await site.passes(5 * SECOND, SECOND)
    await site.ends()
    await site.passes(HOUR)
    assert site.told() == []
    assert site.why() == [("all", "it was over")]


async def test_a_route_may_keep_ends_to_itself(make: Make) -> None:
    site = make(Route(name="all", channels=("office",), resolved=False))
    await site.fires()
    await site.ends()
    await site.passes(HOUR)
    assert site.occasions() == ["fired"]


async def test_the_past_is_told_only_where_it_still_stands(make: Make) -> None:
    site = make(ALL)
    await site.fires("old", retrospective=True, state="resolved", ended=NOW)
    await site.fires("found", retrospective=True)
    assert site.told() == []
    assert site.why("found")[0][1].startswith("retrospective")
    await site.fires("open", began=NOW - DAY)
    await site.becomes("found", retrospective=False)
    assert site.told() == [("open", "fired", 0), ("found", "fired", 0)] or sorted(site.told()) == [
        ("found", "fired", 0),
        ("open", "fired", 0),
    ]


async def test_an_old_folder_that_told_nobody_tells_only_what_is_open(make: Make) -> None:
    site = make(ALL)
    await site.record(*(firing(f"past-{n}", NOW - DAY) for n in range(300)))
    over = [
        msgspec.structs.replace(firing(f"past-{n}"), state="resolved", ended=NOW)
        for n in range(299)
    ]
    await site.record(*over)
    site.restart()
    await site.follow()
    await site.notifier.look()
    assert site.told() == [("past-299", "fired", 0)]
    site.restart()
    await site.follow()
    await site.passes(HOUR)
    assert len(site.told()) == 1


# --- gathering


async def test_five_hundred_at_once_are_one_message_for_each_channel(make: Make) -> None:
    site = make(Route(name="all", channels=("office", "duty"), gather=10 * SECOND))
    for first in range(0, 500, 100):
        await site.record(*(lost(n) for n in range(first, first + 100)))
        await site.follow()
        await site.passes(SECOND, SECOND)
    await site.passes(10 * SECOND, SECOND)
    for channel in ("office", "duty"):
        (message,) = site.messages(channel)
        assert len(message.lines) == 500
    over = [
        msgspec.structs.replace(lost(n), state="resolved", ended=site.clock.now())
        for n in range(500)
    ]
    await site.record(*over)
    await site.follow()
    await site.passes(MINUTE, 10 * SECOND)
    assert [len(one.lines) for one in site.messages("office")] == [500, 500]


async def test_very_many_are_several_messages(make: Make) -> None:
    site = make(msgspec.structs.replace(ALL, gather=10 * SECOND))
    many = [
        firing(f"a{number}", device=DeviceKey("", f"fridge-{number}"))
        for number in range(2 * MOST + 1)
    ]
    await site.record(*many)
    await site.follow()
    await site.passes(10 * SECOND, 10 * SECOND)
    assert sorted(len(one.lines) for one in site.messages("office")) == [1, MOST, MOST]
    assert len(set(site.told())) == len(many)


async def test_what_comes_and_goes_is_told_five_times_and_then_only_if_it_lasts(
    make: Make,
) -> None:
    site = make(Route(name="all", channels=("office",), gather=10 * SECOND))
    for number in range(60):
        await site.fires(f"a{number}", fired=site.clock.now())
        await site.passes(30 * SECOND, 10 * SECOND)
        await site.ends(f"a{number}")
        await site.passes(30 * SECOND, 10 * SECOND)
    assert site.told()[-2:] == [("a4", "fired", 0), ("a4", "resolved", 0)]
    marks = [line.often for one in site.messages("office") for line in one.lines]
    assert marks == [number == 8 for number in range(10)]
    await site.fires("other", device=DeviceKey("", "fridge-2"))
    await site.fires("graver", severity="critical")
    await site.passes(10 * SECOND, 10 * SECOND)
    assert site.told()[-2:] == [("graver", "fired", 0), ("other", "fired", 0)]


async def test_what_is_graver_and_milder_by_turns_is_told_less_often(make: Make) -> None:
    site = make(ALL)
    await site.fires("a")
    for _ in range(30):
        await site.becomes("a", severity="critical")
        await site.passes(MINUTE)
        await site.becomes("a", severity="warning")
        await site.passes(MINUTE)
    assert site.occasions().count("severity") <= 10
    since = site.clock.now()
    await site.becomes("a", severity="critical")
    await site.passes(10 * MINUTE)
    assert site.messages("office")[-1].made >= since


async def test_what_comes_and_goes_is_told_once_it_lasts(make: Make) -> None:
    site = make(ALL)
    for number in range(5):
        await site.fires(f"a{number}")
        await site.ends(f"a{number}")
    await site.fires("stays")
    await site.passes(9 * MINUTE)
    assert site.told()[-1] == ("a4", "resolved", 0)
    assert "it comes and goes" in site.why("stays")[0][1]
    await site.passes(MINUTE)
    assert site.told()[-1] == ("stays", "fired", 0)


async def test_what_comes_and_goes_is_told_at_once_where_the_clock_was_set_back(
    make: Make,
) -> None:
    site = make(ALL)
    for number in range(5):
        await site.fires(f"a{number}")
        await site.ends(f"a{number}")
    await site.fires("stays")
    await site.clock_is_set(-DAY)
    assert site.told()[-1] == ("stays", "fired", 0)


async def test_what_is_gathered_survives_a_crash_with_its_time(make: Make) -> None:
    site = make(Route(name="all", channels=("office",), gather=10 * SECOND))
    await site.fires("a")
    await site.passes(6 * SECOND, SECOND)
    site.restart()
    await site.fires("b", severity="critical")
    await site.passes(3 * SECOND, SECOND)
    assert site.told() == []
    await site.passes(SECOND)
    assert site.told() == [("b", "fired", 0), ("a", "fired", 0)]
    assert len(site.messages("office")) == 1


# --- while nobody has it


async def test_steps_and_repeats_follow_until_somebody_has_it(make: Make) -> None:
    site = make(URGENT)
    await site.fires()
    await site.passes(61 * MINUTE)
    assert site.told("office") == [("a", "fired", 0), ("a", "repeated", 1), ("a", "repeated", 2)]
    assert site.told("duty")[0] == ("a", "escalated", 1)
    assert site.occasions("duty") == ["escalated", "repeated", "repeated"]
    assert site.told("boss")[0] == ("a", "escalated", 2)
    assert site.occasions("boss") == ["escalated", "repeated"]
    before = [site.told(one) for one in ("office", "duty", "boss")]
    await site.does("acknowledged")
    await site.passes(5 * HOUR)
    assert [site.told(one) for one in ("office", "duty", "boss")] == before
    assert site.why() == [("urgent", "anna has it")]
    await site.ends()
    for channel in ("office", "duty", "boss"):
        assert site.occasions(channel)[-1] == "resolved"


async def test_who_was_not_reached_by_a_step_hears_of_no_end(make: Make) -> None:
    site = make(URGENT)
    await site.fires()
    await site.passes(20 * MINUTE)
    await site.ends()
    await site.passes(HOUR)
    assert site.occasions("duty") == ["escalated", "resolved"]
    assert site.occasions("boss") == []


# --- who has it has it no more


@pytest.mark.parametrize(
    ("holds", "length", "reason"),
    [
        ({"longest": "2 h"}, 2 * HOUR, "it has not recovered for 2 h"),
        ({"shifts": ("00:00", "12:00")}, 12 * HOUR, "the shift ended at "),
    ],
)
async def test_an_acknowledgement_lapses_and_people_are_told_again(
    make: Make, holds: dict[str, Any], length: int, reason: str
) -> None:
    site = make(URGENT, holds=Acknowledgement.model_validate(holds))
    await site.fires()
    await site.does("acknowledged")
    await site.passes(length, 10 * MINUTE)
    assert site.occasions()[1] == "lapsed"
    done = [one for one in site.state.rows("SELECT body FROM act") if b'"lapsed"' in one[0]]
    assert len(done) == 1
    assert reason.encode() in done[0][0]
    # From then on all begins anew: the first step comes as long after it as after a beginning.
    told = len(site.told("duty"))
    await site.passes(HOUR)
    assert len(site.told("duty")) > told


async def test_an_acknowledgement_lapses_when_it_becomes_graver_and_is_told_once(
    make: Make,
) -> None:
    site = make(ALL)
    await site.fires()
    await site.does("acknowledged")
    await site.becomes(severity="critical")
    await site.passes(MINUTE)
    assert site.occasions() == ["fired", "severity"]
    assert site.why() == [("all", "told")]
    (lapsed,) = (one for (one,) in site.state.rows("SELECT body FROM act") if b'"lapsed"' in one)
    assert b"it was warning when anna took it, and is critical" in lapsed


async def test_milder_is_not_told_and_graver_again_is(make: Make) -> None:
    site = make(ALL)
    await site.fires(severity="critical")
    await site.becomes(severity="warning")
    assert site.occasions() == ["fired"]
    await site.becomes(severity="critical")
    assert site.told()[1:] == [("a", "severity", 1)]


# --- routes


async def test_what_becomes_grave_enough_is_told_by_the_route_that_takes_it_then(
    make: Make,
) -> None:
    site = make(
        Route(name="grave", severity="critical", channels=("duty",)),
        Route(name="rest", severity="warning", channels=("office",)),
    )
    await site.fires()
    await site.becomes(severity="critical")
    await site.ends()
    assert site.occasions("office") == ["fired", "severity", "resolved"]
    assert site.occasions("duty") == ["fired", "resolved"]


async def test_a_channel_that_two_routes_lead_to_is_told_once(make: Make) -> None:
    site = make(
        Route(name="one", channels=("office",), go_on=True),
        Route(name="two", channels=("office", "duty"), gather=10 * SECOND),
    )
    await site.fires()
    await site.passes(MINUTE)
    await site.ends()
    await site.passes(MINUTE)
    assert site.occasions("office") == ["fired", "resolved"]
    assert site.occasions("duty") == ["fired", "resolved"]


async def test_outside_its_hours_a_route_waits_and_an_end_does_not(make: Make) -> None:
    clock = ToldClock((NOW // DAY + 1) * DAY)
    hours = Schedule.model_validate({"from": "06:00", "to": "22:00"})
    site = make(Route(name="day", channels=("office",), hours=hours), clock=clock)
    await site.fires("a")
    await site.fires("b")
    assert site.why() == [("day", "outside hours")]
    await site.passes(5 * HOUR)
    await site.ends("b")
    await site.passes(HOUR)
    assert site.told() == [("a", "fired", 0)]
    await site.passes(17 * HOUR)
    await site.ends("a")
    assert site.told()[-1] == ("a", "resolved", 0)


async def test_the_failure_of_a_channel_is_told_to_all_others_whatever_the_routes(
    make: Make,
) -> None:
    site = make(Route(name="none", severity="critical", rules=("x",), channels=("office",)))
    await site.fires("c", **{k: getattr(own("channel duty"), k) for k in OWN_FIELDS})
    await site.passes(MINUTE)
    await site.ends("c")
    assert [site.occasions(one) for one in ("office", "duty", "boss")] == [
        ["fired", "resolved"],
        [],
        ["fired", "resolved"],
    ]


OWN_FIELDS = ("rule", "kind", "severity", "device", "channel")


async def test_who_is_told_nothing_learns_why(make: Make) -> None:
    site = make(Route(name="grave", severity="critical", channels=("office",)))
    await site.fires()
    assert site.why() == [("", "no route takes it")]
    assert site.notifier.why("nothing") == []


async def test_other_routes_go_on_from_what_was_told(make: Make) -> None:
    site = make(ALL)
    await site.fires("a")
    routes = (Route(name="new", channels=("office", "duty")),)
    site.notifier.renew(site.policy._replace(routes=routes))
    await site.notifier.look()
    assert (site.told("office"), site.told("duty")) == ([("a", "fired", 0)], [("a", "fired", 0)])
    await site.ends("a")
    assert site.occasions("office") == site.occasions("duty") == ["fired", "resolved"]


async def test_who_was_told_by_a_channel_that_is_no_more_hears_by_the_one_in_its_place(
    make: Make,
) -> None:
    site = make(URGENT)
    await site.fires("a")
    routes = (Route(name="urgent", channels=("desk",), repeat=30 * MINUTE),)
    site.notifier.renew(site.policy._replace(routes=routes, channels=("desk", "duty")))
    await site.passes(31 * MINUTE)
    await site.becomes("a", severity="critical")
    await site.passes(MINUTE)
    await site.ends("a")
    assert site.occasions("desk") == ["fired", "repeated", "severity", "resolved"]


async def test_what_gets_graver_is_repeated_as_the_route_says_that_takes_it_then(
    make: Make,
) -> None:
    grave = Route(name="grave", severity="critical", channels=("office",), repeat=5 * MINUTE)
    site = make(grave, Route(name="rest", severity="warning", channels=("office",)))
    await site.fires("a", severity="warning")
    await site.passes(30 * MINUTE)
    assert site.occasions() == ["fired"]
    await site.becomes("a", severity="critical")
    await site.passes(11 * MINUTE)
    await site.does("acknowledged", "a")
    await site.passes(HOUR)
    await site.ends("a")
    assert site.occasions() == ["fired", "severity", "repeated", "repeated", "resolved"]


async def test_a_route_with_another_name_goes_on_reminding(make: Make) -> None:
    old = Route(name="old", channels=("office",), repeat=20 * MINUTE)
    site = make(old)
    await site.fires("a")
    again = (msgspec.structs.replace(old, name="new"), msgspec.structs.replace(old, name="more"))
    site.notifier.renew(site.policy._replace(routes=again))
    await site.passes(21 * MINUTE)
    await site.does("muted", "a", until=site.clock.now() + HOUR)
    await site.passes(HOUR + MINUTE)
    assert site.told() == [("a", "fired", 0), ("a", "repeated", 1), ("a", "repeated", 2)]


# --- muted


async def test_what_is_muted_is_told_when_the_mute_ends_and_it_stands(make: Make) -> None:
    site = make(ALL)
    mute = Mute(at=NOW, until=NOW + HOUR, who="", reason="defrosting", devices=("fridge-*",))
    await site.notifier.mutes.add(mute, ANNA)
    await site.fires("a")
    await site.fires("b")
    assert site.why() == [("all", "muted by anna: defrosting")]
    await site.ends("b")
    site.restart()
    await site.passes(2 * HOUR)
    assert site.told() == [("a", "fired", 0)]


async def test_a_mute_that_ends_early_lets_its_alerts_be_told(make: Make) -> None:
    site = make(ALL)
    mute = Mute(at=NOW, until=NOW + 9 * HOUR, who="", reason="defrosting", sites=("Hall*",))
    made = await site.notifier.mutes.add(mute, ANNA)
    await site.fires("a")
    await site.notifier.mutes.end(made.number, ANNA, NOW, "done")
    await site.notifier.look()
    assert site.told() == [("a", "fired", 0)]


async def test_one_alert_is_muted_by_hand_and_told_again_afterwards(make: Make) -> None:
    site = make(URGENT)
    await site.fires()
    await site.does("muted", until=NOW + 2 * HOUR)
    await site.passes(119 * MINUTE)
    assert site.occasions() == ["fired"]
    await site.passes(2 * MINUTE)
    assert site.occasions() == ["fired", "repeated"]
    assert site.told("duty") == []
    await site.does("muted", until=site.clock.now() + HOUR)
    await site.ends()
    assert site.occasions()[-1] == "resolved"


async def test_whoever_works_on_a_device_is_not_told_of_it_until_that_is_over(make: Make) -> None:
    site = make(ALL)
    device = DeviceKey("", "fridge-1")
    async with site.registry.changing() as change:
        work = Maintenance(since=NOW, until=NOW + 30 * HOUR, reason="new probe", who="ben")
        change.state(device, work)
    await site.fires()
    await site.passes(29 * HOUR, 10 * MINUTE)
    assert site.why() == [("all", "in maintenance by ben: new probe")]
    assert site.told() == []
    await site.passes(HOUR, 10 * MINUTE)
    assert site.occasions() == ["fired"]


# --- hidden behind a dead link


async def test_a_dead_link_hides_its_sensors_and_says_so(make: Make) -> None:
    site = make(Route(name="all", channels=("office",), gather=10 * SECOND))
    site.sources = {DeviceKey("", f"fridge-{n}"): "main" for n in range(3)}
    site.sources[DeviceKey("", "fridge-9")] = "other"
    await site.record(own("broker main"))
    await site.record(*(lost(n) for n in (0, 1, 2, 9)))
    await site.follow()
    await site.passes(MINUTE)
    (message,) = site.messages("office")
    link, heard = message.lines
    assert (link.alert.channel, link.hides) == ("broker main", ("fridge-0", "fridge-1", "fridge-2"))
    assert heard.alert.id == "lost-9"
    assert site.why("lost-0") == [("all", "hidden behind broker main")]
    # The link is well: who is heard then is not told of, who is not heard is, once he had time.
    await site.ends("broker main")
    await site.passes(MINUTE)
    await site.ends("lost-0")
    await site.ends("lost-1")
    await site.passes(5 * MINUTE)
    assert site.told()[2:] == [("broker main", "resolved", 0), ("lost-2", "shown", 1)]
    await site.ends("lost-2")
    await site.passes(MINUTE)
    assert site.told()[-1] == ("lost-2", "resolved", 0)


async def test_a_link_hides_nothing_from_those_who_are_not_told_of_it(make: Make) -> None:
    site = make(
        Route(name="sensors", rules=("not-heard",), channels=("duty",)),
        Route(name="rest", channels=("office",)),
    )
    site.sources = {DeviceKey("", "fridge-1"): "main"}
    await site.record(own("broker main"), lost(1))
    await site.follow()
    assert site.told("duty") == [("lost-1", "fired", 0)]


async def test_a_link_hides_nothing_while_those_who_are_told_of_it_are_not_told_yet(
    make: Make,
) -> None:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    hours = {"days": days, "from": "08:00", "to": "08:30", "timezone": "UTC"}
    by_day = Schedule.model_validate(hours)
    assert not by_day.applies(NOW)
    site = make(Route(name="it", rules=("gateway",), channels=("office",), hours=by_day), ALL)
    site.sources[DeviceKey("", "fridge-1")] = "main"
    await site.record(own("broker main"))
    await site.record(lost(1))
    await site.follow()
    await site.passes(MINUTE)
    assert site.told() == [("lost-1", "fired", 0)]


async def test_a_full_disk_hides_everybody(make: Make) -> None:
    site = make(ALL)
    await site.record(own("disk"))
    await site.follow()
    await site.record(lost(1))
    await site.follow()
    assert site.why("lost-1") == [("all", "hidden behind disk")]


# --- clocks, crashes


async def test_a_clock_that_is_set_repeats_and_escalates_nothing(make: Make) -> None:
    site = make(URGENT)
    await site.fires()
    await site.passes(10 * MINUTE)
    await site.clock_is_set(400 * DAY)
    await site.passes(4 * MINUTE)
    assert (site.occasions(), site.occasions("duty")) == (["fired"], [])
    await site.passes(2 * MINUTE)
    assert site.occasions("duty") == ["escalated"]
    await site.clock_is_set(-500 * DAY)
    await site.passes(13 * MINUTE)
    assert site.occasions() == ["fired"]
    await site.passes(MINUTE)
    assert site.occasions() == ["fired", "repeated"]


async def test_a_box_that_wakes_in_the_past_goes_on_counting(make: Make) -> None:
    site = make(URGENT)
    await site.fires()
    await site.passes(10 * MINUTE)
    site.clock.wall -= 300 * DAY
    site.restart()
    # How long it was off nobody knows: it counts from its start.
    await site.passes(14 * MINUTE)
    assert site.occasions("duty") == []
    await site.passes(MINUTE)
    assert site.occasions("duty") == ["escalated"]
    await site.clock_is_set(300 * DAY)
    await site.passes(14 * MINUTE)
    assert site.occasions() == ["fired"]
    await site.passes(MINUTE)
    assert site.occasions() == ["fired", "repeated"]


async def test_a_restart_tells_nothing_twice(make: Make) -> None:
    site = make(URGENT)
    await site.fires("a")
    await site.fires("b")
    await site.does("acknowledged", "b")
    await site.ends("b")
    before = site.told()
    for _ in range(3):
        site.restart()
        await site.follow()
        await site.notifier.look()
    assert site.told() == before


async def test_an_end_that_waits_for_others_survives_a_crash(make: Make) -> None:
    site = make(Route(name="all", channels=("office",), gather=10 * SECOND))
    await site.fires()
    await site.passes(MINUTE, SECOND)
    await site.ends()
    site.restart()
    await site.passes(MINUTE, SECOND)
    assert site.occasions() == ["fired", "resolved"]


async def test_while_the_disk_takes_nothing_it_waits_and_then_all_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make(URGENT)
    await site.fires("a")

    async def full() -> None:
        raise DiskError("the disk is full")

    await site.record(firing("b", site.clock.now()))
    with monkeypatch.context() as patched:
        patched.setattr(site.state, "commit_aside", full)
        with pytest.raises(RetryLater, match="full"):
            await site.follow()
        for _ in range(2):
            site.clock.passes(20 * MINUTE)
            with pytest.raises(DiskError, match="full"):
                await site.notifier.look()
    assert site.told() == [("a", "fired", 0)]
    await site.notifier.look()
    await site.follow()
    assert sorted(site.told()[1:]) == [("a", "repeated", 1), ("b", "fired", 0)]
    assert site.told("duty") == [("a", "escalated", 1)]


async def test_an_open_alert_is_always_looked_at_again(make: Make) -> None:
    site = make(ALL)
    await site.fires()
    await site.passes(3 * DAY, HOUR)
    assert site.notifier.next_look("a") == site.clock.now() + HOUR
    await site.ends()
    assert site.notifier.next_look("a") is None
