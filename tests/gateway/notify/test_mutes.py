"""Standing mutes: capped, audited, with an end and a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.notify.about import About
from gateway.notify.mutes import LONGEST, MOST, Mute, Mutes, mutes_of
from gateway.people import audit
from gateway.people.audit import Who
from gateway.refusal import ControlError
from gateway.state import State
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.notify.site import ANNA, firing, own
from tests.gateway.parts import NOW

ABOUT = About(("fridge-1",), "Fridge", ("Hall 1",), ("vaccines",))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


def mute(**more: Any) -> Mute:  # noqa: ANN401 - fields of it
    known = {"at": NOW, "until": NOW + HOUR, "who": "", "reason": "defrosting"}
    return Mute(**{**known, "devices": ("fridge-*",), **more})


@pytest.mark.parametrize(
    ("patterns", "covers"),
    [
        ({}, True),
        ({"devices": ("reefer-*",)}, False),
        ({"devices": (), "sites": ("Hall*",)}, True),
        ({"sites": ("Yard",)}, False),
        ({"rules": ("too-*",), "goods": ("vac*",)}, True),
        ({"rules": ("not-*",)}, False),
        ({"devices": (), "goods": ("meat", "vaccines")}, True),
    ],
)
def test_all_that_is_given_must_match(patterns: dict[str, Any], *, covers: bool) -> None:
    assert mute(**patterns).covers(firing(), ABOUT) is covers


def test_alerts_about_the_gateway_are_muted_by_name_alone() -> None:
    broker = own("broker main")
    assert not mute(devices=("*",)).covers(broker, About(("box",)))
    assert mute(devices=(), rules=("gateway",)).covers(broker, About(("box",)))


@pytest.mark.parametrize(
    ("now", "stands"),
    [
        (NOW, True),
        (NOW + HOUR - 1, True),
        (NOW + HOUR, False),
        (NOW - MINUTE, True),
        # A clock that is behind what it was: nobody may be left untold for years.
        (NOW - DAY, False),
    ],
)
def test_whether_it_stands_follows_from_its_times(now: int, *, stands: bool) -> None:
    assert mute().stands(now) is stands


async def test_it_is_made_listed_ended_and_audited(state: State) -> None:
    mutes, changes = Mutes(state), []
    mutes.on_change = lambda: changes.append(1)
    made = await mutes.add(mute(reason=" defrosting "), ANNA)
    assert (made.number, made.who, made.reason) == (1, "anna", "defrosting")
    assert mutes_of(state, NOW) == mutes.standing(NOW) == Mutes(state).standing(NOW) == [made]
    assert mutes.of(firing(), ABOUT, NOW) == made
    ended = await mutes.end(1, Who("ben", "api"), NOW + MINUTE, "done")
    assert (ended.ended, ended.ended_by, ended.ended_why) == (NOW + MINUTE, "ben", "done")
    assert mutes_of(state, NOW) == mutes.standing(NOW) == []
    assert mutes_of(state, NOW, over=True) == [ended]
    entries = audit.page(state, None, 10)
    assert [(one.what, one.object, one.who.name) for one in entries] == [
        ("mute-end", "1", "ben"),
        ("mute-add", "1", "anna"),
    ]
    assert entries[0].before["ended"] is None
    assert len(changes) == 2
    with pytest.raises(ControlError, match="no mute 1 that stands"):
        await mutes.end(1, ANNA, NOW, "again")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"devices": ()}, "does not say what"),
        ({"reason": " "}, "there is no reason"),
        ({"until": NOW + LONGEST + 1}, "cannot|can be muted for"),
        ({"until": NOW + 1}, "can be muted for"),
        ({"devices": ("",)}, "no pattern"),
        ({"devices": ("a\x07",)}, "no pattern"),
        ({"devices": ("a",) * 60}, "too many patterns"),
    ],
)
async def test_what_cannot_be_muted(state: State, more: dict[str, Any], problem: str) -> None:
    with pytest.raises(ControlError, match=problem):
        await Mutes(state).add(mute(**more), ANNA)
    assert audit.page(state, None, 1) == []


async def test_no_more_stand_than_a_person_can_read(state: State) -> None:
    mutes = Mutes(state)
    for _ in range(MOST):
        await mutes.add(mute(), ANNA)
    with pytest.raises(ControlError, match="200 mutes stand already"):
        await mutes.add(mute(), ANNA)
    await mutes.add(mute(at=NOW + 2 * HOUR, until=NOW + 3 * HOUR), ANNA)
