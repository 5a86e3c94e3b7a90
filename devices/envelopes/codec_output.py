"""What a vendor's codec answered, as samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import DecodeError
from devices.envelopes.decoded import channels_of, unknown_names
from devices.model import Sample

if TYPE_CHECKING:
    from devices.device import Output

Table = dict[str, tuple[str, str]]


def samples(output: Output, table: Table | None, codec: str) -> list[Sample]:  # noqa: ARG001 - to come
    """Return what was measured. Raises DecodeError."""
    if output.errors:
        raise DecodeError("codec-error", output.errors[0], "Look at the codec")
    channels = channels_of(output.normalized or output.data)
    if not channels:
        raise unknown_names(output.data, f"codec {codec}")
    return [Sample(channels)]
