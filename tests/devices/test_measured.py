"""Names that people gave, and values as devices write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import DecodeError, check_device_id
from devices.envelopes.measured import bare, device_of, place_of, truth

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("fridge-1", "fridge-1"),
        ("0x00158d0001", "0x00158d0001"),
        ("kitchen/fridge", "kitchen:fridge"),
        ("Cold room 1", "Cold%20room%201"),
        ("a.b", "a%2Eb"),
        ("a:b", "a%3Ab"),
        ("50%", "50%25"),
        ("Kühlraum", "Kühlraum"),
        ("a\u202eb", "a%E2%80%AEb"),
        ("a+b#c>d*", "a%2Bb%23c%3Ed%2A"),
    ],
)
def test_a_name_becomes_an_id(name: str, device: str) -> None:
    assert device_of(name) == device


def test_a_name_that_gives_no_id_is_refused() -> None:
    for name in ("", "x" * 129, " " * 50):
        with pytest.raises(DecodeError, match="device id"):
            device_of(name)


@given(NAMES, NAMES)
def test_no_two_names_share_an_id(one: str, other: str) -> None:
    try:
        first, second = device_of(one), device_of(other)
    except DecodeError:  # too long once it is written out
        return
    assert (first == second) == (one == other)
    assert check_device_id(first) == first


def test_a_place_holds_letters_digits_and_lines_only() -> None:
    assert place_of("probe 2/a.b") == "probe_2_a_b"
    assert len(place_of("x" * 99)) == 64


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1.0), (False, 0.0), ("ON", 1.0), (" closed ", 0.0), ("wet", 1.0), (1, 1.0), (0.0, 0.0)],
)
def test_a_yes_is_one_and_a_no_is_nought(value: object, expected: float) -> None:
    assert truth(value, "door") == expected


@pytest.mark.parametrize("value", ["ajar", [], {}, "21.5"])
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(DecodeError, match="'door'"):
        truth(value, "door")


@pytest.mark.parametrize(
    ("text", "expected"), [("21.5", 21.5), (" -3 \n", -3.0), ("1e1", 10.0), ("0", 0.0)]
)
def test_a_bare_number_is_read(text: str, expected: float) -> None:
    assert bare(text, "the value", words=False) == expected


@pytest.mark.parametrize("text", ["", "null", "NaN", "unavailable", "Unknown"])
def test_a_bare_text_may_say_that_there_is_no_value(text: str) -> None:
    assert math.isnan(bare(text, "the value", words=True))


@pytest.mark.parametrize("text", ["21.5 °C", "1_000", "on", "inf", "21,5", "1e999"])
def test_a_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="the value"):
        bare(text, "the value", words=False)
