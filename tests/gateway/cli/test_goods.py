"""`holdwatch goods` and `holdwatch rules test`, as a person types them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from gateway.goods import Goods
from gateway.goods_files import Shelf, shipped
from gateway.state import State
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, ROOT, typed

MILK = """\
name = "milk"
title = "Milk"
source = "Our own"
measures = "product"
instructions = "Drink it."

[[ranges]]
channel = "temperature"
low = 2.0
high = 8.0
aim = 5.0

[[rules]]
name = "warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"
note = "Pour it away."

[[test]]
name = "an hour at 9 °C"
interval = "10 min"
series = { temperature = "5x6 9x7 5" }
alerts = [{ rule = "warm", begins = "60 min", fires = "2 h", ends = "130 min" }]
"""


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run it in a folder, expect its exit code, and return what it printed."""
    done = typed(*words, folder=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr + done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with settings, and a folder of own profiles."""
    (tmp_path / "goods").mkdir()
    (tmp_path / "goods" / "milk.toml").write_text(MILK, encoding="utf-8")
    (tmp_path / "holdwatch.toml").write_text(
        '[gateway]\ndata = "data"\n[goods]\nfolder = "goods"\n'
    )
    return tmp_path


# --- goods


def test_ours_are_listed_without_settings(tmp_path: Path) -> None:
    told = run(tmp_path, "goods", "list")
    assert all(name in told for name in shipped())
    assert "2 to 8 °C, aim 5 °C" in told
    answer = json.loads(run(tmp_path, "goods", "list", "--json"))
    assert [one["name"] for one in answer] == sorted(shipped())
    assert list(tmp_path.iterdir()) == []


def test_own_profiles_are_listed_beside_ours(site: Path) -> None:
    assert "milk" in run(site, "goods", "list")


def test_settings_that_are_named_and_not_there_are_refused(tmp_path: Path) -> None:
    assert "There is no other.toml" in run(tmp_path, "goods", "list", "-c", "other.toml", code=3)


def test_all_of_a_profile_is_shown_readably(site: Path) -> None:
    told = run(site, "goods", "show", "milk")
    version = Shelf(site / "goods").profile("milk").version()
    for words in (
        f"Milk ({version})",
        "Our own (practice)",
        "temperature 2 to 8 °C, aim 5 °C (product)",
        "warm (warning, temperature): above 8.0 °C for 60 min",
        "Pour it away.",
        "hold after any alert",
        "5 years",
        "1 test",
        "Drink it.",
    ):
        assert words in told


@pytest.mark.parametrize("name", ["vaccines", "who-shipping-indicator-2", "high-value"])
def test_a_profile_of_ours_is_shown(tmp_path: Path, name: str) -> None:
    told = run(tmp_path, "goods", "show", name)
    profile = Shelf().profile(name)
    for rule in profile.rules:
        assert rule.name in told
        assert all(part.limit() in told for part in rule.parts())
    answer = json.loads(run(tmp_path, "goods", "show", name, "--json"))
    assert answer["version"] == profile.version()
    assert answer["channels"] == list(profile.channels())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("high-value", "only while in transit"),
        ("bananas", "critical after 12 h"),
        ("usp-dry-place", "critical 20 beyond the limit"),
        ("usp-freezer", "excused: 10 min after door opens"),
        ("vaccines", "reject after frozen; release in spite of not-heard; hold after any other"),
        ("quick-frozen-food", "1 year"),
    ],
)
def test_when_a_rule_applies_and_what_follows_is_said_too(
    tmp_path: Path, name: str, words: str
) -> None:
    assert words in run(tmp_path, "goods", "show", name)


def test_a_profiles_file_is_printed_as_it_stands_to_begin_ones_own_with(tmp_path: Path) -> None:
    assert run(tmp_path, "goods", "show", "vaccines", "--toml") == shipped()["vaccines"]


def test_a_profile_that_is_not_there_is_refused_with_a_cure(tmp_path: Path) -> None:
    assert "Did you mean vaccines?" in run(tmp_path, "goods", "show", "vacines", code=1)
    assert "There is no version vaccines@0" in run(tmp_path, "goods", "show", "vaccines@0", code=1)


def test_a_version_that_is_no_longer_in_force_is_shown(site: Path) -> None:
    old = Shelf(site / "goods").profile("milk")
    (site / "data").mkdir()
    state = State(site / "data" / "state.db")
    asyncio.run(Goods(state, site / "goods").adopt(1_800_000_000_000))
    state.close()
    (site / "goods" / "milk.toml").write_text(MILK.replace("60 min", "30 min"))
    new = Shelf(site / "goods").profile("milk")
    assert "above 8.0 °C for 60 min" in run(site, "goods", "show", old.version())
    assert "above 8.0 °C for 30 min" in run(site, "goods", "show", new.version())
    assert "is kept without its file" in run(site, "goods", "show", old.version(), "--toml", code=1)


def test_a_file_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "milk.toml"
    file.write_text(MILK)
    told = run(tmp_path, "goods", "check", "milk.toml")
    assert "milk.toml is well: Milk, version milk@" in told
    assert "No test of it expects" not in told
    file.write_text(MILK.replace('rule = "warm"', 'rule = "wram"').replace("8.0\naim", "1.0\naim"))
    told = run(tmp_path, "goods", "check", "milk.toml", code=3)
    assert "milk.toml: 2 mistakes" in told
    assert "line 7, ranges[1]: low = 2 is not below high = 1" in told
    assert "line 25, test[1] (an hour at 9 °C).alerts[1].rule: there is no rule 'wram'." in told


def test_a_rule_that_no_test_shows_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "milk.toml").write_text(MILK.partition("[[test]]")[0])
    told = run(tmp_path, "goods", "check", "milk.toml")
    assert "No test of it expects an alert of warm." in told


@pytest.mark.parametrize(
    ("file", "words"), [("milk.toml", "There is no milk.toml"), ("milk.txt", "is no profile")]
)
def test_what_is_no_file_of_a_profile_is_refused(tmp_path: Path, file: str, words: str) -> None:
    assert words in run(tmp_path, "goods", "check", file, code=1)


def test_the_check_of_the_settings_reads_own_profiles_too(site: Path) -> None:
    assert "Profiles of goods beside ours: milk" in run(site, "check", "--offline")
    (site / "goods" / "milk.toml").write_text(MILK.replace("low = 2.0", "low = 9.0"))
    told = run(site, "check", "--offline", code=3)
    assert "goods/milk.toml: 1 mistake" in told
    assert "line 7, ranges[1]: low = 9 is not below high = 8" in told


# --- rules test


def test_the_tests_of_ours_are_run(tmp_path: Path) -> None:
    told = run(tmp_path, "rules", "test")
    lines = told.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["ok", name] for name in sorted(shipped())]
    assert lines[-1].startswith(f"{len(shipped())} profiles, ")
    assert lines[-1].endswith("all well.")


def test_the_tests_of_files_and_folders_are_run(site: Path) -> None:
    (site / "goods" / "cream.toml").write_text(
        'name = "cream"\ntitle = "Cream"\nextends = "milk"\n'
    )
    told = run(site, "rules", "test", "goods")
    assert told.splitlines()[:2] == [
        "ok     goods/cream.toml  has no tests",
        "ok     goods/milk.toml  1 test",
    ]
    assert "1 profile, 1 test: all well." in run(site, "rules", "test", "goods/milk.toml")


def test_a_failing_test_says_what_was_expected_and_what_came(site: Path) -> None:
    file = site / "goods" / "milk.toml"
    file.write_text(MILK.replace('fires = "2 h"', 'fires = "90 min"'))
    told = run(site, "rules", "test", "goods", code=1)
    assert told.splitlines() == [
        "FAILED goods/milk.toml  1 of 1 test",
        "    an hour at 9 °C:  - expected, + came",
        "      - warm begins 60 min, fires 90 min, ends 2 h 10 min",
        "      + warm begins 60 min, fires 2 h, ends 2 h 10 min",
        "1 profile, 1 test: 1 profile failed.",
    ]
    done = subprocess.run(
        [*HOLDWATCH, "rules", "test", str(file), "--json"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (answer,) = json.loads(done.stdout)
    assert not answer["passed"]
    assert answer["tests"][0]["came"] == ["warm begins 60 min, fires 2 h, ends 2 h 10 min"]


def test_a_file_that_cannot_be_read_fails_and_the_others_are_run_all_the_same(site: Path) -> None:
    (site / "goods" / "cream.toml").write_text('name = "cream"\n')
    told = run(site, "rules", "test", "goods", code=1)
    assert "FAILED goods/cream.toml  cannot be read" in told
    assert "line 1, title: it is missing." in told
    assert "ok     goods/milk.toml  1 test" in told
    assert "2 profiles, 1 test: 1 profile failed." in told


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "nowhere is not there"),
        ("holdwatch.log", "is no profile: its file ends in .toml"),
        ("empty", "empty holds no profile"),
    ],
)
def test_a_path_without_profiles_is_refused(site: Path, path: str, words: str) -> None:
    (site / "holdwatch.log").write_text("")
    (site / "empty").mkdir()
    assert words in run(site, "rules", "test", path, code=1)


def test_the_package_carries_the_profiles() -> None:
    files = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {f"rules/goods/{name}.toml" for name in shipped()} <= files
