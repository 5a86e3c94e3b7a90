"""SenML packs: bytes in JSON or CBOR, resolved into records that each say all of themselves.

Source: RFC 8428, Sensor Measurement Lists (section 4.6 resolved records, 5 JSON, 6 CBOR).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import cbor2

from devices.device import DecodeError
from devices.envelopes.document import (
    MAXIMUM_BYTES,
    MAXIMUM_DEPTH,
    MAXIMUM_KEYS,
    MAXIMUM_OBJECTS,
    Document,
    describe,
    epoch,
    number,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 10
"""What RFC 8428 is. A pack of a higher one may mean something else by the same."""
RELATIVE = 1 << 28
"""Seconds below which a time counts from now."""

_LABELS = {
    -6: "bs",
    -5: "bv",
    -4: "bu",
    -3: "bt",
    -2: "bn",
    -1: "bver",
    **dict(enumerate(("n", "u", "v", "vs", "vb", "s", "t", "ut", "vd"))),
}
"""CBOR's numbers for the labels: RFC 8428, table 4."""
_BASE = {"bn": "", "bt": 0.0, "bu": "", "bv": None, "bs": None, "bver": VERSION}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_;]*")
"""The semicolon is that of drafts, which devices still send."""
_TAGS = (
    0,
    1,
    2,
    3,
    5,
    25,
    28,
    29,
    30,
    35,
    36,
    37,
    43000,
    100,
    256,
    258,
    260,
    261,
    1004,
    52,
    54,
    55799,
)
"""CBOR's tags that SenML has no use for. Some cost more to read than their bytes suggest."""


class Record(NamedTuple):
    """One resolved measurement.

    `at` is ms since 1970, None for now; `relative` says that it was counted from now. `value` is a
    number, true or false; None for one that is only text, data or a sum.
    """

    name: str
    unit: str
    at: int | None
    relative: bool
    value: float | bool | None


def records(payload: bytes, received: int) -> Iterator[Record]:
    """Yield the resolved records of a pack, in its order. Raises DecodeError.

    `received`, ms since 1970, is what relative times count from.
    """
    base: dict[str, Any] = dict(_BASE)
    pack = _pack(payload)
    for place, record in enumerate(pack, 1):
        try:
            resolved = _resolve(record, base, received)
        except DecodeError as error:
            where = f"record {place} of {len(pack)}: "
            raise DecodeError(error.reason, where + error.detail, error.cure) from None
        if resolved is not None:
            yield resolved


def _pack(payload: bytes) -> list[Any]:
    # A CBOR array begins with 80 to 9F, which no text in UTF-8 does.
    pack = _cbor(payload) if payload and 0x80 <= payload[0] <= 0x9F else parse(payload)
    if not isinstance(pack, list) or not pack:
        what = "an empty array" if pack == [] else describe(pack)
        raise DecodeError(
            "not-a-pack",
            f"the payload is {what}, not a SenML pack",
            'Send an array of records such as [{"n": "fridge/temperature", "u": "Cel", "v": 4.3}]',
        )
    if len(pack) > MAXIMUM_OBJECTS:
        raise DecodeError(
            "too-many-objects",
            f"the pack holds {len(pack)} records, the limit is {MAXIMUM_OBJECTS}",
            "Send the backlog in several messages",
        )
    return pack


def _refuse(*_: object) -> NoReturn:
    raise cbor2.CBORDecodeError("it holds a tag that SenML has no use for")


_REFUSED = dict.fromkeys(_TAGS, _refuse)


def _cbor(payload: bytes) -> list[Any]:
    if len(payload) > MAXIMUM_BYTES:
        raise DecodeError(
            "too-large",
            f"the payload has {len(payload)} bytes, the limit is {MAXIMUM_BYTES}",
            "Send the backlog in several messages",
        )
    try:
        pack: Any = cbor2.loads(
            payload,
            max_depth=MAXIMUM_DEPTH,
            allow_duplicate_keys=False,
            semantic_decoders=_REFUSED,
        )
        return [_labelled(one) for one in pack] if isinstance(pack, list) else pack
    except DecodeError:
        raise
    # Its own errors, and what decimal fractions with odd contents raise.
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise DecodeError(
            "not-cbor", f"the payload is no CBOR: {str(error)[:200]}", "Check what the device sends"
        ) from None


def _labelled(record: object) -> object:
    """Return a CBOR record with JSON's labels."""
    if not isinstance(record, dict):
        return record if isinstance(record, str | int | float) else type(record).__name__
    if len(record) > MAXIMUM_KEYS:
        raise DecodeError(
            "too-many-keys",
            f"a record has {len(record)} keys, the limit is {MAXIMUM_KEYS}",
            "Send fewer keys in one record",
        )
    labelled: Document = {}
    for key, value in record.items():
        label = _LABELS.get(key) if type(key) is int else key
        if isinstance(label, str):
            # Finer than a double: the decimal fractions that RFC 8428 allows beside floats.
            labelled[label] = float(value) if isinstance(value, Decimal) else value
    return labelled


def _resolve(record: object, base: dict[str, Any], received: int) -> Record | None:
    """Resolve one record, and take over what it sets for those behind it."""
    if not isinstance(record, dict):
        raise DecodeError(
            "not-an-object",
            f"{describe(record)} stands where a record is wanted",
            "Send an array of objects",
        )
    strange = next((key for key in record if key.endswith("_")), None)
    if strange is not None:
        raise DecodeError(
            "bad-record",
            f"{strange[:40]!r} must be understood, and is not known here",
            "Send packs without extensions",
        )
    _take_over(record, base)
    value = _value(record, base["bv"])
    if record.keys() <= base.keys() and value is None:
        return None
    name = base["bn"] + _text(record, "n")
    if not _NAME.fullmatch(name):
        raise DecodeError(
            "bad-record",
            f"the name {name[:60]!r} is empty or holds what a SenML name must not",
            "Name it by letters, digits and - : . / _, beginning with a letter or digit",
        )
    seconds = base["bt"] + _real(record, "t", 0.0)
    relative = seconds < RELATIVE
    at = None if seconds == 0 else epoch(seconds, "s", "t")
    if at is not None and relative:
        at += received
    return Record(name, _text(record, "u") or base["bu"], at, relative, value)


def _take_over(record: Document, base: dict[str, Any]) -> None:
    version = record.get("bver", base["bver"])
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version <= VERSION:
        raise DecodeError(
            "bad-record",
            f"'bver' is {describe(version)}; versions up to {VERSION} are known",
            "Send SenML as in RFC 8428",
        )
    for key in ("bn", "bu"):
        if key in record:
            base[key] = _text(record, key)
    for key in ("bt", "bv", "bs"):
        if key in record:
            base[key] = _real(record, key, 0.0)


def _value(record: Document, base: float | None) -> float | bool | None:
    given = [key for key in ("v", "vs", "vb", "vd") if key in record]
    if len(given) > 1:
        raise DecodeError(
            "bad-record", f"a record has both {given[0]!r} and {given[1]!r}", "Send one of them"
        )
    if "vb" in record:
        if not isinstance(record["vb"], bool):
            wrong = f"'vb' is {describe(record['vb'])}, neither true nor false"
            raise DecodeError("bad-record", wrong, "Send true or false")
        return record["vb"]
    if "v" in record:
        return _real(record, "v", 0.0) + (base or 0.0)
    # A base value alone is the value of records that give none of their own.
    return None if given or "s" in record else base


def _real(record: Document, key: str, default: float) -> float:
    value = record.get(key, default)
    if value is None:
        raise DecodeError("not-a-number", f"{key!r} is null, not a number", "Leave it out instead")
    return number(value, key)


def _text(record: Document, key: str) -> str:
    value = record.get(key, "")
    if not isinstance(value, str):
        raise DecodeError("bad-record", f"{key!r} is {describe(value)}, not a text", "Send a text")
    return value
