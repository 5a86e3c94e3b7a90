"""GPX 1.0 and 1.1: where something was, and when.

Read with the parser of the standard library, which is told to refuse a document type: without
one there are no entities, so nothing is fetched and nothing swells.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, NoReturn
from xml.parsers import expat

from devices.device import DecodeError
from devices.envelopes.document import EPOCH

MAXIMUM_BYTES = 64 << 20
MAXIMUM_TEXT = 100
"""Characters of a time or a speed; what is longer is neither."""
_CURE = "Export the track again as GPX, with times"


class Point(NamedTuple):
    """A point of a track. `at` is ms since 1970, UTC; degrees, WGS 84; `speed` in km/h."""

    at: int
    latitude: float
    longitude: float
    speed: float | None


class Track(NamedTuple):
    """All points of a file's tracks that have a time, in the order of time."""

    points: list[Point]
    untimed: int
    """Points that were left out, since they have no time."""


def read(content: bytes) -> Track:
    """Read a GPX file. Raises DecodeError and nothing else."""
    if len(content) > MAXIMUM_BYTES:
        size = f"the file has {len(content)} bytes, the limit is {MAXIMUM_BYTES}"
        raise DecodeError("too-large", size, "Split the track")
    reader = _Reader()
    try:
        reader.parser.Parse(content, True)  # noqa: FBT003 - expat takes it by place
    except expat.ExpatError as error:
        raise DecodeError("not-xml", f"the file is not XML: {error}", _CURE) from None
    except DecodeError:
        raise
    except (LookupError, ValueError) as error:
        # Of an encoding that nobody knows, or that expat cannot read.
        raise DecodeError("not-text", f"the file cannot be read: {error}", _CURE) from None
    if not reader.points:
        detail = "no point of a track (trkpt) has a time" if reader.untimed else "it has no track"
        raise DecodeError("no-track", detail, "Record a track; a planned route has no times")
    return Track(sorted(reader.points), reader.untimed)


class _Reader:
    def __init__(self) -> None:
        self.points: list[Point] = []
        self.untimed = 0
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self._place: tuple[float, float] | None = None
        self._found: dict[str, str] = {}
        self._within = ""
        """The element whose text is read, "" for none."""

    def _refuse(self, *_: object) -> NoReturn:
        what = "the file declares a document type, as GPX has none"
        raise DecodeError("document-type", what, "Remove the DOCTYPE, if you trust the file")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "trkpt":
            self._place = (
                self._degrees(attributes, "lat", 90),
                self._degrees(attributes, "lon", 180),
            )
            self._found.clear()
        elif self._place is not None and local in {"time", "speed"}:
            self._within = local
            self._found[local] = ""

    def _text(self, text: str) -> None:
        if self._within and len(self._found[self._within]) <= MAXIMUM_TEXT:
            self._found[self._within] += text

    def _end(self, name: str) -> None:
        self._within = ""
        if self._place is None or name.rpartition(" ")[2] != "trkpt":
            return
        (latitude, longitude), self._place = self._place, None
        if "time" not in self._found:
            self.untimed += 1
            return
        speed = self._found.get("speed")
        # Metres a second, by GPX 1.0 and by the extension of GPX 1.1 alike.
        kilometres = None if speed is None else round(self._number(speed) * 3.6, 2)
        self.points.append(Point(self._moment(), latitude, longitude, kilometres))

    def _degrees(self, attributes: dict[str, str], key: str, most: int) -> float:
        degrees = self._number(attributes.get(key, ""))
        if abs(degrees) > most:
            raise self._wrong("bad-position", f"{key} is {degrees:g}")
        return degrees

    def _number(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise self._wrong("not-a-number", f"{text.strip()!r} is no number") from None
        if not abs(number) < 1e6:
            raise self._wrong("not-a-number", f"{text.strip()!r} can be no speed and no degrees")
        return number

    def _moment(self) -> int:
        text = self._found["time"].strip()
        try:
            when = datetime.fromisoformat(text)
            # GPX has all times in UTC, also where the offset is left out.
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
            return round((when - EPOCH).total_seconds() * 1000)
        except (ValueError, OverflowError):
            raise self._wrong("bad-time", f"{text!r} is no time of GPX") from None

    def _wrong(self, reason: str, what: str) -> DecodeError:
        return DecodeError(reason, f"line {self.parser.CurrentLineNumber}: {what}", _CURE)
