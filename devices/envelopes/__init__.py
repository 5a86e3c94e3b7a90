"""What wraps a payload. Every envelope is one file, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.envelopes.chirpstack import ChirpStack
from devices.envelopes.plain import PlainJson
from devices.envelopes.things_stack import ThingsStack
from devices.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devices.device import Envelope
    from devices.envelopes.mapping import Mapping

ENVELOPES: tuple[Callable[[Recognition], Envelope], ...] = (ChirpStack, ThingsStack)
"""The built-in envelopes beside our own convention, in the order in which they are asked."""


def envelopes(
    mappings: Iterable[Mapping] = (), recognition: Recognition | None = None
) -> tuple[Envelope, ...]:
    """Return every envelope: those that the settings map first, for they know this site best."""
    known = recognition or Recognition()
    mapped = (PlainJson(mapping) for mapping in mappings)
    return (*mapped, PlainJson(), *(envelope(known) for envelope in ENVELOPES))
