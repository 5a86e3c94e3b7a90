"""Who would be told of an alert, and when, if nobody took it: nothing is sent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.notify.plan import Situation, Told, plan
from gateway.notify.routes import taking
from rules.duration import DAY, format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.notify.about import About
    from gateway.notify.mutes import Mute
    from gateway.notify.plan import Telling
    from gateway.notify.routes import Route
    from rules.alert import Alert

LONGEST = 8 * DAY
"""How far it is looked ahead (ms): hours come again within a week."""


class Would(NamedTuple):
    """What would be told at a time (ms since 1970)."""

    at: int
    channels: tuple[str, ...]
    route: str
    why: str


class Rehearsal(NamedTuple):
    """What would be told of an alert, in its order; `why` not, where nothing would be."""

    told: tuple[Would, ...]
    why: str = ""


def rehearse(
    alert: Alert,
    about: About,
    routes: Sequence[Route],
    channels: Sequence[str],
    mute: Mute | None = None,
) -> Rehearsal:
    """Return what these routes would tell of an alert that fires and stands, and nobody takes.

    `mute`: the one that covers it and ends last. Of repeats to the same channels the first is
    shown.
    """
    following = taking(alert, about, routes, channels)
    if not following or not channels:
        return Rehearsal((), "no route takes it" if channels else "there are no channels")
    told = [Told()] * len(following)
    due: list[int | None] = [alert.fired] * len(following)
    found: list[Would] = []
    repeated: dict[str, tuple[str, ...]] = {}
    last_why = ""
    while (now := min((one for one in due if one is not None), default=None)) is not None:
        place = due.index(now)
        route = following[place]
        others = (one for number, one in enumerate(told) if number != place)
        elsewhere = {name for one in others for name in one.channels}
        muted = mute.until if mute is not None and mute.stands(now) else None
        situation = Situation(alert, now, elsewhere=elsewhere, muted=muted)
        done = plan(told[place], situation, route)
        told[place], last_why = done.told, done.why
        for one in done.tellings:
            if one.occasion == "repeated" and repeated.get(route.name) == one.channels:
                continue
            if one.occasion == "repeated":
                repeated[route.name] = one.channels
            found.append(Would(now, one.channels, route.name, _why(one, alert, route, mute)))
        over = done.again is None or done.again > alert.fired + LONGEST or _is_all(done.told, route)
        due[place] = None if over else done.again
    return Rehearsal(tuple(found), "" if found else last_why)


def _is_all(told: Told, route: Route) -> bool:
    """Whether all was told but for further repeats."""
    if told.first is None or told.step < len(route.steps):
        return False
    return route.repeat is None or bool(told.counts.get("repeated"))


def _why(telling: Telling, alert: Alert, route: Route, mute: Mute | None) -> str:
    if telling.occasion == "escalated":
        return f"nobody took it: step {telling.number}"
    if telling.occasion == "repeated" and route.repeat is not None:
        return f"nobody took it: again, and every {format_duration(route.repeat)} from then on"
    begin = alert.fired if mute is None else mute.until
    late = route.hours is not None and not route.hours.applies(begin)
    if late:
        return "the route's hours begin"
    if mute is not None:
        return f"mute {mute.number} ends"
    return f"gathered for {format_duration(route.gather)}" if route.gather else "at once"
