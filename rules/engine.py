"""Readings and times in, transitions out: a fold, so that the past can be judged again.

What it guarantees:

- Each channel of each device is judged in order of event time (`order`). A reading that
  comes too late for that is not applied but reported, and the caller judges the device
  again with `rejudge` from the key frame before it. So final verdicts do not depend on the
  order of arrival. Absence is the exception: it rests on `received` and is never revised.
- Transitions carry ids that follow from rule, device, channel and beginning, so that
  folding the same readings again from an older state tells the same things again.
- A repeated reading changes nothing.
- A calm reading (see `rules.subject`) costs next to nothing, and leaves exactly the state
  that the full step would leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from devices.reading import IMPORTED, RETAINED, DeviceKey, Reading
from rules.contact import Contact, Expected
from rules.plan import EVER, FOREVER, CalmMeter, Intervals, Plan, Plans, Stand, expanded
from rules.rule import RuleVersion
from rules.status import Status, status
from rules.step import Folded, Frame, firing, orphans, retire, step
from rules.stored import dump, load
from rules.subject import Subject, arm, begin, still_calm
from rules.transition import Episode, Transition, episode


class Rejudged(msgspec.Struct, frozen=True):
    """The alarms of a device from a frame on, and its frames from there on."""

    episodes: list[Episode]
    frames: list[Frame]


class Engine:
    """Judges the readings of all devices by the versions of all rules.

    `interval` tells a device's usual time between readings, and since when. `stands_for` tells
    whose place it has, and when: the rules of each judge it then. Its own place is among them;
    where that has ended it is not judged and not missed, since another device has it. Both are
    asked once, when the device is first seen, until `renew`.
    """

    def __init__(  # noqa: PLR0913 - what it asks of others
        self,
        versions: Sequence[RuleVersion],
        interval: Callable[[DeviceKey], Intervals],
        *,
        stands_for: Callable[[DeviceKey], Sequence[Stand]] = lambda device: (Stand(device),),
        own: Callable[[DeviceKey], Sequence[RuleVersion]] | None = None,
        expected: Expected | None = None,
        calm: bool = True,
    ) -> None:
        """Start with no devices. `calm=False` sends every reading through the full step.

        `own` tells the versions that judge one subject alone, as those of a consignment's goods,
        and `expected` when nobody need hear it.
        """
        self._plans = Plans(versions)
        self._own = own
        self._interval = interval
        self._stands_for = stands_for
        self._subjects: dict[DeviceKey, Subject] = {}
        self._contact = Contact(expected)
        self._calm = calm

    def fold(self, readings: Iterable[Reading]) -> Folded:
        """Judge readings in the order they were recorded."""
        out = Folded([], {}, [])
        _run(readings, self._subjects.get, self._step, out)
        return out

    def tick(self, now: int, listening_since: int) -> list[Transition]:
        """Return the absences that became too long by `now`, while we were listening.

        `listening_since` is since when we could have heard: nobody is missed before it.
        """
        return self._contact.tick(now, listening_since)

    def hear(self, device: DeviceKey, received: int) -> list[Transition]:
        """Note that a subject was heard (ms), where its readings do not tell that."""
        return self._contact.hear(self._subject(device), received)

    @property
    def missed_otherwise(self) -> set[DeviceKey]:
        """Subjects that are missed since the last tick, or are not any more."""
        return self._contact.changed

    def set_back(self, now: int) -> None:
        """Take note that the clock that `received` and `tick` go by was set back to `now`."""
        self._contact.set_back(now)

    def rejudge(
        self, device: DeviceKey, frame: bytes | None, readings: Sequence[Reading]
    ) -> Rejudged:
        """Judge a device's past again, and go on from there.

        `frame` is the state of a key frame, None to begin with nothing. `readings` are all
        of the device's readings from the frame's time on that were ever folded or reported
        late, sorted by `order` and each once. Returns every alarm from the frame on,
        including one that fired there already. What is known of contact stays as it is.
        """
        subject = self._subject(device)
        replay, rejudged = self._replay(device, frame, readings)
        subject.day, subject.latest, subject.tracks = replay.day, replay.latest, replay.tracks
        subject.meters, subject.settled = replay.meters, replay.settled
        self._arm(subject)
        return rejudged

    def judge(self, readings: Iterable[Reading]) -> list[Episode]:
        """Return the alarms of a whole series, offline: sorted by `order`, any number of devices.

        Touches nothing that the engine knows.
        """
        series: dict[DeviceKey, list[Reading]] = {}
        for reading in readings:
            series.setdefault(reading.device, []).append(reading)
        return [
            found
            for device, own in series.items()
            for found in self._replay(device, None, own)[1].episodes
        ]

    def retire(self) -> list[Transition]:
        """Close what ended rule versions left open; call it after catching up with the journal.

        A version with `until` closes by itself when a later reading comes. This closes it
        for devices from which none came.
        """
        return [
            transition
            for subject in self._subjects.values()
            for transition in (*retire(subject), *self._contact.retire(subject))
        ]

    def renew(self, device: DeviceKey) -> list[Transition]:
        """Take note that what is said of a device has changed: its interval, or its place.

        Its state is kept as far as the same versions judge it. Alarms of others are closed as
        indeterminate, and so is its absence where it is gone. What a new interval or a place taken
        or left in the past does to its verdicts is found by judging its readings again from then
        on: see `rejudge`.
        """
        subject = self._subjects.get(device)
        if subject is None:
            return []
        plan = self._plan(device)
        if plan is subject.plan:
            return []
        state = dump(subject)
        subject.plan = plan
        told = self.load(device, state) + self._contact.retire(subject)
        self._contact.look(subject)
        return told

    def use(self, versions: Sequence[RuleVersion]) -> None:
        """Take other versions of the rules; each device's count once it is given to `renew`.

        Nothing may be judged in between.
        """
        self._plans.use(versions)

    def begin(self, device: DeviceKey) -> None:
        """Know a subject from now on: it is missed also if it is never heard."""
        self._contact.look(self._subject(device))

    def dump(self, device: DeviceKey) -> bytes:
        """Return a device's state; KeyError if it was never seen."""
        return dump(self._subjects[device])

    def load(self, device: DeviceKey, state: bytes) -> list[Transition]:
        """Take over a dumped state.

        Alarms of rule versions that this engine does not have are closed as indeterminate.
        Raises ValueError when the state cannot be read.
        """
        subject = self._subject(device)
        load(subject, state)
        closed = orphans(subject) + self._contact.load(subject)
        self._arm(subject)
        return closed

    def devices(self) -> Iterator[DeviceKey]:
        """Every device ever seen."""
        return iter(self._subjects)

    def knows(self, device: DeviceKey) -> bool:
        """Whether it was ever seen."""
        return device in self._subjects

    def heard(self, device: DeviceKey) -> int:
        """Return when it was last heard fresh (ms), -1 where it never was."""
        known = self._subjects.get(device)
        return -1 if known is None else known.heard

    def calm(self, device: DeviceKey) -> bool:
        """Whether all is well with a device: no rule that judges it has anything to tell."""
        known = self._subjects.get(device)
        if known is None or known.calm is None or known.settled is not None:
            return False
        return known.calm.until == FOREVER or still_calm(known)

    def state(self, device: DeviceKey) -> list[Status]:
        """Where every rule stands on a device; empty if it was never seen."""
        known = self._subjects.get(device)
        if known is None:
            return []
        return status(known)

    def _subject(self, device: DeviceKey) -> Subject:
        subject = self._subjects.get(device)
        if subject is None:
            subject = self._subjects[device] = Subject(device, self._plan(device))
        return subject

    def _plan(self, device: DeviceKey) -> Plan:
        if self._own is not None:
            always_in_force = [(one, ((EVER, FOREVER),)) for one in expanded(self._own(device))]
            return Plan(always_in_force, self._interval(device))
        return self._plans.plan(device, self._interval(device), self._stands_for(device))

    def _arm(self, subject: Subject) -> None:
        arm(subject)
        if not self._calm:
            subject.calm = None

    def _step(self, reading: Reading, out: Folded) -> None:
        subject = self._subject(reading.device)
        if not reading.flags & (RETAINED | IMPORTED):
            out.transitions += self._contact.hear(subject, reading.received)
        if self._calm and begin(subject, reading):
            return
        step(subject, reading, out)
        self._arm(subject)

    def _replay(
        self, device: DeviceKey, frame: bytes | None, readings: Sequence[Reading]
    ) -> tuple[Subject, Rejudged]:
        known = self._subjects.get(device)
        subject = Subject(device, known.plan if known else self._plan(device))
        out = Folded([], {}, [])
        episodes: dict[str, Episode] = {}
        if frame is not None:
            load(subject, frame)
            out.transitions += orphans(subject)
        for found in firing(subject):
            episodes[found.id] = found

        def full(reading: Reading, out: Folded) -> None:
            step(subject, reading, out)
            self._arm(subject)

        self._arm(subject)
        _run(readings, lambda _: subject, full, out)
        if out.late:
            raise ValueError(
                f"readings of {device} must be sorted by order(), none before the frame"
            )
        out.transitions += retire(subject)
        for transition in out.transitions:
            episodes[transition.id] = episode(transition)
        for found in firing(subject):
            episodes[found.id] = found
        in_time = sorted(episodes.values(), key=lambda e: (e.begin, e.rule, e.channel))
        return subject, Rejudged(in_time, out.frames)


def _run(
    readings: Iterable[Reading],
    find: Callable[[DeviceKey], Subject | None],
    full: Callable[[Reading, Folded], None],
    out: Folded,
) -> None:
    """Remember calm readings, and give all others to the full step."""
    for reading in readings:
        subject = find(reading.device)
        if subject is not None:
            calm = subject.calm
            if (
                calm is not None
                and reading.layout is calm.layout
                and not reading.flags & calm.mask
                and subject.latest.at < reading.at < subject.until  # type: ignore[union-attr] # calm only with a latest
            ):
                values = reading.values
                for index, low, high in calm.band:
                    if not low < values[index] < high:
                        break
                else:
                    settled = subject.settled
                    if (settled is None or settled.stays(subject.latest, reading)) and (  # type: ignore[arg-type] # calm only with a latest
                        not calm.meters or _stay_calm(subject, calm.meters, reading)
                    ):
                        if settled is not None:
                            settled.count += 1
                        subject.latest = reading
                        if reading.received > subject.heard:  # noqa: PLR1730 - hot: max() is a call
                            subject.heard = reading.received
                        continue
        full(reading, out)


def _stay_calm(subject: Subject, meters: Sequence[CalmMeter], reading: Reading) -> bool:
    """Give a reading to the meters; say whether all of them are still calm."""
    values, last, taken = reading.values, subject.latest, subject.meters
    for _, index, _, _, _, jump in meters:
        if not -jump <= values[index] - last.values[index] <= jump:  # type: ignore[union-attr] # calm only with a latest
            return False
    calm = True
    for key, index, hold, low, high, _ in meters:
        if not low < taken[key].take(reading.at, values[index], hold) < high:
            calm = False
    if not calm:
        subject.fed = reading.at, reading.identity
    return calm
