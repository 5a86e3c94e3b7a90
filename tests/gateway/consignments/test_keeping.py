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
from gateway.consignments.keeping import AFTER, Hold, Span, hold
from gateway.history.held import Held
from rules.cargo.consignment import FOREVER
from rules.duration import DAY, HOUR

T0 = 1_800_000_000_000
YEAR = 365 * DAY
S1, S2 = DeviceKey("acme", "s-1"), DeviceKey("acme", "s-2")
PERIODS = {"vaccines@1": 5 * YEAR, "vaccines@2": 2 * YEAR}
BEFORE = 2 * HOUR
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
        ([(8, Unassigned(sensor=S1))], [span(1, 8)], None),
        ([(9, Delivered())], [Span(S1, span(1, 0).begin, T0 + 9 * DAY + AFTER)], 9),
        ([(8, Unassigned(sensor=S1)), (9, Delivered())], [span(1, 8)], 9),
        (
            [
                (8, Unassigned(sensor=S1)),
                (9, Delivered()),
                (12, Decided(meaning="released", report=1, digest="0")),
            ],
            [span(1, 8)],
            12,
        ),
        (
            [(8, Unassigned(sensor=S1)), (9, Delivered()), (15, Review(why="late data"))],
            [span(1, 8)],
            None,
        ),
        ([(2, Assigned(sensor=S2, until=T0 + 3 * DAY))], [span(1, None), span(2, 3, S2)], None),
    ],
    ids=["under way", "unassigned", "delivered", "both", "decided", "under review", "two sensors"],
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
    assert held(stated(*facts, (11, Review(why="late data")))) is not None
    assert held(stated(*facts, (11, Review(why="late data")), (12, GONE))) is None


def test_what_is_all_in_other_consignments_is_kept_by_those() -> None:
    assert held(stated(*BEGUN), elsewhere=True) is None
    assert held(stated(BEGUN[0])) is None, "no sensor ever spoke for it"


def test_what_was_believed_meanwhile_stays_too() -> None:
    wrong = stated(*BEGUN, (4, Withdrawn(fact=2)))
    found = held(wrong)
    assert found is not None
    assert found.spans == (span(1, 4),)
    late = held(stated(*BEGUN, (5, Unassigned(sensor=S1), 8)))
    assert late is not None
    assert Held(late.spans).holds(S1, T0 + 8 * DAY - 1, T0 + 8 * DAY - 1)


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
    for each in one.assignments:
        until = T0 + now * DAY if each.until is None else each.until
        if one.stage in {"delivered", "released", "rejected"}:
            until = min(until, max(stage.since for stage in one.stages))
        if each.since < until:
            assert kept.holds(each.sensor, each.since, each.since)
            assert kept.holds(each.sensor, until - 1, until - 1)
            assert kept.holds(each.sensor, each.since - BEFORE, each.since - BEFORE)
