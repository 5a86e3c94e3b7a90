"""Durations and states, as tables: one sample every five minutes, told in minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.lifecycle import BREACH, CLEAR, NEUTRAL, UNKNOWN, Change, Phase, Timing, advance
from tests.rules.series import engine, readings, rule, verdicts

HOUR = {"above": 8, "duration": "60 min", "hold": "10 min"}
INSTANT = {"above": 8, "mode": "instant"}
TOTAL = {"above": 8, "mode": "cumulative", "duration": "60 min", "hold": "10 min"}


@pytest.mark.parametrize(
    ("settings", "series", "alarms"),
    [
        # consecutive: the hour is full at its exact minute, and the next sample shows it
        (HOUR, "4x12 9x12", []),
        (HOUR, "4x12 9x13", ["60 fired 120 open"]),
        (HOUR, "4x12 9x12 4", ["60 fired 120 resolved 120"]),
        (HOUR, "4x12 9x13 4", ["60 fired 120 resolved 125"]),
        (HOUR, "9x11 4 9x11 4", []),
        (HOUR, "9x13 4 9x13 4", ["0 fired 60 resolved 65", "70 fired 130 resolved 135"]),
        (HOUR, "8x20", []),
        ({**HOUR, "inclusive": True}, "8x13", ["0 fired 60 open"]),
        # a duration that no sample falls on
        ({**HOUR, "duration": "57 min"}, "9x13", ["0 fired 57 open"]),
        # instant, and a duration of nothing
        (INSTANT, "4x3 9 4", ["15 fired 15 resolved 20"]),
        ({"above": 8}, "4x3 9 4", ["15 fired 15 resolved 20"]),
        (INSTANT, "9", ["0 fired 0 open"]),
        # a clear delay: only CLEAR for so long ends it
        ({**INSTANT, "clear_for": "15 min"}, "9 4x2 9 4x3", ["0 fired 0 open"]),
        ({**INSTANT, "clear_for": "15 min"}, "9 4x4", ["0 fired 0 resolved 20"]),
        ({**INSTANT, "clear_for": "12 min"}, "9 4x4", ["0 fired 0 resolved 17"]),
        # a clear limit: between the two it neither fires nor clears
        ({**INSTANT, "clear": 6}, "9 7x9 6", ["0 fired 0 resolved 50"]),
        ({**INSTANT, "clear": 6}, "7x9", []),
        ({**INSTANT, "clear": 6, "clear_for": "10 min"}, "9 6 7x3 6x2", ["0 fired 0 open"]),
        ({**HOUR, "clear": 6}, "9x11 7 9x12", []),
        # UNKNOWN stops the clock: 10 minutes are held, 20 are not known
        (HOUR, "9x6 -x5 9x5", []),
        (HOUR, "9x6 -x5 9x6", ["0 fired 80 open"]),
        ({**HOUR, "gap": "reset"}, "9x6 -x5 9x12", []),
        ({**HOUR, "gap": "reset"}, "9x6 -x5 9x13", ["55 fired 115 open"]),
        # a gap within the hold is no gap
        (HOUR, "9x6 - 9x6", ["0 fired 60 open"]),
        ({**HOUR, "gap": "reset"}, "9x6 - 9x6", ["0 fired 60 open"]),
        # what cannot be true is UNKNOWN from its time on
        (HOUR, "9x6 ?x20 9x7", ["0 fired 160 open"]),
        (HOUR, "?x40", []),
        # a lost sensor clears nothing
        (INSTANT, "9 -x99 ?x9", ["0 fired 0 open"]),
        ({**INSTANT, "clear_for": "15 min", "hold": "5 min"}, "9 4x2 -x9 4", ["0 fired 0 open"]),
        (
            {**INSTANT, "clear_for": "15 min", "hold": "5 min"},
            "9 4x2 -x9 4x2",
            ["0 fired 0 resolved 65"],
        ),
        (
            {**INSTANT, "clear_for": "15 min", "hold": "5 min", "gap": "reset"},
            "9 4x2 -x9 4x4",
            ["0 fired 0 resolved 75"],
        ),
        # cumulative: the total outlives what is well in between
        (TOTAL, "9x6 4x6 9x6", []),
        (TOTAL, "9x6 4x6 9x7", ["0 fired 90 open"]),
        (TOTAL, "9x13 4x99", ["0 fired 60 open"]),
        ({**TOTAL, "reset_after": "30 min"}, "9x6 4x5 9x7", ["0 fired 85 open"]),
        ({**TOTAL, "reset_after": "30 min"}, "9x6 4x6 9x12", []),
        ({**TOTAL, "reset_after": "30 min"}, "9x13 4x7", ["0 fired 60 resolved 95"]),
        # both sides of a range are one alarm
        ({**HOUR, "above": None, "outside": [2, 8]}, "9x6 1x7", ["0 fired 60 open"]),
        ({**HOUR, "above": None, "below": 2}, "1x13 2", ["0 fired 60 resolved 65"]),
    ],
)
def test_a_series_is_judged(settings: dict[str, object], series: str, alarms: list[str]) -> None:
    assert verdicts(settings, series) == alarms


def test_an_alarm_explains_itself() -> None:
    judged = engine([rule(**HOUR)]).judge(readings("4 9x6 -x5 9.5 9x9 4"))
    assert len(judged) == 1
    found = judged[0]
    explanation = found.explanation
    assert found.limit == "above 8.0 °C for 60 min"
    assert (explanation.first, explanation.worst) == (9.0, 9.5)
    assert explanation.worst_at == found.begin + 55 * 60_000
    assert explanation.samples == 17
    assert explanation.unknown == 20 * 60_000
    assert explanation.breached == 85 * 60_000
    assert (explanation.last_when, explanation.last_value) == (found.ended_at, 4.0)


def test_a_run_in_waiting_is_pending_and_the_first_sample_is_unknown_before() -> None:
    timing = Timing("consecutive", 60, 0, "pause", 10)
    phase = Phase()
    states = [phase.state()]
    for when, condition in ((0, CLEAR), (5, BREACH), (100, UNKNOWN), (105, BREACH)):
        assert advance(phase, timing, when=when, condition=condition, value=1.0, badness=1.0) == []
        states.append(phase.state())
    assert states == ["unknown", "ok", "pending", "pending", "pending"]
    assert (phase.breached, phase.unknown) == (10, 90)


timings = st.builds(
    Timing,
    mode=st.sampled_from(["consecutive", "cumulative"]),
    duration=st.integers(0, 60),
    clear_duration=st.integers(0, 60),
    gap=st.sampled_from(["pause", "reset"]),
    hold=st.integers(1, 30),
    reset_after=st.one_of(st.none(), st.integers(1, 60)),
)
steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 10), st.integers(0, 200)),
        st.sampled_from([UNKNOWN, CLEAR, CLEAR, NEUTRAL, BREACH, BREACH]),
    ),
    min_size=1,
    max_size=60,
)


def changes(timing: Timing, samples: list[tuple[int, int]]) -> list[Change]:
    phase = Phase()
    return [
        change
        for when, condition in samples
        for change in advance(phase, timing, when=when, condition=condition, value=0.0, badness=0.0)
    ]


def in_time(moves: list[tuple[int, int]]) -> list[tuple[int, int]]:
    when, found = 0, []
    for step, condition in moves:
        when += step
        found.append((when, condition))
    return found


@given(timings, steps)
def test_nothing_fires_or_clears_while_nobody_knows(
    timing: Timing, moves: list[tuple[int, int]]
) -> None:
    samples = in_time(moves)
    for change in changes(timing, samples):
        needed = BREACH if change.kind == "firing" else CLEAR
        ends = [*(when for when, _ in samples[1:]), samples[-1][0] + timing.hold]
        assert any(
            condition == needed and when <= change.at <= min(end, when + timing.hold)
            for (when, condition), end in zip(samples, ends, strict=True)
        )


@given(timings, steps, st.integers(0, 59), st.integers(1, 10_000))
def test_a_longer_gap_changes_no_verdict(
    timing: Timing, moves: list[tuple[int, int]], place: int, more: int
) -> None:
    place %= len(moves)
    longer = list(moves)
    step, condition = moves[place]
    moves[place] = (step + timing.hold + 1, condition)
    longer[place] = (step + timing.hold + 1 + more, condition)
    begun = [change.kind for change in changes(timing, in_time(moves))]
    assert begun == [change.kind for change in changes(timing, in_time(longer))]


@given(timings, steps)
def test_firing_and_ending_take_turns_and_times_never_go_back(
    timing: Timing, moves: list[tuple[int, int]]
) -> None:
    found = changes(timing, in_time(moves))
    kinds = [change.kind for change in found]
    assert kinds == ["firing", "resolved"] * (len(kinds) // 2) + ["firing"] * (len(kinds) % 2)
    assert [change.at for change in found] == sorted(change.at for change in found)
    assert all(change.begin <= change.fired_at <= change.at for change in found)
