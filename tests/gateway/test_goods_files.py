"""Profiles of goods from files: what is wrong is told with file, line and cure, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.goods_files import ProfileError, Shelf, shipped
from gateway.settings import SettingsError

HEAD = """\
name = "milk"
title = "Milk"
source = "Our own"
measures = "product"
instructions = "Drink it."
"""
RANGE = '[[ranges]]\nchannel = "temperature"\nlow = 2.0\nhigh = 8.0\n'
RULE = '[[rules]]\nname = "warm"\nkind = "threshold"\nchannel = "temperature"\nabove = 8.0\n'
TEST = '[[test]]\nname = "one"\ninterval = "5 min"\nseries = { temperature = "4x3" }\n'
CHILD = 'name = "cream"\ntitle = "Cream"\nextends = "milk"\n'
MKT = '[[rules]]\nname = "mkt"\nkind = "mkt"\nchannel = "temperature"\nabove = 8.0\n'


def put(folder: Path, **files: str) -> Shelf:
    """Write files, `_` in their names standing for a hyphen, and return their shelf."""
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return Shelf(folder)


def problems(shelf: Shelf, name: str = "milk") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        shelf.profile(name)
    return [str(problem) for problem in caught.value.problems]


def test_a_profile_is_read(tmp_path: Path) -> None:
    found = put(tmp_path, milk=HEAD + RANGE + RULE + TEST).profile("milk")
    assert found.title == "Milk"
    assert [rule.name for rule in found.rules] == ["warm"]
    assert [test.name for test in found.tests] == ["one"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "colr = 'white'", "line 6, colr: unknown key."),
        (HEAD + 'bassis = "law"', "line 6, bassis: unknown key. Did you mean basis?"),
        (
            HEAD.replace('title = "Milk"\n', ""),
            "line 1, title: it is missing. Add title: What the goods are, for people.",
        ),
        (
            HEAD + RANGE.replace("8.0", "1.0"),
            "line 6, ranges[1]: low = 2 is not below high = 1: put the lower one into low.",
        ),
        (
            HEAD + RANGE + "aim = 9.0",
            "line 6, ranges[1]: aim = 9 lies outside 2 to 8: aim at what is well.",
        ),
        (
            HEAD + RANGE.replace("temperature", "temprature"),
            "line 7, ranges[1].channel: there is no quantity 'temprature': did you mean",
        ),
        (
            HEAD + RANGE + RANGE,
            "line 11, ranges[2].channel: there is already a range of 'temperature'. Put both",
        ),
        (
            HEAD + RULE + RULE,
            "line 12, rules[2] (warm).name: there is already a rule called 'warm'. Give each",
        ),
        (
            HEAD + RULE + TEST + TEST,
            "line 16, test[2] (one).name: there is already a test called 'one'. Give each",
        ),
        (
            HEAD + RULE.replace("above", "abov"),
            "line 10, rules[1] (warm).abov: unknown key. Did you mean above?",
        ),
        (
            HEAD + RULE.replace("threshold", "treshold"),
            "line 8, rules[1] (warm).kind: unknown kind 'treshold'. Did you mean threshold?",
        ),
        (
            HEAD + "interval = '30 min'\n" + MKT + "window = '40 min'",
            (
                "line 12, rules[1] (mkt).window: window = 40 min is shorter than two intervals of "
                "30 min. Make it longer, or let sensors send more often than interval says."
            ),
        ),
        (
            HEAD + "interval = '1 h'\n[[rules]]\nname = 'gone'\nkind = 'lost_contact'\n"
            "after = '30 min'",
            "line 10, rules[1] (gone).after: after = 30 min is shorter than the interval of 60 min",
        ),
        (
            HEAD + RANGE.replace("2.0", "-25.0").replace("8.0", "-18.0") + MKT,
            (
                "line 10, rules[1] (mkt): mean kinetic temperature does not apply to frozen goods "
                "(-25 to -18 °C). Leave this rule out, and judge time out of range."
            ),
        ),
        (
            HEAD + "energy = 83.0\n" + RANGE.replace("2.0", "-25.0").replace("8.0", "-18.0"),
            "line 6, energy: mean kinetic temperature does not apply to frozen goods",
        ),
        (
            HEAD + RANGE + RULE.replace("8.0", "1.0"),
            "line 14, rules[1] (warm).above: all that is well (2 to 8) is above 1, and in breach.",
        ),
        (
            HEAD + RANGE + RULE.replace("above = 8.0", "below = 9.0"),
            "line 14, rules[1] (warm).below: all that is well (2 to 8) is below 9, and in breach.",
        ),
        (
            HEAD + RANGE + RULE.replace("above = 8.0", "outside = [9.0, 12.0]"),
            "line 14, rules[1] (warm).outside: all that is well (2 to 8) is below 9, and",
        ),
        (
            HEAD + RANGE + "[[rules]]\nname = 'all'\nkind = 'exposure'\nchannel = 'temperature'\n"
            "bands = [{ name = 'out', below = 9.0, for = '1 h' }]",
            "line 14, rules[1] (all).bands[1] (out).below: all that is well (2 to 8) is below 9",
        ),
        (
            HEAD + RANGE + "[[rules]]\nname = 'life'\nkind = 'stability_budget'\nhigh = 1.0\n"
            "allowed = '1 h'",
            "line 13, rules[1] (life).high: all that is well (2 to 8) is above 1, and in breach.",
        ),
        (
            HEAD + RANGE + RULE.replace("8.0", "800.0"),
            (
                "line 14, rules[1] (warm).above: no temperature that can be true is above 800: it "
                "would never fire. Name a limit from -200 to 150."
            ),
        ),
        (
            HEAD + RULE + "devices = ['fridge-*']",
            "line 11, rules[1] (warm).devices: rules of goods judge the sensors of each",
        ),
        (
            HEAD + RULE + "[criteria]\nreject = ['wram']",
            "line 12, criteria.reject[1]: there is no rule 'wram'. Did you mean warm?",
        ),
        (
            HEAD + "[criteria]\naccept = ['warm']",
            "line 7, criteria.accept[1]: there is no rule 'warm'. There are no rules here.",
        ),
        (
            HEAD + RULE + "[criteria]\nreject = ['warm']\naccept = ['warm']",
            "line 13, criteria.accept[1]: 'warm' stands under reject too. Keep it in one of them.",
        ),
        (
            HEAD + RULE + TEST + "alerts = [{ rule = 'cold', begins = '5 min' }]",
            "line 15, test[1] (one).alerts[1].rule: there is no rule 'cold'. Known here: warm.",
        ),
        (
            HEAD + RULE + TEST + "alerts = [{ rule = 'warm', begins = 5 }]",
            "line 15, test[1] (one).alerts[1].begins: 5 of what? Name the unit",
        ),
        (
            HEAD + RULE + TEST.replace("4x3", "4x3 warm"),
            "line 14, test[1] (one).series: temperature: 'warm' is no part of a series",
        ),
        (HEAD + "without = ['warm']", "line 6, without: it extends no profile."),
        (
            HEAD + "extends = 'vacines'",
            "line 6, extends: there is no profile 'vacines'. Did you mean vaccines?",
        ),
        (HEAD + "extends = 'milk'", "line 6, extends: in a circle: milk extends milk."),
        (HEAD + "extends = 3", "line 6, extends: it must be text in quotes."),
        (
            HEAD.replace("milk", "cream"),
            "line 1, name: it is called 'cream', and its file milk.toml. Call the file cream.toml",
        ),
        (HEAD + "[criteria", "line 6: this is not TOML"),
        ("x = " + "[" * 3000, "line 1: lists or tables are nested too deeply"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_cure(
    tmp_path: Path, text: str, expected: str
) -> None:
    found = problems(put(tmp_path, milk=text))
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = (
        HEAD.replace("source", "sorce")
        + "extends = 'vacines'\ninterval = '30 min'\n"
        + RANGE.replace("8.0", "1.0")
        + MKT
        + "window = '40 min'\n"
        + RULE.replace("threshold", "treshold")
        + "severity = 'grave'\n"
        + "[criteria]\nreject = ['wram']\n"
    )
    found = problems(put(tmp_path, milk=text))
    assert [one.partition(":")[0] for one in found] == [
        "line 3, sorce",
        "line 6, extends",
        "line 8, ranges[1]",
        "line 17, rules[1] (mkt).window",
        "line 20, rules[2] (warm).kind",
        "line 23, rules[2] (warm).severity",
        "line 25, criteria.reject[1]",
    ]


def test_the_mistakes_of_several_files_are_told_together_each_under_its_name(
    tmp_path: Path,
) -> None:
    shelf = put(
        tmp_path,
        milk=HEAD + "a = 1",
        cream=CHILD + "b = 1",
        fine=CHILD.replace("cream", "fine").replace("milk", "vaccines"),
    )
    with pytest.raises(ProfileError) as caught:
        shelf.all()
    told = str(caught.value).splitlines()
    assert told[0].endswith("cream.toml: 2 mistakes")
    assert told[1].startswith("  line 3, extends: milk has mistakes of its own, such as: line 6, a")
    assert told[1].endswith("milk.toml first.")
    assert told[2].startswith("  line 4, b: unknown key")
    assert told[3].endswith("milk.toml: 1 mistake")
    assert len(caught.value.problems) == 3


# --- one that extends another


def test_a_profile_takes_over_what_it_does_not_change(tmp_path: Path) -> None:
    cold = '[[rules]]\nname = "cold"\nkind = "threshold"\nchannel = "temperature"\nbelow = 2.0\n'
    shelf = put(
        tmp_path,
        milk=HEAD + RANGE + RULE + cold + "[criteria]\nreject = ['cold']\nunknown = '2 h'\n" + TEST,
        cream=CHILD + "without = ['cold']\n" + RULE.replace("8.0", "6.0"),
    )
    found = shelf.profile("cream")
    assert found.title == "Cream"
    assert found.source == "Our own"
    assert [(rule.name, rule.limit()) for rule in found.rules] == [("warm", "above 6.0 °C")]
    assert found.ranges == shelf.profile("milk").ranges
    assert found.criteria.reject == ()
    assert found.criteria.unknown == 2 * 3_600_000
    assert found.tests == ()


def test_one_of_ours_can_be_extended(tmp_path: Path) -> None:
    text = CHILD.replace("milk", "vaccines")
    found = put(tmp_path, cream=text).profile("cream")
    assert found.rules == Shelf().profile("vaccines").rules


def test_an_extension_can_be_extended(tmp_path: Path) -> None:
    shelf = put(
        tmp_path,
        milk=HEAD + RULE,
        cream=CHILD + RANGE,
        butter='name = "butter"\ntitle = "Butter"\nextends = "cream"\n',
    )
    found = shelf.profile("butter")
    assert [rule.name for rule in found.rules] == ["warm"]
    assert [one.channel for one in found.ranges] == ["temperature"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("without = ['cold']\n", "line 4, without[1]: milk has no rule 'cold'. Known here: warm."),
        (
            "without = ['warm']\n" + RULE,
            "line 4, without[1]: 'warm' is one of its own rules, which replaces the other anyway.",
        ),
        (
            RULE.replace("above", "abov"),
            "line 8, rules[1] (warm).abov: unknown key. Did you mean above?",
        ),
        (
            "interval = '2 days'\n",
            "line 3, extends: window = 1 day is shorter than two intervals of 2 days.",
        ),
        (
            RANGE.replace("2.0", "-25.0").replace("8.0", "-18.0"),
            "line 3, extends: mean kinetic temperature does not apply to frozen goods",
        ),
    ],
)
def test_what_a_file_makes_with_what_it_extends_is_told_at_its_place_in_the_file(
    tmp_path: Path, own: str, expected: str
) -> None:
    mkt = MKT.replace('"mkt"\nkind', '"mean"\nkind') + "window = '1 day'\n"
    parent = HEAD + (RULE if "without" in own or "abov" in own else mkt)
    found = problems(put(tmp_path, milk=parent, cream=CHILD + own), "cream")
    assert len(found) == 1, found
    assert found[0].startswith(expected)


def test_a_circle_is_refused(tmp_path: Path) -> None:
    shelf = put(tmp_path, milk=HEAD + 'extends = "cream"', cream=CHILD)
    assert "in a circle: cream extends milk extends cream" in problems(shelf, "cream")[0]
    assert "in a circle: milk extends cream extends milk" in problems(shelf, "milk")[0]


# --- which there are


def test_the_name_of_one_of_ours_is_taken(tmp_path: Path) -> None:
    shelf = put(tmp_path, vaccines=HEAD.replace("milk", "vaccines"))
    assert problems(shelf, "vaccines") == [
        (
            "line 1, name: 'vaccines' is one of the profiles that come with Holdwatch. Give it a "
            'name of its own, such as my-vaccines; extends = "vaccines" takes over what it does '
            "not change."
        )
    ]


def test_what_is_extended_stands_in_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "goods").mkdir()
    put(tmp_path, milk=HEAD)
    shelf = put(tmp_path / "goods", cream=CHILD.replace('"milk"', '"../milk"'))
    assert "there is no profile '../milk'" in problems(shelf, "cream")[0]


def test_own_profiles_stand_beside_ours(tmp_path: Path) -> None:
    shelf = put(tmp_path, milk=HEAD)
    (tmp_path / "notes.txt").write_text("no profile")
    (tmp_path / ".hidden.toml").write_text("no profile")
    assert shelf.names() == sorted([*shipped(), "milk"])
    assert {one.name for one in shelf.all()} == {*shipped(), "milk"}


def test_without_a_folder_there_are_ours() -> None:
    assert Shelf().names() == sorted(shipped())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read .*Make it, or name another"):
        Shelf(tmp_path / "goods").all()


def test_a_profile_that_is_not_there_is_no_mistake_of_a_file() -> None:
    with pytest.raises(KeyError):
        Shelf().profile("milk")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "milk.toml").write_bytes(b"\xff\xfe")
    assert problems(Shelf(tmp_path)) == [
        "line 1: this is not UTF-8 text (invalid start byte). Save it as UTF-8."
    ]


def test_a_files_text_is_kept_as_it_stands(tmp_path: Path) -> None:
    text = "# Ours\n" + HEAD
    assert put(tmp_path, milk=text).text("milk") == text
    assert Shelf().text("vaccines") == shipped()["vaccines"]


def test_our_own_folder_is_ours_by_its_path_too() -> None:
    folder = Path(__file__).resolve().parents[2] / "rules" / "goods"
    assert Shelf(folder).profile("vaccines").version() == Shelf().profile("vaccines").version()
