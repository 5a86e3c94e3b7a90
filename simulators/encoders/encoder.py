"""What turns values into the bytes that a real device would send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Encoder(NamedTuple):
    """How one model says what it measured.

    Written from the data sheet and apart from our decoders, so that one proves the other.
    """

    model: str
    """Its id in the catalogue."""
    port: int
    """LoRaWAN's FPort, 0 where there is none."""
    ranges: Mapping[str, tuple[float, float, float]]
    """Channel → lowest, highest and step that it can send: what it always sends together."""
    encode: Callable[[Mapping[str, float]], bytes]
    """All channels of `ranges`, each within its range, or NaN where it has no value → payload."""
    always: frozenset[str] = frozenset()
    """Channels that are never NaN: what it sends has no way to say that there is no value."""
