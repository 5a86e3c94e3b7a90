"""RuuviTag: published examples of data format 5, sequence numbers, and fields of advertisements."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DecodeError
from devices.models.ruuvi import MODELS, manufacturer_data, sequence_of
from simulators.encoders.ruuvi import ENCODERS, advertisement, encode

if TYPE_CHECKING:
    from pathlib import Path

(TAG,) = MODELS
VALID = bytes.fromhex("0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F")
NOTHING_VALID = bytes.fromhex("058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF")
VALUES = {channel: lowest for channel, (lowest, _, _) in ENCODERS[0].ranges.items()}


def test_published_examples_are_read(vectors: Path) -> None:
    file = vectors.parent / "formats.md"
    if not file.exists():
        pytest.skip(f"{file} with Ruuvi's published examples is not there")
    text = file.read_text(encoding="utf-8").replace("−", "-")  # noqa: RUF001 - its minus sign
    found = re.findall(r"`(05[0-9A-F]{46})` → ([^;.]*(?:\.\d[^;.]*)*)", text)
    assert len(found) == 4
    for message, says in found:
        (sample,) = TAG.decode(bytes.fromhex(message), 0)
        if says.startswith("nothing valid"):
            assert all(map(math.isnan, sample.channels.values()))
            continue
        told = {"temperature": rf"({NUMBER}) °C", "humidity": rf"({NUMBER}) %"}
        for channel, pattern in told.items():
            assert sample.channels[channel] == pytest.approx(float(one(pattern, says)))
        pascal = float(one(rf"({NUMBER}) Pa", says))
        assert sample.channels["pressure"] == pytest.approx(pascal / 100)
        if "sequence" in says:
            axes = one(rf"({NUMBER}/{NUMBER}/{NUMBER}) g", says).split("/")
            for axis, value in zip("xyz", axes, strict=True):
                assert sample.channels[f"acceleration.{axis}"] == pytest.approx(float(value))
            assert sample.channels["battery"] == float(one(rf"({NUMBER}) V", says))
            assert sample.channels["count.movement"] == float(one(r"movement (\d+)", says))
            assert sequence_of(bytes.fromhex(message)) == int(one(r"sequence (\d+)", says))


NUMBER = r"-?\d+(?:\.\d+)?"


def one(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in {text}"
    return match[1]


def test_a_tag_without_humidity_and_pressure_says_nothing_of_them() -> None:
    values = VALUES | {"humidity": math.nan, "pressure": math.nan}
    (sample,) = TAG.decode(encode(values), 0)
    assert sample.channels.keys() == VALUES.keys() - {"humidity", "pressure"}


@pytest.mark.parametrize("sequence", [0, 205, 65534, None])
def test_a_measurement_has_the_number_that_the_tag_gave_it(sequence: int | None) -> None:
    assert sequence_of(encode(VALUES, sequence)) == sequence


def test_a_number_of_something_else_is_refused() -> None:
    for data in (b"", b"\x03" + VALID[1:], VALID[:-1], VALID + b"\x00"):
        with pytest.raises(DecodeError):
            sequence_of(data)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (advertisement(VALID), VALID),
        (bytes.fromhex("1BFF9904") + VALID, VALID),
        # A name and somebody else's field before it.
        (bytes.fromhex("040952757505FF4C000215") + advertisement(VALID), VALID),
        (bytes.fromhex("03FF9904"), b""),
        # Only Ruuvi's field counts, and only as a manufacturer's.
        (bytes.fromhex("020106"), None),
        (bytes.fromhex("05FF4C000215"), None),
        (bytes.fromhex("1B169904") + VALID, None),
        (b"", None),
        # Zeros fill what is left.
        (bytes.fromhex("02010600000000"), None),
        (advertisement(VALID) + bytes(3), VALID),
    ],
)
def test_ruuvis_field_is_found_in_an_advertisement(raw: bytes, found: bytes | None) -> None:
    assert manufacturer_data(raw) == found


@pytest.mark.parametrize(
    "raw", ["02", "0201", "020106FF", "1BFF9904" + VALID.hex()[:-2], "01FF", "02FF99"]
)
def test_a_malformed_advertisement_is_refused(raw: str) -> None:
    with pytest.raises(DecodeError) as caught:
        manufacturer_data(bytes.fromhex(raw))
    assert caught.value.reason == "bad-advertisement"


@given(st.binary(max_size=60))
def test_whatever_is_heard_is_a_field_or_none_or_refused(raw: bytes) -> None:
    try:
        found = manufacturer_data(raw)
    except DecodeError:
        return
    assert found is None or found in raw
