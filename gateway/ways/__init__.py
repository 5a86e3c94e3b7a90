"""Other ways in than MQTT. Each is one class, and one line of `ways`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from glob import escape
from typing import TYPE_CHECKING

from gateway.ways.way import Report, Way

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.envelopes.mapping import Mapping
    from devices.recognition import Recognition
    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.settings import Settings
    from gateway.state import State

__all__ = ["Report", "Way", "grants", "mappings", "ways"]


def ways(
    settings: Settings, ingest: Ingest, state: State, clock: Clock, recognition: Recognition
) -> list[Way]:
    """Return the ways in that the settings name. What a way needs is loaded where there is one.

    Ingest has to know the envelopes of `mappings`, and admission the `grants`.
    """
    owner = settings.gateway.owner
    found: list[Way] = []
    if settings.polls:
        from gateway.ways.poll import Poller  # noqa: PLC0415 - see above

        found += [Poller(one, owner, ingest, state, clock) for one in settings.polls]
    if settings.modbus:
        from gateway.ways.modbus import ModbusReader  # noqa: PLC0415 - see above

        lines: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        for section in settings.modbus:
            line = lines[section.host, section.port]
            found.append(ModbusReader(section, owner, ingest, clock, line, recognition))
    if settings.bluetooth is not None:
        from gateway.ways.bluetooth import BluetoothListener  # noqa: PLC0415 - see above

        found.append(BluetoothListener(settings.bluetooth, owner, ingest, clock))
    return found


def grants(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return for which devices each way in may speak: source → patterns of ids."""
    found = {one.source: one.speaks_for for one in settings.polls}
    # An id may hold what means something in a pattern.
    ids = {one.source: (one.device, escape(one.device)) for one in settings.modbus}
    found |= {source: tuple(dict.fromkeys(both)) for source, both in ids.items()}
    # Which tags are ours is asked before anything is made of what they send.
    return found | ({"bluetooth": ("*",)} if settings.bluetooth is not None else {})


def mappings(settings: Settings) -> Iterable[Mapping]:
    """Return how what the ways in bring is decoded, beside what the settings map themselves."""
    return [one.mapping() for one in settings.polls]
