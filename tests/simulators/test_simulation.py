"""A simulation is a function of its scenario and start, however time is cut into calls."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import COUNTED, UNUSABLE
from simulators.simulation import Message
from tests.simulators.small import (
    HOUR,
    MINUTE,
    SMALL,
    START,
    fault,
    objects,
    readings,
    sent,
    series,
    simulation,
)

# Everything that can go wrong with a message, on other devices each, for 40 minutes.
TROUBLE = (
    fault("lost_link", "room-1-1")
    + fault("duplicates", "room-1-2", more="severity = 0.5")
    + fault("reordering", "room-2-*", more="severity = 0.5")
    + fault("clock_jump", "truck")
    + fault("spikes", "room-2-1")
    + fault("theft", "truck", "20 min", "5 min")
)
LASTS = 40 * MINUTE


def everything() -> list[Message]:
    return simulation(TROUBLE).advance(START + LASTS)


@pytest.fixture(scope="module")
def whole() -> list[Message]:
    """Return what is sent when time passes in one call."""
    return everything()


def test_the_same_seed_gives_the_same_bytes(whole: list[Message]) -> None:
    assert everything() == whole
    assert len(whole) > 200


def test_another_seed_gives_others(whole: list[Message]) -> None:
    other = sent(TROUBLE, 40, text=SMALL.replace("seed = 7", "seed = 8"))
    assert {message.payload for message in other} != {message.payload for message in whole}


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, LASTS), max_size=30))
def test_time_may_be_cut_anyhow(whole: list[Message], cuts: list[int]) -> None:
    running = simulation(TROUBLE)
    pieces: list[Message] = []
    before = START
    for cut in sorted({*cuts, LASTS}):
        piece = running.advance(START + cut)
        assert all(message.at <= START + cut for message in piece)
        assert not pieces or all(message.at > before for message in piece)
        before = START + cut
        pieces += piece
    assert pieces == whole


def test_messages_are_handed_out_in_order_of_time(whole: list[Message]) -> None:
    times = [message.at for message in whole]
    assert times == sorted(times)


def test_time_does_not_go_back() -> None:
    running = simulation()
    running.advance(START + MINUTE)
    with pytest.raises(ValueError, match="does not go back"):
        running.advance(START)


def test_with_weather_of_its_own_a_run_is_the_same_at_any_start() -> None:
    later = 7 * HOUR + 123
    moved = simulation(start=START + later).advance(START + later + HOUR)
    here = sent()
    assert [message.at - later for message in moved] == [message.at for message in here]
    assert [{**each, "time": ""} for each in objects(moved)] == [
        {**each, "time": ""} for each in objects(here)
    ]


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    start=st.integers(946_684_800_000, 4_000_000_000_000),
    set_point=st.floats(-25, 25),
    resolution=st.sampled_from([0.01, 0.0625, 0.1, 0.5, 1.0]),
)
def test_every_payload_is_a_reading_for_holdwatch(
    seed: int, start: int, set_point: float, resolution: float
) -> None:
    text = SMALL.replace("seed = 7", f"seed = {seed}")
    text = text.replace("error = 0.1", f"error = 0.1\n    resolution = {resolution}")
    text = text.replace("set_point = 2.0", f"set_point = {set_point:.2f}")
    messages = simulation(TROUBLE, text=text, start=start).advance(start + 25 * MINUTE)
    found = readings(messages)
    assert len(found) >= len(messages) > 100
    for reading in found:
        assert reading.flags & COUNTED
        # A spike may be what no temperature can be; nothing else is.
        assert not reading.flags & UNUSABLE or reading.device.id == "room-2-1"


class TestLinks:
    def test_a_lost_link_delays_and_loses_nothing(self) -> None:
        sound, lost = sent(), sent(fault("lost_link", "room-*"))
        assert Counter(map(str, objects(lost))) == Counter(map(str, objects(sound)))
        silent = [message for message in lost if 10 * MINUTE <= message.at - START < 30 * MINUTE]
        assert {message.device for message in silent} == {"truck"}
        heaps = [message for message in lost if message.payload.startswith(b"[")]
        assert {message.device for message in heaps} == {
            f"room-{a}-{b}" for a in "12" for b in "12"
        }
        assert all(message.at - START >= 30 * MINUTE for message in heaps)

    def test_a_long_backlog_comes_in_several_messages(self) -> None:
        messages = sent(fault("lost_link", "truck", "0 s", "10 h"), 10.2 * 60)
        heaps = [message for message in messages if message.payload.startswith(b"[")]
        assert [len(objects([heap])) for heap in heaps] == [500, 100]
        assert [each["seq"] for each in objects(heaps)] == list(range(1, 601))

    @pytest.mark.parametrize("kind", ["duplicates", "reordering"])
    def test_neither_duplicates_nor_reordering_change_what_is_said(self, kind: str) -> None:
        # The last minutes are left out: something delayed is not yet sent at the end.
        sound, spoilt = sent(), sent(fault(kind, "*"), 70)
        until = START + 60 * MINUTE
        said = {message.payload for message in sound}
        assert {m.payload for m in spoilt if m.payload in said} == said
        assert {m.payload for m in spoilt if m.at <= until} <= said
        times = Counter(message.payload for message in spoilt)
        orders = [each["seq"] for each in objects(m for m in spoilt if m.device == "truck")]
        if kind == "duplicates":
            assert set(times.values()) == {1, 2}
        else:
            assert set(times.values()) == {1}
            assert orders != sorted(orders)


def test_it_says_what_is_happening() -> None:
    running = simulation(fault("door_open", "room-1"))
    running.advance(START + 5 * MINUTE)
    assert running.describe() == "3 assets, 5 devices: all is well"
    running.advance(START + 22 * MINUTE)
    assert running.describe() == "3 assets, 5 devices: door open at room-1 for 12 min"


def test_sensors_follow_what_is_true() -> None:
    running = simulation(text=SMALL.replace("openings = 20", "openings = 0"))
    told = series(running.advance(START + 3 * HOUR), "room-1-1", "temperature.cargo")
    true = float(running.assets.cargo[1])
    assert len(told) == 3 * HOUR // 50_000
    # Its own error (0.1 K, three deviations), noise and half a step.
    assert abs(told[-1][1] - true) < 0.3 + 0.1 + 0.05
