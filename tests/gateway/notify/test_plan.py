"""What one route tells of one alert: a table of how it stands and what was told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notify.plan import LONGEST_WAIT, Situation, Told, begun_again, plan, shifted
from gateway.notify.routes import Route, Step
from rules.duration import DAY, HOUR, MINUTE, SECOND
from rules.only import Schedule
from tests.gateway.notify.site import firing
from tests.gateway.parts import NOW

NIGHT = Schedule.model_validate({"from": "00:00", "to": "00:01"})
ROUTE: dict[str, Any] = {"name": "r", "channels": ("office",)}
TOLD = Told(first=NOW, channels=("office",), base=NOW, last=NOW, severity="warning")
STEPS = (Step(5 * MINUTE, ("duty",)), Step(9 * MINUTE, ("boss", "office")))
OVER = {"state": "resolved", "ended": NOW}


def looked(told: Told, route: dict[str, Any], **now: Any) -> tuple[list[Any], int | None, str]:  # noqa: ANN401 - fields of it
    alert = firing(**now.pop("alert", {}))
    found = plan(told, Situation(alert, **{"now": NOW, **now}), Route(**{**ROUTE, **route}))
    tellings = [(one.occasion, one.number, one.channels) for one in found.tellings]
    return tellings, found.again, found.why


@pytest.mark.parametrize(
    ("told", "route", "now", "why", "again"),
    [
        (Told(), {"gather": 5}, {}, "gathered with what else happens", NOW + 5),
        (Told(), {"gather": 5}, {"window": NOW - 3}, "gathered with what else happens", NOW + 2),
        (Told(), {}, {"muted": NOW + 9, "muted_by": "by anna"}, "by anna", NOW + 9),
        (Told(), {}, {"behind": "broker x"}, "hidden behind broker x", NOW + LONGEST_WAIT),
        (Told(), {"hours": NIGHT}, {}, "outside hours", NOW + LONGEST_WAIT),
        (Told(), {}, {"takes": False}, "this route does not take it", NOW + LONGEST_WAIT),
        (TOLD, {}, {"takes": False}, "this route does not take it any more", NOW + LONGEST_WAIT),
        (TOLD, {}, {}, "told", NOW + LONGEST_WAIT),
        (Told(), {"channels": ()}, {}, "it leads to no channel", NOW + LONGEST_WAIT),
        (TOLD, {"repeat": 9 * MINUTE}, {}, "told", NOW + 9 * MINUTE),
        (TOLD, {"repeat": 9 * MINUTE}, {"holder": "ben"}, "ben has it", NOW + LONGEST_WAIT),
        (TOLD, {"steps": STEPS}, {}, "told", NOW + 5 * MINUTE),
        (TOLD, {"gather": 5}, {"alert": OVER}, "gathered with what else happens", NOW + 5),
        (Told(), {}, {"alert": OVER}, "it was over before anybody was told", None),
        (TOLD, {"resolved": False}, {"alert": OVER}, "ends are not told here", None),
        (Told(over=True, first=1), {}, {"alert": OVER}, "its end was told", None),
    ],
)
def test_why_nothing_is_told_now_and_when_it_is_looked_at_again(
    told: Told, route: dict[str, Any], now: dict[str, Any], why: str, again: int | None
) -> None:
    assert looked(told, route, **now) == ([], again, why)


HIDDEN = Told(behind="broker x", well=NOW - HOUR)


@pytest.mark.parametrize(
    ("told", "route", "now", "expected"),
    [
        (Told(), {}, {}, [("fired", 0, ("office",))]),
        (Told(round=2), {}, {}, [("fired", 2, ("office",))]),
        (Told(), {}, {"holder": "ben"}, [("fired", 0, ("office",))]),
        (Told(), {"hours": NIGHT}, {"trusted": False}, [("fired", 0, ("office",))]),
        (Told(), {}, {"elsewhere": ("office",)}, []),
        (HIDDEN, {}, {}, [("shown", 1, ("office",))]),
        (HIDDEN, {}, {"settle": 2 * HOUR}, []),
        (TOLD, {}, {"alert": {"severity": "critical"}}, [("severity", 1, ("office",))]),
        (
            TOLD,
            {},
            {"alert": {"severity": "critical"}, "takes": False},
            [("severity", 1, ("office",))],
        ),
        (TOLD, {}, {"lapse": 7}, [("lapsed", 1, ("office",))]),
        (TOLD, {}, {"lapse": 7, "counts": {"lapsed": 3}}, [("lapsed", 4, ("office",))]),
        (TOLD, {"steps": STEPS}, {"now": NOW + 5 * MINUTE}, [("escalated", 1, ("duty",))]),
        (
            TOLD,
            {"steps": STEPS},
            {"now": NOW + DAY},
            [("escalated", 1, ("duty", "boss", "office"))],
        ),
        (TOLD, {"repeat": MINUTE}, {"now": NOW + DAY}, [("repeated", 1, ("office",))]),
        (
            TOLD,
            {"repeat": 5 * MINUTE, "steps": STEPS},
            {"now": NOW + 5 * MINUTE},
            [("escalated", 1, ("duty",)), ("repeated", 1, ("office",))],
        ),
        (TOLD, {}, {"alert": OVER}, [("resolved", 0, ("office",))]),
        (TOLD, {}, {"alert": OVER, "muted": NOW + 9}, [("resolved", 0, ("office",))]),
        (TOLD, {"hours": NIGHT}, {"alert": OVER}, [("resolved", 0, ("office",))]),
        (TOLD, {}, {"alert": {**OVER, "reason": "withdrawn: so"}}, [("withdrawn", 0, ("office",))]),
    ],
)
def test_what_is_told(
    told: Told, route: dict[str, Any], now: dict[str, Any], expected: list[Any]
) -> None:
    assert looked(told, route, **now)[0] == expected


TIMES = st.integers(NOW, NOW + DAY)


@given(
    told=st.builds(
        Told,
        first=st.none() | TIMES,
        channels=st.sampled_from([(), ("office",)]),
        base=TIMES,
        last=TIMES,
        severity=st.sampled_from(["info", "warning", "critical"]),
        waits=st.none() | TIMES,
        behind=st.sampled_from(["", "broker x"]),
        quiet=st.booleans(),
        lapse=st.integers(0, 2),
        step=st.integers(0, 2),
    ),
    when=TIMES,
    muted=st.none() | TIMES,
    behind=st.sampled_from(["", "", "broker x"]),
    holder=st.sampled_from(["", "ben"]),
    over=st.booleans(),
)
def test_looking_twice_tells_nothing_twice(
    told: Told, when: int, muted: int | None, behind: str, holder: str, *, over: bool
) -> None:
    route = Route(**ROUTE, steps=STEPS, repeat=30 * MINUTE, gather=10 * SECOND)
    alert = firing(state="resolved", ended=when) if over else firing()
    muted = muted if muted is not None and muted > when else None
    now = Situation(alert, when, muted=muted, behind=behind, holder=holder, lapse=1)
    first = plan(told, now, route)
    again = plan(first.told, now, route)
    assert again.tellings == ()
    assert again.told == first.told
    assert over or (first.again is not None and first.again > when)


def test_what_begins_again_keeps_its_numbers_and_nothing_else() -> None:
    told = Told(over=True, first=NOW, channels=("office",), counts={"repeated": 4}, lapse=3)
    assert begun_again(told, 2) == Told(round=2, counts={"repeated": 4}, lapse=3)


def test_a_clock_that_is_set_moves_what_is_waited_for() -> None:
    assert shifted(TOLD, DAY) == Told(
        first=NOW, channels=("office",), base=NOW + DAY, last=NOW + DAY, severity="warning"
    )
