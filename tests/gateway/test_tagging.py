"""What was true of a device when it measured stays so, whatever the settings say later."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import AHEAD_LIMIT, DeviceKey
from gateway.journal import Journal
from gateway.registry import Card
from gateway.settings import parse
from gateway.state import State
from gateway.tagging import BEGINNING, Pattern, Period, Tagging, Tags, adopt_tags
from tests.gateway.parts import said

TRUCK = DeviceKey("", "truck-7")
NOW = 1_800_000_000_000
HAMBURG = {"truck-*": ("Hamburg", "TH2")}
KIEL = {"truck-*": ("Kiel", "TH2")}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    yield opened
    opened.close()


def store(journal: Journal, *times: int) -> None:
    """Take in a reading of each of these times."""
    journal.append([said(device=str(TRUCK), at=at, sequence=0) for at in times])
    journal.commit()
    journal.publish()


async def adopt(
    state: State,
    devices: dict[str, tuple[str, str]],
    now: int,
    *,
    journal: Journal | None = None,
    looking: bool = False,
) -> Tagging:
    """Start with these [[devices]] as pattern → (site, model)."""
    text = "".join(
        f'[[devices]]\nmatch = "{match}"\n'
        + (f'site = "{site}"\n' if site else "")
        + (f'model = "{model}"\n' if model else "")
        for match, (site, model) in devices.items()
    )
    kept = journal or Journal(state.path.with_name("empty.db"))
    try:
        return await adopt_tags(state, kept, parse(text), now, looking=looking)
    finally:
        if journal is None:
            kept.close()


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


async def test_what_a_clock_a_little_ahead_said_keeps_its_tags(
    state: State, journal: Journal
) -> None:
    await adopt(state, HAMBURG, NOW, journal=journal)
    ahead, wrong = NOW + AHEAD_LIMIT - 1000, NOW + 2 * AHEAD_LIMIT
    store(journal, NOW, ahead, wrong)
    tagging = await adopt(state, KIEL, NOW + 10, journal=journal)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (ahead + 1, "Kiel")]


@pytest.mark.parametrize("ahead", [2 * 3_600_000, 4 * 365 * 86_400_000])
async def test_a_clock_that_was_far_ahead_does_not_hide_what_the_settings_say(
    state: State, ahead: int
) -> None:
    await adopt(state, HAMBURG, NOW)
    await adopt(state, KIEL, NOW + ahead)
    bremen = {"truck-*": ("Bremen", "TH2")}
    tagging = await adopt(state, bremen, NOW + 10)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW + 10, "Bremen")]
    assert sites(Tagging(stored(state))) == sites(tagging)
    # nor if the settings say again what held before
    await adopt(state, KIEL, NOW + ahead)
    tagging = await adopt(state, bremen, NOW + 20)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW + 10, "Bremen")]


async def test_a_first_start_with_a_clock_far_ahead_told_of_all_before(state: State) -> None:
    await adopt(state, HAMBURG, NOW + 3_600_000)
    tagging = await adopt(state, KIEL, NOW)
    assert sites(tagging) == [(BEGINNING, "Hamburg"), (NOW, "Kiel")]
    assert sites(Tagging(stored(state))) == sites(tagging)


STARTS = st.lists(
    st.tuples(
        st.sampled_from(["", "Hamburg", "Kiel"]),
        st.integers(-AHEAD_LIMIT // 10, AHEAD_LIMIT // 10) | st.integers(-2, 2),
        st.lists(st.integers(-2 * AHEAD_LIMIT, AHEAD_LIMIT) | st.integers(-2, 2), max_size=3),
    ),
    min_size=1,
    max_size=8,
)


@given(starts=STARTS)
async def test_what_was_taken_in_is_never_told_otherwise_later_even_if_the_clock_is_set_back(
    tmp_path_factory: pytest.TempPathFactory, starts: list[tuple[str, int, list[int]]]
) -> None:
    folder = tmp_path_factory.mktemp("tags")
    state, journal = State(folder / "state.db"), Journal(folder / "journal.db")
    now, sent = NOW, dict[int, str]()
    for site, moves, offsets in starts:
        now += moves
        devices = {"*": (site, "")} if site else {}
        tagging = await adopt(state, devices, now, journal=journal)
        assert {at: tagging.at(TRUCK, at).site for at in sent} == sent
        assert tagging.at(TRUCK, now + 2 * AHEAD_LIMIT).site == site
        assert sites(Tagging(stored(state))) == sites(tagging)
        # No reading comes to lie too far ahead, however often the clock is set back.
        made = [now + offset for offset in offsets if now + offset <= NOW + AHEAD_LIMIT // 5]
        store(journal, *made)
        sent |= {at: tagging.at(TRUCK, at).site for at in made}
    state.close()
    journal.close()


@given(
    patterns=st.lists(st.text("ab*?[]!.\\(|-", min_size=1, max_size=5), max_size=6),
    name=st.text("ab*?[]!.\\(|-\n", min_size=1, max_size=6),
)
def test_many_patterns_fit_as_each_alone(patterns: list[str], name: str) -> None:
    tagging = Tagging([(NOW, [Pattern(one, Tags(str(i))) for i, one in enumerate(patterns)])])
    first = next((str(i) for i, one in enumerate(patterns) if fnmatchcase(name, one)), "")
    assert tagging.at(DeviceKey("", name), NOW) == Tags(first)


def stored(state: State) -> list[tuple[int, list[Pattern]]]:
    """What another start would find."""
    return [(since, _patterns(body)) for since, body in state.tag_versions()]


def _patterns(body: bytes) -> list[Pattern]:
    return msgspec.json.decode(body, type=list[Pattern])


# --- what people state in the registry


def test_a_card_counts_before_the_settings_field_by_field_from_its_time_on() -> None:
    cards = [(NOW, Card(site="Bremen")), (NOW + 9, Card(site="Bremen", model="TH9"))]
    versions = [(NOW - 5, [Pattern("*", Tags("Hamburg", "TH2"))]), (NOW + 5, [])]
    tagging = Tagging(versions, lambda device: cards if device == TRUCK else [])
    assert tagging.periods(TRUCK) == [
        (BEGINNING, Tags("Hamburg", "TH2")),
        (NOW, Tags("Bremen", "TH2")),
        (NOW + 5, Tags("Bremen", "")),
        (NOW + 9, Tags("Bremen", "TH9")),
    ]
    assert tagging.at(TRUCK, NOW - 1) == Tags("Hamburg", "TH2")
    assert tagging.at(DeviceKey("", "van"), NOW) == Tags("Hamburg", "TH2")
    assert Tagging([], lambda _device: cards).periods(TRUCK) == [
        (BEGINNING, Tags()),
        (NOW, Tags("Bremen", "")),
        (NOW + 9, Tags("Bremen", "TH9")),
    ]


def test_what_a_card_says_that_changes_no_tag_makes_no_period() -> None:
    cards = [(NOW, Card(name="Left door")), (NOW + 1, Card(site="Hamburg"))]
    tagging = Tagging([(NOW, [Pattern("*", Tags("Hamburg"))])], lambda _device: cards)
    assert tagging.periods(TRUCK) == [(BEGINNING, Tags("Hamburg"))]
