"""A day of a small fleet, written as Holdwatch writes it: every channel, every kind of event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.reading import IMPORTED, DeviceKey, Reading, layout, reading
from gateway.influxdb.lines import Lines
from gateway.settings.influxdb import Schema
from gateway.state import StoredEvent
from gateway.tagging import BEGINNING, Pattern, Tagging, Tags
from rules.alert import Alert, Event

if TYPE_CHECKING:
    from rules.alert import EventKind

MINUTE = 60_000
HOUR = 60 * MINUTE

REEFER = DeviceKey("", "reefer-1")
FRIDGE = DeviceKey("acme", "fridge (old)")
GATE = DeviceKey("", "gate-7")
FLEET = Tagging(
    [
        (
            BEGINNING,
            [
                Pattern("reefer-*", Tags("Kai 3", "TH 2")),
                Pattern("acme/*", Tags("Ward / 3rd floor", "")),
            ],
        )
    ]
)
"""One device with both tags, one with a site alone, one with none."""

MORE = {
    "leak": 0.0,
    "tamper": 0.0,
    "motion": 3.0,
    "occupancy": 1.0,
    "count.movement": 12.0,
    "duration": 40.0,
    "tilt": 2.0,
    "heading": 310.0,
    "distance": 1.4,
    "sound": 48.0,
    "tvoc": 120.0,
    "moisture": 33.0,
    "current": 4.2,
    "power": 950.0,
    "energy": 81.5,
}

CARRIES: dict[DeviceKey, dict[str, float]] = {
    REEFER: {
        "temperature.return_air": -18.2,
        "temperature.supply_air": -20.1,
        "set_point": -20.0,
        "humidity": 88.0,
        "battery_level": 71.0,
        "voltage": 380.0,
        "latitude": 53.54,
        "longitude": 9.98,
        "speed": 24.0,
        "pressure": 1013.0,
        "acceleration": 0.3,
        **MORE,
    },
    FRIDGE: {
        "temperature": 4.6,
        "humidity": 45.0,
        "humidity.box": 50.0,
        "door": 0.0,
        "battery": 3.1,
        "signal": -97.0,
        "co2": 600.0,
        "oxygen": 20.7,
        "illuminance": 12.0,
        **MORE,
    },
    GATE: {"door": 1.0},
}

VITALS = {
    "received": 60.0,
    "duplicates": 1.0,
    "quarantined": 0.5,
    "devices": 0.0,
    "alerts_open": 0.0,
    "waiting_monitor": 0.0,
    "waiting_history": 60.0,
    "waiting_influxdb": 0.0,
    "dead_letters": 0.0,
    "disk_free": -4096.0,
    "journal_size": 4096.0,
    "history_size": 100.0,
    "state_size": 0.0,
    "memory": 0.0,
    "cpu_seconds": 3.0,
    "clock_trusted": 0.0,
    "problems": 0.0,
}
"""What the gateway tells of itself, and how much of it comes with each minute."""


def lines(now: int) -> bytes:
    """Return a day that ends now (ms)."""
    made = Lines(Schema(), FLEET)
    days = [one for device in CARRIES for one in _readings(device, now)]
    told = [
        made.of_health(
            "pi", now - ago * MINUTE, {name: 5.0e9 - ago * by for name, by in VITALS.items()}
        )
        for ago in range(120)
    ]
    return b"\n".join([*made.of_readings(days), *made.of_events(_events(now)), *told])


def _readings(device: DeviceKey, now: int) -> list[Reading]:
    carried = CARRIES[device]
    channels = layout(tuple(sorted(carried)))
    values = tuple(carried[name] for name in channels.channels)
    fine = [
        reading(
            device=device,
            at=now - ago * 5 * MINUTE,
            received=now,
            layout=channels,
            values=values,
            sequence=ago,
        )
        for ago in range(288)
    ]
    strange = reading(
        device=device,
        at=now - HOUR,
        received=now,
        layout=channels,
        values=(*values[:-1], 1e9),
        sequence=1_000,
        flags=IMPORTED,
    )
    return [*fine, strange]


def _events(now: int) -> list[StoredEvent]:
    """Two alerts of each device: one is over, and came late, one is open."""
    events = []
    for device in CARRIES:
        events += _life(device, "door", ("firing", "revised", "resolved"), now)
        events += _life(device, "temperature", ("firing",), now)
    return [StoredEvent(number, now, event) for number, event in enumerate(events)]


def _life(device: DeviceKey, channel: str, kinds: tuple[EventKind, ...], now: int) -> list[Event]:
    life = []
    for step, kind in enumerate(kinds):
        at = now - (5 - step) * HOUR
        over = kind == "resolved"
        alert = Alert(
            id=f"{device}-{channel}",
            rule=f"{channel}-too-long",
            version="1",
            kind="threshold",
            severity="critical" if channel == "temperature" else "warning",
            device=device,
            channel=channel,
            state="resolved" if over else "firing",
            reason=f'"{channel}" is wrong, as it was before',
            began=now - 6 * HOUR,
            fired=now - 5 * HOUR,
            ended=at if over else None,
            last=9.5,
        )
        life.append(Event(key=f"{alert.id}-{step}", kind=kind, at=at, alert=alert))
    return life
