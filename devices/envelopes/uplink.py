"""One uplink of a LoRaWAN device, whichever server it came through: the device's own bytes, read.

Whoever knows the device reads them: a model of the catalogue, else a vendor's codec, which answers
later. Where neither is known, what the server itself has decoded counts.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import Call, DecodeError, Later, Output
from devices.envelopes.codec_output import samples
from devices.envelopes.decoded import channels_of, unknown_names
from devices.envelopes.document import describe, number
from devices.model import Model, Sample
from devices.reading import MAXIMUM_CHANNELS, DeviceKey, Reading, layout, reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.recognition import Codec, Recognition

MAXIMUM_PORT = 255


class Uplink(msgspec.Struct, gc=False):
    """What a server says of one message of a device.

    `at`: when it was heard (ms since 1970, UTC), None where the server does not say. `data`: the
    device's bytes, None where the server passes none on. `signal`: its strongest reception.
    """

    device: DeviceKey
    at: int | None
    received: int
    flags: int
    source: str
    sequence: int | None
    port: int
    data: bytes | None
    signal: dict[str, float]

    def readings(self, found: Iterable[Sample]) -> list[Reading]:
        """Return what was measured as readings, with the signal in the newest."""
        taken = [one for one in found if one.channels]
        return [
            self._reading(one, self.signal if place == len(taken) else {})
            for place, one in enumerate(taken, 1)
        ]

    def _reading(self, sample: Sample, signal: dict[str, float]) -> Reading:
        channels = signal | sample.channels
        if len(channels) > MAXIMUM_CHANNELS:
            # What the device itself measured comes first.
            channels = sample.channels
        names = tuple(sorted(channels))
        at = self.at
        if sample.at is not None:
            at = sample.at
        elif sample.ago:
            at = (self.received if at is None else at) - sample.ago
        return reading(
            device=self.device,
            at=at,
            received=self.received,
            layout=layout(names, self.source),
            values=tuple([channels[name] for name in names]),
            # A stored value may be sent again in another message: its time and values name it.
            sequence=self.sequence if sample.at is None else None,
            flags=self.flags,
            source=self.source,
        )


def decode(
    uplink: Uplink,
    hints: tuple[str, ...],
    decoded: object,
    *,
    recognition: Recognition,
    server: str,
) -> list[Reading]:
    """Return the readings of an uplink. `decoded`: what the server itself makes of it.

    `hints`: names that the server gives for the make of device. Raises DecodeError, and Later
    where a vendor's codec reads it.
    """
    found = None
    if uplink.data is not None:
        found = recognition.decoder(uplink.device, hints, uplink.source)
    if isinstance(found, Model):
        return uplink.readings(found.decode(uplink.data or b"", uplink.port))
    if found is not None:
        raise later(uplink, found)
    if not decoded:
        raise _unknown(uplink, hints, server)
    channels = channels_of(decoded)
    if not channels:
        raise unknown_names(decoded, f"codec in {server}")
    recognition.note(uplink.device, "a LoRaWAN device", f"{server} decodes it", uplink.source)
    return uplink.readings([Sample(channels)])


def later(uplink: Uplink, codec: Codec) -> Later:
    """Return what says that a codec reads this uplink, and how its answer becomes readings."""

    def finish(output: Output) -> list[Reading]:
        try:
            return uplink.readings(samples(output, codec.table, codec.name))
        except DecodeError as error:
            error.device = str(uplink.device)
            raise

    call = Call(codec.name, uplink.data or b"", uplink.port, uplink.received)
    return Later(uplink.device, call, finish)


def _unknown(uplink: Uplink, hints: tuple[str, ...], server: str) -> DecodeError:
    said = next((one for one in hints if one), "")
    called = f", which {server} calls {said[:60]!r}" if said else ""
    if uplink.data is None:
        return DecodeError(
            "no-decoded-values",
            f"the uplink of {uplink.device} carries neither the device's bytes nor decoded values",
            f"Look at what {server} is told to pass on",
        )
    return DecodeError(
        "unknown-model",
        f"nobody has said what make of device {uplink.device} is{called}, so nothing here can read "
        "its bytes",
        f"Say it: holdwatch device set {uplink.device} --model … (see holdwatch device catalogue), "
        f"or put its vendor's codec into the folder of codecs: then this message is decoded within "
        f"seconds, by itself. A codec that is switched on in {server} reads later messages only",
    )


def bytes_of(text: object, key: str) -> bytes | None:
    """Return a device's bytes out of base64, None where there are none. Raises DecodeError."""
    if text is None or text == "":
        return None
    try:
        if isinstance(text, str):
            return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        pass  # told below: text that is no base64 is as wrong as what is no text
    raise DecodeError(
        "bad-data",
        f"{key!r} is {describe(text)}, not base64",
        "Check who publishes here: LoRaWAN servers send a device's bytes as base64",
    )


def port_of(value: object, key: str) -> int:
    """Return the FPort, 0 where there is none. Raises DecodeError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAXIMUM_PORT:
        raise DecodeError(
            "bad-port",
            f"{key!r} is {describe(value)}, not a port from 0 to {MAXIMUM_PORT}",
            "Check who publishes here",
        )
    return value


def place_of(place: Any) -> dict[str, float]:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return the position that a server has worked out; empty where it says none."""
    if not isinstance(place, dict) or not place.keys() & {"latitude", "longitude"}:
        return {}
    return {axis: number(place.get(axis, 0.0), axis) for axis in ("latitude", "longitude")}
