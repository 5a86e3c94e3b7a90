"""Who is not heard any more: deadlines, looked at only when they are due."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Literal

from rules.lifecycle import Explanation
from rules.plan import FOREVER, Watch
from rules.subject import Lost, Subject, arm
from rules.transition import Transition, alert_id


class Contact:
    """The absences of all subjects.

    Each subject that was ever heard has one deadline that counts, no later than the earliest
    time it can be missed. Hearing it again does not move the deadline; what is due
    is looked at anew, so a busy device costs one look per waiting time.
    """

    def __init__(self) -> None:
        """Watch nobody yet."""
        self._deadlines: list[tuple[int, int]] = []
        self._subjects: list[Subject] = []

    def hear(self, subject: Subject, received: int) -> list[Transition]:
        """Note that a subject was heard fresh: its absences end."""
        if received <= subject.heard:
            return []
        subject.heard = received
        told = [
            _tell(subject, subject.plan.watches[lost.key], lost, "resolved", received)
            for lost in subject.lost
        ]
        subject.lost = ()
        self._wait(subject)
        return told

    def load(self, subject: Subject) -> list[Transition]:
        """Take up a loaded subject; absences of unknown rules are closed as indeterminate."""
        known = tuple(lost for lost in subject.lost if lost.key in subject.plan.watches)
        told = [_orphan(subject, lost) for lost in subject.lost if lost not in known]
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
        watches = [subject.plan.watches[lost.key] for lost in ended]
        return [
            # The end may have been set in the past.
            _tell(subject, watch, lost, "indeterminate", max(watch.until, lost.fired_at))
            for watch, lost in zip(watches, ended, strict=True)
        ]

    def tick(self, now: int, listening_since: int) -> list[Transition]:
        """Return the absences that are too long by `now`."""
        told: list[Transition] = []
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now:
            deadline, number = heappop(deadlines)
            subject = self._subjects[number]
            if deadline != subject.due:
                continue  # an earlier deadline took its place
            subject.due = FOREVER
            heard = max(subject.heard, listening_since)
            following = []
            for watch in subject.plan.watches.values():
                if now >= watch.until or any(lost.key == watch.key for lost in subject.lost):
                    continue
                due = max(max(heard, watch.placed) + watch.wait, watch.since)
                if due > now:
                    following.append(due)
                    continue
                # A new version tells of its own time: what the one before told is told.
                lost = Lost(watch.key, max(subject.heard, watch.since), due)
                subject.lost += (lost,)
                subject.calm = None
                told.append(_tell(subject, watch, lost, "firing", due))
            if following:
                self._push(subject, min(following))
        return told

    def set_back(self, now: int) -> None:
        """Take note that our clock was set back to `now`: nobody was heard in the future."""
        for subject in self._subjects:
            if subject.heard > now:
                subject.heard = now
                self._wait(subject)

    def _wait(self, subject: Subject) -> None:
        deadline = subject.heard + subject.plan.wait
        if subject.heard < 0 or deadline >= subject.due:
            return
        if subject.number < 0:
            subject.number = len(self._subjects)
            self._subjects.append(subject)
        self._push(subject, deadline)

    def _push(self, subject: Subject, deadline: int) -> None:
        subject.due = deadline
        heappush(self._deadlines, (deadline, subject.number))


def _tell(
    subject: Subject,
    watch: Watch,
    lost: Lost,
    kind: Literal["firing", "resolved", "indeterminate"],
    at: int,
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
        reason=watch.reason if kind == "indeterminate" else "",
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
