"""Whom a monitor judges, and how their readings come: of devices as they are.

Consignments are judged by what their sensors say together: see `gateway/freight.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from rules import KINDS
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devices.reading import DeviceKey, Reading
    from gateway.history import History
    from gateway.journal import Cursor
    from gateway.parts import Parts
    from gateway.past import Past
    from gateway.registry.corrections import Corrections
    from rules.step import Frame

REVISABLE = frozenset(
    str(kind.model_fields["kind"].default) for kind in KINDS if issubclass(kind, SampleRule)
)
"""Kinds of alert that a changed past may change: verdicts about absence stand as they are."""


class Taken(NamedTuple):
    """What came of readings: readings of subjects, in the order in which they are judged.

    `late`: which subjects must be judged again, and from when on (ms). `heard`: when (ms received)
    subjects were heard whose readings do not tell that. `unsaved`: of which there is more to save.
    """

    readings: Sequence[Reading]
    late: Mapping[DeviceKey, int] = {}
    heard: Mapping[DeviceKey, int] = {}
    unsaved: Iterable[DeviceKey] = ()


class Subjects(Protocol):
    """Whom a monitor judges."""

    judged_whole: bool
    """Whether one version of the rules judges all of a past: another one does all of it again."""

    def owns(self, subject: DeviceKey) -> bool:
        """Whether what is stored under this key is theirs."""
        ...

    def knows(self, subject: DeviceKey) -> bool:
        """Whether there is such a one, also if it was never heard."""
        ...

    def take(
        self, readings: Sequence[Reading], last: Callable[[DeviceKey], Reading | None]
    ) -> Taken:
        """Take what devices said. `last` returns what a subject said last until then."""
        ...

    def passes(self, now: int) -> Taken | None:
        """Return what comes of time that has passed (ms): nothing more is waited for."""
        ...

    def past(
        self, subject: DeviceKey, kept: bytes | None, since: int, until: Cursor
    ) -> tuple[bytes | None, list[Reading]]:
        """Return rule state of a key frame that was `kept`, and all readings since then (ms)."""
        ...

    def renew(self, subject: DeviceKey, past: Sequence[Reading]) -> None:
        """Take note of a past that is judged otherwise."""
        ...

    def changed(self, subject: DeviceKey) -> None:
        """Take note that what is said of a subject has changed, before its past is asked for."""
        ...

    def known_from(self, subject: DeviceKey) -> int:
        """Return from when on (ms) all of its past is known; 0: all of it."""
        ...

    def kept(self, subject: DeviceKey, state: bytes) -> bytes:
        """Return what is stored: a subject's rule state, and what else is known of it."""
        ...

    def framed(self, frame: Frame) -> bytes | None:
        """Return what is stored of a key frame, None if it cannot be gone on from."""
        ...

    def restored(self, subject: DeviceKey, kept: bytes) -> bytes | None:
        """Take up what was stored; return the rule state, None if nobody needs it any more."""
        ...


class Devices:
    """Every device, by its own readings, corrected by what people state of it."""

    judged_whole = False

    def __init__(
        self, past: Past, history: History, corrections: Corrections | None, parts: Parts
    ) -> None:
        self._past = past
        self._history = history
        self._corrections = corrections
        self._parts = parts

    def owns(self, subject: DeviceKey) -> bool:
        """Whether it is a device: no device's id holds a slash."""
        return "/" not in subject.id

    def knows(self, subject: DeviceKey) -> bool:  # noqa: ARG002 - one signature for all
        """Return False: of one that was never heard there is nothing to judge."""
        return False

    def take(
        self, readings: Sequence[Reading], last: Callable[[DeviceKey], Reading | None]
    ) -> Taken:
        """Return readings as they count."""
        counted = self.corrected(readings)
        self._parts.take(counted, last)
        return Taken(counted)

    def passes(self, now: int) -> Taken | None:  # noqa: ARG002 - one signature for all
        """Return None: no reading waits for another."""
        return None

    def past(
        self, subject: DeviceKey, kept: bytes | None, since: int, until: Cursor
    ) -> tuple[bytes | None, list[Reading]]:
        """Return the rule state as it was stored, and the readings as they count."""
        return kept, list(self.corrected(self._past.readings(subject, since, until)))

    def renew(self, subject: DeviceKey, past: Sequence[Reading]) -> None:
        """Put together anew what it tells in parts."""
        self._parts.renew(subject, past)

    def changed(self, subject: DeviceKey) -> None:
        """Do nothing: the engine and the corrections know."""

    def known_from(self, subject: DeviceKey) -> int:
        """Return from when on (ms) nothing of it was deleted."""
        return self._history.known_from(subject)

    def kept(self, subject: DeviceKey, state: bytes) -> bytes:  # noqa: ARG002 - one signature for all
        """Return the rule state: nothing else is stored."""
        return state

    def framed(self, frame: Frame) -> bytes:
        """Return the rule state: nothing else is stored."""
        return frame.state

    def restored(self, subject: DeviceKey, kept: bytes) -> bytes | None:  # noqa: ARG002 - one signature for all
        """Return the rule state."""
        return kept

    def corrected(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Return readings as they count."""
        if self._corrections is None or not self._corrections.any:
            return readings
        return self._corrections.apply(list(readings))
