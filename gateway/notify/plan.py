"""What one route tells of one alert now, when to look again, and why it tells no more. Pure.

`plan` is asked whenever something has happened to an alert and whenever its time has come. It
rests on how all stands now and on what this route has told so far (`Told`, kept in the table
`told`), so that looking twice tells nothing twice:

- the beginning is told once, also where somebody has the alert already. Not while the alert is
  muted or hidden behind a dead link, nor outside the route's hours: it is told after that, if it
  still stands;
- what was told often within an hour is told again once it lasts (often.py);
- what happens is gathered: it waits, for `gather` from the first that waits, and is told together;
- while nobody has it, steps and repeats follow by the time that has passed since it was told;
- its end is told once, to every channel that was told of its beginning, at any time. Where nobody
  was told of the beginning both drop out;
- a channel hears of one alert by one route: the first that told it. Where that one does not take
  the alert any more, being renamed or too mild, the route that does reminds its channels;
- a channel that a route leads to only since its settings are other is told of what still stands.

Times are ms on the wall clock, as it was when they were noted; where the clock was set, `shifted`
moves them along, so that what counts is the time that has passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.notify.message import Occasion
from gateway.notify.often import LASTS, WHY
from gateway.notify.often import MOST as OFTEN
from gateway.notify.routes import begins
from gateway.own_alerts import GRAVITY
from rules.duration import HOUR
from rules.revision import withdrawn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateway.notify.routes import Route
    from rules.alert import Alert

LONGEST_WAIT = HOUR
"""An open alert is looked at again after so many ms, whatever it waits for: names, sites and goods
may have changed."""
REMINDERS = frozenset({"repeated", "shown"})
REMEMBERED = 20
"""So many of the last things that were told are kept to be shown."""


class Said(msgspec.Struct, frozen=True):
    """Something that was told, at a time (ms since 1970), to these channels."""

    occasion: Occasion
    number: int
    at: int
    channels: tuple[str, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a route has told of an alert so far. Times are ms since 1970."""

    round: int = 0
    """How often the alert has begun again after it was over."""
    over: bool = False
    """Its end was told, or dropped: nothing follows unless it begins again."""
    first: int | None = None
    """When its beginning was told; None: not yet."""
    channels: tuple[str, ...] = ()
    """Those that were told of the beginning, in the order in which they were reached."""
    base: int = 0
    """Since when steps count."""
    last: int = 0
    """When all who were reached were told last, for repeats; a step tells others."""
    severity: str = ""
    """How grave it was when it was last told, or milder since."""
    step: int = 0
    """How many steps were told."""
    lapse: int = 0
    """Number of the last lapse that was told."""
    waits: int | None = None
    """Since when something waits to be told together with others."""
    behind: str = ""
    """The link behind which it is, or was, hidden."""
    well: int | None = None
    """When that link was found well again."""
    quiet: bool = False
    """Something kept it from being told since it was last told."""
    counts: dict[str, int] = {}
    """How often it was told on each occasion."""
    said: tuple[Said, ...] = ()
    """The last of what was told, oldest first."""


class Situation(NamedTuple):
    """How all stands with one alert and one route."""

    alert: Alert
    now: int
    takes: bool = True
    """Whether the route takes the alert, as it is now."""
    holder: str = ""
    lapse: int = 0
    """Number of the act by which nobody has it any more; 0 where that did not happen."""
    muted: int | None = None
    """Until when it is muted."""
    muted_by: str = ""
    behind: str = ""
    """The dead link that hides it: "broker main"."""
    settle: int = 0
    """How long after its link is well it must have been heard (ms)."""
    elsewhere: Collection[str] = ()
    """Channels that hear of it by another route."""
    left: Collection[str] = ()
    """Those of them that heard of it by a route which does not take it any more."""
    counts: Mapping[str, int] = {}
    """How often other routes have told of it on each occasion."""
    often: bool = False
    """Whether the route has told such a beginning too often within an hour."""
    window: int | None = None
    """Since when this route gathers, None: it does not."""
    trusted: bool = True
    """Whether our clock can be trusted. Hours mean nothing while it cannot."""


class Telling(NamedTuple):
    """What is told now, to these channels."""

    occasion: Occasion
    number: int
    channels: tuple[str, ...]


class Plan(NamedTuple):
    """What comes of looking at an alert."""

    told: Told
    """What was told so far, once `tellings` are in the outbox."""
    tellings: tuple[Telling, ...] = ()
    again: int | None = None
    """When to look again (ms); None: not before something happens to it."""
    why: str = ""
    """Why nothing, or nothing more, is told now."""
    due: int | None = None
    """When something is due of an open alert (ms), however far that is; None: nothing is."""


def plan(told: Told, now: Situation, route: Route) -> Plan:
    """Return what to tell now of an alert, and what to wait for."""
    if now.alert.ended is not None:
        return _end(told, now, route)
    if now.alert.retrospective:
        return Plan(told, why="retrospective: it was found in the past, its device is not heard")
    found = _kept_back(told, now, route) or _told_now(told, now, route)
    again = now.now + LONGEST_WAIT
    return found._replace(
        again=again if found.again is None else min(found.again, again), due=found.again
    )


def begun_again(told: Told, number: int) -> Told:
    """Return what a route has told of an alert that begins again, for the so-manieth time."""
    return Told(round=number, counts=told.counts, said=told.said, lapse=told.lapse)


def shifted(told: Told, by: int) -> Told:
    """Return it with the times from which we wait moved by so many ms: our clock was set."""
    return msgspec.structs.replace(
        told,
        base=told.base + by,
        last=told.last + by,
        waits=None if told.waits is None else told.waits + by,
        well=None if told.well is None else told.well + by,
    )


# -- the end ------------------------------------------------------------------------------------


def _end(told: Told, now: Situation, route: Route) -> Plan:
    if told.over:
        return Plan(told, why="its end was told" if told.first is not None else "it was over")
    over = msgspec.structs.replace(told, over=True, waits=None)
    if told.first is None:
        return Plan(over, why="it was over before anybody was told")
    if not route.resolved or not told.channels:
        return Plan(over, why="ends are not told here")
    waiting = _gathered(told, now, route)
    if waiting is not None:
        return waiting
    occasion: Occasion = "withdrawn" if withdrawn(now.alert.reason) else "resolved"
    return _tell(over, now, Telling(occasion, told.round, told.channels))


# -- what keeps it back -------------------------------------------------------------------------


def _kept_back(told: Told, now: Situation, route: Route) -> Plan | None:
    """Return what is waited for while nothing may be told, None when it may."""
    quiet = msgspec.structs.replace(told, waits=None, quiet=told.first is not None)
    if now.behind:
        hidden = msgspec.structs.replace(quiet, behind=now.behind, well=None)
        return Plan(hidden, why=f"hidden behind {now.behind}")
    if told.behind and told.well is None:
        told = quiet = msgspec.structs.replace(quiet, behind=told.behind, well=now.now)
    if now.muted is not None:
        return Plan(quiet, again=now.muted, why=now.muted_by)
    if told.well is not None and now.now < told.well + now.settle:
        why = f"{told.behind} is well again: its device has time to be heard"
        return Plan(quiet, again=told.well + now.settle, why=why)
    if not now.takes:
        # Who was told must hear that it gets graver, and of its end.
        return None if told.first is not None else Plan(quiet, why="this route does not take it")
    if route.hours is not None and now.trusted and not route.hours.applies(now.now):
        return Plan(quiet, again=begins(route.hours, now.now), why="outside hours")
    return None


# -- what has happened --------------------------------------------------------------------------


def _told_now(told: Told, now: Situation, route: Route) -> Plan:
    heirs = _heirs(told, now, route)
    more = _news(heirs.told, now, route) or _goes_on(heirs.told, now, route)
    return more._replace(tellings=(*heirs.tellings, *more.tellings))


def _heirs(told: Told, now: Situation, route: Route) -> Plan:
    """Tell the beginning to channels that the route did not lead to when it told it.

    They may stand for one that is no more: whoever was told by that alone would hear nothing.
    """
    heard = {*told.channels, *now.elsewhere}
    heirs = tuple(one for one in route.channels if one not in heard)
    if told.first is None or not now.takes or not heirs:
        return Plan(told)
    after = msgspec.structs.replace(told, channels=(*told.channels, *heirs))
    return _tell(after, now, Telling("fired", told.round, heirs))


def _reminded(told: Told, now: Situation, route: Route) -> tuple[str, ...]:
    """Return whom the route reminds: also those whose own route does not take it any more."""
    steps = (name for one in route.steps[: told.step] for name in one.channels)
    taken_over = (one for one in (*route.channels, *steps) if one in now.left)
    return tuple(dict.fromkeys((*told.channels, *taken_over)))


def _news(told: Told, now: Situation, route: Route) -> Plan | None:
    """Return what to do about what has happened since it was told last, None if nothing has."""
    occasion = _occasion(told, now)
    if occasion is None:
        return None
    fresh = told.first is None
    calmer = _calmer(told, now) if occasion == "severity" and now.lapse <= told.lapse else None
    if calmer is not None:
        found = _goes_on(told, now, route)
        return found._replace(again=calmer if found.again is None else min(calmer, found.again))
    # Only a moment that lies in the past counts: our clock may have been set back since.
    if fresh and now.often and 0 <= now.now - now.alert.fired < LASTS:
        return Plan(told, again=now.alert.fired + LASTS, why=WHY)
    waiting = _gathered(told, now, route)
    if waiting is not None:
        return waiting
    reached = tuple(one for one in route.channels if one not in now.elsewhere)
    after = msgspec.structs.replace(
        told,
        first=now.now if fresh else told.first,
        channels=reached if fresh else told.channels,
        base=told.base if occasion == "severity" and not now.lapse > told.lapse else now.now,
        last=now.now,
        severity=now.alert.severity,
        step=0 if now.lapse > told.lapse else told.step,
        lapse=max(told.lapse, now.lapse),
        waits=None,
        behind="",
        well=None,
        quiet=False,
    )
    number = told.round if occasion == "fired" else _count(told, now, occasion)
    to = _reminded(after, now, route) if occasion in REMINDERS and not fresh else after.channels
    done = _tell(after, now, Telling(occasion, number, to))
    # It goes on at once: the first step may be due by now, and what comes next must be known.
    more = _goes_on(done.told, now, route)
    return more._replace(tellings=(*done.tellings, *more.tellings))


def _occasion(told: Told, now: Situation) -> Occasion | None:
    if told.first is None:
        return "shown" if told.behind else "fired"
    if told.severity and GRAVITY[now.alert.severity] < GRAVITY[told.severity]:
        return "severity"
    if now.lapse > told.lapse:
        return "lapsed"
    if told.quiet and not now.holder and now.takes:
        return "shown" if told.behind else "repeated"
    return None


def _calmer(told: Told, now: Situation) -> int | None:
    """Return when it is told that it is graver, where that was told too often within an hour."""
    ago = [now.now - one.at for one in told.said if one.occasion == "severity"]
    ago = [one for one in ago if 0 <= one < HOUR]
    return now.now - ago[-1] + LASTS if len(ago) >= OFTEN and ago[-1] < LASTS else None


def _gathered(told: Told, now: Situation, route: Route) -> Plan | None:
    """Return the wait for what else happens, None once it is over."""
    since = told.waits if told.waits is not None else now.window
    since = now.now if since is None else since
    if now.now >= since + route.gather:
        return None
    waits = msgspec.structs.replace(told, waits=since)
    return Plan(waits, again=since + route.gather, why="gathered with what else happens")


# -- what follows while nobody has it -----------------------------------------------------------


def _goes_on(told: Told, now: Situation, route: Route) -> Plan:
    """Return the steps and repeats that are due, or when the next one is."""
    # Milder by now: if it gets graver again that is told again.
    milder = GRAVITY[now.alert.severity] > GRAVITY.get(told.severity, 9)
    told = msgspec.structs.replace(
        told, waits=None, severity=now.alert.severity if milder else told.severity
    )
    if now.holder:
        return Plan(told, why=f"{now.holder} has it")
    if not now.takes:
        return Plan(told, why="this route does not take it any more")
    stepped = _steps(told, now, route)
    told, tellings = stepped.told, stepped.tellings
    again = [told.base + one.after for one in route.steps[told.step : told.step + 1]]
    reminded = _reminded(told, now, route)
    if route.repeat is not None and reminded:
        if told.last + route.repeat <= now.now:
            stepped_to = {one for telling in tellings for one in telling.channels}
            rest = tuple(one for one in reminded if one not in stepped_to)
            number = _count(told, now, "repeated")
            repeated = _tell(
                msgspec.structs.replace(told, last=now.now), now, Telling("repeated", number, rest)
            )
            told, tellings = repeated.told, (*tellings, *repeated.tellings)
        again.append(told.last + route.repeat)
    why = "told" if reminded else "its channels hear of it by another route"
    if not route.reached():
        why = "it leads to no channel"
    return Plan(told, tellings, min(again, default=None), why)


def _steps(told: Told, now: Situation, route: Route) -> Plan:
    due = [one for one in route.steps[told.step :] if told.base + one.after <= now.now]
    if not due:
        return Plan(told)
    to = tuple(dict.fromkeys(name for one in due for name in one.channels))
    new = (one for one in to if one not in told.channels and one not in now.elsewhere)
    number = _count(told, now, "escalated")
    after = msgspec.structs.replace(
        told, step=told.step + len(due), channels=(*told.channels, *new)
    )
    return _tell(after, now, Telling("escalated", number, to))


def _count(told: Told, now: Situation, occasion: Occasion) -> int:
    """Return which telling of this kind the next one is, whichever route tells it."""
    return max(told.counts.get(occasion, 0), now.counts.get(occasion, 0)) + 1


def _tell(told: Told, now: Situation, telling: Telling) -> Plan:
    """Return that it is told: to nobody, where no channel is left."""
    if not telling.channels:
        return Plan(told, why="told")
    counts = {**told.counts, telling.occasion: telling.number}
    said = Said(telling.occasion, telling.number, now.now, telling.channels)
    after = msgspec.structs.replace(told, counts=counts, said=(*told.said, said)[-REMEMBERED:])
    return Plan(after, (telling,), why="told")
