"""What several sensors say of a consignment together: the same live, later and offline."""

from __future__ import annotations

import gc
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import devices.reading
from devices.reading import (
    EXPIRED,
    IMPORTED,
    MAXIMUM_CHANNELS,
    RETAINED,
    UNUSABLE,
    DeviceKey,
    Reading,
    layout,
    reading,
)
from rules.cargo.compose import Composer, channel_of, compose, composed
from rules.cargo.consignment import Assignment, Consignment, Leg, Place, Staged, Travelled
from rules.duration import DAY, HOUR, MINUTE

START = 1_767_225_600_000
"""2026-01-01 00:00 UTC."""
A, B, C = (DeviceKey("acme", name) for name in ("a", "b", "c"))
INTERVAL = 10 * MINUTE
HOLD = 25 * MINUTE
PORT = Place("port")


def speaks(_sensor: DeviceKey, _when: int) -> int:
    return HOLD


def at(minute: float) -> int:
    return START + int(minute * MINUTE)


def said(
    sensor: DeviceKey,
    minute: float,
    *,
    flags: int = 0,
    received: float | None = None,
    **values: float,
) -> Reading:
    channels = {name.replace("__", "."): value for name, value in values.items()}
    shape = layout(tuple(sorted(channels)))
    return reading(
        device=sensor,
        at=at(minute),
        received=at(minute if received is None else received) + 500,
        layout=shape,
        values=tuple(channels[name] for name in shape.channels),
        sequence=None,
        flags=flags,
    )


def consignment(*sensors: DeviceKey | Assignment, **settings: object) -> Consignment:
    assignments = tuple(
        one if isinstance(one, Assignment) else Assignment(sensor=one, since=START)
        for one in sensors
    )
    known: dict[str, Any] = {"owner": "acme", "id": "c-1", "goods": "vaccines", "created": START}
    return Consignment(**known | {"assignments": assignments} | settings)


def told(readings: list[Reading]) -> list[str]:
    """Each as "minute: channel value, …", a value that nobody knows as ?."""
    return [
        f"{(one.when - START) / MINUTE:g}: "
        + ", ".join(
            f"{channel} {'?' if one.value(channel) is None else one.value(channel)}"
            for channel in one.layout.channels
        )
        for one in readings
    ]


@pytest.mark.parametrize(
    ("channel", "slot", "name"),
    [
        ("temperature", 1, "temperature.@1"),
        ("temperature.return_air", 12, "temperature.return_air@12"),
    ],
)
def test_a_channel_is_named_for_its_slot(channel: str, slot: int, name: str) -> None:
    assert composed(channel, slot) == name
    assert channel_of(name) == channel
    assert layout((name,)).limits == layout((channel,)).limits


def test_each_moment_says_what_every_sensor_said_last() -> None:
    found = compose(
        consignment(A, B),
        [said(B, 5, temperature=7.0), said(A, 0, temperature=5.0), said(A, 10, temperature=6.0)],
        speaks,
    )
    assert told(found) == [
        "0: temperature.@1 5.0",
        "5: temperature.@1 5.0, temperature.@2 7.0",
        "10: temperature.@1 6.0, temperature.@2 7.0",
    ]
    assert {one.device for one in found} == {DeviceKey("acme", "consignment/c-1")}
    assert [one.received for one in found] == [at(minute) + 500 for minute in (0, 5, 10)]


def test_a_sensor_that_speaks_no_more_is_unknown_from_that_moment_on() -> None:
    found = compose(
        consignment(A, B),
        [
            said(A, 0, temperature=5.0),
            *(said(B, minute, temperature=4.0) for minute in (10, 20, 30)),
        ],
        speaks,
    )
    assert told(found)[2:] == [
        "20: temperature.@1 5.0, temperature.@2 4.0",
        "25: temperature.@1 ?, temperature.@2 4.0",
        "30: temperature.@1 ?, temperature.@2 4.0",
    ]


def test_it_goes_on_as_far_as_it_is_asked_to() -> None:
    found = compose(consignment(A), [said(A, 0, temperature=5.0)], speaks, until=at(60))
    assert told(found) == ["0: temperature.@1 5.0", "25: temperature.@1 ?"]


def test_what_a_sensor_says_while_it_is_not_assigned_counts_for_nothing() -> None:
    found = compose(
        consignment(
            Assignment(sensor=A, since=at(0), ignore_until=at(20), until=at(50)),
            Assignment(sensor=B, since=at(40)),
        ),
        [
            *(said(A, minute, temperature=20.0) for minute in (-10, 0, 10)),
            *(said(A, minute, temperature=5.0) for minute in (20, 30, 40, 50, 60)),
            *(said(B, minute, temperature=4.0) for minute in (30, 45, 60)),
        ],
        speaks,
    )
    assert told(found) == [
        "20: temperature.@1 5.0",
        "30: temperature.@1 5.0",
        "40: temperature.@1 5.0",
        "45: temperature.@1 5.0, temperature.@2 4.0",
        "50: temperature.@2 4.0",
        "60: temperature.@2 4.0",
    ]


def test_what_nobody_measures_any_more_is_said_to_be_unknown_once() -> None:
    found = compose(
        consignment(Assignment(sensor=A, since=at(0), until=at(15)), B),
        [
            said(A, 0, temperature=5.0, humidity=50.0),
            *(said(B, minute, temperature=4.0) for minute in (0, 10, 20)),
        ],
        speaks,
    )
    assert told(found)[2:] == [
        "15: humidity.@1 ?, temperature.@2 4.0",
        "20: temperature.@2 4.0",
    ]
    alone = consignment(Assignment(sensor=A, since=at(0), until=at(15)))
    last = compose(alone, [said(A, 0, temperature=5.0)], speaks, until=at(60))
    assert told(last) == ["0: temperature.@1 5.0", "15: temperature.@1 ?"]


def test_a_sensor_that_comes_back_keeps_its_slot_and_begins_anew() -> None:
    back = consignment(
        Assignment(sensor=A, since=at(0), until=at(10)),
        Assignment(sensor=B, since=at(10), until=at(20)),
        Assignment(sensor=A, since=at(20)),
    )
    minutes = (0, 8, 12, 22)
    readings = [said(one, m, temperature=4.0 + m) for one in (A, B) for m in minutes]
    assert told(compose(back, readings, speaks)) == [
        "0: temperature.@1 4.0",
        "8: temperature.@1 12.0",
        "10: temperature.@1 ?",
        "12: temperature.@2 16.0",
        "20: temperature.@2 ?",
        "22: temperature.@1 26.0",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("5 90 5 5", "5.0 ? 5.0 5.0"),
        ("5 90 90 90", "5.0 ? 90.0 90.0"),
        ("5 90 nan 90", "5.0 ? ? ?"),
        ("5 24 5", "5.0 24.0 5.0"),
    ],
    ids=["a spike", "it stays", "nothing confirms it", "a door"],
)
def test_a_value_that_jumped_is_unknown_until_one_confirms_it(values: str, expected: str) -> None:
    series = [said(A, n, temperature=float(value)) for n, value in enumerate(values.split())]
    found = compose(consignment(A), series, speaks)
    assert " ".join(text.split()[-1] for text in told(found)) == expected


def test_legs_and_stages_change_at_a_moment_of_their_own() -> None:
    travelling = consignment(
        A,
        legs=(Leg(number=1, custodian="x", mode="road", origin=PORT, destination=PORT),),
        travelled=(Travelled(1, departed=at(12), arrived=at(31)),),
        stages=(
            Staged("planned", START),
            Staged("in_transit", at(14)),
            Staged("delivered", at(90)),
        ),
    )
    found = compose(travelling, [said(A, m, temperature=5.0) for m in (10, 20, 40)], speaks)
    assert [(one.when - START) / MINUTE for one in found] == [10, 12, 14, 20, 31, 40]


def test_it_is_imported_if_all_of_it_is_and_expired_if_any_is() -> None:
    found = compose(
        consignment(A, B),
        [
            said(A, 0, temperature=5.0, flags=IMPORTED, received=900),
            said(B, 10, temperature=5.0),
            said(A, 20, temperature=5.0, flags=IMPORTED | EXPIRED, received=900),
            said(A, 40, temperature=5.0, flags=IMPORTED, received=900),
        ],
        speaks,
    )
    assert [(one.when - START) // MINUTE for one in found] == [0, 10, 20, 35, 40]
    assert [one.flags & ~UNUSABLE for one in found] == [
        IMPORTED,
        0,
        EXPIRED,
        IMPORTED | EXPIRED,
        IMPORTED,
    ]
    assert [one.received for one in found][:3] == [at(900) + 500, at(10) + 500, at(10) + 500]


def test_an_expired_sensor_that_is_long_silent_does_not_make_another_expire() -> None:
    found = compose(
        consignment(A, B),
        [said(A, 0, temperature=5.0, flags=EXPIRED), said(B, 60, temperature=5.0)],
        speaks,
        until=at(90),
    )
    # At minute 25 A falls silent, at 85 B does: what B said was by a calibration that is valid.
    assert [((one.when - START) // MINUTE, bool(one.flags & EXPIRED)) for one in found] == [
        (0, True),
        (25, True),
        (60, False),
        (85, False),
    ]


def test_what_the_broker_had_kept_is_no_sign_of_life() -> None:
    kept = said(A, 0, temperature=5.0, flags=RETAINED, received=300)
    (found,) = compose(consignment(A), [kept], speaks)
    assert (found.received, found.flags) == (at(0), 0)


def test_only_what_is_judged_is_carried_and_never_too_much() -> None:
    sensors = [DeviceKey("acme", f"s{n:02}") for n in range(30)]
    readings = [said(one, n, temperature=5.0, signal=-80.0) for n, one in enumerate(sensors)]
    found = compose(consignment(*sensors), readings, lambda *_: DAY, channels={"temperature"})
    assert len(found[-1].layout.channels) == 30
    found = compose(consignment(*sensors), readings, lambda *_: DAY)
    assert max(len(one.layout.channels) for one in found) == MAXIMUM_CHANNELS


def test_sets_of_channels_that_nobody_uses_any_more_are_forgotten() -> None:
    before = len(devices.reading._LAYOUTS)
    for count in range(1, 30):
        sensors = [DeviceKey("acme", f"s{n:02}") for n in range(count)]
        compose(consignment(*sensors), [said(one, 0, co2=400.0) for one in sensors], speaks)
    gc.collect()
    assert len(devices.reading._LAYOUTS) == before + 1
    assert not [key for key in devices.reading._COMPOSED if key[0].startswith("co2")]


# -- live ------------------------------------------------------------------------------------


def test_one_sensor_is_not_waited_for() -> None:
    live = Composer(consignment(A), speaks)
    assert told(live.take([said(A, 0, temperature=5.0)]).readings) == ["0: temperature.@1 5.0"]


def test_of_two_sensors_the_slower_is_waited_for() -> None:
    live = Composer(consignment(A, B, wait=2 * MINUTE), speaks)
    assert live.take([said(A, 0, temperature=5.0), said(B, 0, temperature=4.0)]).readings
    assert live.take([said(A, 10, temperature=5.0)]).readings == []
    assert live.waits
    assert told(live.take([said(B, 9, temperature=4.0)]).readings) == [
        "9: temperature.@1 5.0, temperature.@2 4.0"
    ]
    assert live.tick(at(11)).readings == []
    assert len(live.tick(at(12)).readings) == 1
    assert not live.waits
    # A third that is heard two minutes later by event time ends the waiting as well.
    assert len(live.take([said(A, 20, temperature=5.0)]).readings) == 0
    assert len(live.take([said(A, 22, temperature=5.0)]).readings) == 1


def test_a_sensor_that_speaks_no_more_is_not_waited_for() -> None:
    live = Composer(consignment(A, B, wait=12 * HOUR), speaks)
    live.take([said(A, 0, temperature=5.0), said(B, 0, temperature=4.0)])
    assert live.take([said(A, 10, temperature=5.0), said(A, 20, temperature=5.0)]).readings == []
    assert len(live.take([said(A, 30, temperature=5.0)]).readings) == 4


def test_a_clock_that_is_ahead_makes_the_others_no_slower() -> None:
    live = Composer(consignment(A, B, wait=MINUTE), speaks)
    live.take([said(B, 0, temperature=4.0)])
    for minute in range(0, 100, 10):
        ahead = said(A, minute + 4, temperature=5.0, received=minute)
        assert live.take([ahead]).late is None
        assert live.take([said(B, minute + 0.5, temperature=4.0)]).late is None


def test_what_is_older_than_what_was_composed_is_late() -> None:
    live = Composer(consignment(A, B, wait=0), speaks)
    live.take([said(A, 0, temperature=5.0), said(A, 10, temperature=5.0)])
    found = live.take([said(B, 8, temperature=4.0), said(B, 4, temperature=4.0)])
    assert (found.readings, found.late) == ([], at(4))


def test_a_leg_ends_also_while_nobody_is_heard() -> None:
    live = Composer(consignment(A, stages=(Staged("delivered", at(40)),), wait=MINUTE), speaks)
    live.take([said(A, 0, temperature=5.0)])
    assert live.tick(at(40)).readings == []
    assert told(live.tick(at(41)).readings) == ["25: temperature.@1 ?", "40: temperature.@1 ?"]
    assert live.tick(at(90)).readings == []


def test_a_file_that_cannot_be_read_is_told() -> None:
    live = Composer(consignment(A), speaks)
    with pytest.raises(ValueError, match="acme/consignment/c-1"):
        live.load(b"nonsense")


@st.composite
def voyages(draw: st.DrawFn) -> tuple[Consignment, list[Reading]]:
    """A consignment of three sensors that come and go, and what they said, in order of arrival."""
    minutes = st.integers(0, 36 * 60)
    assignments = []
    for sensor in (A, B, C):
        edges = sorted(draw(st.lists(minutes, min_size=2, max_size=4, unique=True)))
        assignments += [
            Assignment(
                sensor=sensor,
                since=at(begin),
                until=draw(st.sampled_from((at(end), None))) if end == edges[-1] else at(end),
                ignore_until=at(begin + draw(st.sampled_from((0, 30)))),
            )
            for begin, end in zip(edges[::2], edges[1::2], strict=False)
        ]
    assignments.sort(key=lambda one: (one.since, one.sensor))
    stages = [
        Staged("in_transit", at(minute)) for minute in sorted(draw(st.sets(minutes, max_size=3)))
    ]
    value = st.sampled_from((4.0, 5.0, 9.0, 90.0, 95.0, math.nan))
    readings = [
        said(sensor, minute, temperature=draw(value), flags=draw(st.sampled_from((0, IMPORTED))))
        for sensor in (A, B, C)
        for minute in draw(st.lists(minutes, max_size=12, unique=True))
    ]
    made = consignment(*assignments, stages=tuple(stages), wait=draw(st.sampled_from((0, HOUR))))
    return made, draw(st.permutations(readings))


def same(readings: list[Reading]) -> list[bytes]:
    return [
        msgspec.json.encode((one.when, one.received, one.layout.channels, one.flags, one.identity))
        + repr(one.values).encode()
        for one in readings
    ]


@settings(max_examples=150, deadline=None)
@given(voyages(), st.data())
def test_in_whatever_order_they_came_it_is_composed_as_it_is_offline(
    voyage: tuple[Consignment, list[Reading]], data: st.DataObject
) -> None:
    made, arriving = voyage
    live = Composer(made, speaks)
    series: list[Reading] = []
    snapshots: dict[int, bytes] = {}
    taken: list[Reading] = []
    while len(taken) < len(arriving):
        size = data.draw(st.integers(1, 5))
        batch = arriving[len(taken) : len(taken) + size]
        taken += batch
        out = live.take(batch)
        series += out.readings
        snapshots |= dict(out.snapshots)
        if data.draw(st.booleans()):
            out_of_time = live.tick(at(data.draw(st.integers(0, 36 * 60))))
            series += out_of_time.readings
            snapshots |= dict(out_of_time.snapshots)
        if data.draw(st.booleans()):
            kept = live.dump()
            live = Composer(made, speaks)
            live.load(kept)
        if out.late is not None:
            late = out.late
            frame = max((one for one in snapshots if one <= late), default=None)
            snapshots = {one: kept for one, kept in snapshots.items() if one == frame}
            again = live.again(
                None if frame is None else snapshots[frame],
                taken if frame is None else [one for one in taken if one.when >= frame],
            )
            snapshots |= dict(again.snapshots)
            series = [one for one in series if frame is not None and one.when < frame]
            series += again.readings
        assert same(series) == same(compose(made, before(taken, live), speaks, until=live.position))
    series += live.tick(at(10_000)).readings
    assert same(series) == same(compose(made, arriving, speaks, until=live.position))


def before(taken: list[Reading], live: Composer) -> list[Reading]:
    return [one for one in taken if one.when <= live.position]
