"""Facts in words, as the terminal and the report say them."""

from __future__ import annotations

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.consignments.facts import (
    KINDS,
    Assigned,
    Changed,
    Confirmed,
    Created,
    Decided,
    Fact,
    HandedOver,
    Part,
    Planned,
    Split,
)
from gateway.consignments.saying import _WORDS, fact_words
from rules.cargo.consignment import Leg, Place
from rules.duration import HOUR, MINUTE

LEG = Leg(number=1, custodian="K", mode="road", origin=Place("a"), destination=Place("b"))


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (
            Created(
                goods="vaccines",
                version="vaccines@01",
                quantity=100.0,
                unit="boxes",
                value=250000.0,
                currency="EUR",
                origin=Place("Rostock"),
                carried=3 * HOUR,
            ),
            (
                "created: vaccines, by vaccines@01, 100 boxes, worth 250,000 EUR, from Rostock, "
                "used before: 3 h"
            ),
        ),
        (Created(goods="x", version="x@1", wait=MINUTE), "created: x, by x@1"),
        (
            Created(goods="x", version="x@1", wait=2 * MINUTE, value=1_234_567.5),
            "created: x, by x@1, worth 1,234,567.5, waits for slower sensors 2 min",
        ),
        (Changed(quantity=80.0), "changed: 80"),
        (Changed(unit="boxes", note=""), "changed: unit boxes, note: nothing"),
        (Planned(legs=(LEG,)), "planned: 1 leg"),
        (
            Assigned(sensor=DeviceKey("", "t-1"), until=7, where="door", ignore=30 * MINUTE),
            "assigned: t-1 until [7], door, its first 30 min left out",
        ),
        (HandedOver(to="Sea Line", leg=2), "handed over: to Sea Line"),
        (Confirmed(fact=8), "confirmed: number 8"),
        (Decided(meaning="released", report=1, digest="ab"), "decided: released, report 1"),
        (Split(parts=(Part(id="a", quantity=2), Part(id="b"))), "split: a:2, b"),
    ],
)
def test_a_fact_is_said_in_plain_words(fact: Fact, told: str) -> None:
    plain = msgspec.to_builtins(fact)
    assert fact_words(fact.kind, plain, lambda when: f"[{when}]") == told


def test_only_kinds_that_there_are_have_words() -> None:
    assert set(_WORDS) <= set(KINDS)
