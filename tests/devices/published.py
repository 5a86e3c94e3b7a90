"""What others have published of devices' bytes, and what it is called here, model by model.

A model that says `proven="published vectors"` has a line in PUBLISHED; test_published.py holds its
decoder against every example in the files of that line. Nothing of an example may go unnoticed:
each name in it is a channel here, or is left out by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]  # it has no types, and need not


class Published(NamedTuple):
    """Files of examples, below the folder of vectors, and how to read them."""

    files: tuple[str, ...]
    names: Mapping[str, str | tuple[str, float]]
    """Name there → channel here, with a factor where the units differ."""
    left_out: frozenset[str] = frozenset()
    """Names that are no measurement, or one that we have no quantity for."""
    more: frozenset[str] = frozenset()
    """Channels that we read and they do not."""
    differs: Mapping[str, str] = {}
    """Examples by their description where the data sheet says otherwise, and what it says."""


class Example(NamedTuple):
    """One message, and what its publisher makes of it."""

    text: str
    port: int
    data: bytes
    output: Mapping[str, Any]
    """Flat: `a.b` for what lies deeper, without units."""
    errors: bool


def examples(folder: Path, published: Published) -> Iterator[Example]:
    """Yield every example of a model's files."""
    for name in published.files:
        text = (folder / name).read_text(encoding="utf-8")
        for row in _rows(text, name):
            output = row.get("output") or row["expected"]
            yield Example(
                text=f"{Path(name).name}: {row.get('description') or row['name']}",
                port=row["input"]["fPort"],
                data=bytes(row["input"]["bytes"]),
                output=dict(_flat(output.get("data") or {}, "")),
                errors=bool(output.get("errors")),
            )


def _rows(text: str, name: str) -> list[dict[str, Any]]:
    if name.endswith(".json"):
        rows: list[dict[str, Any]] = json.loads(text)
        return rows
    described: dict[str, Any] = yaml.safe_load(text)
    found: list[dict[str, Any]] = described["uplinkDecoder"]["examples"]
    return found


def _flat(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "value" in value:
            yield name, value["value"]
        elif isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def channels(example: Mapping[str, Any], published: Published) -> dict[str, float]:
    """Return what an output means here. Raises KeyError for a name that nobody has looked at."""
    found = {}
    for name, value in example.items():
        if name in published.left_out:
            continue
        channel = published.names[name]
        channel, factor = (channel, 1.0) if isinstance(channel, str) else channel
        found[channel] = float(value) * factor
    return found


_TTN = "lorawan/tts-index/"

_CHIRPSTACK = "lorawan/chirpstack-profiles/test_decode_"

_DECENTLAB: dict[str, str | tuple[str, float]] = {
    "air_temperature": "temperature",
    "air_humidity": "humidity",
    "battery_voltage": "battery",
    "barometric_pressure": ("pressure", 0.01),  # Pa there
    "illuminance": "illuminance",
    "co2_concentration": "co2",
    "activity_counter": "motion",
    "total_voc": "tvoc",
}
_NOT_DECENTLAB = frozenset(
    {"protocol_version", "device_id", "sensor_id", "co2_sensor_status", "raw_ir_reading"}
) | {"ambient_light_visible_infrared", "ambient_light_infrared"}

_ELSYS: dict[str, str | tuple[str, float]] = {
    "temperature": "temperature",
    "humidity": "humidity",
    "light": "illuminance",
    "motion": "motion",
    "x": ("acceleration.x", 1 / 63),
    "y": ("acceleration.y", 1 / 63),
    "z": ("acceleration.z", 1 / 63),
    "vdd": ("battery", 0.001),
    "analog1": ("voltage.analog_1", 0.001),
    "externalTemperature": "temperature.external",
    "pressure": "pressure",
    "pulse1": "count.pulse_1",
    "pulseAbs": "count.pulse_1_total",
}
_SWITCH = frozenset({"digital"})  # of an ELT: whatever somebody has connected to it

PUBLISHED: dict[str, Published] = {
    "dragino-lht65": Published(
        (f"{_TTN}lht65-codec.yaml",),
        {
            "BatV": "battery",
            "Hum_SHT": "humidity",
            "TempC_SHT": "temperature",
            "TempC_DS": "temperature.external",
        },
        frozenset({"Bat_status", "Ext_sensor"}),
    ),
    "dragino-lht52": Published(
        (f"{_TTN}lht52-codec.yaml",),
        {"Bat_mV": ("battery", 0.001)},
        frozenset({"Firmware_Version", "Freq_Band", "Sensor_Model", "Sub_Band"}),
    ),
    "dragino-lgt92": Published(
        (f"{_TTN}lgt92-codec.yaml",),
        {
            "BatV": "battery",
            "latitude": "latitude",
            "longitude": "longitude",
            "Pitch": "tilt.pitch",
            "Roll": "tilt.roll",
        },
        frozenset({"ALARM_status", "FW", "LON", "MD"}),
        differs={
            "lgt92-codec.yaml: No Location": "they leave the position out; it says that it has none"
        },
    ),
    "dragino-lsn50v2-s31": Published(
        (f"{_TTN}lsn50v2-s31-codec.yaml",),
        {"BatV": "battery", "Hum_SHT": "humidity", "TempC_SHT": "temperature"},
        # Pins that this model does not use: nobody has measured what they say.
        frozenset(
            {"ADC_CH0V", "Digital_IStatus", "Door_status", "EXTI_Trigger", "TempC1", "Work_mode"}
        ),
    ),
    "dragino-lds02": Published(
        (f"{_TTN}lds02-codec.yaml",),
        {"BAT_V": "battery", "DOOR_OPEN_STATUS": "door", "DOOR_OPEN_TIMES": "count.door"},
        # Its example ends before the duration: published is what JavaScript makes of nothing.
        frozenset({"ALARM", "LAST_DOOR_OPEN_DURATION", "MOD"}),
    ),
    "decentlab-dl-sht35": Published((f"{_TTN}dl-sht35-codec.yaml",), _DECENTLAB, _NOT_DECENTLAB),
    "decentlab-dl-rhc": Published(
        (f"{_TTN}dl-rhc-codec.yaml", f"{_CHIRPSTACK}dl-rhc.json"), _DECENTLAB, _NOT_DECENTLAB
    ),
    "decentlab-dl-iam": Published(
        (f"{_TTN}dl-iam-codec.yaml", f"{_CHIRPSTACK}dl-iam.json"), _DECENTLAB, _NOT_DECENTLAB
    ),
    "digital-matter-oyster": Published(
        (f"{_TTN}oyster-codec.yaml",),
        {
            "batV": "battery",
            "inTrip": "motion",
            "latitudeDeg": "latitude",
            "longitudeDeg": "longitude",
            "speedKmph": "speed",
            "headingDeg": "heading",
        },
        frozenset({"type", "fixFailed", "manDown"}),
        differs={
            "oyster-codec.yaml: Position update fix failed": "an old place is none, see its vectors"
        },
    ),
    "elsys-ers": Published((f"{_TTN}ers-codec.yaml",), _ELSYS),
    "elsys-ers-lite": Published((f"{_TTN}ers-lite-codec.yaml",), _ELSYS),
    "elsys-elt-2": Published(
        (f"{_TTN}elt-2-codec.yaml", "lorawan/chirpstack-profiles/test_decode_elsys.json"),
        _ELSYS,
        _SWITCH,
    ),
    "elsys-ems-door": Published((f"{_TTN}ems-door-codec.yaml",), _ELSYS),
    "laird-rs1xx": Published(
        (f"{_TTN}rs1xx-temp-rh-sensor-codec.yaml",),
        {"temperature": "temperature", "humidity": "humidity", "voltage": "battery"},
        # A reading's time and several readings in one message: test_laird.py.
        frozenset({"msgType", "options", "batteryCapacity", "alarmMsgCount", "backlogMsgCount"})
        | {"releaseDate", "releaseNumber", "partNumber"}
        | {"batteryType", "sensorReadPeriod", "sensorAggregate", "ledBle", "ledLora"}
        | {"tempAlarmsEnabled", "tempAlarmLimitLow", "tempAlarmLimitHigh"}
        | {"humidityAlarmsEnabled", "humidityAlarmLimitLow", "humidityAlarmLimitHigh"}
        | {f"timestamp.{part}" for part in ("year", "month", "day", "hours", "minutes", "seconds")},
        more=frozenset({"battery_level"}),  # there a text, such as 80-100%
        differs={
            "rs1xx-temp-rh-sensor-codec.yaml: Send Temp and RH Aggregated Data Notification": "two",
            "rs1xx-temp-rh-sensor-codec.yaml: Send Backlog Messages Notification": "two readings",
        },
    ),
}
