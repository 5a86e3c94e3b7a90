"""What was stated, in whatever order ▸ how a consignment stands."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.consignments.facts import (
    RANKS,
    Arrived,
    Assigned,
    Changed,
    Confirmed,
    Created,
    Decided,
    Delivered,
    Departed,
    Fact,
    HandedOver,
    MergedFrom,
    MergedInto,
    Part,
    PartOf,
    Review,
    Split,
    Stated,
    Unassigned,
    Withdrawn,
)
from gateway.consignments.fold import fold, line_of
from rules.cargo.consignment import FOREVER, Consignment
from rules.duration import HOUR
from tests.gateway.consignments.book import BEGAN as BEGINNING
from tests.gateway.consignments.book import CREATED, S1, S2, WAY, held, leg, spoke, stages

Told = tuple[float, Fact]


def folded(told: list[Told], order: list[int] | None = None) -> Consignment:
    """Return what comes of facts, each with its hour, entered in this order or another."""
    return family({"C-1": told}, order)["C-1"]


def family(told: dict[str, list[Told]], order: list[int] | None = None) -> dict[str, Consignment]:
    """Return several: a fact's number is its place among all, from 1, whenever it was entered."""
    numbered: dict[str, list[Stated]] = {}
    number = 0
    for name, facts in told.items():
        for hours, fact in facts:
            number += 1
            when = BEGINNING + round(hours * HOUR)
            stated = Stated(number, when, when, "anna", "", fact)
            numbered.setdefault(name, []).append(stated)
    if order is not None:
        for facts_ in numbered.values():
            facts_.sort(key=lambda one: order[one.number % len(order)])
    lines = {name: line_of(name, lambda one: numbered.get(one, [])) for name in told}
    return {name: fold("acme", line) for name, line in lines.items() if line is not None}


# --- any order

SENSORS = st.sampled_from([DeviceKey("acme", f"s-{number}") for number in range(3)])
FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(Assigned, sensor=SENSORS, where=st.sampled_from(["", "top"])),
    st.builds(Unassigned, sensor=SENSORS),
    st.builds(Departed, leg=st.integers(1, 3)),
    st.builds(Arrived, leg=st.integers(1, 3)),
    st.builds(HandedOver, to=st.sampled_from(["Nord", "Sea", "South"])),
    st.builds(Delivered),
    st.builds(Review, why=st.just("late")),
    st.builds(
        Decided,
        meaning=st.sampled_from(["released", "rejected", "held"]),
        report=st.just(1),
        digest=st.just(""),
    ),
    st.builds(Changed, ignore=st.integers(0, 3).map(lambda hours: hours * HOUR)),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """Facts, of each hour one of a kind; some handovers are confirmed, one fact is withdrawn."""
    facts = draw(st.lists(st.tuples(st.integers(0, 40), FACTS), max_size=14))
    kept: dict[tuple[int, str], Told] = {
        (hour, fact.kind): (float(hour), fact) for hour, fact in facts
    }
    told: list[Told] = [(draw(st.integers(-3, 45)), CREATED), (0.0, WAY), *kept.values()]
    confirmed: set[float] = set()
    for number, (hours, fact) in enumerate(list(told), 1):
        if isinstance(fact, HandedOver) and draw(st.booleans()):
            when = hours + draw(st.integers(-2, 3)) + 0.25
            if when not in confirmed:
                confirmed.add(when)
                told.append((when, Confirmed(fact=number)))
    takes_back = draw(st.booleans())
    if kept and takes_back:
        told.append((50.0, Withdrawn(fact=draw(st.integers(3, len(told))))))
    return told


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_of_entry_does_not_matter(told: list[Told], random: object) -> None:
    order = list(range(len(told) + 1))
    random.shuffle(order)  # type: ignore[attr-defined]
    first = folded(told)
    # The numbers are those of the first order: a fact is named by another with its number.
    assert folded(told, order) == first


@given(histories())
@settings(max_examples=300, deadline=None)
def test_every_moment_has_one_custodian_and_one_stage_and_each_sensor_speaks_once(
    told: list[Told],
) -> None:
    one = folded(told)
    assert one.custody[0].since == one.stages[0].since <= one.created
    assert one.custody[-1].until is None
    for before, after in pairwise(one.custody):
        assert before.since < after.since
        assert before.until == after.since
        assert (before.custodian, before.confirmed, before.leg) != (
            after.custodian,
            after.confirmed,
            after.leg,
        )
    for earlier, later in pairwise(one.stages):
        assert earlier.since < later.since
        assert earlier.stage != later.stage
    by_sensor: dict[DeviceKey, int] = {}
    for each in one.assignments:
        assert one.stages[0].since <= each.since < (each.until or FOREVER)
        assert by_sensor.get(each.sensor, each.since) <= each.since
        by_sensor[each.sensor] = each.until or FOREVER


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
    st.integers(1, 40),
    histories(),
)
@settings(max_examples=150, deadline=None)
def test_parts_add_up_and_begin_with_all_that_held_before(
    amounts: list[int], hours: int, told: list[Told]
) -> None:
    whole = float(max(120, sum(amounts)))
    before = [(h, f) for h, f in told if not isinstance(f, (Changed, Withdrawn, Created))]
    parts = tuple(Part(id=f"P-{no}", quantity=float(one)) for no, one in enumerate(amounts))
    created = Created(goods="vaccines", version="vaccines@1", quantity=whole)
    made = family(
        {
            "C-1": [(-5.0, created), *before, (float(hours), Split(parts=parts))],
            **{
                one.id: [(float(hours), PartOf(parent="C-1", quantity=one.quantity))]
                for one in parts
            },
        }
    )
    parent = made["C-1"]
    left = parent.quantity or 0.0
    assert left + sum(made[one.id].quantity or 0.0 for one in parts) == whole
    assert parent.parts == tuple(one.id for one in parts)
    split = BEGINNING + hours * HOUR
    for one in parts:
        part = made[one.id]
        assert part.stage_at(split) == parent.stage_at(split)
        assert part.parents == ("C-1",)
        for each in part.assignments:
            assert each.until is not None
            assert each.until <= split
            assert each.origin == "C-1"
        when = split - 1
        assert _custodian(part, when) == _custodian(parent, when)


def _custodian(one: Consignment, when: int) -> str:
    return next((c.custodian for c in reversed(one.custody) if c.since <= when), "")


# --- by example


def test_custody_changes_at_the_time_that_the_other_side_gives() -> None:
    one = folded(
        [
            (0, CREATED),
            (0, WAY),
            (1, Departed(leg=1)),
            (5, HandedOver(to="Sea", leg=2)),
            (6, Confirmed(fact=4)),
            (7, Departed(leg=2)),
        ]
    )
    assert held(one) == [
        ("Nord", 0, True, None),
        ("Nord", 1, True, 1),
        ("Nord", 5, False, 1),
        ("Sea", 6, True, 2),
    ]


def test_a_handover_confirmed_for_an_earlier_time_was_never_unconfirmed() -> None:
    one = folded([(0, CREATED), (0, WAY), (5, HandedOver(to="Sea")), (4, Confirmed(fact=3))])
    assert held(one) == [("Nord", 0, True, None), ("Sea", 4, True, None)]


def test_a_handover_that_nobody_confirms_leaves_it_unconfirmed_until_the_next() -> None:
    one = folded(
        [
            (0, CREATED),
            (0, WAY),
            (5, HandedOver(to="Sea")),
            (9, HandedOver(to="South")),
            (9, Confirmed(fact=4)),
        ]
    )
    assert held(one) == [
        ("Nord", 0, True, None),
        ("Nord", 5, False, None),
        ("South", 9, True, None),
    ]


@pytest.mark.parametrize(
    ("told", "custodian"),
    [
        ([(0, CREATED)], "not stated"),
        ([(0, CREATED), (0, WAY)], "Nord"),
        ([(0, CREATED), (0, WAY), (1, Changed(custodian="Factory"))], "Factory"),
    ],
)
def test_somebody_has_it_from_the_beginning_on(told: list[Told], custodian: str) -> None:
    assert held(folded(told)) == [(custodian, 0, True, None)]


def test_what_began_before_it_was_entered_counts_from_then() -> None:
    one = folded([(5, CREATED), (2, Assigned(sensor=S1))])
    assert held(one) == [("not stated", 2, True, None)]
    assert stages(one) == [("planned", 2)]


def test_stages_are_in_the_order_of_what_happened() -> None:
    one = folded(
        [
            (0, CREATED),
            (9, Decided(meaning="released", report=1, digest="")),
            (10, Review(why="late data")),
            (8, Delivered()),
            (3, Departed(leg=2)),
            (1, Departed(leg=1)),
        ]
    )
    assert stages(one) == [
        ("planned", 0),
        ("in_transit", 1),
        ("delivered", 8),
        ("released", 9),
        ("under_review", 10),
    ]


def test_a_sensor_comes_back_and_its_first_minutes_are_left_out_each_time() -> None:
    one = folded(
        [
            (0, CREATED),
            (1, Assigned(sensor=S1)),
            (2, Unassigned(sensor=S1)),
            (4, Assigned(sensor=S1, where="top")),
            (4, Assigned(sensor=S2, ignore=0)),
            (5, Changed(ignore=HOUR)),
        ]
    )
    assert spoke(one) == [("s-1", 1, 2, ""), ("s-1", 4, None, ""), ("s-2", 4, None, "")]
    assert [(a.ignore_until - a.since) // HOUR for a in one.assignments] == [1, 1, 0]


def test_what_is_merged_has_the_sensors_of_all_and_both_as_custodians() -> None:
    other = Created(goods="vaccines", version="vaccines@1", quantity=5.0, unit="boxes", carried=7)
    made = family(
        {
            "A": [(0, CREATED), (0, WAY), (1, Assigned(sensor=S1)), (9, MergedInto(into="M"))],
            "B": [
                (2, other),
                (3, Assigned(sensor=S2)),
                (3, Assigned(sensor=S1)),
                (2, Changed(custodian="Farm")),
                (9, MergedInto(into="M")),
            ],
            "M": [
                (9, MergedFrom(parents=("A", "B"), version="vaccines@1")),
                (9, Assigned(sensor=S2, ignore=0)),
                (12, HandedOver(to="South")),
                (12, Confirmed(fact=12)),
            ],
        }
    )
    one = made["M"]
    assert spoke(one) == [("s-1", 1, 9, "A"), ("s-2", 3, 9, "B"), ("s-2", 9, None, "")]
    assert held(one) == [
        ("Nord", 0, True, None),
        ("Nord / Farm", 2, True, None),
        ("South", 12, True, None),
    ]
    assert (one.quantity, one.carried, one.parents) == (105.0, 7, ("A", "B"))
    assert one.legs == WAY.legs
    assert spoke(made["A"]) == [("s-1", 1, 9, "")]
    assert made["A"].parts == ("M",)


def test_a_part_confirms_the_handover_that_its_parent_claimed() -> None:
    made = family(
        {
            "C-1": [(0, CREATED), (0, WAY), (5, HandedOver(to="Sea", leg=2)), (6, _split(100.0))],
            "P": [(6, PartOf(parent="C-1", quantity=100.0)), (7, Confirmed(fact=3))],
        }
    )
    assert held(made["P"])[-1] == ("Sea", 7, True, 2)
    assert held(made["C-1"])[-1] == ("Nord", 5, False, None)
    assert made["C-1"].quantity == 100.0, "what is split up says how much it was"


def _split(quantity: float) -> Split:
    return Split(parts=(Part(id="P", quantity=quantity),))


def test_a_part_has_its_share_of_the_value_and_the_budget_that_was_used_up() -> None:
    carried = Created(
        goods="v", version="v@1", quantity=4.0, value=100.0, carried=HOUR, cycles=2, ignore=5
    )
    made = family(
        {"C-1": [(0, carried), (1, _split(1.0))], "P": [(1, PartOf(parent="C-1", quantity=1.0))]}
    )
    parent, part = made["C-1"], made["P"]
    assert (parent.quantity, parent.value) == (3.0, 75.0)
    assert (part.quantity, part.value, part.carried, part.cycles) == (1.0, 25.0, HOUR, 2)


def test_what_is_withdrawn_does_not_hold_and_without_its_beginning_there_is_nothing() -> None:
    assert folded([(0, CREATED), (1, Departed(leg=1)), (2, Withdrawn(fact=2))]).stage == "planned"
    assert family({"C-1": [(0, CREATED), (1, Withdrawn(fact=1))]}) == {}


def test_every_kind_of_fact_has_its_place() -> None:
    assert sorted(RANKS.values()) == list(range(len(RANKS)))
    assert leg(2, "x").origin.name == "B"
