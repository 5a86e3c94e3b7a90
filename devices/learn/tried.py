"""What decodes each message, under some mappings: what is understood already, and what then is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.device import Decode, DecodeError, Envelope, Later, Origin
from devices.envelopes import envelopes
from devices.recognition import Codec, Recognition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.envelopes.mapping import Mapping
    from devices.learn.heard import Heard
    from devices.model import Model
    from devices.reading import DeviceKey, Reading


class Known(NamedTuple):
    """What a gateway knows already, by which messages are tried.

    `mappings`: those of the settings; they come first, as they do there. `owner`: whose devices
    speak. `codecs` and `assigned`: as Recognition takes them.
    """

    mappings: tuple[Mapping, ...] = ()
    owner: str = ""
    codecs: tuple[tuple[Codec, tuple[str, ...]], ...] = ()
    assigned: Callable[[DeviceKey], str] = lambda _device: ""


class Tried(NamedTuple):
    """What became of one message. `by`: the envelope's place, None where none takes its topic."""

    by: int | None
    readings: tuple[Reading, ...] = ()
    error: DecodeError | None = None
    codec: str = ""

    @property
    def said(self) -> tuple[object, ...]:
        """What it says, to be compared: NaN is like NaN."""
        return tuple((one.device, one.at, one.layout, repr(one.values)) for one in self.readings)


class Watching(Recognition):
    """Takes note of what servers call devices that nobody knows."""

    def __init__(self, known: Known) -> None:
        super().__init__(codecs=known.codecs, assigned=known.assigned)
        self.unknown: dict[DeviceKey, tuple[str, ...]] = {}

    def decoder(
        self, device: DeviceKey, hints: tuple[str, ...], source: str
    ) -> Model | Codec | None:
        """Return what reads a device's bytes, as it always does."""
        found = super().decoder(device, hints, source)
        if found is None:
            self.unknown[device] = hints
        return found


class Trial:
    """Decodes messages under some mappings and all that is built in, as a gateway would."""

    def __init__(self, known: Known, proposed: Sequence[Mapping] = ()) -> None:
        self.recognition = Watching(known)
        self._origin = Origin(known.owner, "learn")
        self._own = len(known.mappings)
        self.mappings = (*known.mappings, *proposed)
        self.envelopes: tuple[Envelope, ...] = envelopes(self.mappings, self.recognition)
        self.convention = len(self.mappings)
        """The place of our own convention: it comes first of what is built in."""
        self._bound: dict[str, tuple[int | None, Decode | DecodeError | None]] = {}

    def all(self, messages: Sequence[Heard]) -> list[Tried]:
        """Decode each of them."""
        return [self.one(message) for message in messages]

    def one(self, message: Heard) -> Tried:
        """Decode one."""
        by, decode = self._bind(message.topic)
        if decode is None:
            return Tried(None)
        if isinstance(decode, DecodeError):
            return Tried(by, error=decode)
        try:
            return Tried(by, tuple(decode(message.payload, message.received, message.flags)))
        except DecodeError as error:
            return Tried(by, error=error)
        except Later as later:
            return Tried(by, codec=later.call.codec)

    def _bind(self, topic: str) -> tuple[int | None, Decode | DecodeError | None]:
        known = self._bound.get(topic)
        if known is None:
            known = self._bound[topic] = self._ask(topic)
        return known

    def _ask(self, topic: str) -> tuple[int | None, Decode | DecodeError | None]:
        for place, envelope in enumerate(self.envelopes):
            try:
                decode = envelope.bind(topic, self._origin)
            except DecodeError as error:
                return place, error
            if decode is not None:
                return place, decode
        return None, None

    def called(self, by: int) -> str:
        """Return what a person calls an envelope."""
        if by < len(self.mappings):
            return f"{'your' * (by < self._own) or 'the'} mapping of {self.mappings[by].topic}"
        return self.envelopes[by].name
