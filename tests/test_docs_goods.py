"""Holds the guide to goods to the code: its tables, its examples, its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.goods_files import Shelf
from gateway.settings import parse
from rules.profile import Expected, Profile, Sample
from rules.rehearsal import rehearse
from scripts.goods_tables import PAGE, with_tables

GUIDE = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
OWN = next(block for block in BLOCKS if block.startswith("name ="))


def put(folder: Path, text: str) -> Profile:
    """Write the guide's own profile, and read it."""
    (folder / "clinic-vaccines.toml").write_text(text, encoding="utf-8")
    return Shelf(folder).profile("clinic-vaccines")


def test_the_tables_are_what_the_code_declares() -> None:
    assert with_tables(GUIDE) == GUIDE, "run scripts/docs"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks of profiles"):
        with_tables("a page without them")


def test_the_profile_of_ones_own_is_as_the_guide_says(tmp_path: Path) -> None:
    own, ours = put(tmp_path, OWN), Shelf().profile("vaccines")
    assert all(one.well for one in rehearse(own))
    assert {rule.name for rule in ours.rules} - {rule.name for rule in own.rules} == {"too-cold"}
    changed = [rule.name for rule in own.rules if rule != ours.rule(rule.name)]
    assert changed == ["too-warm"]
    assert own.criteria.reject == ()
    assert ours.criteria.reject == ("frozen",)
    assert own.ranges == ours.ranges


def test_a_failing_test_is_shown_as_in_the_guide(tmp_path: Path) -> None:
    own = put(tmp_path, OWN.replace('fires = "90 min"', 'fires = "80 min"'))
    failed = next(one for one in rehearse(own) if not one.well)
    block = re.search(r"^FAILED.*?(?=^```)", GUIDE, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [line.strip() for line in block[0].splitlines()[2:]]
    assert lines == failed.difference()


def test_the_other_test_in_the_guide_is_well(tmp_path: Path) -> None:
    other = next(block for block in BLOCKS if block.startswith("[[test]]"))
    text = 'name = "clinic-vaccines"\ntitle = "Vaccines"\nextends = "vaccines"\n' + other
    (done,) = rehearse(put(tmp_path, text))
    assert done.difference() == [f"  {line}" for line in done.expected]


def test_the_settings_in_the_guide_are_right(tmp_path: Path) -> None:
    (settings,) = (block for block in BLOCKS if block.startswith("[goods]"))
    assert parse(settings, folder=tmp_path).goods.folder == tmp_path / "goods"


def test_every_key_of_a_test_is_told() -> None:
    section = GUIDE.partition("## Tests")[2]
    for key in [*Sample.model_fields, *Expected.model_fields]:
        assert re.search(rf"\b{key}\b", section), key


def test_the_version_in_the_guide_has_the_form_of_one() -> None:
    (named, *_) = re.findall(r"`(vaccines@[0-9a-f]+)`", GUIDE)
    assert len(named) == len(Shelf().profile("vaccines").version())
