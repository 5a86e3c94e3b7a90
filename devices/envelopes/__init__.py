"""What wraps a payload. Every envelope is one file, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.envelopes.attributes import Attributes
from devices.envelopes.chirpstack import ChirpStack
from devices.envelopes.plain import PlainJson
from devices.envelopes.ruuvi_gateway import RuuviGateway
from devices.envelopes.senml import SenML
from devices.envelopes.shelly import Shelly
from devices.envelopes.tasmota import Tasmota
from devices.envelopes.things_stack import ThingsStack
from devices.envelopes.zigbee2mqtt import Zigbee2Mqtt
from devices.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devices.device import Envelope
    from devices.envelopes.mapping import Mapping

ENVELOPES: tuple[Callable[[Recognition], Envelope], ...] = (
    ChirpStack,
    ThingsStack,
    Zigbee2Mqtt,
    Shelly,
    RuuviGateway,
    Tasmota,
    SenML,
)
"""The built-in envelopes beside our own convention, in the order in which they are asked."""

FORMATS: dict[str, Callable[[Recognition, Mapping], Envelope]] = {
    "senml": SenML,
    "zigbee2mqtt": Zigbee2Mqtt,
    "shelly": Shelly,
    "ruuvi-gateway": RuuviGateway,
    "tasmota": Tasmota,
}
"""Those that a mapping can give other topics than their own, by its `format`."""


def envelopes(
    mappings: Iterable[Mapping] = (), recognition: Recognition | None = None
) -> tuple[Envelope, ...]:
    """Return every envelope: those that the settings map first, for they know this site best."""
    known = recognition or Recognition()
    mapped = (_mapped(mapping, known) for mapping in mappings)
    return (*mapped, PlainJson(), *(envelope(known) for envelope in ENVELOPES))


def _mapped(mapping: Mapping, recognition: Recognition) -> Envelope:
    if mapping.format in FORMATS:
        return FORMATS[mapping.format](recognition, mapping)
    return Attributes(mapping) if mapping.one_each else PlainJson(mapping)
