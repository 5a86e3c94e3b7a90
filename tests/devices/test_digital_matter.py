"""Digital Matter Oyster: both forms of a position. Published examples are in test_published.py."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DecodeError
from devices.models.digital_matter import MODELS

(OYSTER,) = MODELS
PLACE = {"latitude", "longitude", "speed", "heading"}


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(0, 155),
    st.integers(0, 7),
    st.booleans(),
)
def test_both_forms_of_a_position_say_the_same(
    latitude: float,
    longitude: float,
    speed: int,
    eighth: int,
    trip: bool,  # noqa: FBT001 - drawn
) -> None:
    long = struct.pack(
        "<iiBBB", round(latitude * 1e7), round(longitude * 1e7), eighth * 8 << 2 | trip, speed, 222
    )
    short = round(latitude * 1e7 / 256).to_bytes(3, "little", signed=True)
    short += round(longitude * 1e7 / 256).to_bytes(3, "little", signed=True)
    short += bytes([round(speed / 5) << 3 | eighth, 222, trip])
    (one,), (other,) = OYSTER.decode(long, 1), OYSTER.decode(short, 4)
    assert one.channels["latitude"] == pytest.approx(latitude, abs=1e-7)
    assert one.channels["longitude"] == pytest.approx(longitude, abs=1e-7)
    assert one.channels["heading"] == eighth * 45.0
    for channel, value in one.channels.items():
        within = {"latitude": 2e-5, "longitude": 2e-5, "speed": 2.5}.get(channel, 1e-9)
        assert other.channels[channel] == pytest.approx(value, abs=within), channel


@pytest.mark.parametrize(("port", "length"), [(1, 11), (4, 9)])
@pytest.mark.parametrize("failed", [False, True])
def test_an_old_position_is_not_told_as_a_new_one(port: int, length: int, failed: bool) -> None:  # noqa: FBT001 - a case
    message = bytearray(length)
    message[8] = failed << 1
    (made,) = OYSTER.decode(bytes(message), port)
    assert made.channels.keys() == PLACE | {"motion", "battery"}
    assert {one for one, value in made.channels.items() if math.isnan(value)} == (
        PLACE if failed else set()
    )


@given(st.integers(0, 255), st.integers(0, 20))
def test_each_port_has_its_length(port: int, length: int) -> None:
    known = {1: {11}, 2: {3}, 3: {11}, 4: {9, 10, 11}}
    if length in known.get(port, ()):
        assert len(OYSTER.decode(bytes(length), port)) == (port in {1, 4})
    else:
        with pytest.raises(DecodeError) as caught:
            OYSTER.decode(bytes(length), port)
        assert caught.value.reason == ("wrong-length" if port in known else "unknown-port")
