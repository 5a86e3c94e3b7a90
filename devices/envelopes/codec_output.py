"""What a vendor's codec answered, as samples.

Source: LoRa Alliance, TS013-1.0.0, Payload Codec API; The Things Stack's documentation, "Payload
Formatters", for the normalised form: an object, or several, each with a `time` if it has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from devices.device import DecodeError, Output
from devices.envelopes.decoded import Place, channels_of, declared_channels, unknown_names
from devices.envelopes.document import moment
from devices.model import Sample
from devices.reading import MAXIMUM_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def samples(output: Output, table: Table | None, codec: str) -> list[Sample]:
    """Return what was measured, the newest last. Raises DecodeError.

    It does where the codec says that it failed, where no name is known, or where the value of a
    known name cannot be one.
    """
    if output.errors:
        raise refusal(codec, "; ".join(output.errors))
    table = table or Table()
    declared = declared_channels(output.data, table.channels)
    given = output.normalized if table.prefer == "normalized" else None
    found = measurements(given if isinstance(given, list) else [given] if given else [], codec)
    *earlier, newest = found or [Sample(channels_of(output.data, table.ignore))]
    channels = {
        name: value for name, value in newest.channels.items() if name not in declared
    } | declared
    if not channels:
        raise unknown_names(output.data, f"codec {codec}")
    if len(channels) > MAXIMUM_CHANNELS:
        raise _too_many(codec, f"{len(channels)} channels")
    return [*earlier, Sample(channels, at=newest.at)]


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


def measurements(several: Sequence[dict[str, Any]], codec: str) -> list[Sample]:
    """Return the measurements of the normalised form; what is of one time is one, the newest last.

    Those without a time of their own are of the message, and come after all others. What says no
    known name is left out. Raises DecodeError.
    """
    if len(several) > MOST_MEASUREMENTS:
        raise _too_many(codec, f"{len(several)} measurements")
    found: dict[int | None, dict[str, float]] = {}
    for each in several:
        channels = channels_of(each)
        if not channels:
            continue
        together = found.setdefault(moment(each.get("time"), "ms"), {})
        for channel, value in channels.items():
            together[_free(channel, together)] = value
        if len(together) > MAXIMUM_CHANNELS:
            raise _too_many(codec, f"{len(together)} channels")
    times = sorted(at for at in found if at is not None)
    return [Sample(found[at], at=at) for at in [*times, None] if at in found]


def _free(channel: str, taken: dict[str, float]) -> str:
    """Return a name for a channel that is measured in several places at once: `temperature.2`."""
    if channel not in taken:
        return channel
    numbers = (f"{channel}{'_' if '.' in channel else '.'}{n}" for n in _COUNTING)
    return next(name for name in numbers if name not in taken)


_COUNTING = range(2, MOST_MEASUREMENTS + 2)


def _too_many(codec: str, what: str) -> DecodeError:
    return DecodeError(
        "too-many-channels",
        f"the codec {codec} gives {what} at once",
        f"Let it return fewer: at most {MAXIMUM_CHANNELS} channels, and {MOST_MEASUREMENTS} "
        "measurements",
    )
