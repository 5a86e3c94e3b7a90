"""What `holdwatch status` says of the ways in."""

from __future__ import annotations

import msgspec
import pytest

from gateway.screen.health_lines import _ways
from gateway.settings import Settings
from gateway.ways.way import Fare
from rules.duration import MINUTE
from tests.gateway.parts import ToldClock


@pytest.mark.parametrize(
    ("came", "failed", "words"),
    [
        (False, "", "… poll:store: nothing came yet"),
        (True, "", "poll:store: last came"),
        (True, "no answer. Check url", "poll:store: fails since"),
    ],
)
def test_each_way_in_has_a_line(came: bool, failed: str, words: str) -> None:  # noqa: FBT001 - a column of the table
    fare = Fare("poll:store", MINUTE, ToldClock())
    if came:
        fare.came(1)
    if failed:
        fare.failed(failed)
    (line,) = _ways(Settings(), [msgspec.to_builtins(fare.report)])
    assert words in line
    assert ("No answer. Check url" in line) == bool(failed)


def test_a_foreign_text_cannot_turn_the_screen() -> None:
    fare = Fare("poll:store", MINUTE, ToldClock())
    fare.failed("[red]answer\x1b[2J")
    (line,) = _ways(Settings(), [msgspec.to_builtins(fare.report)])
    assert "\x1b" not in line
    assert r"\[red]" in line


def test_a_failure_is_told_once_it_lasts_and_no_more_when_it_is_over() -> None:
    clock = ToldClock()
    fare = Fare("poll:store", 10 * MINUTE, clock)
    fare.failed("no answer")
    clock.passes(29 * MINUTE)
    fare.failed("no answer", "Check url")
    assert fare.problem is None
    clock.passes(MINUTE)
    assert fare.problem == "poll:store: no answer. Check url"
    fare.well()
    assert fare.problem is None
    assert fare.report.since == clock.now()
