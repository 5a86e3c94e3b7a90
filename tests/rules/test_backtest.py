"""Rules tried on the past: what they would have told, and what differs from other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import IMPORTED
from rules.backtest import Backtest, Heard, backtest, lead
from rules.contact import Absence
from rules.duration import DAY, HOUR, MINUTE
from rules.plan import EVER
from tests.rules.series import INTERVAL, REEFER, START, at, readings, rule, several, temperature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import Reading
    from rules.alert import Alert
    from rules.rule import Rule

WARM: dict[str, Any] = {"above": 8.0, "duration": "10 min"}
GONE: dict[str, Any] = {"name": "gone", "kind": "lost_contact", "after": "30 min"}


def tried(
    series: str | Sequence[Reading],
    new: Sequence[dict[str, Any]],
    old: Sequence[dict[str, Any]] = (),
    *,
    start: int = START,
    end: int = START + DAY,
) -> Backtest:
    return backtest(
        REEFER,
        readings(series) if isinstance(series, str) else series,
        [rule(**one) for one in new],
        [rule(**one) for one in old],
        intervals=((EVER, INTERVAL),),
        start=start,
        end=end,
    )


def brief(alerts: Sequence[Alert]) -> list[str]:
    """Return alerts as rule, minute of firing and minute of the end."""
    return [
        f"{one.rule} {_minute(one.fired)}..{'' if one.ended is None else _minute(one.ended)}"
        for one in alerts
    ]


def _minute(when: int) -> str:
    return f"{(when - START) / MINUTE:g}"


def changes(found: Backtest) -> dict[str, list[str]]:
    both = [f"{now} was {was}" for one in found.both for now, was in [brief([one.now, one.before])]]
    return {"added": brief(found.added), "gone": brief(found.gone), "both": both}


@pytest.mark.parametrize(
    ("series", "new", "old", "added", "gone", "both"),
    [
        pytest.param("5x3 9x6 5x3", [WARM], [], ["too-warm 25..45"], [], [], id="only new"),
        pytest.param("5x3 9x6 5x3", [], [WARM], [], ["too-warm 25..45"], [], id="only old"),
        pytest.param(
            *("5x3 9x6 5x3", [{**WARM, "duration": "20 min"}], [WARM], [], []),
            ["too-warm 35..45 was too-warm 25..45"],
            id="later",
        ),
        pytest.param(
            *("5x3 9x6 5x3", [{**WARM, "name": "hot"}], [WARM], [], []),
            ["hot 25..45 was too-warm 25..45"],
            id="another name",
        ),
        pytest.param(
            *("5x3 9x6 5x3 9x6 5x3", [{**WARM, "clear_for": "30 min"}], [WARM], []),
            *(["too-warm 70..90"], ["too-warm 25.. was too-warm 25..45"]),
            id="two become one",
        ),
        pytest.param(
            *("5x3 9x6 5x3", [{"name": "cold", "below": 6.0}], [WARM]),
            *(["cold 0..15", "cold 45.."], ["too-warm 25..45"], []),
            id="of the same kind, but at other times",
        ),
        pytest.param(
            *("5x3 9x6 5x3 3x6 5x3", [{"name": "out", "outside": [4.0, 8.5]}]),
            *([{"name": "cold", "below": 4.0, "clear_for": "1 d"}, {**WARM, "name": "hot"}], []),
            *([], ["out 15..45 was hot 25..45", "out 60..90 was cold 60.."]),
            id="on the same side of the limit",
        ),
        pytest.param(
            *("5x3 9x6 3x6 5x3", [{"name": "cold", "below": 4.0}]),
            *([{**WARM, "clear_for": "10 min"}], ["cold 45..75"], ["too-warm 25..55"], []),
            id="not on the other side",
        ),
        pytest.param(
            *("5x3 9x6 5x3", [{"name": "hot", "above": 8.5, "duration": "5 min"}, WARM], [WARM]),
            *(["hot 20..45"], [], ["too-warm 25..45 was too-warm 25..45"]),
            id="one of the same name goes first",
        ),
    ],
)
def test_alerts_are_held_against_those_of_other_rules(  # noqa: PLR0917 - a table
    series: str,
    new: list[dict[str, Any]],
    old: list[dict[str, Any]],
    added: list[str],
    gone: list[str],
    both: list[str],
) -> None:
    assert changes(tried(series, new, old)) == {"added": added, "gone": gone, "both": both}


@given(
    st.lists(st.sampled_from(["3", "5", "8", "9", "?", "-"]), min_size=1, max_size=60),
    st.integers(0, 300),
)
def test_rules_held_against_themselves_differ_in_nothing(words: list[str], minutes: int) -> None:
    rules = [
        WARM,
        {"name": "cold", "below": 4.0, "mode": "cumulative", "duration": "15 min"},
        {"name": "deaf", "kind": "no_usable_data", "duration": "5 min"},
        GONE,
    ]
    found = tried(" ".join(words), rules, rules, start=at(minutes), end=at(360))
    assert (found.added, found.gone) == ((), ())
    assert all(one.same and one.fired == 0 and not one.ended for one in found.both)
    assert not found.differs
    assert found.tried == found.standing


def test_how_much_sooner_and_later_an_alert_comes_is_told() -> None:
    found = tried("5x3 9x6 7x3 5x3", [{**WARM, "duration": "5 min", "clear": 6.0}], [WARM])
    (both,) = found.both
    assert (both.fired, both.ended, both.same) == (-5 * MINUTE, 15 * MINUTE, False)
    assert found.differs


def test_another_severity_is_a_difference() -> None:
    found = tried("5x3 9x6 5x3", [{**WARM, "severity": "critical"}], [WARM])
    assert [one.same for one in found.both] == [False]


def test_what_a_rule_would_have_done_is_accounted_for() -> None:
    found = tried("5x3 9x6 -x6 5x3 9x3", [WARM], start=START, end=at(120))
    (account,) = found.tried
    assert (account.rule, account.alerts, account.heard) == ("too-warm", 2, True)
    # What is heard at 40 speaks until 70, and the next comes at 75.
    assert account.firing == (at(75) - at(25)) + (at(120) - at(100))
    assert account.breach == (at(70) - at(15)) + (at(120) - at(90))
    assert account.unknown == 5 * MINUTE


def test_an_alert_that_goes_on_at_the_start_counts_from_the_start_on() -> None:
    found = tried("9x12 5x3", [WARM], start=at(30), end=at(60))
    assert brief(found.alerts) == ["too-warm 10..60"]
    assert found.tried[0].firing == 30 * MINUTE
    assert found.readings == 9


def test_what_was_over_before_the_start_is_left_out() -> None:
    assert tried("9x6 5x30", [WARM], start=at(60)).alerts == []


def test_where_nobody_can_hear_it_nobody_is_missed() -> None:
    """Until an hour after its beginning nobody need hear it, and then it is waited for."""
    found = backtest(
        REEFER,
        readings("5x3"),
        [rule(**GONE)],
        [],
        intervals=((EVER, INTERVAL),),
        start=START,
        end=at(180),
        heard=Heard([at(0), at(150)], lambda _when: Absence(since=at(45), until=at(60))),
    )
    assert brief(found.alerts) == ["gone 75..150"]


@pytest.mark.parametrize(
    ("minutes", "end", "expected"),
    [
        ([0, 20, 40, 60], 80, []),
        ([0, 20, 60, 80], 90, ["gone 50..60"]),
        ([0, 20], 90, ["gone 50.."]),
        ([60, 80, 0, 20], 90, ["gone 50..60"]),
        ([], 90, []),
    ],
)
def test_silence_goes_by_when_it_was_heard(
    minutes: list[int], end: int, expected: list[str]
) -> None:
    heard = sorted(
        (temperature(minute, 5.0, received=at(minute)) for minute in minutes),
        key=lambda one: one.when,
    )
    found = tried(heard, [GONE], end=at(end))
    assert brief(found.alerts) == expected
    assert found.tried[0].heard == bool(minutes)


def test_of_a_file_nobody_can_say_when_it_was_not_heard() -> None:
    file = [temperature(minute, 5.0, flags=IMPORTED) for minute in (0, 5, 300)]
    found = tried(file, [GONE, WARM])
    assert found.alerts == []
    assert [(one.rule, one.heard) for one in found.tried] == [("gone", False), ("too-warm", True)]


def test_a_rule_whose_channel_never_came_says_so() -> None:
    (account,) = tried([several(0, humidity=60.0)], [WARM]).tried
    assert (account.heard, account.breach, account.unknown) == (False, None, None)


def test_all_rules_judge_whichever_devices_they_name() -> None:
    assert len(tried("9x6", [{**WARM, "devices": ["another"]}]).alerts) == 1


WAITING: list[tuple[dict[str, Any], int]] = [
    (WARM, 10 * MINUTE + INTERVAL * 5 // 2),
    ({**WARM, "clear_for": "1 h", "hold": "5 min"}, 75 * MINUTE),
    ({**WARM, "mode": "cumulative", "reset_after": "1 d", "hold": "5 min"}, DAY + 15 * MINUTE),
    (GONE, 30 * MINUTE),
]


@pytest.mark.parametrize(("settings", "length"), WAITING)
def test_judging_begins_as_long_before_as_rules_wait(settings: dict[str, Any], length: int) -> None:
    assert lead([rule(**settings)], INTERVAL) == length


def test_without_rules_there_is_nothing_to_wait_for() -> None:
    nothing: list[Rule] = []
    assert lead(nothing, HOUR) == 0
