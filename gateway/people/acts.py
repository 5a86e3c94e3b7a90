"""What people do about alerts: facts of their own, each with who, when and why.

An act changes nothing about the alert: whether something is wrong is for the rules to say, who
has it is for people. Acts are only ever added; of two of a kind the later one counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from gateway.people import audit
from gateway.people.audit import Entry, Who
from gateway.people.person import at_least, find_person
from gateway.people.text import reason_of
from gateway.refusal import ControlError
from rules.duration import DAY, MINUTE, SECOND, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.state import State
    from rules.alert import Alert

Kind = Literal["acknowledged", "assigned", "noted", "muted", "unmuted", "lapsed"]

VERBS: dict[Kind, str] = {
    "acknowledged": "acknowledge",
    "assigned": "assign",
    "noted": "note",
    "muted": "mute",
    "unmuted": "unmute",
    "lapsed": "lapse",
}
"""What somebody does so that it becomes that."""
TAKING: frozenset[Kind] = frozenset({"acknowledged", "assigned"})
"""What makes somebody have an alert."""
LAPSED: Kind = "lapsed"
"""Whoever had it has it no more. The gateway alone does that, and says why."""
REASONS: tuple[str, ...] = (
    "On my way",
    "Door was open, now closed",
    "Goods moved",
    "Unit checked, recovering",
    "Planned: loading or cleaning",
    "Sensor fault",
)
"""Reasons that can be given by one tap."""
SHORTEST_MUTE, LONGEST_MUTE = MINUTE, DAY
ON_THE_WAY = 5 * SECOND
"""Milliseconds that a command may take to reach us."""
MOST = 1_000
"""Acts about one alert; taking it, handing it over and their lapse are never refused."""
AT_ONCE = 500
"""Alerts whose acts are looked up by one statement."""


class Act(msgspec.Struct, frozen=True):
    """One thing that somebody did about an alert. Times are ms since 1970, UTC."""

    alert: str
    """The alert's id."""
    kind: Kind
    who: str
    """A person's or an API key's name; on the command line the user of the system."""
    at: int
    reason: str
    """Why; of a note it is the note."""
    to: str = ""
    """To whom it was assigned."""
    until: int | None = None
    """How long it is muted."""
    severity: str = ""
    """How grave the alert was then; "" where that was not noted."""
    number: int = 0
    """Its place among all acts, from 1; 0 until it is recorded."""


class Facts(msgspec.Struct, frozen=True):
    """What now counts of what people did about an alert."""

    acknowledged: Act | None = None
    assigned: Act | None = None
    muted: Act | None = None
    """None also when its time is over."""
    notes: tuple[Act, ...] = ()
    """Oldest first."""
    taken: Act | None = None
    """The later of acknowledged and assigned: by it somebody has the alert."""
    lapsed: Act | None = None
    """Why nobody has it any more; None also when somebody has taken it since."""

    @property
    def holder(self) -> str:
        """Who has it: who acknowledged it or was assigned it last; "": nobody."""
        if self.taken is None:
            return ""
        return self.taken.to if self.taken.kind == "assigned" else self.taken.who


def facts(acts: Sequence[Act], now: int) -> Facts:
    """Return what counts at `now` (ms) of the acts about one alert, which come oldest first."""
    last = {one.kind if one.kind != "unmuted" else "muted": one for one in acts}
    # What was taken before it lapsed counts no more.
    lapse = max((place for place, one in enumerate(acts) if one.kind == LAPSED), default=-1)
    taking = [one for one in acts[lapse + 1 :] if one.kind in TAKING]
    took = {one.kind: one for one in taking}
    muted = last.get("muted")
    over = muted is None or muted.kind == "unmuted" or (muted.until or 0) <= now
    return Facts(
        acknowledged=took.get("acknowledged"),
        assigned=took.get("assigned"),
        muted=None if over else muted,
        notes=tuple(one for one in acts if one.kind == "noted"),
        taken=taking[-1] if taking else None,
        lapsed=acts[lapse] if lapse >= 0 and not taking else None,
    )


# -- what may be asked of the file, also by whoever only reads it ------------------------------


def acts_of(state: State, alert: str) -> list[Act]:
    """Return what was done about an alert, oldest first."""
    return acts_of_many(state, [alert])[alert]


def acts_of_many(state: State, alerts: Iterable[str]) -> dict[str, list[Act]]:
    """Return what was done about each of these alerts, by id, oldest first."""
    found: dict[str, list[Act]] = {one: [] for one in alerts}
    ids = list(found)
    for first in range(0, len(ids), AT_ONCE):
        asked = ids[first : first + AT_ONCE]
        places = ",".join("?" * len(asked))
        rows = state.rows(
            f"SELECT body FROM act WHERE alert IN ({places}) ORDER BY alert, number",  # noqa: S608 - as many marks as there are ids
            asked,
        )
        for act in _decoded(rows):
            found[act.alert].append(act)
    return found


def acts_after(state: State, number: int, limit: int) -> list[Act]:
    """Return at most `limit` acts after a number, about whatever alert, oldest first."""
    return _decoded(
        state.rows("SELECT body FROM act WHERE number > ? ORDER BY number LIMIT ?", (number, limit))
    )


def _decoded(rows: Iterable[tuple[bytes]]) -> list[Act]:
    return [msgspec.json.decode(body, type=Act) for (body,) in rows]


# -- the writer --------------------------------------------------------------------------------


class Acts:
    """Records what people do about alerts."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def do(self, act: Act, who: Who) -> Act:
        """Record an act, and in the audit trail what counted until then; return it as it stands.

        Who and its number are set here; when it was done stands in it. Raises ControlError,
        DiskError.
        """
        act = msgspec.structs.replace(
            act, who=who.name, reason=reason_of(act.reason, note=act.kind == "noted")
        )
        state = self._state
        async with state.writing():
            alert = state.alert(act.alert)
            if alert is None:
                raise ControlError(f"there is no alert {act.alert}", "See: holdwatch alerts")
            done = acts_of(state, alert.id)
            if len(done) >= MOST and act.kind not in {*TAKING, LAPSED}:
                raise ControlError(
                    f"{MOST:,} things were done about this alert already",
                    "What else there is to say must be kept elsewhere",
                )
            before = facts(done, act.at)
            self._check(act, alert, before, who)
            newest = int(state.rows("SELECT ifnull(max(number), 0) FROM act")[0][0])
            act = msgspec.structs.replace(act, number=newest + 1, severity=alert.severity)
            row = (act.number, act.alert, msgspec.json.encode(act))
            state.stage("INSERT INTO act (number, alert, body) VALUES (?,?,?)", [row])
            audit.stage(
                state,
                Entry(
                    at=act.at,
                    who=who,
                    what=f"alert-{VERBS[act.kind]}",
                    object=act.alert,
                    reason=act.reason,
                    before=_told(before),
                    after=_told(facts([*done, act], act.at)),
                ),
            )
        return act

    def _check(self, act: Act, alert: Alert, before: Facts, who: Who) -> None:
        """Raise ControlError where this cannot be done about the alert as it stands."""
        if act.kind == LAPSED and (who.via != "gateway" or before.taken is None):
            raise ControlError(
                "an alert lapses by itself, where somebody has it",
                "Hand it over to another person, or end what is wrong",
            )
        if alert.ended is not None and act.kind not in {"acknowledged", "noted"}:
            raise ControlError(
                f"this alert is over: it cannot be {act.kind}",
                "It can be acknowledged, and notes can be made",
            )
        if bool(act.to) != (act.kind == "assigned"):
            raise ControlError(
                f'"to" is {act.to!r}, and the alert is to be {act.kind}',
                'Name a person in "to" to assign it, and only then',
            )
        if (act.until is not None) != (act.kind == "muted"):
            raise ControlError(
                f'"until" is {act.until}, and the alert is to be {act.kind}',
                'Give a time in "until" (ms since 1970) to mute it, and only then',
            )
        if act.kind == "assigned":
            self._check_person(act.to)
        if act.kind == "unmuted" and before.muted is None:
            raise ControlError("this alert is not muted", "There is nothing left to do")
        length = SHORTEST_MUTE if act.until is None else act.until - act.at
        if not SHORTEST_MUTE - ON_THE_WAY <= length <= LONGEST_MUTE:
            raise ControlError(
                f"an alert cannot be muted for {format_duration(length)}",
                f"Mute it for {format_duration(SHORTEST_MUTE)} to {format_duration(LONGEST_MUTE)}, "
                "and again after that",
            )

    def _check_person(self, name: str) -> None:
        found = find_person(self._state, name)
        cure = "Name an operator or more: holdwatch user list"
        if found is None or found[0].removed is not None:
            raise ControlError(f"there is no person {name}", cure)
        person, _ = found
        if person.screen or not at_least(person.role, "operator"):
            what = "a wall screen" if person.screen else f"a {person.role}"
            raise ControlError(f"{name} is {what}, who can do nothing about an alert", cure)


def _told(known: Facts) -> dict[str, object] | None:
    """Return facts as the audit trail has them; notes are acts that change nothing else."""
    told = {
        kind: msgspec.to_builtins(act)
        for kind in ("acknowledged", "assigned", "muted")
        if (act := getattr(known, kind)) is not None
    }
    return told or None
