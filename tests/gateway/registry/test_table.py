"""The registry as a table: what goes out comes in again, and what is wrong is named by its line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devices.reading import DeviceKey
from gateway.refusal import ControlError
from gateway.registry.cards import FIELDS, Card
from gateway.registry.table import COLUMNS, MOST_ROWS, read, written
from rules.duration import DAY, SECOND

OWNER = "acme"
LEFT = DeviceKey(OWNER, "fridge-1")

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=100).map(
    str.strip
)
IDS = st.from_regex(r"[a-z=@'][a-z0-9='@,;\"-]{0,20}", fullmatch=True)
CARDS = st.builds(
    Card,
    name=TEXTS,
    site=TEXTS,
    zone=TEXTS,
    container=st.sampled_from(["", "MSKU9070323"]),
    position=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    model=TEXTS,
    interval=st.none() | st.integers(SECOND, 366 * DAY),
    note=TEXTS | st.just("two\nlines"),
)


@given(st.dictionaries(st.builds(DeviceKey, st.sampled_from([OWNER, "other"]), IDS), CARDS))
def test_what_goes_out_comes_in_again(cards: dict[DeviceKey, Card]) -> None:
    table = written((device, card, True, "x") for device, card in cards.items())
    rows, mistakes = read(table, OWNER)
    assert mistakes == []
    assert {one.device: replace(Card(), **one.fields) for one in rows} == cards
    assert all(one.confirmed for one in rows)


@given(st.lists(st.tuples(IDS, TEXTS)))
def test_no_cell_is_a_formula(named: list[tuple[str, str]]) -> None:
    table = written((DeviceKey("", one), Card(name=name), False, name) for one, name in named)
    for row in csv.DictReader(io.StringIO(table, newline="")):
        for column in ("device", "name", "recognised"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("device,name\nfridge-1,Left\n", {"name": "Left"}),
        ("\ufeffDevice;Name;Zone\r\nfridge-1;Left;\r\n", {"name": "Left", "zone": ""}),
        ("device\tlatitude\tlongitude\nfridge-1\t53,54\t9,98\n", {"position": (53.54, 9.98)}),
        ("device,latitude,longitude\nfridge-1,,\n", {"position": None}),
        ("device,interval,,\n\nacme/fridge-1,10 min,,\n", {"interval": 600_000}),
        ('device,container\nfridge-1,"MSKU 907032-3"\n', {"container": "MSKU9070323"}),
        ("device,recognised\nfridge-1,whatever\n", {}),
    ],
)
def test_tables_of_other_programs_are_understood(content: str, fields: dict[str, object]) -> None:
    rows, mistakes = read(content, OWNER)
    assert mistakes == []
    assert [(one.device, one.fields, one.confirmed) for one in rows] == [(LEFT, fields, None)]


def test_all_that_is_wrong_is_named_by_its_line() -> None:
    content = """device,container,latitude,longitude,interval,confirmed,name
fridge-1,MSKU 907032-4,,,,,
fridge-2,,91,0,,,
fridge-3,,1,,,,
fridge-4,,,,often,,

fridge-5,,,,,maybe,
a b,,,,,,
fridge-6,,,,,yes,"two
lines"
fridge-7,,
fridge-8,,,,,no,fine
fridge-8,,,,,no,again
"""
    rows, mistakes = read(content, OWNER)
    assert [str(one.device) for one in rows] == ["acme/fridge-8"]
    assert [(one.line, one.problem.partition(":")[0][:40]) for one in mistakes] == [
        (2, "'MSKU 907032-4' cannot be right"),
        (3, "91, 0 is no place on Earth"),
        (4, "the longitude is '', and that is no numb"),
        (5, "'often' is no length of time"),
        (7, "confirmed is 'maybe'"),
        (8, "device id 'a b' is empty, longer than 12"),
        (9, "the name holds the control character U+0"),
        (11, "it has 3 cells, and there are 7 columns"),
        (13, "acme/fridge-8 stands in line 12 already"),
    ]
    assert all(one.cure for one in mistakes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the table is empty"),
        ("\n\n", "the table is empty"),
        ("name,site\n", "no column device"),
        ("device,nmae\n", "Did you mean name?"),
        ("device,colour of the door\n", "There are device, name"),
        ("device,name,name\n", "comes twice"),
        ("device,latitude\n", "there is only one"),
        ('device,name\nfridge-1,"Left\n', "is no line of a table"),
        ("device\n" + "".join(f"d-{n}\n" for n in range(MOST_ROWS + 1)), "Cut it into several"),
    ],
    ids=range(9),
)
def test_what_is_no_such_table_is_refused(content: str, words: str) -> None:
    with pytest.raises(ControlError, match=words):
        read(content, OWNER)


@given(st.text(max_size=200))
def test_nothing_but_its_own_error_comes_of_any_text(content: str) -> None:
    try:
        rows, _ = read(f"device,name,latitude,longitude\n{content}", OWNER)
    except ControlError:
        return
    assert all(set(one.fields) <= set(FIELDS) for one in rows)


def test_every_field_of_a_card_has_its_column() -> None:
    assert {*FIELDS} - {"position"} <= {*COLUMNS}
