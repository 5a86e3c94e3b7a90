"""Readings, alerts and health as InfluxDB's line protocol.

What must hold: a point depends on its reading alone, never on its neighbours, so that sending
again, however it is cut, writes the same points; and two readings never are one point. InfluxDB
keeps one point for each measurement, tags and time, so the time carries, below the ms, a part of
what tells readings of one device and ms apart: their identity.

Servers cut what they get at line ends, some even inside of strings, and a backslash before a
comma hides it: neither may come out of a device's id, a place's name or a reason.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

from __future__ import annotations

import hashlib
import re
import struct
from math import isfinite
from typing import TYPE_CHECKING, Final

from devices.reading import ARRIVAL, COUNTED, UNUSABLE, UNUSABLE_SHIFT, WRONG_CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices.reading import DeviceKey, Layout, Reading
    from gateway.settings.influxdb import Schema
    from gateway.state import StoredEvent
    from gateway.tagging import Tagging, Tags

MS = 1_000_000
"""A millisecond in ns, the unit of all times here."""
SECOND = 1_000 * MS
MAXIMUM_DEVICES = 50_000
"""Devices whose tags are kept ready, in 15 MB; beyond that the oldest make room."""

_TOLD: Final = (1 << UNUSABLE_SHIFT) - 1 & ~(ARRIVAL | COUNTED)
"""Flags that are copied. ARRIVAL and COUNTED say how a device is made, not how a reading is."""
_REMARKABLE: Final = UNUSABLE | _TOLD

_BREAKS_LINES = re.compile(r"[\x00-\x1f\x7f]+")
_FULLWIDTH_BACKSLASH = "\uff3c"
_NAME = struct.Struct(">qq")


def time_of(reading: Reading) -> int:
    """Return the time of a reading's point, in ns.

    Of n readings of one device and ms that are not counted, some two meet with odds of about
    n²/2,000,000. Where the device's clock is wrong, a whole array of readings has one time of
    arrival, and values repeat: those are spread over the second behind it, by both of what tells
    them apart, and meet with odds of about n²/2,000,000,000.
    """
    if reading.flags & WRONG_CLOCK:
        name = hashlib.blake2b(_NAME.pack(reading.identity, reading.at), digest_size=8).digest()
        return reading.received * MS + int.from_bytes(name) % SECOND
    return reading.when * MS + reading.identity % MS


def event_time(event: StoredEvent) -> int:
    """Return the time of an event's point, in ns."""
    digest = hashlib.sha256(event.event.key.encode("utf-8", "surrogatepass")).digest()
    return event.event.at * MS + int.from_bytes(digest[:8]) % MS


class Lines:
    """Writes lines by the names that one server's settings give."""

    def __init__(self, names: Schema, tagging: Tagging) -> None:
        self._names = names
        self._tagging = tagging
        self._readings = _measurement(names.readings)
        self._prefixes: dict[DeviceKey, list[tuple[int, bytes]]] = {}
        self._templates: dict[Layout, bytes] = {}
        tagging.on_change.append(self._forget)

    def _forget(self, device: DeviceKey) -> None:
        """Write a device's tags anew: somebody has stated others."""
        self._prefixes.pop(device, None)

    def of_readings(self, readings: Sequence[Reading]) -> list[bytes]:
        """Return a line for each, in order, without the end of line."""
        prefixes, templates = self._prefixes, self._templates
        lines = []
        for reading in readings:
            values = reading.values
            # A sum is finite only if all of its parts are.
            if reading.flags & _REMARKABLE or not isfinite(sum(values)):
                lines.append(self._of_remarkable(reading))
                continue
            at = reading.at
            periods = prefixes.get(reading.device) or self._prefixes_of(reading.device)
            since, prefix = periods[0]
            if at < since:
                prefix = _valid_at(periods, at)
            template = templates.get(reading.layout) or self._template(reading.layout)
            lines.append(template % (prefix, *values, at * MS + reading.identity % MS))
        return lines

    def _of_remarkable(self, reading: Reading) -> bytes:
        """Write a reading of which some values cannot be true, or of which there is more to say."""
        unusable = reading.flags >> UNUSABLE_SHIFT
        fields = [
            (self._field(channel), value)
            for i, (channel, value) in enumerate(
                zip(reading.layout.channels, reading.values, strict=True)
            )
            if not unusable >> i & 1 and isfinite(value)
        ]
        missing = len(reading.values) - len(fields)
        if missing:
            fields.append((b"unusable", float(missing)))
        if reading.flags & _TOLD:
            fields.append((b"flags", float(reading.flags & _TOLD)))
        periods = self._prefixes.get(reading.device) or self._prefixes_of(reading.device)
        prefix = _valid_at(periods, reading.when)
        return b"%s %s %d" % (
            prefix,
            b",".join(b"%s=%a" % field for field in fields),
            time_of(reading),
        )

    def _prefixes_of(self, device: DeviceKey) -> list[tuple[int, bytes]]:
        """Return how lines of a device begin, each with since when (ms), newest first."""
        if len(self._prefixes) >= MAXIMUM_DEVICES:
            del self._prefixes[next(iter(self._prefixes))]
        generation = self._tagging.generation
        made = [
            (since, self._readings + _tags(self._tags_of(device, tags)))
            for since, tags in reversed(self._tagging.periods(device))
        ]
        self._prefixes[device] = made
        if generation != self._tagging.generation:
            # Lines are written on threads: what changed meanwhile was forgotten too early.
            self._prefixes.pop(device, None)
        return made

    def _template(self, layout: Layout) -> bytes:
        """Return what a reading of this layout is formatted by: `%a` writes the shortest digits."""
        fields = [self._field(channel).replace(b"%", b"%%") for channel in layout.channels]
        made = b"%s " + b",".join(field + b"=%a" for field in fields) + b" %d"
        self._templates[layout] = made
        return made

    def _field(self, channel: str) -> bytes:
        return _key(self._names.fields.get(channel, channel))

    def _tags_of(self, device: DeviceKey, tags: Tags) -> dict[str, str]:
        names = self._names.tags
        return {names.device: str(device), names.site: tags.site, names.model: tags.model}

    def of_events(self, events: Sequence[StoredEvent]) -> list[bytes]:
        """Return a line for each: the alert as it stood after the event."""
        return [self._of_event(event) for event in events]

    def _of_event(self, stored: StoredEvent) -> bytes:
        event, alert = stored.event, stored.event.alert
        tags = self._tags_of(alert.device, self._tagging.at(alert.device, event.at))
        tags |= {"rule": alert.rule, "channel": alert.channel, "severity": alert.severity}
        numbers = {
            "firing": float(alert.ended is None),
            "retrospective": float(alert.retrospective),
            "began": float(alert.began),
            "ended": alert.ended,
            "value": alert.last,
        }
        texts = {"event": event.kind, "id": alert.id, "reason": alert.reason, "note": alert.note}
        fields = [
            *(_key(name) + b"=" + _text(text) for name, text in texts.items()),
            *_numbers(numbers),
        ]
        measurement = _measurement(self._names.alerts)
        return b"%s%s %s %d" % (measurement, _tags(tags), b",".join(fields), event_time(stored))

    def of_health(self, box: str, at: int, numbers: Mapping[str, float]) -> bytes:
        """Return a line of the gateway's numbers at a time (ms); at least one must be finite."""
        fields = b",".join(_numbers(numbers))
        measurement = _measurement(self._names.gateway)
        return b"%s%s %s %d" % (measurement, _tags({"box": box}), fields, at * MS)


def _valid_at(periods: Sequence[tuple[int, bytes]], when: int) -> bytes:
    return next(prefix for since, prefix in periods if since <= when)


def _tags(tags: Mapping[str, str]) -> bytes:
    """Write tags, those with a name and a value, in the order that servers sort them into."""
    written = [(_key(name), _tag_value(value)) for name, value in tags.items() if name]
    return b"".join(b",%s=%s" % tag for tag in sorted(written) if tag[1])


def _numbers(numbers: Mapping[str, float | None]) -> list[bytes]:
    return [
        b"%s=%a" % (_key(name), float(value))
        for name, value in numbers.items()
        if value is not None and isfinite(value)
    ]


def _measurement(name: str) -> bytes:
    return _utf8(name.replace(",", r"\,").replace(" ", r"\ "))


def _key(name: str) -> bytes:
    return _utf8(name.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ "))


def _tag_value(text: str) -> bytes:
    return _key(_BREAKS_LINES.sub("", text).replace("\\", _FULLWIDTH_BACKSLASH))


def _text(text: str) -> bytes:
    plain = _BREAKS_LINES.sub(" ", text)
    return b'"%s"' % _utf8(plain.replace("\\", r"\\").replace('"', r"\""))


def _utf8(text: str) -> bytes:
    """Encode; half a surrogate pair, which no UTF-8 can hold, becomes a question mark."""
    return text.encode("utf-8", "replace")
