"""What a vendor's codec answered, as samples.

Source: LoRa Alliance, TS013-1.0.0, Payload Codec API; The Things Stack's documentation, "Payload
Formatters", for the normalised form: an object, or several, each with a `time` if it has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from devices.device import DecodeError, Output
from devices.envelopes.decoded import Place, channels_of, declared_channels, unknown_names
from devices.envelopes.document import moment
from devices.model import Sample
from devices.reading import MAXIMUM_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Place", "Table", "refusal", "samples"]

MOST_MEASUREMENTS = 500
MOST_WORDS = 300


class Table(msgspec.Struct, frozen=True):
    """What somebody declared of a codec: where channels stand in its `data`, and which form counts.

    What `channels` finds comes before anything else. The rest is taken from normalizeUplink where
    the codec has it (`prefer` "normalized"), else from `data` by the names that are known, without
    those that `ignore` holds.
    """

    channels: dict[str, Place] = {}
    prefer: Literal["normalized", "data"] = "normalized"
    ignore: tuple[str, ...] = ()


class _Measurement(NamedTuple):
    at: int | None
    channels: dict[str, float]


def samples(output: Output, table: Table | None, codec: str) -> list[Sample]:
    """Return what was measured, the newest last. Raises DecodeError.

    It does where the codec says that it failed, where no name is known, or where the value of a
    known name cannot be one.
    """
    if output.errors:
        raise refusal(codec, "; ".join(output.errors))
    table = table or Table()
    declared = declared_channels(output.data, table.channels)
    found = _normalized(output) if table.prefer == "normalized" else []
    if not any(one.channels for one in found):
        found = [_Measurement(None, channels_of(output.data, table.ignore))]
    *earlier, newest = _in_order(found)
    channels = {
        name: value for name, value in newest.channels.items() if name not in declared
    } | declared
    if not channels:
        raise unknown_names(output.data, f"codec {codec}")
    if len(channels) > MAXIMUM_CHANNELS:
        raise _too_many(codec, f"{len(channels)} channels")
    whole = [*earlier, newest._replace(channels=channels)]
    return [Sample(one.channels, at=one.at) for one in whole if one.channels]


def refusal(codec: str, words: str) -> DecodeError:
    """Return the error for a message that a codec refuses, in its own words."""
    shown = "".join(one if one.isprintable() else " " for one in words[: 2 * MOST_WORDS]).strip()
    if len(shown) > MOST_WORDS:
        shown = f"{shown[:MOST_WORDS]}…"
    return DecodeError(
        "codec-error",
        f"the codec {codec} says: {shown or 'nothing'}",
        "Look whether the device is of the make that this codec is for, and for its newest version",
    )


def _normalized(output: Output) -> list[_Measurement]:
    """Return the measurements of normalizeUplink. What is of one time is one measurement."""
    given = output.normalized
    several: list[dict[str, Any]] = given if isinstance(given, list) else [given] if given else []
    if len(several) > MOST_MEASUREMENTS:
        raise _too_many("", f"{len(several)} measurements")
    found: dict[int | None, dict[str, float]] = {}
    for each in several:
        at = moment(each.get("time"), "ms")
        together = found.setdefault(at, {})
        for channel, value in channels_of(each).items():
            together[_free(channel, together)] = value
    return [_Measurement(at, channels) for at, channels in found.items()]


def _free(channel: str, taken: dict[str, float]) -> str:
    """Return a name for a channel that is measured in several places at once: `temperature.2`."""
    if channel not in taken:
        return channel
    numbers = (f"{channel}{'_' if '.' in channel else '.'}{n}" for n in _COUNTING)
    return next(name for name in numbers if name not in taken)


_COUNTING = range(2, MOST_MEASUREMENTS + 2)


def _in_order(found: list[_Measurement]) -> Iterator[_Measurement]:
    yield from sorted((one for one in found if one.at is not None), key=lambda one: one.at or 0)
    yield from (one for one in found if one.at is None)


def _too_many(codec: str, what: str) -> DecodeError:
    return DecodeError(
        "too-many-channels",
        f"the codec {codec} gives {what} at once".replace("  ", " "),
        f"Let it return fewer: at most {MAXIMUM_CHANNELS} channels, and {MOST_MEASUREMENTS} "
        "measurements",
    )
