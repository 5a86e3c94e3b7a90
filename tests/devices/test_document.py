"""JSON is read strictly, and the fast way to read it takes nothing that the strict one refuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.device import DecodeError
from devices.envelopes.document import _parse, parse

NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


def outcome(read: Callable[[bytes], object], payload: bytes) -> tuple[str, str]:
    try:
        return "", repr(read(payload))
    except DecodeError as error:
        return error.reason, str(error)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_both_ways_read_the_same(value: object, indent: int | None, ascii_: bool) -> None:  # noqa: FBT001 - drawn
    payload = json.dumps(value, indent=indent, ensure_ascii=ascii_).encode("utf-8", "replace")
    assert outcome(parse, payload) == outcome(_parse, payload)


@given(st.text('{}[]":, \\aué01e-+.\n', max_size=40))
@example('{"a":1,"a":2}')
@example('{"a" :"x","a":"\\""}')
@example('{"a":{"b":"c","b":"c"}}')
@example('["\\u0022","a"]')
@example('{"a":1e999}')
@example('{"a":-0}')
@example('["\\ud800"]')
def test_both_ways_refuse_the_same(text: str) -> None:
    payload = text.encode()
    assert outcome(parse, payload) == outcome(_parse, payload)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"a":{"t":1,"t":2}}', "duplicate-key"),
        (b"[" * 40 + b"]" * 40, "too-deep"),
        (json.dumps({str(n): n for n in range(300)}).encode(), "too-many-keys"),
        (b'{"a":NaN}', "not-json"),
        (b'{"a":"\xff"}', "not-json"),
        (b"  ", "empty"),
    ],
)
def test_what_breaks_a_cap_is_named(payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse(payload)
    assert caught.value.reason == reason
