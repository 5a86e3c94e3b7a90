"""What is kept for a consignment: all that its verdict rests on, until the period is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.consignments.facts import (
    Assigned,
    Changed,
    Created,
    Decided,
    Delivered,
    Departed,
    Fact,
    LetGo,
    Review,
    Stated,
    Unassigned,
    Withdrawn,
)
from gateway.consignments.fold import fold, line_of
from gateway.consignments.keeping import Hold, Span, hold
from gateway.history.held import Held
from rules.cargo.consignment import FOREVER
from rules.cargo.voyage import voyage
from rules.duration import DAY, HOUR

T0 = 1_800_000_000_000
YEAR = 365 * DAY
S1, S2 = DeviceKey("acme", "s-1"), DeviceKey("acme", "s-2")
PERIODS = {"vaccines@1": 5 * YEAR, "vaccines@2": 2 * YEAR}
BEFORE = 2 * HOUR
RELEASED = Decided(meaning="released", report=1, digest="0")
LATE = Review(why="late data")
GONE = LetGo(digest="0", readings=1, messages=1)


def stated(*facts: tuple[float, Fact] | tuple[float, Fact, float]) -> list[Stated]:
    """State facts on days of the voyage; the third number says on which day it was entered."""
    return [
        Stated(
            number,
            T0 + int(each[0] * DAY),
            T0 + int((each[2] if len(each) > 2 else each[0]) * DAY),
            "mia",
            "",
            each[1],
        )
        for number, each in enumerate(facts, 1)
    ]


BEGUN: list[tuple[float, Fact]] = [
    (0, Created(goods="vaccines", version="vaccines@1")),
    (1, Assigned(sensor=S1)),
    (1, Departed(leg=1)),
]


def held(facts: list[Stated], *, day: float = 50, elsewhere: bool = False) -> Hold | None:
    line = line_of("A-1", lambda _id: facts)
    assert line is not None
    return hold(
        fold("acme", line),
        facts,
        keep=PERIODS.__getitem__,
        before=lambda _sensor: BEFORE,
        elsewhere=elsewhere,
        now=T0 + int(day * DAY),
    )


def span(begin: float, end: float | None, sensor: DeviceKey = S1) -> Span:
    until = FOREVER if end is None else T0 + int(end * DAY)
    return Span(sensor, T0 + int(begin * DAY) - BEFORE, until)


@pytest.mark.parametrize(
    ("more", "spans", "until"),
    [
        ([], [span(1, None)], None),
        ([(8, Unassigned(sensor=S1))], [span(1, None)], None),
        ([(9, Delivered())], [span(1, None)], 9),
        ([(8, Unassigned(sensor=S1)), (9, Delivered())], [span(1, 10)], 9),
        ([(9, Delivered()), (12, RELEASED)], [span(1, 13)], 12),
        ([(8, Unassigned(sensor=S1)), (9, Delivered()), (12, RELEASED)], [span(1, 13)], 12),
        ([(8, Unassigned(sensor=S1)), (9, Delivered()), (15, LATE)], [span(1, 16)], None),
        ([(9, Delivered()), (12, RELEASED), (15, LATE)], [span(1, 16)], None),
        ([(2, Assigned(sensor=S2, until=T0 + 3 * DAY))], [span(1, None), span(2, None, S2)], None),
        ([(9, Delivered()), (9.5, Unassigned(sensor=S1))], [span(1, 10.5)], 9.5),
    ],
    ids=[
        *("under way", "unassigned", "delivered, with its sensor", "delivered", "decided"),
        *("all of it", "under review", "under review again", "two sensors", "unassigned last"),
    ],
)
def test_what_is_kept_and_until_when(
    more: list[tuple[float, Fact]], spans: list[Span], until: float | None
) -> None:
    found = held(stated(*BEGUN, *more))
    assert found is not None
    assert found.spans == tuple(spans)
    assert found.since == spans[0].begin
    assert found.until == (None if until is None else T0 + int(until * DAY) + 5 * YEAR)


def test_of_several_versions_the_longest_period_counts() -> None:
    facts = stated(*BEGUN, (2, Changed(version="vaccines@2")), (9, Delivered()))
    found = held(facts)
    assert found is not None
    assert found.until == T0 + 9 * DAY + 5 * YEAR


def test_when_the_period_is_over_nothing_is_kept() -> None:
    facts = stated(*BEGUN, (9, Delivered()))
    assert held(facts, day=9 + 5 * 365 - 0.1) is not None
    assert held(facts, day=9 + 5 * 365) is None


def test_what_was_let_go_is_kept_again_once_more_is_stated() -> None:
    facts = [*BEGUN, (9, Delivered()), (10, GONE)]
    assert held(stated(*facts)) is None
    assert held(stated(*facts, (11, LATE))) is not None
    assert held(stated(*facts, (11, LATE), (12, GONE))) is None


def test_what_is_all_in_other_consignments_is_kept_by_those() -> None:
    assert held(stated(*BEGUN), elsewhere=True) is None
    assert held(stated(BEGUN[0])) is None, "no sensor ever spoke for it"


def test_a_sensor_that_was_assigned_by_mistake_is_kept_to_the_end_too() -> None:
    found = held(stated(*BEGUN, (2, Assigned(sensor=S2)), (4, Withdrawn(fact=4))))
    assert found is not None
    assert found.spans == (span(1, None), span(2, None, S2))
    only = held(stated(*BEGUN, (4, Withdrawn(fact=2))))
    assert only is not None
    assert only.spans == (span(1, None),)
    arrived = held(stated(*BEGUN, (4, Withdrawn(fact=2)), (5, Delivered())))
    assert arrived is not None
    assert arrived.spans == (span(1, None),), "judged until now"


_fact = st.one_of(
    st.builds(Assigned, sensor=st.sampled_from([S1, S2])),
    st.builds(Unassigned, sensor=st.sampled_from([S1, S2])),
    st.just(Departed(leg=1)),
    st.just(Delivered()),
    st.just(Review(why="?")),
    st.builds(Withdrawn, fact=st.integers(2, 8)),
)


@given(
    more=st.lists(st.tuples(st.integers(0, 20), _fact), max_size=8),
    now=st.integers(0, 4 * 365),
)
def test_whatever_is_stated_no_reading_that_counts_is_let_go(
    more: list[tuple[int, Fact]], now: int
) -> None:
    facts = stated(BEGUN[0], *sorted(more, key=lambda one: one[0]))
    line = line_of("A-1", lambda _id: facts)
    assert line is not None
    one = fold("acme", line)
    found = held(facts, day=now)
    kept = Held(found.spans if found is not None else ())
    judged = voyage(one, T0 + now * DAY)
    for each in one.assignments:
        until = judged.until if each.until is None else min(each.until, judged.until)
        if each.since < until:
            assert kept.holds(each.sensor, each.since - BEFORE, each.since - BEFORE)
    # The verdict reads every sensor that was ever assigned to the end, to tell what is left out.
    for sensor, since in {
        (each.fact.sensor, each.at) for each in facts if isinstance(each.fact, Assigned)
    }:
        for when in {since, judged.until - 1, (since + judged.until) // 2}:
            if since <= when < judged.until:
                assert kept.holds(sensor, when, when)
