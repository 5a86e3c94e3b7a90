"""Laird RS1xx: messages of several readings, and their times. What test_published.py compares is
not compared here again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types, and need not
from hypothesis import given
from hypothesis import strategies as st

from devices.model import Sample
from devices.models.laird import MODELS, READ_PERIOD, YEAR_2015

if TYPE_CHECKING:
    from pathlib import Path

(RS1XX,) = MODELS


def published(vectors: Path, message: str) -> tuple[list[Sample], dict[str, Any]]:
    """Return what we read in a published message, and what its publisher does."""
    text = (vectors / "lorawan/tts-index/rs1xx-temp-rh-sensor-codec.yaml").read_text()
    for example in yaml.safe_load(text)["uplinkDecoder"]["examples"]:
        output: dict[str, Any] = example["output"]["data"]
        if output["msgType"] == message:
            made = RS1XX.decode(bytes(example["input"]["bytes"]), example["input"]["fPort"])
            return made, output
    raise AssertionError(f"there is no published message {message}")


def moment(stamp: dict[str, Any]) -> int:
    """Return ms since 1970 of a published time."""
    month = datetime.strptime(stamp["month"], "%B").month  # noqa: DTZ007 - only the month is read
    clock = (stamp["hours"], stamp["minutes"], stamp["seconds"])
    return (
        round(datetime(stamp["year"], month, stamp["day"], *clock, tzinfo=UTC).timestamp()) * 1000
    )


def climate(sample: Sample) -> dict[str, float]:
    return {one: sample.channels[one] for one in ("temperature", "humidity")}


def test_of_several_readings_the_last_one_has_the_messages_time(vectors: Path) -> None:
    made, output = published(vectors, "Laird_Agg_TH")
    assert [climate(sample) for sample in made] == output["readings"]
    last = moment(output["timestamp"])
    assert [sample.at for sample in made] == [last - READ_PERIOD, last]
    assert output["batteryCapacity"] == "80-100%"
    assert [sample.channels.get("battery_level") for sample in made] == [None, 80.0]


def test_a_stored_reading_has_its_own_time(vectors: Path) -> None:
    (made,), output = published(vectors, "SendBackLogMessage")
    assert made.at == moment(output["timestamp"])


def test_each_of_several_stored_readings_has_its_own_time(vectors: Path) -> None:
    made, output = published(vectors, "SendBackLogMessages")
    assert [climate(sample) for sample in made] == [
        {name: reading[name] for name in ("temperature", "humidity")}
        for reading in output["readings"]
    ]
    assert [sample.at for sample in made] == [
        moment(reading["timestamp"]) for reading in output["readings"]
    ]


@pytest.mark.parametrize(
    ("step", "level"), [(0, 0.0), (1, 5.0), (2, 20.0), (3, 40.0), (4, 60.0), (5, 80.0), (6, None)]
)
def test_a_battery_holds_at_least_what_is_told(step: int, level: float | None) -> None:
    (made,) = RS1XX.decode(bytes([1, 0, 0, 55, 43, 27, step, 0, 0, 0, 0]), 1)
    assert made.channels.get("battery_level") == level


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_stored_readings_are_told_oldest_first(times: list[int]) -> None:
    entries = b"".join(time.to_bytes(4) + bytes([0, 55, 43, 27]) for time in times)
    made = RS1XX.decode(bytes([4, 0, len(times)]) + entries, 1)
    assert [sample.at for sample in made] == [YEAR_2015 + time * 1000 for time in sorted(times)]


@given(st.integers(-12_799, 12_799))
def test_a_value_is_its_hundredths_and_its_whole(value: int) -> None:
    sign = -1 if value < 0 else 1
    whole, part = divmod(abs(value), 100)
    pair = bytes([sign * part & 0xFF, sign * whole & 0xFF])
    (made,) = RS1XX.decode(bytes([3, 0, 0, 0, 0, 0, 0, 55]) + pair, 1)
    assert made.channels["temperature"] == value / 100
