"""Profiles as a gateway knows them: those of now, and every version that ever was in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.goods import Goods
from gateway.goods_files import ProfileError, shipped
from gateway.state import State

MILK = """\
name = "milk"
title = "Milk"
source = "Our own"
measures = "product"
instructions = "Drink it."

[[rules]]
name = "warm"
kind = "exposure"
channel = "temperature"
bands = [{ name = "over-8", above = 8.0, for = "10 h" }]

[[test]]
name = "all well"
interval = "5 min"
series = { temperature = "4x12" }
"""
NOW = 1_800_000_000_000


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "goods"
    made.mkdir()
    (made / "milk.toml").write_text(MILK, encoding="utf-8")
    return made


def versions(state: State) -> dict[str, int]:
    return dict(state.rows("SELECT version, since FROM profile"))


def test_a_gateway_knows_ours_and_those_of_its_folder(state: State, folder: Path) -> None:
    goods = Goods(state, folder)
    assert [one.name for one in goods.all()] == sorted([*shipped(), "milk"])
    milk = goods.profile("milk")
    assert milk is not None
    assert milk.title == "Milk"
    assert goods.version(milk.version()) == milk
    assert goods.profile("cream") is None
    assert goods.version("milk@000000000000") is None


def test_without_a_folder_it_knows_ours(state: State) -> None:
    assert [one.name for one in Goods(state, None).all()] == sorted(shipped())


def test_a_bad_file_is_refused_at_the_start(state: State, folder: Path) -> None:
    (folder / "milk.toml").write_text(MILK.replace("measures", "mesures"))
    with pytest.raises(ProfileError, match=r"milk\.toml: 2 mistakes"):
        Goods(state, folder)


async def test_each_version_is_recorded_once_with_when_it_came_into_force(
    state: State, folder: Path
) -> None:
    await Goods(state, folder).adopt(NOW)
    first = versions(state)
    assert len(first) == len(shipped()) + 1
    assert set(first.values()) == {NOW}
    await Goods(state, folder).adopt(NOW + 1000)
    assert versions(state) == first
    (folder / "milk.toml").write_text(MILK.replace("10 h", "8 h"))
    goods = Goods(state, folder)
    await goods.adopt(NOW + 2000)
    milk = goods.profile("milk")
    assert milk is not None
    assert versions(state) == {**first, milk.version(): NOW + 2000}


async def test_a_version_of_long_ago_can_still_be_shown(state: State, folder: Path) -> None:
    before = Goods(state, folder)
    await before.adopt(NOW)
    old = before.profile("milk")
    assert old is not None
    (folder / "milk.toml").unlink()
    goods = Goods(state, folder)
    assert goods.profile("milk") is None
    kept = goods.version(old.version())
    assert kept is not None
    assert kept == old.model_copy(update={"tests": ()})
    assert kept.version() == old.version()
    assert [rule.limit() for rule in kept.rules] == [rule.limit() for rule in old.rules]


async def test_a_page_that_only_looks_knows_the_versions_too(
    state: State, folder: Path, tmp_path: Path
) -> None:
    goods = Goods(state, folder)
    await goods.adopt(NOW)
    milk = goods.profile("milk")
    assert milk is not None
    looking = State(tmp_path / "state.db", looking=True)
    try:
        kept = Goods(looking, None).version(milk.version())
        assert kept is not None
        assert kept.title == "Milk"
    finally:
        looking.close()


async def test_every_version_of_ours_survives_being_kept(state: State) -> None:
    goods = Goods(state, None)
    await goods.adopt(NOW)
    fresh = Goods(state, None)
    for one in goods.all():
        rows = state.rows("SELECT body FROM profile WHERE version = ?", (one.version(),))
        assert type(one).model_validate_json(rows[0][0]).version() == one.version()
        assert fresh.version(one.version()) == one
