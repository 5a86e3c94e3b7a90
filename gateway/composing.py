"""Whom the second monitor judges: consignments, by what their sensors say together.

What must hold: a consignment's past is what `rules.cargo.compose` makes of its sensors' readings
and of what was stated of it, whatever came when. What is known between two moments is stored with
the rule state that goes with it, so a restart or a key frame goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from devices.reading import IMPORTED, RETAINED, DeviceKey
from gateway.subjects import Taken
from rules.cargo.absence import VEHICLE
from rules.cargo.compose import Composer
from rules.cargo.consignment import FOREVER, consignment_of
from rules.cargo.versions import channels, over
from rules.duration import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from devices.reading import Reading
    from gateway.consignments.book import Book
    from gateway.goods import Goods
    from gateway.history import History
    from gateway.journal import Cursor
    from gateway.past import Past
    from gateway.registry.corrections import Corrections
    from rules.cargo.compose import Composed, Speaks
    from rules.cargo.consignment import Consignment
    from rules.step import Frame

LINGER = DAY
"""A consignment that is over, and its sensors taken off, is followed for so many ms more."""


class _Kept(msgspec.Struct, array_like=True):
    """What is stored: rule state, and what its composer, or the composer at a midnight, knew."""

    state: bytes
    composer: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)


class Consignments:
    """Every consignment of a book that is not over: the others only when something comes late."""

    judged_whole = True

    def __init__(  # noqa: PLR0913 - what a consignment's past is made of
        self,
        book: Book,
        goods: Goods,
        *,
        past: Past,
        history: History,
        corrections: Corrections,
        speaks: Speaks,
        now: Callable[[], int],
        changing: Collection[DeviceKey] = (),
    ) -> None:
        """Follow those that are not over.

        `changing`: whose past has yet to be judged again, so that what is stored is no help.
        """
        self._book = book
        self._goods = goods
        self._past = past
        self._history = history
        self._corrections = corrections
        self._speaks = speaks
        self._now = now
        self._changing = changing
        self.on_begin: Callable[[DeviceKey], None] = lambda _subject: None
        """Called with a consignment that is followed from now on."""
        self._composers: dict[str, Composer] = {}
        self._of: dict[DeviceKey, list[Composer]] = {}
        # Of the others, until when (ms) any sensor spoke for them.
        self._ended: dict[DeviceKey, int] = {}
        self._snapshots: dict[DeviceKey, dict[int, bytes]] = {}
        self._look_at = 0
        # Who was left while readings waited for others, and from when on (ms) to judge it again.
        self._left: dict[DeviceKey, int] = {}
        for one in book.all():
            self._follow(one)

    @property
    def followed(self) -> list[DeviceKey]:
        """The consignments that are not over."""
        return [one.consignment.subject for one in self._composers.values()]

    # -- who there is ------------------------------------------------------------------------

    def owns(self, subject: DeviceKey) -> bool:
        """Whether it is a consignment, or a vehicle of some."""
        return consignment_of(subject) is not None or subject.id.startswith(VEHICLE)

    def knows(self, subject: DeviceKey) -> bool:
        """Whether there is such a consignment."""
        return self._consignment(subject) is not None

    def _consignment(self, subject: DeviceKey) -> Consignment | None:
        identity = consignment_of(subject)
        if identity is None or subject.owner != self._book.owner:
            return None
        return self._book.consignment(identity)

    def changed(self, subject: DeviceKey) -> None:
        """Follow a consignment as it is stated now, or no longer."""
        identity = consignment_of(subject) or ""
        self._leave(identity)
        found = self._book.consignment(identity)
        if found is not None and self._follow(found):
            self.on_begin(subject)

    def _follow(self, consignment: Consignment) -> bool:
        composer = self._composer(consignment)
        if over(consignment) is not None and composer.last + LINGER <= self._now():
            for one in consignment.assignments:
                end = FOREVER if one.until is None else one.until
                self._ended[one.sensor] = max(end, self._ended.get(one.sensor, 0))
            return False
        self._composers[consignment.id] = composer
        for sensor in dict.fromkeys(one.sensor for one in consignment.assignments):
            self._of.setdefault(sensor, []).append(composer)
        return True

    def _leave(self, identity: str) -> None:
        composer = self._composers.pop(identity, None)
        if composer is None:
            return
        self._snapshots.pop(composer.consignment.subject, None)
        for one in composer.consignment.assignments:
            self._of[one.sensor] = [c for c in self._of.get(one.sensor, ()) if c is not composer]

    def _composer(self, consignment: Consignment) -> Composer:
        profile = self._goods.version(consignment.version)
        judged = frozenset[str]() if profile is None else channels(profile)
        return Composer(consignment, self._speaks, judged)

    # -- as they come ------------------------------------------------------------------------

    def take(
        self,
        readings: Sequence[Reading],
        last: Callable[[DeviceKey], Reading | None],  # noqa: ARG002 - one signature for all
    ) -> Taken:
        """Take what sensors said, and return what it says of their consignments."""
        of, ended = self._of, self._ended
        if not of and not ended:
            return Taken(())
        mine = [one for one in readings if one.device in of or one.device in ended]
        if not mine:
            return Taken(())
        shares: dict[str, list[Reading]] = {}
        late: dict[DeviceKey, int] = {}
        heard: dict[DeviceKey, int] = {}
        for one in self._corrections.apply(mine):
            for composer in of.get(one.device, ()):
                shares.setdefault(composer.consignment.id, []).append(one)
                if not one.flags & (IMPORTED | RETAINED) and composer.hears(one):
                    subject = composer.consignment.subject
                    heard[subject] = max(one.received, heard.get(subject, 0))
            if ended.get(one.device, one.when) > one.when:
                self._note_ended(one, late)
        composed = {id_: self._composers[id_].take(share) for id_, share in shares.items()}
        return self._taken(composed, late, heard)

    def _note_ended(self, reading: Reading, late: dict[DeviceKey, int]) -> None:
        """Note the consignments for which a sensor spoke once, and that are over."""
        for one in self._book.of(reading.device):
            if one.id not in self._composers and self._composer(one).concerns(reading):
                late[one.subject] = min(reading.when, late.get(one.subject, reading.when))

    def passes(self, now: int) -> Taken | None:
        """Wait no longer for what is slower than a consignment waits for."""
        due = {id_: one.tick(now) for id_, one in self._composers.items() if one.due <= now}
        composed = {id_: out for id_, out in due.items() if out.readings}
        late, self._left = self._left, {}
        taken = self._taken(composed, late, {}) if composed or late else None
        if now >= self._look_at:
            self._look_at = now + HOUR
            for composer in list(self._composers.values()):
                one = composer.consignment
                # What waits is told first.
                if over(one) is not None and composer.last + LINGER <= now and not composer.waits:
                    self._leave(one.id)
                    self._follow(one)
        return taken

    def _taken(
        self,
        composed: dict[str, Composed],
        late: dict[DeviceKey, int],
        heard: dict[DeviceKey, int],
    ) -> Taken:
        unsaved = []
        for identity, out in composed.items():
            subject = self._composers[identity].consignment.subject
            unsaved.append(subject)
            self._note_snapshots(subject, out)
            if out.late is not None:
                late[subject] = out.late
        readings = [one for out in composed.values() for one in out.readings]
        return Taken(readings, late, heard, unsaved)

    # -- as it was ---------------------------------------------------------------------------

    def past(
        self, subject: DeviceKey, kept: bytes | None, since: int, until: Cursor
    ) -> tuple[bytes | None, list[Reading]]:
        """Return rule state of a key frame that was `kept`, and what was said since then (ms)."""
        consignment = self._consignment(subject)
        if consignment is None:
            return None, []
        found = None if kept is None else _unpacked(subject, kept)
        spans: dict[DeviceKey, tuple[int, int]] = {}
        for one in consignment.assignments:
            begin, end = spans.get(one.sensor, (one.since, one.since))
            later = FOREVER if one.until is None else one.until
            spans[one.sensor] = min(begin, one.since), max(end, later)
        said = [
            reading
            for sensor, (begin, end) in spans.items()
            for reading in self._past.readings(sensor, max(since, begin), until, end)
        ]
        followed = self._composers.get(consignment.id)
        composer = followed or self._composer(consignment)
        out = composer.again(None if found is None else found.composer, self._counted(said))
        readings = out.readings
        if followed is None:
            readings += composer.tick(self._now()).readings
        self._snapshots[subject] = dict(out.snapshots)
        return None if found is None else found.state, readings

    def _counted(self, readings: list[Reading]) -> list[Reading]:
        return self._corrections.apply(readings)

    def renew(self, subject: DeviceKey, past: Sequence[Reading]) -> None:
        """Do nothing: it is composed anew already."""

    def known_from(self, subject: DeviceKey) -> int:
        """Return from when on (ms) nothing of what its sensors said for it was deleted."""
        consignment = self._consignment(subject)
        if consignment is None:
            return 0
        return max(
            (
                known
                for one in consignment.assignments
                if (known := self._known_from(one.sensor, one.until)) > one.since
            ),
            default=0,
        )

    def _known_from(self, sensor: DeviceKey, until: int | None) -> int:
        return self._history.known_from(sensor, FOREVER if until is None else until)

    # -- stored ------------------------------------------------------------------------------

    def kept(self, subject: DeviceKey, state: bytes) -> bytes:
        """Return rule state and what its composer knows."""
        composer = self._composers.get(consignment_of(subject) or "")
        return _encoder.encode(_Kept(state, composer.dump() if composer else b""))

    def framed(self, frame: Frame) -> bytes | None:
        """Return rule state and what its composer knew then; None if nobody remembers."""
        snapshot = self._snapshots.get(frame.device, {}).get(frame.at)
        return None if snapshot is None else _encoder.encode(_Kept(frame.state, snapshot))

    def restored(self, subject: DeviceKey, kept: bytes) -> bytes | None:
        """Take up what its composer knew; return the rule state of one that is not over."""
        found = _unpacked(subject, kept)
        composer = self._composers.get(consignment_of(subject) or "")
        if composer is None:
            self._note_left(subject, found)
            return None
        if found.composer and subject not in self._changing:
            composer.load(found.composer)
        return found.state

    def _note_left(self, subject: DeviceKey, found: _Kept) -> None:
        """Note one that came to be over while we did not run, and that had more to tell."""
        consignment = self._consignment(subject)
        if consignment is None or not found.composer:
            return
        composer = self._composer(consignment)
        composer.load(found.composer)
        if composer.waits or composer.due <= self._now():
            self._left[subject] = composer.position

    def _note_snapshots(self, subject: DeviceKey, out: Composed) -> None:
        """Remember the newest: the rules make a frame of a midnight when they first judge after."""
        if out.snapshots:
            self._snapshots[subject] = dict(out.snapshots)


def _unpacked(subject: DeviceKey, kept: bytes) -> _Kept:
    try:
        return _decoder.decode(kept)
    except msgspec.DecodeError as error:
        raise ValueError(f"what is stored of {subject} cannot be read: judge it again") from error
