"""Remarks on readings: each has a name, and none of them cries wolf."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Model
from devices.reading import IMPORTED, RETAINED, DeviceKey, Reading, layout, reading
from rules.alone import limits_of
from rules.duration import DAY, HOUR, MINUTE
from rules.quality import LAYOUTS, Watcher, remarks
from rules.quality_state import dump, load
from rules.remark import NAMES, WORDS
from rules.sequence import step
from rules.subject import order

D1 = DeviceKey("acme", "d-1")
START = 1_700_000_000_000
PROBE = Model(
    id="acme-probe",
    maker="Acme",
    name="Probe",
    data_sheet="none",
    decode=lambda _data, _port: [],
    channels=("battery", "temperature"),
    interval=10 * MINUTE,
    low_battery=2.5,
    weak_signal=-120.0,
)


def said(
    minute: float,
    *,
    number: int | None = None,
    flags: int = 0,
    late: int = 1000,
    clock: int = 0,
    **values: float,
) -> Reading:
    """Make a reading; `clock` ms is what its clock is ahead by."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    channels = tuple(sorted(named or {"temperature": 4.0}))
    when = START + int(minute * MINUTE)
    return reading(
        device=D1,
        at=when + clock,
        received=when + late,
        layout=layout(channels),
        values=tuple((named or {"temperature": 4.0})[one] for one in channels),
        sequence=number,
        flags=flags,
    )


def names(readings: Sequence[Reading], model: Model | None = None) -> list[str]:
    """Return the remarks of each reading by name, with the channel where there is one."""
    return [
        " ".join(f"{one.name}:{one.channel}" if one.channel else one.name for one in found)
        for found in remarks(readings, model)
    ]


def every(minutes: float, values: Sequence[float], channel: str = "temperature") -> list[Reading]:
    named: list[dict[str, Any]] = [{channel: value} for value in values]
    return [said(n * minutes, **one) for n, one in enumerate(named)]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (said(0), ""),
        (said(0, temperature=math.nan), "missing:temperature"),
        (said(0, temperature=-300.0), "out-of-range:temperature"),
        (said(0, humidity=40.0, temperature__probe=151.0), "out-of-range:temperature.probe"),
        (said(0, clock=DAY), "clock-off"),
        (said(0, clock=-START), "clock-off"),
        (said(0, late=2 * HOUR), "late"),
        (said(0, late=2 * HOUR, flags=IMPORTED), ""),
        (said(0, battery_level=14.0), "low-battery:battery_level"),
        (said(0, battery_level=15.0), ""),
        (said(0, battery=1.0), ""),
        (said(0, signal=-116.0), "weak-signal:signal"),
        (said(0, signal=-115.0), ""),
    ],
)
def test_what_can_be_said_of_a_reading_alone(one: Reading, expected: str) -> None:
    assert names([one]) == [expected]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (said(0, battery=2.49), "low-battery:battery"),
        (said(0, battery=2.5), ""),
        (said(0, signal=-118.0), ""),
        (said(0, signal=-121.0), "weak-signal:signal"),
    ],
)
def test_a_model_knows_what_is_low_for_it(one: Reading, expected: str) -> None:
    assert names([one], PROBE) == [expected]


def test_a_model_that_sends_percent_says_which_are_low() -> None:
    percent = Model(
        id="acme-level",
        maker="Acme",
        name="Level",
        data_sheet="none",
        decode=lambda _data, _port: [],
        channels=("battery_level",),
        interval=MINUTE,
        low_battery=30.0,
    )
    assert names([said(0, battery_level=29.0)], percent) == ["low-battery:battery_level"]


@pytest.mark.parametrize(
    ("value", "channel", "frozen_after"),
    [
        (-18.37, "temperature", DAY),
        (4.1, "temperature", DAY),
        (4.5, "temperature", 3 * DAY),
        (-20.0, "temperature", 7 * DAY),
        (45.3, "humidity", DAY),
        (100.0, "humidity", None),
        (1013.2, "pressure", DAY),
        (400.0, "co2", None),
        (20.9, "oxygen", None),
        (0.0, "illuminance", None),
        (3.6, "battery", None),
    ],
)
def test_a_value_that_never_moves(value: float, channel: str, frozen_after: int | None) -> None:
    series = every(30, [value] * (8 * 48 + 1), channel)
    found = names(series)
    told = [n for n, name in enumerate(found) if name == f"frozen:{channel}"]
    first = None if frozen_after is None else frozen_after // (30 * MINUTE)
    assert (told[0] if told else None) == first
    assert set(found) <= {"", f"frozen:{channel}"}


def test_few_readings_are_not_enough_to_call_it_stuck() -> None:
    assert set(names(every(240, [4.13] * 19))) == {""}
    assert names(every(240, [4.13] * 20))[-1] == "frozen:temperature"


def test_any_movement_begins_it_anew() -> None:
    values = [4.13] * 30 + [4.14] + [4.13] * 30
    assert set(names(every(60, values))) == {"", "frozen:temperature"}
    assert names(every(60, values))[31:55] == [""] * 24


@pytest.mark.parametrize(
    ("channel", "values", "expected"),
    [
        # Every five minutes.
        ("temperature", [4, 4, 90, 4, 4], ["", "", "jump", "", ""]),
        ("temperature", [4, 90, 89, 88], ["", "jump", "", ""]),
        ("temperature", [4, 39, 4], ["", "", ""]),
        ("temperature", [4, 90, -90, 4], ["", "jump", "jump", ""]),
        ("temperature", [4, math.nan, 90], ["", "missing", "jump"]),
        ("temperature", [4, -300, 4], ["", "out-of-range", ""]),
        ("temperature", [90, 4], ["", "jump"]),
        ("humidity", [10, 99, 10], ["", "", ""]),
        ("pressure", [1013, 700, 1013], ["", "jump", ""]),
        ("co2", [500, 90_000, 500], ["", "jump", ""]),
        ("door", [0, 1, 0], ["", "", ""]),
        ("set_point", [-18, 70, -18], ["", "", ""]),
    ],
)
def test_jumps(channel: str, values: list[float], expected: list[str]) -> None:
    found = [name.partition(":")[0] for name in names(every(5, values, channel))]
    assert found == expected


def numbered(*numbers: int) -> list[Reading]:
    """Return readings of a device that has counted without a gap before these."""
    before = range(numbers[0] - 10, numbers[0])
    return [
        said(n, number=number, temperature=4 + n % 7 / 10)
        for n, number in enumerate([*before, *numbers])
    ]


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ((20, 21, 22), 0),
        ((20, 25), 4),
        ((250, 251, 3), 7),
        ((65_533, 65_534, 65_535, 0, 1), 0),
        ((65_533, 65_534, 0, 1), 1),
        ((2**32 - 1, 0, 1), 0),
        ((2**32 - 1, 1), 1),
        # It was switched on again.
        ((3000, 0, 1, 2), 0),
        ((3000, 3, 4), 0),
        ((30, 0, 1), 0),
        ((30, 1), 0),
        # Overtaken, or said twice.
        ((20, 19, 21), 0),
        ((20, 20, 21), 0),
        # It counts anew, from a number of its own.
        ((20, 5_000_000, 5_000_001), 0),
    ],
)
def test_numbers_that_never_came(numbers: tuple[int, ...], count: int) -> None:
    found = [one for all_of in remarks(numbered(*numbers)) for one in all_of]
    assert [one.name for one in found] == ["sequence-gap"] * bool(count)
    assert sum(int(one.text.split()[0]) for one in found if count > 1) == (
        count if count > 1 else 0
    )


def test_a_device_that_numbers_more_than_it_sends_misses_nothing() -> None:
    series = [said(n, number=n * 47, temperature=4 + n % 7 / 10) for n in range(200)]
    assert set(names(series)) == {""}


def test_a_device_that_loses_every_third_message_is_told_of() -> None:
    series = [said(n, number=n, temperature=4 + n % 7 / 10) for n in range(300) if n % 3]
    assert names(series).count("sequence-gap") > 80


def test_in_maintenance_every_reading_says_so() -> None:
    found = remarks(every(5, [4, 90, 4]), maintained=lambda when: when > START)
    assert [[one.name for one in each] for each in found] == [
        [],
        ["jump", "maintenance"],
        ["maintenance"],
    ]


def test_what_came_late_is_held_against_nothing() -> None:
    watcher = Watcher()
    series = every(5, [4, 4.1, 4.2, 4.3])
    for one in series:
        assert watcher.remark(one) == ()
    assert watcher.remark(said(7, temperature=90.0)) == ()
    assert [one.name for one in watcher.remark(said(8, temperature=-300.0))] == ["out-of-range"]
    assert watcher.remark(said(20, temperature=4.4)) == ()


def test_what_the_broker_kept_and_nobody_can_date_is_held_against_nothing() -> None:
    watcher = Watcher()
    watcher.remark(said(0, temperature=4.0))
    kept = reading(
        device=D1,
        at=None,
        received=START + MINUTE,
        layout=layout(("temperature",)),
        values=(90.0,),
        sequence=None,
        flags=RETAINED,
    )
    assert watcher.remark(kept) == ()


def test_messages_of_several_kinds_are_each_followed() -> None:
    series = []
    for n in range(0, 60, 2):
        series += [said(n, temperature=4.0 + n % 3), said(n + 1, battery_level=50.0)]
    series.append(said(60, temperature=90.0))
    assert names(series) == [""] * 60 + ["jump:temperature"]


def test_a_device_that_invents_channels_does_not_fill_the_memory() -> None:
    watcher = Watcher()
    for n in range(50):
        channels = layout((f"temperature.p{n}",))
        watcher.remark(msgspec.structs.replace(said(n), layout=channels))
    assert watcher.others is not None
    assert len(watcher.others) < LAYOUTS


def test_every_name_has_words() -> None:
    assert set(WORDS) == set(NAMES)


values = st.sampled_from([4.0, 4.1, 4.1, 4.1, 30.0, 90.0, -300.0, math.nan, 1.0])
shapes = st.sampled_from([("temperature",), ("humidity", "temperature"), ("battery", "signal")])


@st.composite
def series_of(draw: st.DrawFn) -> list[Reading]:
    found: dict[tuple[int, int], Reading] = {}
    minute, number = 0, draw(st.sampled_from([0, 100, 250, 65_530]))
    for _ in range(draw(st.integers(1, 60))):
        minute += draw(st.sampled_from([0, 1, 5, 5, 5, 120, 1000]))
        number = (number + draw(st.sampled_from([1, 1, 1, 1, 2, 9]))) % 65_536
        shape = draw(shapes)
        one = reading(
            device=D1,
            at=START + minute * MINUTE,
            received=START + minute * MINUTE + draw(st.sampled_from([0, 1000, 2 * HOUR])),
            layout=layout(shape),
            values=tuple(draw(values) for _ in shape),
            sequence=draw(st.sampled_from([number, number, None])),
            flags=draw(st.sampled_from([0, 0, 0, IMPORTED])),
        )
        found.setdefault((one.at, one.identity), one)
    return sorted(found.values(), key=order)


@given(series_of(), st.randoms(use_true_random=False))
def test_the_remarks_on_a_series_do_not_depend_on_how_it_came(
    series: list[Reading], random: Random
) -> None:
    shuffled = list(series)
    random.shuffle(shuffled)
    assert remarks(sorted(shuffled, key=order)) == remarks(series)


@given(series_of())
@settings(max_examples=200)
def test_the_short_way_says_what_the_long_way_says(series: list[Reading]) -> None:
    short, long = Watcher(limits_of(PROBE)), Watcher(limits_of(PROBE))
    for one in series:
        assert short.remark(one) == long._look(one)


@given(series_of(), st.integers(0, 60))
def test_a_restart_forgets_nothing(series: list[Reading], cut: int) -> None:
    watcher = Watcher()
    for one in series[:cut]:
        watcher.remark(one)
    again = load(D1, watcher.limits, dump(watcher))
    assert dump(again) == dump(watcher)
    for one in series[cut:]:
        assert again.remark(one) == watcher.remark(one)


@pytest.mark.parametrize("stored", [b"", b"\x00", b"\x96\x63\x00\x00\x00\x00\x90"])
def test_what_cannot_be_read_is_told(stored: bytes) -> None:
    with pytest.raises(ValueError, match="d-1"):
        load(D1, limits_of(None), stored)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_step_never_misses_what_came(last: int, number: int) -> None:
    found = step(last, number)
    for first, until in found.missing:
        assert first <= until
        assert not first <= number <= until
        assert not first <= last <= until
    assert bool(found.missing) == (found.kind == "gap")
