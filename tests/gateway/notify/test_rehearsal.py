"""Who would be told of an alert, and when: routes tried without sending."""

from __future__ import annotations

from gateway.notify.about import About
from gateway.notify.mutes import Mute
from gateway.notify.rehearsal import Would, rehearse
from gateway.notify.routes import Route, Step
from rules.duration import HOUR, MINUTE, SECOND
from rules.only import Schedule
from tests.gateway.notify.told import MADE, alert

FRIDGE = alert("supposed", fired=MADE)
ABOUT = About(("fridge-7",), "Fridge", ("Hall 1",), ("vaccines",))
ALL = ("office", "duty", "boss")


def test_steps_and_the_first_repeat_follow_while_nobody_takes_it() -> None:
    route = Route(
        name="cold",
        channels=("office",),
        steps=(Step(15 * MINUTE, ("duty",)), Step(2 * HOUR, ("boss",))),
        repeat=30 * MINUTE,
        gather=10 * SECOND,
    )
    found = rehearse(FRIDGE, ABOUT, [route], ALL)
    told = MADE + 10 * SECOND
    again = "nobody took it: again, and every 30 min from then on"
    assert found.told == (
        Would(told, ("office",), "cold", "gathered for 10 s"),
        Would(told + 15 * MINUTE, ("duty",), "cold", "nobody took it: step 1"),
        Would(told + 30 * MINUTE, ("office", "duty"), "cold", again),
        Would(told + 2 * HOUR, ("boss",), "cold", "nobody took it: step 2"),
    )


def test_what_is_outside_the_hours_is_told_when_they_begin() -> None:
    night = Schedule.model_validate({"from": "22:00", "to": "06:00", "timezone": "UTC"})
    (only,) = rehearse(FRIDGE, ABOUT, [Route(name="night", channels=ALL, hours=night)], ALL).told
    assert only.why == "the route's hours begin"
    assert only.at == MADE // (24 * HOUR) * 24 * HOUR + 22 * HOUR


def test_what_is_muted_is_told_when_the_mute_ends() -> None:
    mute = Mute(at=MADE, until=MADE + HOUR, who="anna", reason="so", devices=("*",), number=5)
    route = Route(name="cold", channels=("office",), gather=10 * SECOND)
    found = rehearse(FRIDGE, ABOUT, [route], ALL, mute)
    assert found.told == (Would(MADE + HOUR + 10 * SECOND, ("office",), "cold", "mute 5 ends"),)
    night = Schedule.model_validate({"from": "22:00", "to": "06:00", "timezone": "UTC"})
    (late,) = rehearse(FRIDGE, ABOUT, [Route(name="n", channels=ALL, hours=night)], ALL, mute).told
    assert late.why == "the route's hours begin"


def test_a_channel_that_several_routes_lead_to_is_told_once() -> None:
    first = Route(name="a", channels=("office",), go_on=True)
    found = rehearse(FRIDGE, ABOUT, [first, Route(name="b", channels=("office", "duty"))], ALL)
    assert [(one.route, one.channels) for one in found.told] == [
        ("a", ("office",)),
        ("b", ("duty",)),
    ]


def test_that_nobody_is_told_has_a_reason() -> None:
    route = Route(name="info", channels=("office",), sites=("Hall 2",))
    assert rehearse(FRIDGE, ABOUT, [route], ALL).told == ()
    assert rehearse(FRIDGE, ABOUT, [route], ALL).why == "no route takes it"
    nobody = rehearse(FRIDGE, ABOUT, [Route(name="all", channels=())], ())
    assert (nobody.told, nobody.why) == ((), "there are no channels")


def test_an_alert_about_a_dead_channel_goes_to_all_others() -> None:
    dead = alert("c", rule="gateway", kind="gateway", channel="channel office", fired=MADE)
    (only,) = rehearse(dead, About(("here",)), [Route(name="all", channels=ALL)], ALL).told
    assert only.channels == ("duty", "boss")
