"""Commands with anything in them: what cannot be meant is refused with a sentence, and no more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from gateway.refusal import ControlError
from tests.gateway.asked import Asked
from tests.gateway.consignments.desk import ROOT
from tests.gateway.parts import NOW, ToldClock

ODD: tuple[Any, ...] = (
    *(None, True, -1, 10**30, -(10**17), 10**14, 1.5, float("nan")),
    *("", " ", "..", "-rf", "a\x00b", "x" * 5_000, "9" * 5_000, "1e400", "0001-01-01"),
    *([], [1], [None], [[1]], ["s-1"], [{}], [{"sensor": "s-1", "until": [1]}], {}, {"a": 1}),
)
FIELDS: dict[str, dict[str, Any]] = {
    "consignment-add": {"goods": "vaccines", "legs": [], "sensors": ["s-1"], "quantity": "1"},
    "consignment-change": {"goods": "vaccines", "version": None, "value": "1", "origin": "A"},
    "consignment-leg": {
        "number": None,
        "mode": "road",
        "custodian": "x",
        "origin": "A",
        "destination": "B",
        "departs": None,
        "margin": "1 h",
        "via": [],
    },
    "consignment-assign": {"sensors": ["s-1"], "until": None, "ignore": None, "where": ""},
    "consignment-unassign": {"sensors": ["s-1"]},
    "consignment-move": {"sensor": "s-1", "to": "C-2", "from": []},
    "consignment-depart": {"leg": 1, "anyway": True},
    "consignment-arrive": {"leg": 1},
    "consignment-hand-over": {"to": "Sea", "leg": None, "confirmed": True},
    "consignment-confirm": {"number": None},
    "consignment-deliver": {"to": ""},
    "consignment-review": {},
    "consignment-split": {"parts": ["C-9:5"], "unit": ""},
    "consignment-merge": {"from": ["C-1", "C-2"]},
    "consignment-withdraw": {"number": 99},
    "consignment-show": {},
    "consignment-import": {"content": "id,goods\nZ-1,vaccines\n", "name": "t"},
    "consignment-verdict": {},
    "consignment-report": {"version": None},
    "consignment-sign": {
        "login": "anna",
        "password": "p",
        "meaning": "held",
        "name": "A",
        "made": NOW,
        "head": 0,
        "digest": "d",
    },
    "consignment-let-go": {
        "consignment": "C-1",
        "digest": "d",
        "readings": 0,
        "messages": 0,
        "newest_fact": 1,
        "head": 0,
    },
}


@pytest.mark.parametrize("do", FIELDS)
async def test_whatever_is_sent_nothing_fails_but_with_a_sentence(ask: Asked, do: str) -> None:
    for name in ("C-1", "C-2"):
        await ask("consignment-add", id=name, goods="vaccines", quantity="100", sensors=["s-1"])
    known = {"id": "C-1", "reason": "why not", "at": None, **FIELDS[do]}
    for field in known:
        for odd in ODD:
            # Whatever else is raised fails the test.
            with suppress(ControlError):
                async with asyncio.timeout(10):
                    await ask(do, **{**known, field: odd})
    shown = await ask("consignment-show", id="C-1")
    assert all(0 <= one["at"] <= NOW for one in shown["facts"])


@pytest.mark.parametrize("identity", ["..", ".", "-rf", "a/b", "a b", "x" * 61, "", None, 5])
async def test_an_id_is_fit_for_a_command_a_path_and_a_file(ask: Asked, identity: object) -> None:
    with pytest.raises(ControlError, match="cannot be the id"):
        await ask("consignment-add", id=identity, goods="vaccines")


async def test_a_way_is_planned_now_or_with_a_reason(ask: Asked) -> None:
    await ask("consignment-add", id="C-1", goods="vaccines")
    leg = {"mode": "road", "custodian": "x", "origin": "A", "destination": "B"}
    with pytest.raises(ControlError, match="still to come"):
        await ask("consignment-leg", id="C-1", **leg, at=NOW + 10**10)
    with pytest.raises(ControlError, match="no reason why it is entered now"):
        await ask("consignment-leg", id="C-1", **leg, at=NOW - 10**8)


async def test_amounts_that_are_worked_out_stay_numbers(ask: Asked) -> None:
    with pytest.raises(ControlError, match="not above 1e\\+15"):
        await ask("consignment-add", id="C-1", goods="vaccines", quantity="1e308", value="1e308")
    await ask("consignment-add", id="C-1", goods="vaccines", quantity="1e15", value="1e15")
    await ask("consignment-split", id="C-1", parts=["C-2:999999999999999"])
    shown = await ask("consignment-show", id="C-2")
    assert shown["consignment"]["value"] == pytest.approx(1e15)


async def test_a_review_is_of_after_the_decision(ask: Asked) -> None:
    await ask("consignment-add", id="C-1", goods="vaccines")
    clock = ask.gateway.clock
    assert isinstance(clock, ToldClock)
    clock.passes(60_000)
    password = await ask.gateway.people.add("anna", "quality", ROOT)
    seen = await ask("consignment-verdict", id="C-1")
    await ask(
        "consignment-sign",
        id="C-1",
        login="anna",
        password=password,
        meaning="rejected",
        name="Anna",
        reason="broken",
        **{key: seen[key] for key in ("made", "head", "digest")},
    )
    clock.passes(60_000)
    with pytest.raises(ControlError, match="after that"):
        await ask("consignment-review", id="C-1", reason="look", at=NOW)
    told = await ask("consignment-review", id="C-1", reason="look")
    assert told["stage"] == "under_review"
