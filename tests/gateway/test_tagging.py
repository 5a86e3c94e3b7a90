"""What was true of a device when it measured stays so, whatever the settings say later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.settings import parse
from gateway.state import State
from gateway.tagging import BEGINNING, Pattern, Period, Tagging, Tags, adopt_tags

TRUCK = DeviceKey("", "truck-7")
NOW = 1_800_000_000_000
HAMBURG = {"truck-*": ("Hamburg", "TH2")}
KIEL = {"truck-*": ("Kiel", "TH2")}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.db")
    yield opened
    opened.close()


async def adopt(
    state: State, devices: dict[str, tuple[str, str]], now: int, *, looking: bool = False
) -> Tagging:
    """Start with these [[devices]] as pattern → (site, model)."""
    text = "".join(
        f'[[devices]]\nmatch = "{match}"\n'
        + (f'site = "{site}"\n' if site else "")
        + (f'model = "{model}"\n' if model else "")
        for match, (site, model) in devices.items()
    )
    return await adopt_tags(state, parse(text), now, looking=looking)


def sites(tagging: Tagging, device: DeviceKey = TRUCK) -> list[tuple[int, str]]:
    return [(since, tags.site) for since, tags in tagging.periods(device)]


@pytest.mark.parametrize(
    ("device", "tags"),
    [
        (DeviceKey("", "truck-7"), Tags("Hamburg", "TH2")),
        (DeviceKey("", "truck-8"), Tags("Hamburg", "")),
        (DeviceKey("", "van-1"), Tags()),
        # by the whole key, with its owner
        (DeviceKey("acme", "truck-7"), Tags()),
        (DeviceKey("acme", "box"), Tags("Lager 3", "")),
        # case counts
        (DeviceKey("", "Truck-7"), Tags()),
    ],
)
def test_the_first_pattern_that_fits_counts(device: DeviceKey, tags: Tags) -> None:
    patterns = [
        Pattern("truck-7", Tags("Hamburg", "TH2")),
        Pattern("truck-*", Tags("Hamburg", "")),
        Pattern("acme/b*", Tags("Lager 3", "")),
    ]
    assert Tagging([(NOW, patterns)]).periods(device) == [Period(BEGINNING, tags)]


def test_without_any_version_nothing_is_told() -> None:
    assert Tagging([]).periods(TRUCK) == [Period(BEGINNING, Tags())]


async def test_the_first_version_holds_for_all_the_time_before_it(state: State) -> None:
    tagging = await adopt(state, HAMBURG, NOW)
    assert sites(tagging) == [(BEGINNING, "Hamburg")]
    assert tagging.at(TRUCK, 0) == tagging.at(TRUCK, -NOW) == Tags("Hamburg", "TH2")


async def test_a_change_holds_from_its_moment_on_and_no_earlier(state: State) -> None:
    await adopt(state, HAMBURG, NOW)
    tagging = await adopt(state, KIEL, NOW + 10)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW + 10, "Kiel")]
    assert [tagging.at(TRUCK, NOW + i).site for i in (9, 10, 11)] == ["Hamburg", "Kiel", "Kiel"]


async def test_going_back_to_earlier_words_is_a_change_too(state: State) -> None:
    for i, devices in enumerate([HAMBURG, KIEL, HAMBURG]):
        await adopt(state, devices, NOW + i)
    tagging = await adopt(state, HAMBURG, NOW + 9)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW + 1, "Kiel"), (NOW + 2, "Hamburg")]


async def test_a_change_that_does_not_concern_a_device_begins_no_period(state: State) -> None:
    await adopt(state, HAMBURG, NOW)
    await adopt(state, {**HAMBURG, "van-*": ("Bremen", "")}, NOW + 1)
    tagging = await adopt(state, KIEL, NOW + 2)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW + 2, "Kiel")]
    van = DeviceKey("", "van-1")
    assert sites(tagging, van) == [(BEGINNING, ""), (NOW + 1, "Bremen"), (NOW + 2, "")]


async def test_settings_without_devices_are_a_version_as_well(state: State) -> None:
    await adopt(state, {}, NOW)
    tagging = await adopt(state, HAMBURG, NOW + 1)
    assert sites(tagging) == [(BEGINNING, ""), (NOW + 1, "Hamburg")]


async def test_the_same_words_again_write_nothing(state: State) -> None:
    await adopt(state, HAMBURG, NOW)
    before = state.tag_versions()
    again = await adopt(state, HAMBURG, NOW + 1)
    assert state.tag_versions() == before
    assert sites(again) == [(BEGINNING, "Hamburg")]


async def test_whoever_only_looks_sees_what_would_hold_and_writes_nothing(state: State) -> None:
    await adopt(state, HAMBURG, NOW)
    before = state.tag_versions()
    looked = await adopt(state, KIEL, NOW + 1, looking=True)
    assert sites(looked) == [(BEGINNING, "Hamburg"), (NOW + 1, "Kiel")]
    assert state.tag_versions() == before


async def test_whoever_only_looks_at_a_fresh_folder_writes_nothing(state: State) -> None:
    assert sites(await adopt(state, HAMBURG, NOW, looking=True)) == [(BEGINNING, "Hamburg")]
    assert state.tag_versions() == []


STARTS = st.lists(
    st.tuples(st.sampled_from(["", "Hamburg", "Kiel"]), st.integers(-5, 5)), min_size=1, max_size=8
)


@given(starts=STARTS)
async def test_what_held_is_never_told_otherwise_later_even_if_the_clock_is_set_back(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[str, int]]
) -> None:
    state = State(tmp_path_factory.mktemp("tags") / "state.db")
    now, held = NOW, dict[int, str]()
    for site, moves in starts:
        now += moves
        tagging = await adopt(state, {"*": (site, "")} if site else {}, now)
        told = {since: one for since, one in sites(tagging) if since != BEGINNING}
        assert told.items() >= held.items()
        assert tagging.at(TRUCK, max([now, *told])).site == site
        held = told
        assert sites(Tagging(stored(state))) == sites(tagging)
    state.close()


def stored(state: State) -> list[tuple[int, list[Pattern]]]:
    """What another start would find."""
    return [(since, _patterns(body)) for since, body in state.tag_versions()]


def _patterns(body: bytes) -> list[Pattern]:
    return msgspec.json.decode(body, type=list[Pattern])
