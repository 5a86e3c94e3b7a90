"""Milesight: parts in any order, whatever else a device says, and what it stored. The maker's own
examples lie with the other vectors, in devices/models/vectors."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DecodeError
from devices.model import Model, Sample
from devices.models.milesight import MODELS

BY_ID = {model.id: model for model in MODELS}
TH = BY_ID["milesight-em300-th"]
PARTS = ("01755C", "03673401", "046865")
JOINED = "FF0BFF FF0101 FF166785C38226020003 FF090110 FF0A0101 FF0F00"


@pytest.mark.parametrize("order", list(permutations(PARTS)))
@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.id)
def test_parts_come_in_any_order(model: Model, order: tuple[str, ...]) -> None:
    (found,) = model.decode(bytes.fromhex("".join(order)), 85)
    assert found == Sample({"battery_level": 92.0, "temperature": 30.8, "humidity": 50.5})


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.id)
@pytest.mark.parametrize(
    "more",
    [
        JOINED,  # what it is
        "FF0258 02".replace(" ", ""),  # an answer to a command: the interval is 600 s now
        "FE03B004",
        "FF06CCC8002C0100000000",
        "FC6C00",  # somebody asked for what it stored
        "",
    ],
)
def test_what_is_no_measurement_is_passed_over(model: Model, more: str) -> None:
    assert model.decode(bytes.fromhex(more), 85) == []
    (found,) = model.decode(bytes.fromhex(more + "03673401" + more), 85)
    assert found == Sample({"temperature": 30.8})


@given(st.lists(st.integers(0, 2**32 - 1), max_size=6), st.booleans())
def test_what_was_stored_comes_before_what_is_now(times: list[int], now: bool) -> None:  # noqa: FBT001 - drawn
    message = b"".join(
        b"\x20\xce" + time.to_bytes(4, "little") + bytes.fromhex("10015D00") for time in times
    )
    found = TH.decode(message + (b"\x04\x68\x65" if now else b""), 85)
    stored = [sample for sample in found if sample.at is not None]
    assert [sample.at for sample in stored] == [time * 1000 for time in sorted(times)]
    assert all(one.channels == {"temperature": 27.2, "humidity": 46.5} for one in stored)
    assert found[len(stored) :] == ([Sample({"humidity": 50.5})] if now else [])


def test_a_record_has_the_length_that_its_model_gives_it() -> None:
    record = bytes.fromhex("20CE9E74466310015D")
    for model, size in (("em300-th", 8), ("em300-mcs", 8), ("em320-th", 7), ("am102", 7)):
        decode = BY_ID[f"milesight-{model}"].decode
        assert len(decode(record + bytes(size - 7) + b"\x04\x68\x65", 85)) == 2
        with pytest.raises(DecodeError):
            decode(record[: 1 + size], 85)


@pytest.mark.parametrize("port", [1, 85, 223])
def test_the_port_is_a_setting_of_the_device(port: int) -> None:
    assert TH.decode(bytes.fromhex("03673401"), port)[0].channels == {"temperature": 30.8}
