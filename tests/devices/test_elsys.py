"""ELSYS: a list of types, each with the time that its value is from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DecodeError
from devices.model import Sample
from devices.models import by_name

MODELS = by_name()
ERS = MODELS["ers"].decode


def item(kind: int, value: bytes, ago: int, size: int) -> bytes:
    """One value, `ago` seconds old, in `size` (0, 1, 2 or 4) bytes."""
    assert ago == 0 or size
    return bytes((kind | {0: 0, 1: 1, 2: 2, 4: 3}[size] << 6,)) + value + ago.to_bytes(size, "big")


past = st.one_of(
    st.tuples(st.just(0), st.sampled_from([0, 1, 2, 4])),
    st.tuples(st.integers(1, 0xFF), st.sampled_from([1, 2, 4])),
    st.tuples(st.integers(0x100, 0xFFFF), st.sampled_from([2, 4])),
    st.tuples(st.integers(0x10000, 0xFFFF_FFFF), st.just(4)),
)


@given(st.lists(st.tuples(st.integers(-400, 850), past), min_size=1, max_size=8))
def test_values_of_one_moment_are_one_sample_and_the_newest_is_last(
    measured: list[tuple[int, tuple[int, int]]],
) -> None:
    data, expected = b"", {}
    for tenths, (ago, size) in measured:
        data += item(0x01, tenths.to_bytes(2, "big", signed=True), ago, size)
        data += item(0x02, b"\x29", ago, size)
        expected[ago] = {"temperature": tenths / 10, "humidity": 41.0}
    found = ERS(data, 5)
    assert found == [Sample(expected[ago], ago * 1000) for ago in sorted(expected, reverse=True)]


@pytest.mark.parametrize("port", [1, 5, 200])
def test_the_port_says_nothing(port: int) -> None:
    assert ERS(bytes.fromhex("0100E2"), port) == [Sample({"temperature": 22.6})]


def test_a_message_of_another_series_is_refused_with_the_model_that_reads_it() -> None:
    door = bytes.fromhex("03013FFA070E0F0B000007F40D010F00")
    with pytest.raises(DecodeError, match="elsys-elt-2") as caught:
        ERS(door, 5)
    assert caught.value.reason == "other-model"
    assert MODELS["elsyselt2"].decode(door, 5)


@pytest.mark.parametrize(("model", "channels"), [("emsdoor", {"door": 1.0}), ("elt2", None)])
def test_a_switch_is_a_door_only_where_it_was_sold_as_one(
    model: str, channels: dict[str, float] | None
) -> None:
    found = MODELS[model].decode(bytes.fromhex("0D00"), 5)
    assert found == ([Sample(channels)] if channels else [])


def test_what_is_behind_the_settings_is_not_read() -> None:
    assert ERS(bytes.fromhex("0100E23EFFFFFF"), 5) == [Sample({"temperature": 22.6})]
