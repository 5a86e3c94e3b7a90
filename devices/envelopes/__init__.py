"""What wraps a payload. Every envelope is one file, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.envelopes.chirpstack import ChirpStack
from devices.envelopes.plain import PlainJson
from devices.envelopes.things_stack import ThingsStack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.device import Envelope
    from devices.envelopes.mapping import Mapping

ENVELOPES: tuple[Envelope, ...] = (PlainJson(), ChirpStack(), ThingsStack())
"""The built-in envelopes, in the order in which they are asked."""


def envelopes(mappings: Iterable[Mapping] = ()) -> tuple[Envelope, ...]:
    """Return every envelope: those that the settings map first, for they know this site best."""
    return (*(PlainJson(mapping) for mapping in mappings), *ENVELOPES)
