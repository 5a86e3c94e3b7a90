"""A reading: its identity, its flags, and what a layout promises."""

from __future__ import annotations

import hashlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import devices.reading as reading_module
from devices.errors import DecodeError
from devices.reading import (
    ARRIVAL,
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    COUNTED,
    IMPORTED,
    OWN_CLOCK_UNTRUSTED,
    UNUSABLE_SHIFT,
    DeviceKey,
    digest,
    layout,
    reading,
)

NOW = 1_795_341_600_500
DEVICE = DeviceKey("acme", "box-7")
PINNED = -5651818267169335191


def test_the_digest_of_known_values_never_changes() -> None:
    # Stored in journals and histories: a change here makes every redelivery a new reading.
    channels = layout(("battery", "humidity", "temperature.return_air"))
    assert digest(channels, (3.012, 60.5, -4.36)) == PINNED
    text = b"holdwatch-values-1"
    text += b"battery\0" + bytes.fromhex("4008189374bc6a7f")
    text += b"humidity\0" + bytes.fromhex("404e400000000000")
    text += b"temperature.return_air\0" + bytes.fromhex("c01170a3d70a3d71")
    assert int.from_bytes(hashlib.sha256(text).digest()[:8], "big", signed=True) == PINNED


@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_the_digest_is_the_documented_encoding(values: list[float]) -> None:
    channels = ("humidity", "latitude", "temperature")
    text = b"holdwatch-values-1"
    for channel, value in zip(channels, values, strict=True):
        canonical = math.nan if math.isnan(value) else 0.0 if value == 0 else value
        text += channel.encode() + b"\0" + struct.pack(">d", canonical)
    expected = int.from_bytes(hashlib.sha256(text).digest()[:8], "big", signed=True)
    assert digest(layout(channels), tuple(values)) == expected


def test_minus_zero_is_zero_and_every_nan_is_one() -> None:
    one = layout(("temperature",))
    assert digest(one, (-0.0,)) == digest(one, (0.0,))
    odd = struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0]
    assert digest(one, (odd,)) == digest(one, (math.nan,))
    with pytest.raises(ValueError, match="size"):
        digest(one, (1.0, 2.0))


@pytest.mark.parametrize(
    ("at", "flags", "expected"),
    [
        (None, 0, ARRIVAL),
        (NOW + 300_000, 0, 0),
        (NOW + 300_001, 0, CLOCK_AHEAD),
        (NOW + 300_001, OWN_CLOCK_UNTRUSTED, OWN_CLOCK_UNTRUSTED),
        (946_684_799_999, 0, CLOCK_BEHIND),
        (946_684_799_999, IMPORTED, IMPORTED),
        (946_684_800_000, 0, 0),
    ],
)
def test_a_clock_that_cannot_be_right_is_flagged(at: int | None, flags: int, expected: int) -> None:
    made = reading(
        device=DEVICE,
        at=at,
        received=NOW,
        layout=layout(("temperature",)),
        values=(4.0,),
        sequence=7,
        flags=flags,
    )
    assert made.flags == expected | COUNTED
    assert made.when == (NOW if at is None or expected & (CLOCK_AHEAD | CLOCK_BEHIND) else at)


def test_each_value_that_cannot_be_true_is_flagged_and_kept() -> None:
    made = reading(
        device=DEVICE,
        at=NOW,
        received=NOW,
        layout=layout(("humidity", "latitude", "longitude", "temperature")),
        values=(101.0, 51.9, 4.1, math.nan),
        sequence=None,
    )
    assert made.flags >> UNUSABLE_SHIFT == 0b1001
    assert made.values[0] == 101.0
    assert (made.value("humidity"), made.value("temperature"), made.value("co2")) == (None,) * 3
    assert made.position == (51.9, 4.1)


def test_a_layout_is_one_object_and_refuses_disorder() -> None:
    assert layout(("humidity", "temperature")) is layout(("humidity", "temperature"))
    with pytest.raises(ValueError, match="sorted"):
        layout(("temperature", "humidity"))
    with pytest.raises(KeyError):
        layout(("warmth",))
    with pytest.raises(ValueError, match="1 to 40"):
        layout(())


def test_one_source_cannot_use_up_the_sets_of_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "MAXIMUM_OF_SOURCE", 2)
    for number in (1, 2):
        layout((f"temperature.hostile_{number}",), "hostile")
    with pytest.raises(DecodeError, match="hostile has brought 2 different sets"):
        layout(("temperature.hostile_3",), "hostile")
    assert layout(("temperature.hostile_1",), "hostile") is layout(("temperature.hostile_1",))
    layout(("temperature.honest",), "honest")
