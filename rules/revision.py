"""Alerts out of verdicts, and what late data changes about alerts that people have seen.

A verdict that was given stays on record: a series whose past has changed is judged again, and
the new episodes are held against the alerts. What moved is revised under its first id; what
late data shows never to have happened is withdrawn; what it adds is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from devices.reading import QUANTITIES
from rules.alert import Alert, Event, EventKind, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules.transition import Episode

WITHDRAWN = "withdrawn: late data shows that the limit was not passed for long enough"


def alert_of(episode: Episode, *, retrospective: bool) -> Alert:
    """Return the alert that an episode makes."""
    known = episode.explanation
    state: State = episode.ended_how or "firing"
    quantity = QUANTITIES.get(episode.channel.partition(".")[0])
    reasons = {
        "firing": "it has lasted long enough",
        "resolved": "it is over",
        "indeterminate": "nobody will know its end: its rule no longer judges",
    }
    return Alert(
        id=episode.id,
        rule=episode.rule,
        version=episode.version,
        kind=episode.rule_kind,
        severity=episode.severity,
        device=episode.device,
        channel=episode.channel,
        state=state,
        reason=reasons[state],
        began=episode.begin,
        fired=episode.fired_at,
        ended=episode.ended_at,
        retrospective=retrospective,
        limit=episode.limit,
        unit=quantity.unit if quantity else "",
        worst=known.worst,
        worst_at=known.worst_at,
        first=known.first,
        samples=known.samples,
        unknown=known.unknown,
        last=known.last_value,
        last_at=known.last_when,
        note=episode.note,
    )


def event(alert: Alert, kind: EventKind | None = None) -> Event:
    """Return the event that tells of an alert's present state."""
    at = alert.fired if alert.ended is None else alert.ended
    what = kind or alert.state
    key = f"{alert.id}:{what}" if what == "firing" else f"{alert.id}:{what}:{at}"
    return Event(key=key, kind=what, at=at, alert=alert)


def revise(recorded: Sequence[Alert], episodes: Iterable[Episode], since: int) -> list[Event]:
    """Hold newly judged episodes of one device against its recorded alerts.

    `since` (ms) is where judging began again; `recorded` reaches back further. Returns the
    events that bring the record up to date, and none where nothing changed.
    """
    events: list[Event] = []
    left = list(recorded)
    for episode in episodes:
        now = alert_of(episode, retrospective=episode.ended_at is not None)
        before = _match(left, now)
        if before is None:
            firing = msgspec.structs.replace(now, state="firing", ended=None)
            events.append(event(firing))
            if now.ended is not None:
                events.append(event(now))
            continue
        left.remove(before)
        if (before.state, before.began, before.fired, before.ended) != (
            now.state,
            now.began,
            now.fired,
            now.ended,
        ):
            events.append(_revised(before, now, "late data moved it"))
    for alert in left:
        over = alert.ended is not None and alert.ended < since
        if over or alert.reason == WITHDRAWN:
            continue
        gone = msgspec.structs.replace(
            alert, state="resolved", ended=max(alert.fired, alert.ended or 0)
        )
        events.append(_revised(alert, gone, WITHDRAWN))
    return events


def _match(recorded: Sequence[Alert], now: Alert) -> Alert | None:
    """Return the recorded alert that is this one: the same beginning, or else an overlap."""
    same = [one for one in recorded if one.subject == now.subject and one.version == now.version]
    for one in same:
        if one.began == now.began or one.id == now.id:
            return one
    end = now.ended
    for one in same:
        starts_before_end = end is None or one.began <= end
        if starts_before_end and (one.ended is None or one.ended >= now.began):
            return one
    return None


def _revised(before: Alert, now: Alert, reason: str) -> Event:
    """Return the revision; the alert keeps its first id and whether anybody was warned."""
    alert = msgspec.structs.replace(
        now, id=before.id, retrospective=before.retrospective, reason=reason
    )
    # What it was is part of the key, so that going back to an earlier verdict is told too.
    key = (
        f"{alert.id}:revised:{before.state}:{before.began}:{before.fired}:{before.ended}:"
        f"{alert.state}:{alert.began}:{alert.fired}:{alert.ended}"
    )
    return Event(key=key, kind="revised", at=alert.fired, alert=alert, before=before)
