"""Which decoder a topic has, and which devices a source may speak for: asked once, then known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from devices.device import Decode, DecodeError, Envelope, Origin
from devices.reading import DeviceKey, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 256
"""Bytes of a topic whose decoder is remembered."""
MOST = 200_000
"""Topics whose decoder is remembered, of all sources together."""


class Admit(Protocol):
    """Says whether a source may speak for a device."""

    def __call__(self, source: str, device: DeviceKey, /, *, again: bool = False) -> None:
        """Raise DecodeError where it may not. `again`: of a message that was told of before."""
        ...


class Routes:
    """From topics to decoders, and from sources to devices."""

    def __init__(self, envelopes: Sequence[Envelope], admit: Admit) -> None:
        """`admit(source, device)` raises DecodeError where a source may not speak for a device."""
        self.envelopes = tuple(envelopes)
        self._admit_device = admit
        self._decoders: dict[Origin, dict[bytes, Decode]] = {}
        self._count = 0
        self._admitted: dict[str, set[DeviceKey]] = {}

    def use(self, envelopes: Sequence[Envelope]) -> None:
        """Take other decoders from now on."""
        self.envelopes = tuple(envelopes)
        self._decoders.clear()
        self._count = 0

    def of(self, origin: Origin) -> dict[bytes, Decode]:
        """Return the decoders that are known of one origin, by topic; `find` adds to it."""
        return self._decoders.setdefault(origin, {})

    def find(self, origin: Origin, topic: bytes) -> Decode:
        """Return the decoder of a topic; one that always refuses where there is none."""
        if self._count >= MOST:
            self._count = 0
            for one in self._decoders.values():
                one.clear()
        decode = self.bind(origin, topic)
        if len(topic) <= LONGEST:
            self._count += 1
            self.of(origin)[topic] = decode
        return decode

    def bind(self, origin: Origin, topic: bytes) -> Decode:
        """Return the decoder of a topic, and remember nothing."""
        text = topic.decode(errors="replace")
        try:
            for envelope in self.envelopes:
                decode = envelope.bind(text, origin)
                if decode is not None:
                    return decode
        except DecodeError as error:
            return _refuse(error.reason, error.detail, error.cure)
        short = repr(text[:200])
        return _refuse(
            "unknown-topic",
            f"nothing here decodes the topic {short}",
            "Add a [[mappings]] section for it to the settings; if it holds no reading, ignore it "
            f"there: topic = {short}, ignore = true",
        )

    def admitted(self, source: str) -> set[DeviceKey]:
        """Return the devices that a source is known to be allowed to speak for."""
        return self._admitted.setdefault(source, set())

    def admit(self, source: str, device: DeviceKey, *, again: bool = False) -> None:
        """Check that a source may speak for a device. Raises DecodeError.

        `again`: its message arrived long ago, and nobody is told of a stranger once more.
        """
        admitted = self.admitted(source)
        if device not in admitted:
            self._admit_device(source, device, again=again)
            admitted.add(device)

    def admit_all(self, source: str, decoded: Sequence[Reading], *, again: bool = False) -> None:
        """Check that a source may speak for these devices; all of a message, or none of it."""
        for reading in decoded:
            self.admit(source, reading.device, again=again)

    def forget_admitted(self, source: str) -> None:
        """Ask anew for which devices a source may speak: its rights have changed."""
        self._admitted.pop(source, None)

    def whose(self, origin: Origin, error: DecodeError) -> str:
        """Return whose message could not be decoded, "" where nobody knows.

        Of a device that the source may not speak for, nothing is said: it sent nothing.
        """
        if not error.device:
            return ""
        owner = f"{origin.owner}/" if origin.owner else ""
        try:
            self.admit(origin.source, DeviceKey(origin.owner, error.device.removeprefix(owner)))
        except DecodeError:
            return ""
        return error.device


def _refuse(reason: str, detail: str, cure: str) -> Decode:
    """Return a decoder for a topic that never decodes."""

    def decode(_payload: bytes, _received: int, _flags: int) -> list[Reading]:
        raise DecodeError(reason, detail, cure)

    return decode
