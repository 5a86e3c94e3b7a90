"""Container numbers: what stands on doors is understood, and what was mistyped is found."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices.container import ContainerNumberError, check_digit, container_number

NUMBERS = st.from_regex(re.compile(r"[A-Z]{3}[UJZ][0-9]{6}"), fullmatch=True)


@pytest.mark.parametrize(
    ("text", "plain", "shown"),
    [
        # published examples
        ("CSQU3054383", "CSQU3054383", "CSQU 305438-3"),
        ("TEXU 307007-9", "TEXU3070079", "TEXU 307007-9"),
        ("MSKU 907032-3", "MSKU9070323", "MSKU 907032-3"),
        ("  msku-907032.3\n", "MSKU9070323", "MSKU 907032-3"),
        ("M S K U 9 0 7 0 3 2 / 3", "MSKU9070323", "MSKU 907032-3"),
        # whose sum leaves 10 carries a 0
        ("TEXU 307009-0", "TEXU3070090", "TEXU 307009-0"),
        ("MSKZ 907032-7", "MSKZ9070327", "MSKZ 907032-7"),
    ],
)
def test_a_number_is_understood_however_it_is_spaced(text: str, plain: str, shown: str) -> None:
    number = container_number(text)
    assert (number.plain, str(number)) == (plain, shown)
    assert container_number(shown) == number


@pytest.mark.parametrize(
    ("text", "problem", "cure"),
    [
        ("MSKU 907032-4", "its check digit is 4, and 3 would fit", "MSKU 907032-3"),
        ("MSKU 907032", "lacks its check digit", "it is 3: MSKU 907032-3"),
        ("MSKA 907032-3", "fourth letter is A", "U (container)"),
        ("MSK 907032-3", "no number of a container", "four letters and seven digits"),
        ("", "no number of a container", "four letters and seven digits"),
        ("MSKU 9070323 3", "no number of a container", "four letters and seven digits"),
        ("ÄSKU 907032-3", "no number of a container", "four letters and seven digits"),
        ("MSKU ٩٠٧٠٣٢-٣", "no number of a container", "four letters and seven digits"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(text: str, problem: str, cure: str) -> None:
    with pytest.raises(ContainerNumberError) as refused:
        container_number(text)
    assert problem in refused.value.problem
    assert cure in refused.value.cure


@given(NUMBERS, st.integers(4, 9), st.sampled_from("0123456789"))
def test_a_digit_that_is_mistyped_is_found(number: str, place: int, digit: str) -> None:
    right = check_digit(number)
    # A sum that leaves 10 is written as 0 too: those two the standard cannot tell apart.
    assume(number[place] != digit and right)
    with pytest.raises(ContainerNumberError, match="cannot be right"):
        container_number(f"{number[:place]}{digit}{number[place + 1 :]}{right}")


@given(st.text(max_size=20))
def test_nothing_but_its_own_error_comes_of_any_text(text: str) -> None:
    try:
        number = container_number(text)
    except ContainerNumberError:
        return
    assert container_number(number.plain) == number
