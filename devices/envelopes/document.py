"""JSON read strictly: what a device may send, and how much of it.

Everything here is the same for every envelope: caps before work, no key twice, no number that
is not one, no time without its offset.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from devices.device import DecodeError

MAXIMUM_BYTES = 1 << 20
MAXIMUM_DEPTH = 16
MAXIMUM_KEYS = 200
MAXIMUM_OBJECTS = 10_000
MAXIMUM_SEQUENCE = 1 << 62
MAXIMUM_NUMBER = float(1 << 63)

_MAXIMUM_DIGITS = 40
"""Longer whole numbers are not repeated in errors."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_1 = -62_135_596_800_000
YEAR_10000 = 253_402_300_800_000

Document = dict[str, Any]


def _object(pairs: list[tuple[str, Any]]) -> Document:
    if len(pairs) > MAXIMUM_KEYS:
        raise DecodeError(
            "too-many-keys",
            f"an object has {len(pairs)} keys, the limit is {MAXIMUM_KEYS}",
            "Send fewer keys in one message",
        )
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DecodeError(
            "duplicate-key",
            f"the key {twice[:40]!r} stands twice in one object",
            "Send each key once: nobody can know which value was meant",
        )
    return document


def _constant(text: str) -> NoReturn:
    raise DecodeError(
        "not-json", f"{text} is not a JSON number", "Send null for a value that is missing"
    )


def _check_depth(node: object, left: int) -> None:
    if left == 0:
        raise DecodeError(
            "too-deep",
            f"objects and arrays lie more than {MAXIMUM_DEPTH} deep",
            "Send a flatter message",
        )
    children = node.values() if isinstance(node, dict) else node
    for child in children:  # type: ignore[attr-defined]  # only dicts and lists get here
        if isinstance(child, dict | list):
            _check_depth(child, left - 1)


class _Unsure(Exception):  # noqa: N818 - no error: the slower way decides
    """The fast way cannot tell whether this is good."""


def _strings(node: Any, left: int) -> int:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return how many strings, keys among them, an object or array holds."""
    if left == 0:
        raise _Unsure
    if isinstance(node, dict):
        count, children = len(node), node.values()
        if count > MAXIMUM_KEYS:
            raise _Unsure
    else:
        count, children = 0, node
    for child in children:
        kind = type(child)
        if kind is str:
            count += 1
        elif kind is dict or kind is list:
            count += _strings(child, left - 1)
    return count


def _parse_fast(payload: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return the object or array of a payload at a third of the cost, or raise.

    Two quotes stand around each string. A key that stands twice is dropped with its value, and an
    escaped quote is one more: where as many quotes are there as the strings need, neither is.
    """
    document = msgspec.json.decode(payload)
    if 2 * _strings(document, MAXIMUM_DEPTH) != payload.count(b'"'):
        raise _Unsure
    return document


def parse(payload: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    """Return the JSON value of a payload; DecodeError where it breaks a cap or RFC 8259."""
    if len(payload) <= MAXIMUM_BYTES and payload[:1] in {b"{", b"["}:
        try:
            return _parse_fast(payload)
        except (msgspec.MsgspecError, _Unsure, RecursionError, UnicodeDecodeError):
            # The definition below decides, and says what is wrong.
            return _parse(payload)
    return _parse(payload)


def _parse(payload: bytes) -> Any:  # noqa: ANN401 - JSON is anything until it is looked at
    if len(payload) > MAXIMUM_BYTES:
        raise DecodeError(
            "too-large",
            f"the payload has {len(payload)} bytes, the limit is {MAXIMUM_BYTES}",
            "Send the backlog in several messages",
        )
    if not payload.strip():
        raise DecodeError(
            "empty",
            "the message is empty",
            "Look at the device; or somebody cleared a retained message, which sends an empty one",
        )
    cure = "Check what the device sends; a common cause is a payload cut at the device's buffer"
    try:
        document = json.loads(payload.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except DecodeError:
        raise
    except UnicodeDecodeError as error:
        raise DecodeError("not-json", f"byte {error.start} is not UTF-8", cure) from None
    except RecursionError:
        raise DecodeError(
            "too-deep",
            f"objects and arrays lie more than {MAXIMUM_DEPTH} deep",
            "Send a flatter message",
        ) from None
    except ValueError as error:
        start = payload[:40].decode("latin-1")
        raise DecodeError("not-json", f"{error}, in {start!r}", cure) from None
    if isinstance(document, dict | list):
        _check_depth(document, MAXIMUM_DEPTH)
    return document


def parse_object(payload: bytes) -> Document:
    """Return the JSON object of a payload, or raise DecodeError."""
    document = parse(payload)
    if not isinstance(document, dict):
        raise DecodeError(
            "not-an-object",
            f"the payload is {describe(document)}, not an object",
            "Send one JSON object",
        )
    return document


def describe(value: object) -> str:
    """Say what a JSON value is, in words for an error."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, float):
        return f"the number {value:.6g}"
    text = str(value)
    return (
        f"the number {text}" if len(text) <= _MAXIMUM_DIGITS else f"a number of {len(text)} digits"
    )


def number(value: object, key: str) -> float:
    """Return a measured value; null is NaN, for a sensor that has nothing to say.

    Raises DecodeError for anything but a number of less than 64 bits' magnitude.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(
            "not-a-number",
            f"{key!r} is {describe(value)}, not a number",
            "Send the value as a bare JSON number, or null when the sensor has none",
        )
    if not -MAXIMUM_NUMBER < value < MAXIMUM_NUMBER:
        raise DecodeError(
            "number-too-large",
            f"{key!r} is infinite or has more than 64 bits",
            "Send null when the sensor has no value",
        )
    return float(value)


def sequence_number(value: object, key: str) -> int | None:
    """Return the device's own count, None where it is absent or null."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        wrong = "not a whole number"
    elif value < 0:
        wrong = "which is below 0"
    elif value > MAXIMUM_SEQUENCE:
        wrong = "which is above 2^62"
    else:
        return value
    raise DecodeError(
        "bad-sequence",
        f"{key!r} is {describe(value)}, {wrong}",
        "Send the sequence number as a whole JSON number from 0 to 2^62, or leave it out",
    )


def instant(text: str, key: str = "time") -> int:
    """Return an RFC 3339 time as milliseconds since 1970, UTC, finer digits cut off."""
    try:
        when = msgspec.convert(text, datetime)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise DecodeError(
            "bad-time",
            f"{key!r} is {describe(text)}, not an RFC 3339 time",
            "Send a time such as 2026-11-22T10:00:00Z, or milliseconds since 1970",
        ) from None
    if when.tzinfo is None:
        raise DecodeError(
            "no-time-zone",
            f"{key!r} is {describe(text)}, which does not say its offset from UTC",
            "Add Z (UTC) or the offset, such as +02:00",
        )
    since = when - EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def epoch(value: float, unit: str, key: str = "time") -> int:
    """Return a number of seconds ("s") or milliseconds ("ms") since 1970 as whole milliseconds."""
    try:
        when = round(value * 1000 if unit == "s" else value)
    except (OverflowError, ValueError):
        when = YEAR_10000
    if not YEAR_1 <= when < YEAR_10000:
        raise DecodeError(
            "bad-time",
            f"{key!r} lies outside the years 1 to 9999",
            "Send milliseconds since 1970 (or declare the unit of this device's time)",
        )
    return when


def moment(value: object, unit: str, key: str = "time") -> int | None:
    """Return a time as milliseconds since 1970, UTC; None where it is absent or null."""
    if value is None:
        return None
    if isinstance(value, str):
        return instant(value, key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return epoch(value, unit, key)
    raise DecodeError(
        "bad-time",
        f"{key!r} is {describe(value)}, not a time",
        "Send a time such as 2026-11-22T10:00:00Z, or milliseconds since 1970",
    )
