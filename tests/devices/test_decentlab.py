"""Decentlab: any of a device's sensors may be missing in a message. Published examples of what each
of them says are in test_published.py."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.models.decentlab import MODELS

SHT35, RHC, IAM = MODELS
PARTS = (
    ({"battery"}, 1),
    ({"temperature", "humidity"}, 2),
    ({"pressure"}, 1),
    ({"illuminance"}, 2),
    ({"co2"}, 3),
    ({"motion"}, 1),
    ({"tvoc"}, 1),
)


@given(st.sets(st.integers(0, 6)))
def test_whatever_sensors_a_message_is_from_they_are_read(sent: set[int]) -> None:
    words = [1000] * sum(PARTS[part][1] for part in sent)
    flags = sum(1 << part for part in sent)
    found = IAM.decode(struct.pack(f">BHH{len(words)}H", 2, 3005, flags, *words), 1)
    expected = set[str]().union(*(PARTS[part][0] for part in sent))
    assert [sample.channels.keys() for sample in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("both", "infrared", "lux"),
    [(610, 105, 678.76512), (0, 0, 0.0), (100, 100, 0.0), (100, 65, 3.1 * 1.5504)],
)
def test_light_is_what_is_left_without_infrared(both: int, infrared: int, lux: float) -> None:
    (found,) = IAM.decode(struct.pack(">BHHHH", 2, 3005, 1 << 3, both, infrared), 1)
    assert found.channels == {"illuminance": pytest.approx(lux)}
