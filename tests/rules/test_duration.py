"""Lengths of time as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rules.duration import DAY, HOUR, MINUTE, SECOND, Duration, format_duration, parse_duration


class Model(BaseModel):
    wait: Duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("60 min", 60 * MINUTE),
        ("2 h", 2 * HOUR),
        ("90 s", 90 * SECOND),
        ("1 day", DAY),
        ("2 days", 2 * DAY),
        ("1 h 30 min", 90 * MINUTE),
        ("1h30min", 90 * MINUTE),
        ("1 hour, 30 minutes", 90 * MINUTE),
        ("1.5 h", 90 * MINUTE),
        ("500 ms", 500),
        ("0 s", 0),
    ],
)
def test_a_length_is_read(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds
    assert Model.model_validate({"wait": text}).wait == milliseconds


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (60, "Name the unit"),
        (1.5, "Name the unit"),
        ("60", "lacks a unit"),
        ("1 h 30", "lacks a unit"),
        ("5 parsecs", "use day, h, min, s or ms"),
        ("", "write a number and a unit"),
        ("soon", "write a number and a unit"),
        ("-5 min", "write a number and a unit"),
        (None, "write a number and a unit"),
        ("0.5 ms", "round it"),
    ],
)
def test_a_mistake_is_named_with_its_cure(text: object, cure: str) -> None:
    with pytest.raises(ValidationError, match=cure):
        Model.model_validate({"wait": text})


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 s"),
        (HOUR, "60 min"),
        (90 * MINUTE, "90 min"),
        (90 * SECOND, "90 s"),
        (MINUTE, "1 min"),
        (10 * HOUR, "10 h"),
        (DAY, "1 day"),
        (2 * DAY + HOUR, "2 days 1 h"),
        (-5 * MINUTE, "-5 min"),
    ],
)
def test_a_length_reads_as_people_say_it(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@given(st.integers(0, 10**13))
def test_what_is_written_is_read_back_exactly(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds
    dumped = Model(wait=format_duration(milliseconds)).model_dump()  # type: ignore[arg-type] # validated from text
    assert Model.model_validate(dumped).wait == milliseconds
