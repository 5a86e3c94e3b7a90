"""Which requests read declared registers, and what their words mean."""

from __future__ import annotations

import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.ways import Register
from gateway.ways.registers import MOST_REGISTERS, requests, value


def register(address: int = 0, **more: object) -> Register:
    given = {"channel": "temperature", "address": address, **more}
    return Register.model_validate_json(json.dumps(given))


@pytest.mark.parametrize(
    ("more", "words", "expected"),
    [
        ({"scale": 0.1}, [43], 4.3),
        ({"scale": 0.1}, [3], 0.3),
        ({"scale": 0.1}, [0x10000 - 185], -18.5),
        ({"type": "uint16"}, [0xFFFF], 65_535.0),
        ({"type": "uint16", "scale": 0.1, "offset": -40.0}, [425], 2.5),
        ({"type": "int32"}, [0xFFFF, 0xFFFE], -2.0),
        ({"type": "int32", "words": "little"}, [0xFFFE, 0xFFFF], -2.0),
        ({"type": "uint32"}, [0x0001, 0x0000], 65_536.0),
        ({"type": "float32"}, [0x4089, 0x999A], 4.3),
        ({"type": "float32", "words": "little"}, [0x999A, 0x4089], 4.3),
        ({"type": "float32"}, [0x7FC0, 0x0000], math.nan),
        ({"type": "float32"}, [0x7F80, 0x0000], math.nan),
        ({"missing": [32_767, -32_768]}, [0x7FFF], math.nan),
        ({"missing": [32_767, -32_768]}, [0x8000], math.nan),
        ({"kind": "coil"}, [1], 1.0),
        ({"kind": "discrete", "scale": -1.0, "offset": 1.0}, [1], 0.0),
    ],
)
def test_words_become_a_value(more: dict[str, object], words: list[int], expected: float) -> None:
    assert value(register(0, **more), words) == pytest.approx(expected, abs=0, rel=0, nan_ok=True)


@given(
    st.sampled_from([("int16", ">h"), ("uint16", ">H"), ("int32", ">i"), ("uint32", ">I")]),
    st.sampled_from(["big", "little"]),
    st.data(),
)
def test_whatever_a_device_packs_is_read(
    kind: tuple[str, str], order: str, data: st.DataObject
) -> None:
    name, form = kind
    size = struct.calcsize(form)
    raw = data.draw(st.binary(min_size=size, max_size=size))
    words = list(struct.unpack(f">{size // 2}H", raw))
    if order == "little":
        words.reverse()
    assert value(register(type=name, words=order), words) == struct.unpack(form, raw)[0]


def planned(*registers: Register, gap: int = 0) -> list[tuple[str, int, int]]:
    return [(one.kind, one.address, one.size) for one in requests(registers, gap)]


def test_neighbours_are_read_at_once() -> None:
    some = (register(2), register(0, type="int32"), register(10), register(2, kind="input"))
    assert planned(*some) == [("holding", 0, 3), ("holding", 10, 1), ("input", 2, 1)]
    assert planned(*some, gap=7) == [("holding", 0, 11), ("input", 2, 1)]


def test_no_request_is_longer_than_the_protocol_allows() -> None:
    many = [register(address, type="float32") for address in range(0, 400, 2)]
    found = requests(many)
    assert max(one.size for one in found) <= MOST_REGISTERS
    assert sum(len(one.registers) for one in found) == len(many)
    assert all(
        one.address <= each.address and each.address + each.size <= one.address + one.size
        for one in found
        for each in one.registers
    )


def test_a_register_that_lies_within_another_is_read_too() -> None:
    assert planned(register(0, type="int32"), register(1)) == [("holding", 0, 2)]
