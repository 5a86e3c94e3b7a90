"""Alerts out of verdicts, and what a changed past changes about alerts that people have seen.

A past changes by data that comes late, and by what people state of a device. A verdict that was
given stays on record: the series is judged again, and the new episodes are held against the alerts.
What moved is revised under its first id; what turns out never to have happened is withdrawn; what
is added is new. Each says by what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from devices.reading import QUANTITIES
from rules.alert import Alert, Event, EventKind, State
from rules.plan import REPLACED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rules.transition import Episode

FAR = 1 << 62
"""After all times."""
RULE_ENDED = "its rule no longer judges"
LATE_DATA = "late data"
ANY_CAUSE = "late data or what was stated of the device"
"""Why a past is judged again of which that was forgotten over a restart."""
_WITHDRAWN = "withdrawn: "
WITHDRAWN = f"{_WITHDRAWN}{LATE_DATA} shows that the limit was not passed for long enough"
"""Why an alert is withdrawn that late data disproves; `withdrawn` knows those of other causes."""


def stated(of: str) -> str:
    """Return the cause of a revision that what people state of a device is: its "calibration"."""
    return f"what was stated of its {of}"


def joined(causes: Collection[str]) -> str:
    """Return several causes as one."""
    return ANY_CAUSE if ANY_CAUSE in causes else " and ".join(sorted(causes))


def withdrawn(reason: str) -> bool:
    """Say whether an alert with this reason turned out never to have been."""
    return reason.startswith(_WITHDRAWN)


def _disproved(cause: str) -> str:
    show = "show" if " and " in cause else "shows"
    return f"{_WITHDRAWN}{cause} {show} that the limit was not passed for long enough"


def alert_of(episode: Episode, *, retrospective: bool) -> Alert:
    """Return the alert that an episode makes."""
    known = episode.explanation
    state: State = episode.ended_how or "firing"
    quantity = QUANTITIES.get(episode.channel.partition(".")[0])
    reasons = {
        "firing": (
            "it has lasted long enough" if episode.fired_at > episode.begin else "it is in breach"
        ),
        "resolved": "it is over",
        "indeterminate": f"nobody will know its end: {episode.reason or RULE_ENDED}",
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
        unit=episode.unit or (quantity.unit if quantity else ""),
        worst=known.worst,
        worst_at=known.worst_at,
        first=known.first,
        samples=known.samples,
        unknown=known.unknown,
        graced=known.graced,
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


def rises_or_falls(alert: Alert, before: Alert, at: int) -> Event:
    """Return the event of an alert whose severity is another from `at` (ms) on."""
    now = msgspec.structs.replace(
        alert,
        id=before.id,
        retrospective=before.retrospective,
        revision=before.revision,
        reason=f"it was {before.severity} before",
    )
    key = f"{now.id}:severity:{at}:{now.severity}"
    return Event(key=key, kind="severity", at=at, alert=now, before=before)


def revise(  # noqa: PLR0913 - what a past was, and how it was judged
    recorded: Sequence[Alert],
    episodes: Iterable[Episode],
    since: int,
    *,
    live: bool = True,
    cause: str = LATE_DATA,
    any_version: bool = False,
) -> list[Event]:
    """Hold newly judged episodes of one device against its recorded alerts.

    `since` (ms) is where judging began again; `recorded` reaches back further. What still
    lasts is history too unless the device is `live`: heard, and not only read from files.
    `cause` says by what the past has changed: late data, something `stated`, or both with "and".
    With `any_version`, another version of the rules may have judged all of it again.
    Returns the events that bring the record up to date, and none where nothing changed.
    """
    events: list[Event] = []
    found = [alert_of(one, retrospective=not live or one.ended_at is not None) for one in episodes]
    matched, left = _match(recorded, found, any_version=any_version)
    for now in found:
        before = matched.get(now.id)
        if before is None:
            firing = msgspec.structs.replace(
                now, state="firing", ended=None, reason=f"{cause} brought it to light"
            )
            events.append(event(firing))
            if now.ended is not None:
                events.append(event(now))
        elif withdrawn(before.reason):
            # It has happened after all, also if at the very times that it was first told with.
            events.append(_revised(before, now, f"{cause} brought it to light", live=live))
        elif _facts(before) != _facts(now):
            why = now.reason if REPLACED in now.reason else f"{cause} moved it"
            events.append(_revised(before, now, why, live=live))
    for alert in left:
        over = alert.ended is not None and alert.ended < since
        if over or withdrawn(alert.reason):
            continue
        gone = msgspec.structs.replace(
            alert, state="resolved", ended=max(alert.fired, alert.ended or 0)
        )
        events.append(_revised(alert, gone, _disproved(cause), live=live))
    return events


def fires_again(before: Alert, now: Alert) -> Event:
    """Return the event of an alert that was withdrawn, and fires after all."""
    return _revised(before, now, now.reason, live=not now.retrospective)


def goes_on(before: Alert) -> Event:
    """Return the event of an alert found in files that is still true of a live device."""
    return _revised(before, before, "it goes on", live=True)


def part_of(episode: Episode, standing: Sequence[Alert]) -> bool:
    """Whether an episode goes on with an alert whose beginning is not known any more."""
    return any(
        (one.rule, one.channel) == (episode.rule, episode.channel)
        and (one.ended is None or one.ended >= episode.begin)
        for one in standing
    )


def ends(ended: Alert, before: Alert) -> bool:
    """Whether this end is that of an open alert, and not of one that was over before it."""
    return ended.id == before.id or (ended.ended is not None and ended.ended >= before.fired)


def _facts(alert: Alert) -> tuple[object, ...]:
    """Return what an alert says that a changed past may change."""
    times = (alert.version, alert.state, alert.severity, alert.began, alert.fired, alert.ended)
    # While it lasts, the worst may yet come: that is no change of the past.
    return times if alert.ended is None else (*times, alert.worst, alert.worst_at)


def _match(
    recorded: Sequence[Alert], found: Sequence[Alert], *, any_version: bool
) -> tuple[dict[str, Alert], list[Alert]]:
    """Return the recorded alerts that new ones are, by the new one's id, and those left over.

    One is another by its id, else by its beginning, else by the longest overlap. All are asked
    for the stronger sign first: an alert taken by a neighbour would leave its own episode
    without a name of its own.
    """
    matched: dict[str, Alert] = {}
    left = list(recorded)
    for likeness in (_same_id, _same_beginning, _overlap):
        for now in found:
            if now.id in matched:
                continue
            like = [one for one in left if likeness(one, now) > 0]
            same = [
                one
                for one in like
                if one.subject == now.subject and (any_version or one.version == now.version)
            ]
            if same:
                matched[now.id] = best = max(same, key=lambda one: likeness(one, now))
                left.remove(best)
    return matched, left


def _same_id(before: Alert, now: Alert) -> int:
    return int(before.id == now.id)


def _same_beginning(before: Alert, now: Alert) -> int:
    return int(before.began == now.began)


def _overlap(before: Alert, now: Alert) -> int:
    """Return for how many ms both lasted; what was withdrawn never did."""
    if withdrawn(before.reason):
        return 0
    ends = [one.ended for one in (before, now) if one.ended is not None]
    return min(ends, default=FAR) - max(before.began, now.began)


def _revised(before: Alert, now: Alert, reason: str, *, live: bool) -> Event:
    """Return the revision; the alert keeps its first id.

    It stays history only as long as it is over, or the device is not heard.
    """
    alert = msgspec.structs.replace(
        now,
        id=before.id,
        retrospective=before.retrospective and (now.ended is not None or not live),
        revision=before.revision + 1,
        reason=reason,
    )
    key = f"{alert.id}:revised:{alert.revision}"
    return Event(key=key, kind="revised", at=alert.fired, alert=alert, before=before)
