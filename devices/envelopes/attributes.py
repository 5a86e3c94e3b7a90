"""One topic for each attribute of a device, declared in the settings: `home/fridge/temperature`.

Such is what ESPHome, Homie and many home-made devices send. The payload is a bare value (`21.5`,
`"21.5"`, `null`), a word where the quantity has no unit (`open`, `off`), or an object:
`{"value": 21.5, "unit": "°C", "time": …, "seq": …}`, of which only `value` is needed.

A level that is no channel is left to the next mapping: what nobody takes is in the quarantine,
and not silently gone.
"""

from __future__ import annotations

from typing import Any

from devices.device import Decode, DecodeError, Origin, check_device_id
from devices.envelopes.document import describe, moment, number, parse, sequence_number
from devices.envelopes.mapping import Mapping, is_channel
from devices.envelopes.measured import bare, made, naming, truth
from devices.reading import QUANTITIES, DeviceKey, Reading
from devices.units import conversion, units_of

_LONGEST = 4_096
"""Bytes of one value, with all that may be said of it."""


class Attributes:
    """Values that come on a topic each, under one mapping with `{channel}` in its topic."""

    name = "attributes"

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._pattern = mapping.pattern
        self._channels = {level: channel for channel, level in mapping.channels.items()}

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one attribute, None where its topic is not of this mapping."""
        match = self._pattern.fullmatch(topic)
        if match is None:
            return None
        level = match["channel"]
        channel = self._channels.get(level) if self._channels else level
        if channel is None or not is_channel(channel):
            return None
        device = self.mapping.device or match["device"]
        key = DeviceKey(origin.owner, check_device_id(device))
        return naming(key, _Attribute(key, channel, self.mapping, origin.source).decode)


class _Attribute:
    __slots__ = ("_channel", "_key", "_mapping", "_source", "_stated", "_words")

    def __init__(self, key: DeviceKey, channel: str, mapping: Mapping, source: str) -> None:
        self._key = key
        self._channel = channel
        self._mapping = mapping
        self._source = source
        self._stated = mapping.conversion_of(channel)
        self._words = QUANTITIES[channel.partition(".")[0]].unit == ""

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one value."""
        if len(payload) > _LONGEST:
            raise DecodeError(
                "too-large",
                f"the payload has {len(payload)} bytes, the limit for one value is {_LONGEST}",
                "Map this topic without {channel} if it carries more than one value",
            )
        document = self._parsed(payload)
        said = document if isinstance(document, dict) else {"value": document}
        if "value" not in said:
            raise DecodeError(
                "no-value",
                f"the object has no key 'value'; keys seen: {', '.join(map(repr, said)) or 'none'}",
                "Send the bare value, or map this topic without {channel}",
            )
        mapping = self._mapping
        reading = made(
            self._key,
            {self._channel: self._value(said["value"], said.get("unit"))},
            at=moment(said.get(mapping.time), mapping.time_unit, mapping.time),
            received=received,
            flags=flags,
            source=self._source,
            sequence=sequence_number(said.get(mapping.sequence), mapping.sequence),
        )
        return [reading]

    @staticmethod
    def _parsed(payload: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
        start = payload.lstrip()[:1]
        if start in {b"{", b"[", b'"'}:
            return parse(payload)
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise DecodeError(
                "not-text",
                f"the payload is neither text nor JSON: {payload[:20]!r}",
                "Let the device send its value as text, such as 21.5",
            ) from None

    def _value(self, value: object, unit: object) -> float:
        convert = self._stated
        if unit is not None:
            found = conversion(self._channel, unit) if isinstance(unit, str) else None
            if found is None:
                raise DecodeError(
                    "unknown-unit",
                    f"the unit is {describe(unit)}, which {self._channel} cannot have",
                    f"Send it in {units_of(self._channel)}",
                )
            convert = found
        if isinstance(value, str):
            return convert.of(bare(value, "the value", words=self._words))
        if self._words:
            return truth(value, "the value")
        return convert.of(number(value, "the value"))
