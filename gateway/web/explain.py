"""Why an alert is what it is, in sentences; and what happened to it, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.consignments.reports import REVIEW
from gateway.web.health import lasted, own_words, sentence
from gateway.web.look import channel_name, moment
from gateway.web.told_alert import Told, goods_of
from rules.duration import MINUTE
from rules.revision import withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateway.people.acts import Act
    from gateway.state import StoredEvent
    from rules.alert import Alert


class Step(NamedTuple):
    """Something that happened to an alert, for its history."""

    at: int
    """When, ms since 1970."""
    look: str
    """Its icon."""
    title: str
    text: str = ""
    who: str = ""
    known: int | None = None
    """When the gateway learned of it, where that was later."""


def explained(told: Told, now: int) -> list[str]:
    """Return in sentences why the alert is in its state."""
    alert = told.alert

    def at(when: int | None) -> str:
        return moment(when, told.zone, now)

    if told.own:
        found = [f"Since {at(alert.began)}: {own_words(alert.channel, alert.reason)}"]
        if not told.open:
            found = [f"Something was wrong with the gateway from {at(alert.began)}."]
    elif alert.kind == REVIEW:
        found = [f"A decision that was signed rests on something else since {at(alert.began)}."]
    else:
        what = channel_name(alert.channel)
        found = [
            f"The rule {alert.rule} fires on this: {f'{what} {alert.limit}'.strip()}.",
            _beginning(told, at),
        ]
    found.append(_state(told, at, now))
    if alert.unknown >= MINUTE:
        found.append(
            f"For {lasted(alert.unknown)} of it nobody knows: no usable value came. "
            "Time unknown counts neither as good nor as bad."
        )
    if alert.graced:
        found.append(
            f"{lasted(alert.graced)} out of its limit were excused by the rule's grace: an open "
            "door, or a defrost. They do not count."
        )
    if goods_of(alert):
        found.append(f"It was judged by the version {alert.version} of its goods.")
    if alert.retrospective:
        found.append(
            "It was found afterwards, in data of the past (a logger's file, data that came "
            "late) or by what was stated of it: nobody was warned by it in time."
        )
    return found


def _beginning(told: Told, at: Callable[[int | None], str]) -> str:
    alert = told.alert
    first = told.value(alert.first)
    began = f"It began {at(alert.began)}" + (f" with {first}" if first else "")
    if not alert.channel:
        who = "The device" if told.of_device else told.name
        began = f"{who} was last heard {at(alert.began)}"
    if alert.fired - alert.began < MINUTE and alert.channel:
        return f"{began}, and fired at once."
    return f"{began}, and fired {at(alert.fired)}, after {lasted(alert.fired - alert.began)}."


def _state(told: Told, at: Callable[[int | None], str], now: int) -> str:
    alert, length = told.alert, lasted(told.lasts(now))
    if told.open:
        return f"It is open: {alert.reason}. So far it has lasted {length}."
    if withdrawn(alert.reason):
        return f"It was {alert.reason}."
    if alert.state == "indeterminate":
        return f"It was closed {at(alert.ended)}: {alert.reason}."
    return f"It ended {at(alert.ended)}, after {length}: {alert.reason}."


LOOKS = {
    "acknowledged": "person",
    "assigned": "person",
    "noted": "note",
    "muted": "muted",
    "unmuted": "sound",
    "lapsed": "unknown",
}


def history(told: Told, events: Sequence[StoredEvent], acts: Iterable[Act], now: int) -> list[Step]:
    """Return all that happened to an alert and was done about it, newest first."""
    alert = told.alert
    steps = []
    if not told.own and alert.kind != REVIEW:
        first = events[0].event.alert if events else alert
        what = told.value(first.first)
        title = "It began" if alert.channel else "Last heard"
        steps.append(Step(first.began, "pending", title, f"with {what}" if what else ""))
    steps += [_event(one, told, now) for one in events]
    steps += [_act(one, told, now) for one in acts]
    # Of two at the same time what is told later came later.
    return [one for _, one in sorted(enumerate(steps), key=lambda x: (x[1].at, x[0]))][::-1]


def _event(stored: StoredEvent, told: Told, now: int) -> Step:
    event = stored.event
    known = stored.recorded if stored.recorded - event.at >= MINUTE else None
    if event.kind == "revised":
        title = "Withdrawn" if withdrawn(event.alert.reason) else "Revised"
        before = changes(event.before, event.alert, told, now) if event.before else []
        text = "; ".join([event.alert.reason, *before])
        # A revision is news of the day it was made, whatever day it is about.
        return Step(stored.recorded, "info", title, sentence(text))
    if event.kind == "severity":
        title = f"It is {event.alert.severity} now"
        text = sentence(event.alert.reason)
        return Step(event.at, event.alert.severity, title, text, known=known)
    look, title = {
        "firing": (event.alert.severity, "The alert fired"),
        "resolved": ("ok", "It ended"),
        "indeterminate": ("unknown", "It was closed: nobody will know its end"),
    }[event.kind]
    return Step(event.at, look, title, sentence(event.alert.reason), known=known)


def changes(before: Alert, after: Alert, told: Told, now: int) -> list[str]:
    """Return what a revision changed, each with what was before."""
    found = []
    for name, word in (("began", "began"), ("fired", "fired"), ("ended", "ended")):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            was = moment(old, told.zone, now) or "open"
            found.append(f"{word} {moment(new, told.zone, now) or 'open again'}, before: {was}")
    if before.worst != after.worst:
        was = told.value(before.worst) or "none"
        found.append(f"worst {told.value(after.worst) or 'none'}, before: {was}")
    found += [
        f"{name} {getattr(after, name)}, before: {getattr(before, name)}"
        for name in ("severity", "state")
        if getattr(before, name) != getattr(after, name)
    ]
    return found


def _act(act: Act, told: Told, now: int) -> Step:
    title = {
        "acknowledged": f"{act.who} has it",
        "assigned": f"{act.who} handed it to {act.to}",
        "noted": f"Note by {act.who}",
        "muted": f"{act.who} muted it until {moment(act.until, told.zone, now)}",
        "unmuted": f"{act.who} made it sound again",
        "lapsed": "Nobody has it any more",
    }[act.kind]
    return Step(act.at, LOOKS[act.kind], title, act.reason, act.who)
