"""Ruuvi Gateway: advertisements of RuuviTags, as a gateway heard them.

Source: Ruuvi's documentation, "Ruuvi Gateway: data formats, MQTT" and "gateway configuration".
Topic `ruuvi/<gateway's address>/<tag's address>`; numbers are sent as text, `data` is the raw
advertisement in hexadecimal. A tag's id is its address in small letters without colons.

One advertisement heard by several gateways is one reading: the first that delivers it gives time,
signal and position, and each other gets the same ones within a minute, so that the journal knows
it. Two limits: what was heard is forgotten with a restart and after MOST others, and then an
advertisement that comes by a second gateway only now may be stored twice, a second or so apart;
and where a tag does not count its measurements, equal ones of one minute are one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from devices.device import Decode, DecodeError, Origin
from devices.envelopes.document import Document, describe, epoch, number, parse_object
from devices.envelopes.mapping import Mapping
from devices.envelopes.measured import made, naming, nothing
from devices.models import ruuvi
from devices.reading import YEAR_2000, DeviceKey, Reading
from devices.recognition import Recognition

if TYPE_CHECKING:
    from devices.model import Model

_OURS = Mapping(topic="ruuvi/+/{device}", format="ruuvi-gateway")
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_STATUS = "gw_status"
_COORDINATES = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")
_MODEL: Model = ruuvi.MODELS[0]

WINDOW = 60_000
"""Milliseconds within which equal advertisements are one. Clocks of gateways differ by less, and
a tag's count comes round after hours."""
MOST = 50_000
"""Advertisements that are remembered: half a minute of 2,000 tags, and some 15 MB."""


class _First(NamedTuple):
    """What the gateway that delivered an advertisement first said of it."""

    at: int
    beside: dict[str, float]


class _Heard:
    """Which advertisements came lately, from those who may speak for their tags."""

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition
        self._first: OrderedDict[tuple[DeviceKey, bytes], _First] = OrderedDict()

    def first(self, tag: DeviceKey, data: bytes, said: _First, source: str) -> _First:
        """Return what was said first of this advertisement: `said`, where it is new."""
        known = self._first.get((tag, data))
        if known is not None and abs(known.at - said.at) <= WINDOW:
            return known
        if not self._recognition.may(source, tag):
            # Its reading is refused, and no other's shall have its time and place.
            return said
        self._first.pop((tag, data), None)
        self._first[tag, data] = said
        if len(self._first) > MOST:
            self._first.popitem(last=False)
        return said


class RuuviGateway:
    """RuuviTags, heard by any number of gateways."""

    name = "ruuvi-gateway"

    def __init__(
        self, recognition: Recognition | None = None, mapping: Mapping | None = None
    ) -> None:
        self._pattern = (mapping or _OURS).pattern
        self._recognition = recognition or Recognition()
        self._heard = _Heard(self._recognition)

    def bind(self, topic: str, origin: Origin) -> Decode | None:
        """Return the decoder of one tag's advertisements through one gateway."""
        match = self._pattern.fullmatch(topic)
        if match is None:
            return None
        if topic.rpartition("/")[2] == _STATUS:
            return nothing
        if not _ADDRESS.fullmatch(match["device"]):
            raise DecodeError(
                "bad-device-id",
                f"{match['device'][:40]!r} in the topic is not a Bluetooth address",
                "Check the topic prefix in the MQTT settings of the Ruuvi Gateway",
            )
        key = DeviceKey(origin.owner, match["device"].replace(":", "").lower())
        return naming(key, _Tag(key, origin.source, self._heard, self._recognition).decode)


class _Tag:
    __slots__ = ("_heard", "_key", "_recognition", "_source")

    def __init__(
        self, key: DeviceKey, source: str, heard: _Heard, recognition: Recognition
    ) -> None:
        self._key = key
        self._source = source
        self._heard = heard
        self._recognition = recognition

    def decode(self, payload: bytes, received: int, flags: int) -> list[Reading]:
        """Decode one advertisement. One of another company's device gives no reading."""
        message = parse_object(payload)
        data = ruuvi.manufacturer_data(_advertisement(message.get("data")))
        if data is None:
            return []
        (sample,) = _MODEL.decode(data, 0)
        why = "it advertises in Ruuvi's data format 5"
        self._recognition.note(self._key, _MODEL.id, why, self._source)
        at = _time(message.get("ts"))
        said = _First(received if at is None else at, _beside(message))
        first = self._heard.first(self._key, data, said, self._source)
        reading = made(
            self._key,
            sample.channels | first.beside,
            # A later one carries the time of the first even where that is one of arrival.
            at=at if first is said else first.at,
            received=received,
            flags=flags,
            source=self._source,
            sequence=ruuvi.sequence_of(data),
        )
        return [reading]


def _advertisement(text: object) -> bytes:
    try:
        if isinstance(text, str):
            return bytes.fromhex(text)
    except ValueError:
        pass  # told below: what is no hexadecimal is as wrong as what is no text
    raise DecodeError(
        "no-advertisement",
        f"'data' is {describe(text)}, not a raw advertisement in hexadecimal",
        "Let the Ruuvi Gateway send raw data: Cloud options, Custom, MQTT, data format",
    )


def _time(text: object) -> int | None:
    """Return when it was heard; None from a gateway whose clock was not set yet."""
    if text is None or text == "":
        return None
    seconds = text
    if isinstance(text, str) and text.isdecimal() and len(text) <= 15:
        seconds = int(text)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise DecodeError(
            "bad-time",
            f"'ts' is {describe(text)}, not seconds since 1970",
            "Check who publishes here",
        )
    at = epoch(seconds, "s", "ts")
    return at if at >= YEAR_2000 else None


def _beside(message: Document) -> dict[str, float]:
    """Return what the gateway says: how strongly it heard the tag, and where it stands itself."""
    beside: dict[str, float] = {}
    rssi = message.get("rssi")
    if rssi is not None:
        beside["signal"] = number(rssi, "rssi")
    coordinates = message.get("coords")
    place = _COORDINATES.fullmatch(coordinates) if isinstance(coordinates, str) else None
    if place is not None:
        # Somebody typed them into the gateway as text: what is no position is left out.
        beside["latitude"], beside["longitude"] = float(place[1]), float(place[2])
    return beside
