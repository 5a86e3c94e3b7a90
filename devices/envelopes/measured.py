"""What envelopes do with what they found in a message: names, truths and channels → a reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import Decode, DecodeError, check_device_id
from devices.envelopes.document import describe, number
from devices.reading import MAXIMUM_CHANNELS, DeviceKey, Reading, layout, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE = frozenset({"true", "on", "open", "opened", "yes", "detected", "wet", "alarm", "1"})
_FALSE = frozenset({"false", "off", "closed", "close", "no", "clear", "dry", "normal", "0"})
_NOTHING = frozenset({"", "null", "none", "nan", "unknown", "unavailable"})
_PLACE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LONGEST_PLACE = 64
_WRITTEN_OUT = frozenset(":%.+#*>")


def device_of(name: str) -> str:
    """Return the device id of a name that people gave. Raises DecodeError where there is none.

    No two names have one id: a slash becomes `:`, and what an id must not hold (a space, a dot),
    and `:` and `%` themselves, are written as in a URL: `Cold room/fridge` is `Cold%20room:fridge`.
    """
    if name.isascii() and name.replace("-", "").replace("_", "").isalnum():
        return check_device_id(name)
    return check_device_id("".join([_sign(sign) for sign in name]))


def _sign(sign: str) -> str:
    if sign == "/":
        return ":"
    if sign.isprintable() and not sign.isspace() and sign not in _WRITTEN_OUT:
        return sign
    return "".join([f"%{byte:02X}" for byte in sign.encode(errors="replace")])


def place_of(name: str) -> str:
    """Return a name as the place of a channel: signs that it must not hold become `_`."""
    return "".join(sign if sign in _PLACE else "_" for sign in name)[:_LONGEST_PLACE]


def truth(value: object, key: str) -> float:
    """Return 1 or 0 for true and false, and for the words and numbers that devices say it with.

    null is NaN. Raises DecodeError for anything else.
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return float(word in _TRUE)
        raise DecodeError(
            "not-a-state",
            f"{key!r} is {describe(value)}, which is neither a yes nor a no",
            "Send true or false, on or off, open or closed, 1 or 0",
        )
    return number(value, key)


def bare(text: str, key: str, *, words: bool) -> float:
    """Return the value of a bare text such as `21.5`; NaN where it says that there is none.

    `words`: whether words such as `on` are values. Raises DecodeError.
    """
    if text.strip().lower() in _NOTHING:
        return number(None, key)
    try:
        # Python would take 1_000, which no device means.
        value = float(text.replace("_", "x"))
    except ValueError:
        if words:
            return truth(text, key)
        raise DecodeError(
            "not-a-number",
            f"{key!r} is {describe(text)}, not a number",
            "Send a bare number, without its unit",
        ) from None
    return number(value, key)


def made(  # noqa: PLR0913 - what a reading has
    device: DeviceKey,
    channels: Mapping[str, float],
    *,
    at: int | None,
    received: int,
    flags: int,
    source: str,
    sequence: int | None = None,
) -> Reading:
    """Make a reading of channels in any order. Raises DecodeError where there are too many."""
    if len(channels) > MAXIMUM_CHANNELS:
        raise DecodeError(
            "too-many-channels",
            f"there are {len(channels)} channels, the limit is {MAXIMUM_CHANNELS}",
            "Let the device send them in several messages",
        )
    names = tuple(sorted(channels))
    return reading(
        device=device,
        at=at,
        received=received,
        layout=layout(names, source),
        values=tuple([channels[name] for name in names]),
        sequence=sequence,
        flags=flags,
        source=source,
    )


def naming(device: DeviceKey, decode: Decode) -> Decode:
    """Return the decoder so that its errors name the device."""

    def named(payload: bytes, received: int, flags: int) -> list[Reading]:
        try:
            return decode(payload, received, flags)
        except DecodeError as error:
            error.device = error.device or str(device)
            raise

    return named


def nothing(_payload: bytes, _received: int, _flags: int) -> list[Reading]:
    """Decode what carries no measurement, whatever it is."""
    return []
