"""Who is not heard any more: deadlines, looked at only when they are due.

Somebody may be out of hearing for a known time, as goods on a ship: `Absence` tells until when
that is expected, and with whom. Those of one vehicle are missed together, with one alert.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Literal, NamedTuple

from devices.reading import DeviceKey
from rules.lifecycle import Explanation
from rules.plan import EVER, FOREVER, Watch
from rules.subject import Lost, Subject, arm
from rules.together import Together
from rules.transition import Transition, alert_id


class Absence(NamedTuple):
    """Since when (ms) somebody is waited for at the earliest, and until when nobody need wait.

    `reason` says why not, in words. What is missed after that is `of` a vehicle, if there is one.
    """

    since: int = EVER
    until: int = EVER
    reason: str = ""
    of: DeviceKey | None = None


Expected = Callable[[DeviceKey, int], Absence]
"""What is known of a subject's absence at a time (ms)."""
_PRESENT = Absence()
LOOK = 60_000
"""How often (ms) it is asked whether a rule applies that does so on some legs or at some times."""
NOT_NOW = "its rule does not apply now"


class Contact:
    """The absences of all subjects.

    Each subject that was ever heard has one deadline that counts, no later than the earliest
    time it can be missed. Hearing it again does not move the deadline; what is due
    is looked at anew, so a busy device costs one look per waiting time.
    """

    def __init__(self, expected: Expected | None = None) -> None:
        """Watch nobody yet."""
        self._expected = expected
        self._together = Together()
        self.changed: set[DeviceKey] = set()
        """Those whose absence is another since the last tick."""
        self._deadlines: list[tuple[int, int]] = []
        self._subjects: list[Subject] = []

    def hear(self, subject: Subject, received: int) -> list[Transition]:
        """Note that a subject was heard fresh: its absences end."""
        if received <= subject.heard:
            return []
        subject.heard = received
        told = self._end(subject, subject.lost, "resolved", received)
        subject.lost = ()
        self._wait(subject)
        return told

    def load(self, subject: Subject) -> list[Transition]:
        """Take up a loaded subject; absences of unknown rules are closed as indeterminate."""
        known = tuple(lost for lost in subject.lost if lost.key in subject.plan.watches)
        told = [
            _orphan(subject, lost) for lost in subject.lost if lost not in known and not lost.of
        ]
        for lost in subject.lost:
            if lost.of:
                self._together.load(subject.device, lost, known=lost in known)
        subject.lost = known
        self._wait(subject)
        return told

    def retire(self, subject: Subject) -> list[Transition]:
        """Close the absences of ended rules."""
        ended = [lost for lost in subject.lost if subject.plan.watches[lost.key].until < FOREVER]
        if not ended:
            return []
        subject.lost = tuple(lost for lost in subject.lost if lost not in ended)
        arm(subject)
        return [
            told
            for lost in ended
            # The end may have been set in the past.
            for told in self._end(
                subject,
                (lost,),
                "indeterminate",
                max(subject.plan.watches[lost.key].until, lost.fired_at),
            )
        ]

    def look(self, subject: Subject) -> None:
        """Look at a subject anew with the next tick: its absence is expected otherwise."""
        if subject.heard >= 0 or self._expected is not None:
            self._push(subject, 0)

    def tick(self, now: int, listening_since: int) -> list[Transition]:
        """Return the absences that are too long by `now`."""
        told: list[Transition] = []
        self.changed = set()
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            deadline, number = heappop(deadlines)
            subject = self._subjects[number]
            if deadline == subject.due:  # else an earlier one took its place
                told += self._miss(subject, now, listening_since)
        return told + self._together.look(now)

    def _miss(self, subject: Subject, now: int, listening_since: int) -> list[Transition]:
        subject.due = FOREVER
        absence = _PRESENT if self._expected is None else self._expected(subject.device, now)
        if absence.until > now and subject.lost:
            self.changed.add(subject.device)
            told = self._end(subject, subject.lost, "indeterminate", now, absence.reason)
            subject.lost = ()
            arm(subject)
        else:
            told = []
        heard = max(subject.heard, listening_since, absence.since)
        following: list[int] = []
        for watch in subject.plan.watches.values():
            if now >= watch.until or not self._minds(subject, watch, now, told, following):
                continue
            due = max(max(heard, watch.placed) + watch.wait, watch.since, absence.until)
            if due > now:
                following.append(due)
                continue
            if watch.rule.only is not None:
                following.append(now + LOOK)
                due = due if watch.rule.only.applies(due) else now
            # A new version tells of its own time: what the one before told is told.
            begin = max(subject.heard, watch.since, min(absence.since, due))
            lost = Lost(watch.key, begin, due, absence.of.id if absence.of else "")
            if absence.of is None:
                told.append(_tell(subject, watch, lost, "firing", due))
            else:
                self._together.join(absence.of, subject.device, watch, lost)
            self.changed.add(subject.device)
            subject.lost += (lost,)
            subject.calm = None
        if following and min(following) < FOREVER:
            self._push(subject, min(following))
        return told

    def _minds(
        self,
        subject: Subject,
        watch: Watch,
        now: int,
        told: list[Transition],
        following: list[int],
    ) -> bool:
        """Whether a rule applies now and does not miss the subject already.

        An absence that nobody minds any more is closed.
        """
        missed = tuple(lost for lost in subject.lost if lost.key == watch.key)
        only = watch.rule.only
        if only is None:
            return not missed
        if only.applies(now) and not missed:
            return True
        following.append(now + LOOK)
        if missed and not only.applies(now):
            self.changed.add(subject.device)
            subject.lost = tuple(lost for lost in subject.lost if lost not in missed)
            arm(subject)
            told += self._end(subject, missed, "indeterminate", now, NOT_NOW)
        return False

    def _end(
        self,
        subject: Subject,
        ended: tuple[Lost, ...],
        kind: Literal["resolved", "indeterminate"],
        at: int,
        reason: str = "",
    ) -> list[Transition]:
        told = []
        for lost in ended:
            if lost.of:
                told += self._together.leave(subject.device, lost, kind, at, reason)
            else:
                watch = subject.plan.watches[lost.key]
                told.append(_tell(subject, watch, lost, kind, at, reason))
        return told

    def set_back(self, now: int) -> None:
        """Take note that our clock was set back to `now`: nobody was heard in the future."""
        for subject in self._subjects:
            if subject.heard > now:
                subject.heard = now
                self._wait(subject)

    def _wait(self, subject: Subject) -> None:
        deadline = subject.heard + subject.plan.wait
        if subject.heard >= 0 and deadline < subject.due:
            self._push(subject, deadline)

    def _push(self, subject: Subject, deadline: int) -> None:
        if subject.number < 0:
            subject.number = len(self._subjects)
            self._subjects.append(subject)
        subject.due = deadline
        heappush(self._deadlines, (deadline, subject.number))


def _tell(  # noqa: PLR0913, PLR0917 - what is told of an absence has this many sides
    subject: Subject,
    watch: Watch,
    lost: Lost,
    kind: Literal["firing", "resolved", "indeterminate"],
    at: int,
    reason: str = "",
) -> Transition:
    rule = watch.rule
    return Transition(
        kind=kind,
        id=alert_id(rule.name, subject.device, "", lost.begin),
        rule=rule.name,
        version=watch.version,
        rule_kind=rule.kind,
        severity=rule.severity,
        device=subject.device,
        channel="",
        begin=lost.begin,
        fired_at=lost.fired_at,
        at=at,
        limit=rule.limit(),
        note=rule.note,
        explanation=Explanation(unknown=at - lost.begin, last_when=lost.begin),
        reason=(reason or watch.reason) if kind == "indeterminate" else "",
    )


def _orphan(subject: Subject, lost: Lost) -> Transition:
    """Close an absence of a rule version that nobody knows any more."""
    name, version, _ = lost.key.split(" ")
    return Transition(
        kind="indeterminate",
        id=alert_id(name, subject.device, "", lost.begin),
        rule=name,
        version=version,
        rule_kind="",
        severity="",
        device=subject.device,
        channel="",
        begin=lost.begin,
        fired_at=lost.fired_at,
        at=lost.fired_at,
        limit="",
        note="",
        explanation=Explanation(last_when=lost.begin),
    )
