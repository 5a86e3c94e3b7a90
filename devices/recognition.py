"""Which model or codec a device's own bytes are for, and what each device was recognised as.

What a person said of a device counts first. Else it is what its messages say: servers of LoRaWAN
name a device profile. A name that two could answer to is refused when the gateway starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.errors import DecodeError
from devices.model import Model, plain_name
from devices.models import CATALOGUE, by_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devices.envelopes.codec_output import Table
    from devices.reading import DeviceKey

MOST = 200_000
"""Devices whose decoder is remembered; beyond that all are looked up anew."""


class Codec(NamedTuple):
    """A vendor's payload codec: the name of its file, and what is declared of its output."""

    name: str
    table: Table | None = None


class Recognition:
    """What is known of makes and models; all envelopes of a gateway share one."""

    def __init__(
        self,
        models: Iterable[Model] = CATALOGUE,
        codecs: Iterable[tuple[Codec, Iterable[str]]] = (),
        assigned: Callable[[DeviceKey], str] = lambda _device: "",
    ) -> None:
        """`codecs`: each with the names of the device profiles that it is for.

        `assigned` returns what a person said that a device is: a model's or codec's name, or words
        that mean nothing here. Raises ValueError where one name would mean two things.
        """
        self.on_recognised: Callable[[DeviceKey, str, str], None] = lambda *_: None
        """Told what a device is, and why: when it is met first, and when that changes."""
        self.admit: Callable[[str, DeviceKey], None] = lambda _source, _device: None
        """Raises DecodeError where a source may not speak for a device."""
        self._assigned = assigned
        self._models = by_name(models)
        self._names = _with_codecs(self._models, codecs)
        self._decoders: dict[DeviceKey, tuple[tuple[str, ...], Model | Codec | None]] = {}
        self._recognised: dict[DeviceKey, tuple[str, str]] = {}

    def use(self, codecs: Iterable[tuple[Codec, Iterable[str]]]) -> None:
        """Take other codecs in place of those until now. Raises ValueError as at the start."""
        self._names = _with_codecs(self._models, codecs)
        self._decoders.clear()

    def decoder(
        self, device: DeviceKey, hints: tuple[str, ...], source: str
    ) -> Model | Codec | None:
        """Return what reads this device's bytes, None where nobody said, and no hint is known.

        `hints`: names that its message gives for it, the best first. Of a source that may not speak
        for the device nothing is remembered.
        """
        known = self._decoders.get(device)
        if known is not None and known[0] == hints:
            return known[1]
        found, why = self._find(device, hints)
        if not self.may(source, device):
            return found
        if len(self._decoders) >= MOST:
            self._decoders.clear()
        self._decoders[device] = (hints, found)
        if found is not None:
            what = found.id if isinstance(found, Model) else f"codec {found.name}"
            self.note(device, what, why, source)
        return found

    def _find(self, device: DeviceKey, hints: tuple[str, ...]) -> tuple[Model | Codec | None, str]:
        said = self._assigned(device)
        found = self._names.get(plain_name(said)) if said else None
        if found is not None:
            return found, "somebody said so"
        for hint in hints:
            found = self._names.get(plain_name(hint)) if hint else None
            if found is not None:
                return found, f"its server calls it {hint[:60]!r}"
        return None, ""

    def may(self, source: str, device: DeviceKey) -> bool:
        """Return whether what a source says of a device is to be remembered."""
        try:
            self.admit(source, device)
        except DecodeError:
            return False
        return True

    def named(self, name: str) -> Model | Codec | None:
        """Return the model or codec of that name, None where there is none."""
        return self._names.get(plain_name(name))

    def names(self) -> list[str]:
        """Return every name that is understood, without capitals, spaces and marks."""
        return list(self._names)

    def note(self, device: DeviceKey, what: str, why: str, source: str) -> None:
        """Take note of what a device is (an id of the catalogue, or words) and how it is known.

        What a source says of a device for which it may not speak is not taken.
        """
        if self._recognised.get(device) == (what, why) or not self.may(source, device):
            return
        if len(self._recognised) >= MOST:
            self._recognised.clear()
        self._recognised[device] = (what, why)
        self.on_recognised(device, what, why)

    def remember(self, device: DeviceKey, what: str, why: str) -> None:
        """Take up what a device was recognised as before the start; nobody is told."""
        self._recognised[device] = (what, why)

    def recognised(self, device: DeviceKey) -> tuple[str, str] | None:
        """Return what a device was recognised as since the start, and why; None where nothing."""
        return self._recognised.get(device)

    def model(self, device: DeviceKey) -> Model | None:
        """Return the model of the catalogue that a device is, None where nobody knows."""
        said = self._assigned(device)
        if said:
            found = self.named(said)
        else:
            what = self._recognised.get(device)
            found = self.named(what[0]) if what is not None else None
        return found if isinstance(found, Model) else None

    def forget(self, device: DeviceKey) -> None:
        """Look a device up anew: what a person says of it has changed."""
        self._decoders.pop(device, None)
        self._recognised.pop(device, None)


def _with_codecs(
    models: Mapping[str, Model], codecs: Iterable[tuple[Codec, Iterable[str]]]
) -> dict[str, Model | Codec]:
    names: dict[str, Model | Codec] = dict(models)
    for codec, profiles in codecs:
        for plain in {plain_name(one) for one in (codec.name, *profiles)}:
            other = names.setdefault(plain, codec)
            if other is not codec:
                called = f"the codec {other.name}" if isinstance(other, Codec) else other.id
                raise ValueError(
                    f"the codec {codec.name} and {called} are both for devices called {plain!r}: "
                    "rename the file, or take the profile out of its .toml"
                )
    return names
