"""Dragino: whose time a value has, and what is told apart though it looks alike."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DecodeError
from devices.model import Sample
from devices.models import by_name

LHT65 = by_name()["lht65"].decode
LHT52 = by_name()["lht52"].decode
LGT92 = by_name()["lgt92"].decode
S31 = by_name()["s31b"].decode

moments = st.integers(946_684_800, 0xFFFF_FFFF)
hundredths = st.integers(-5500, 12_500)


@given(
    st.lists(st.tuples(hundredths, hundredths, st.integers(0, 1000), moments), max_size=22),
    st.sampled_from([1, 9]),
)
def test_each_entry_of_a_log_has_its_own_time(
    entries: list[tuple[int, int, int, int]], kind: int
) -> None:
    if not entries:
        return
    data = b"".join(
        struct.pack(">hhHBI", outer, inner, humidity, 0x40 | kind, seconds)
        for outer, inner, humidity, seconds in entries
    )
    assert LHT65(data, 2) == [
        Sample(
            {
                "temperature": inner / 100,
                "humidity": humidity / 10,
                "temperature.external": outer / 100,
            },
            at=seconds * 1000,
        )
        for outer, inner, humidity, seconds in entries
    ]


def test_entries_of_a_log_that_hold_nothing_are_left_out() -> None:
    entry = bytes.fromhex("7FFF089801464160065F97")
    found = LHT65(entry + bytes(11) + entry, 2)
    assert [one.at for one in found] == [1_611_030_423_000] * 2


def test_a_log_that_is_cut_off_is_refused_as_a_whole() -> None:
    with pytest.raises(DecodeError, match="entries of 11 bytes"):
        LHT65(bytes.fromhex("7FFF089801464160065F977FFF"), 2)


@given(hundredths | st.just(0x7FFF), st.integers(0, 0xFFFF))
def test_bit_7_of_a_probe_does_not_make_a_log_of_what_is_measured_now(
    outer: int, meaningless: int
) -> None:
    """Only what no probe can measure is taken for the time of an entry that is sent again."""
    data = struct.pack(">HhHBhH", 0xCBF6, 2829, 886, 0x81, outer, meaningless)
    (found,) = LHT65(data, 2)
    assert (found.at, found.ago) == (None, 0)
    assert found.channels["battery"] == 3.062
    should = math.nan if outer == 0x7FFF else outer / 100
    assert found.channels["temperature.external"] == pytest.approx(should, nan_ok=True)


@given(st.integers(1_577_836_800, 0x7FFF_0000 - 1))
def test_an_entry_that_was_not_acknowledged_is_read_with_its_time(seconds: int) -> None:
    (found,) = LHT65(struct.pack(">hhHBI", 2781, 2829, 886, 0x81, seconds), 2)
    assert found.at == seconds * 1000
    assert "battery" not in found.channels


@pytest.mark.parametrize(
    ("seconds", "at"), [(0, None), (600, None), (1_640_845_021, 1_640_845_021_000)]
)
def test_a_clock_that_was_never_set_tells_no_time(seconds: int, at: int | None) -> None:
    (found,) = LHT52(struct.pack(">hHhBI", 2253, 544, 0x7FFF, 1, seconds), 2)
    assert found.at == at


@pytest.mark.parametrize("temperature", [-4095, 0x7FFF, -1])
def test_pins_of_old_firmware_are_no_time(temperature: int) -> None:
    """A DS18B20 that is not there reads -409.5 °C: as a time, the year 2097; 7FFF, 2038."""
    (found,) = S31(struct.pack(">HhHBhH", 2900, temperature, 0, 0, 252, 517), 2)
    assert found.at is None


@given(
    st.integers(-90_000_000, 90_000_000),
    st.integers(-180_000_000, 180_000_000),
    st.sampled_from([0, 4, 7]),
)
def test_a_position_is_whole_or_none(latitude: int, longitude: int, more: int) -> None:
    data = struct.pack(">iiHB", latitude, longitude, 3118, 0x64) + bytes(more)
    (found,) = LGT92(data, 2)
    place = found.channels["latitude"], found.channels["longitude"]
    if latitude == longitude == 0:
        assert all(map(math.isnan, place))
    else:
        assert place == (latitude / 1e6, longitude / 1e6)
    assert ("tilt.roll" in found.channels) == (more > 0)
