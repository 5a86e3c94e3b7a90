"""Consignments as a table: out, in again, and what is said of lines that are wrong."""

from __future__ import annotations

import pytest

from gateway.refusal import ControlError
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW

HEAD = "id,goods,quantity,unit,mode,from,to,leg_custodian,departs,heard,sensor,since,note\n"
GOOD = (
    "V-1,vaccines,40,boxes,road,Hamburg,Rostock,Nord,2026-11-24 08:00,yes,s-1,,'=1+1\n"
    'V-1,,,,sea,"Rostock @ 54.09, 12.13",Malmo,Sea,,no,s-2,,\n'
    "V-2,vaccines,,,,,,,,,,,\n"
)


async def test_what_goes_out_comes_in_again(ask: Asked) -> None:
    told = await ask("consignment-import", content=HEAD + GOOD, name="t.csv")
    assert told == {"new": ["V-1", "V-2"], "known": [], "dry": False, "mistakes": []}
    one = ask.gateway.book.consignment("V-1")
    assert one is not None
    assert [(leg.number, leg.custodian, leg.heard) for leg in one.legs] == [
        (1, "Nord", True),
        (2, "Sea", False),
    ]
    assert one.legs[1].origin.position == (54.09, 12.13)
    assert (one.note, one.quantity, one.created) == ("=1+1", 40.0, NOW)
    assert [str(each.sensor) for each in one.assignments] == ["acme/s-1", "acme/s-2"]
    assert ask.gateway.book.facts("V-1")[0].reason == "from t.csv"
    table = (await ask("consignment-export"))["content"]
    assert "'=1+1" in table
    told = await ask("consignment-import", content=table)
    assert (told["known"], told["new"]) == (["V-1", "V-2"], [])
    again = table.replace("V-1,", "W-1,").replace("V-2,", "W-2,")
    assert (await ask("consignment-import", content=again))["mistakes"] == []
    copy = ask.gateway.book.consignment("W-1")
    assert copy is not None
    assert (copy.legs, copy.assignments, copy.note) == (one.legs, one.assignments, one.note)


async def test_a_trial_changes_nothing_and_says_what_would(ask: Asked) -> None:
    told = await ask("consignment-import", content=HEAD + GOOD, check=True)
    assert (told["new"], told["dry"]) == (["V-1", "V-2"], True)
    assert ask.gateway.book.all() == []
    wrong = HEAD + GOOD.replace("V-2,vaccines", "V-2,vacines")
    (mistake,) = (await ask("consignment-import", content=wrong, check=True))["mistakes"]
    assert (mistake["line"], mistake["id"]) == (4, "V-2")
    assert "Did you mean vaccines?" in mistake["cure"]


@pytest.mark.parametrize(
    ("line", "problem", "cure"),
    [
        ("V-1,,,,boat,A,B,Sea,,,,,", "'boat' is no way to go", "road, sea, air"),
        ("V-1,,,,sea,A,,Sea,,,,,", "leg 3 has no destination", "from where"),
        ("V-1,,,,sea,A,B,Sea,soon,,,,", "'soon' is no time", "2026-11-23"),
        ("V-1,,,,sea,A,B,Sea,,perhaps,,,", "heard is 'perhaps'", "yes or no"),
        ("V-1,,50,,,,,,,,,,", "quantity is '50', and '40' in line 2", "Say it once"),
        ("V-1,,,,,,,,,,s 3,,", "device id 's 3'", "Rename"),
        ("V-1,,,,,,,,,,s-1,,", "s-1 would speak for V-1 twice", "End the one before"),
        ("V-1,,,,,,,,,,,2026-01-01,", "no sensor", "Name the sensor"),
        ("V-1,,,,,,,,,,s-3,2099-01-01,", "still to come", "time that is over"),
        ("V-1,", "it has 2 cells, and there are 13", "double quotes"),
        ("V 1,vaccines,,,,,,,,,,,", "'V 1' cannot be the id", "letters, digits"),
    ],
)
async def test_a_wrong_line_costs_its_own_consignment_and_no_other(
    ask: Asked, line: str, problem: str, cure: str
) -> None:
    told = await ask("consignment-import", content=HEAD + GOOD + line + "\n")
    (mistake,) = told["mistakes"]
    assert problem in mistake["problem"]
    assert cure in mistake["cure"]
    kept = {one.id for one in ask.gateway.book.all()}
    assert kept == ({"V-2"} if line.startswith("V-1") else {"V-1", "V-2"})
    if not any(words in problem for words in ("twice", "still")):
        assert mistake["line"] == 5


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the table is empty"),
        ("id,god\n", "there is no column 'god'"),
        ("goods\n", "there is no column id"),
        ("id,id,goods\n", "comes twice"),
        ('id,goods\n"V-1,x\n', "is no line of a table"),
    ],
)
async def test_what_is_no_table_is_refused(ask: Asked, content: str, problem: str) -> None:
    with pytest.raises(ControlError, match=problem):
        await ask("consignment-import", content=content)


async def test_semicolons_and_a_mark_of_the_order_of_bytes_are_taken(ask: Asked) -> None:
    content = "\ufeffid;goods;quantity\r\nV-1;vaccines;40\r\n"
    assert (await ask("consignment-import", content=content))["new"] == ["V-1"]
