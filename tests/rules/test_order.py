"""What must not matter: order of arrival, repetition, restarts, and the calm path."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import rules
from devices.reading import (
    ARRIVAL,
    EXPIRED,
    IMPORTED,
    RETAINED,
    UNUSABLE,
    DeviceKey,
    Reading,
    layout,
    reading,
)
from rules.engine import Engine
from rules.lifecycle import Explanation
from rules.plan import Intervals, Stand
from rules.rule import Rule, RuleVersion
from rules.step import Frame
from rules.subject import order
from rules.transition import Episode, Transition, episode
from tests.rules.series import INTERVAL, REEFER, START, rule

WITHHELD = UNUSABLE
"""Of a device that is worked on: values that could be true, and are flagged."""
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
LAYOUTS = [
    layout(("temperature",)),
    layout(("humidity",)),
    layout(("humidity", "temperature")),
    layout(("battery", "humidity", "temperature")),
    layout(("battery_level", "humidity", "temperature", "temperature.wall")),
    layout(("latitude", "longitude", "temperature")),
    layout(("latitude", "longitude")),
]
COMPOSED = [
    layout(("temperature.@1", "temperature.@2")),
    layout(("humidity.@1", "temperature.@1", "temperature.@2", "temperature.wall@2")),
    layout(("temperature.@2",)),
    layout(("battery.@1", "latitude.@1", "latitude.@2", "longitude.@1", "longitude.@2")),
]
"""What the sensors of a consignment say together."""
families = st.sampled_from([LAYOUTS, LAYOUTS, COMPOSED])
OTHER = DeviceKey("acme", "reefer-2")
FORMER = DeviceKey("acme", "probe-1")
SLOW_IS_FINE = [HealthCheck.too_slow]
"""A busy Raspberry Pi is slow, which is no failure."""

# From 4 to 90 nothing real jumps in 20 minutes.
values = st.sampled_from([1.0, 2.0, 4.0, 7.0, 8.0, 9.0, 30.0, 90.0, 95.0, -300.0, math.nan])
# Standing, moving on by a bit or far, no place on earth, nobody knows.
positions = st.sampled_from([1.0, 1.0, 1.0, 1.001, 1.5, 9.0, 95.0, math.nan])
MEASURED = {
    "battery": values,
    "battery_level": values,
    "latitude": positions,
    "longitude": positions,
}


def measured(channel: str, other: st.SearchStrategy[float] = values) -> st.SearchStrategy[float]:
    """Return what a channel may say: `other`, unless it is of a kind of its own."""
    return MEASURED.get(channel.partition(".")[0], other)


# Half a day per jump at most, so that series cross midnights, days and a rule's end.
minutes = st.one_of(st.integers(0, 90), st.integers(0, 4 * 24 * 60))


class Judging(NamedTuple):
    """What judges: the rules, and what is stated of devices."""

    versions: list[RuleVersion]
    intervals: Intervals = ((0, INTERVAL),)
    places: Mapping[DeviceKey, tuple[Stand, ...]] = {}

    def engine(self, *, calm: bool = True) -> Engine:
        return Engine(
            self.versions,
            lambda _: self.intervals,
            stands_for=lambda device: self.places.get(device, (Stand(device),)),
            calm=calm,
        )


length = st.sampled_from(["5 min", "30 min", "3 h"])
Settings = dict[str, object]


def _threshold(draw: st.DrawFn) -> Settings:
    mode = draw(st.sampled_from(["instant", "consecutive", "cumulative"]))
    found: Settings = {"channel": draw(channels), "mode": mode}
    found |= {"gap": draw(st.sampled_from(["pause", "reset"])), "inclusive": draw(st.booleans())}
    found |= draw(
        st.sampled_from(
            [
                {"above": 8.0},
                {"above": 8.0, "clear": 6.0},
                {"below": 2.0},
                {"outside": [2.0, 8.0]},
                {"outside": [2.0, 8.0], "clear": [3.0, 7.0]},
            ]
        )
    )
    found["spikes"] = draw(st.sampled_from(["ignore", "ignore", "judge"]))
    if mode != "instant":
        found["for"] = draw(length)
    if mode == "cumulative":
        if draw(st.booleans()):
            found["reset_after"] = draw(length)
    elif draw(st.booleans()):
        found["clear_for"] = draw(length)
    return found


def _exposure(draw: st.DrawFn) -> Settings:
    bands = [
        {"name": "warm", "above": 8.0, "for": draw(length)},
        {"name": "hot", "above": 9.0, "for": "5 min", "severity": "critical"},
        {"name": "cold", "below": 2.0, "inclusive": True, "for": draw(length)},
    ]
    found: Settings = {"channel": draw(channels), "bands": bands}
    if draw(st.booleans()):
        found["reset_after"] = draw(length)
    return found


def _budget(draw: st.DrawFn) -> Settings:
    found: Settings = {"low": 2.0, "high": 8.0, "allowed": draw(length)}
    found["carried"] = draw(st.sampled_from(["0 s", "4 min", "10 h"]))
    found |= draw(
        st.sampled_from([{}, {"q10": 2.0, "reference": 5.0}, {"energy": 83.144, "reference": 9.0}])
    )
    return found


def _mkt(draw: st.DrawFn) -> Settings:
    found: Settings = {"above": draw(st.sampled_from([7.0, 8.0, 20.0]))}
    if draw(st.booleans()):
        found["window"] = draw(st.sampled_from(["30 min", "24 h", "30 days"]))
        found["known"] = "20 min"
    return found | draw(lasting)


def _off_route(draw: st.DrawFn) -> Settings:
    route = draw(st.sampled_from([[[1.0, 1.0], [1.0, 9.0]], [[0.5, 0.5]], []]))
    return {"route": route, "stop": draw(length), "for": draw(length), "corridor": "30 km"}


channels = st.sampled_from(["temperature", "temperature", "humidity"])
lasting: st.SearchStrategy[Settings] = st.sampled_from([{}, {"for": "5 min"}, {"clear_for": "3 h"}])
KINDS: dict[str, Callable[[st.DrawFn], Settings]] = {
    "threshold": _threshold,
    "lost_contact": lambda draw: {"after": draw(length)},
    "no_usable_data": lambda draw: {"for": draw(length)},
    "exposure": _exposure,
    "stability_budget": _budget,
    "freeze_thaw": lambda draw: {
        "freezes": 2.0,
        "thaws": draw(st.sampled_from([4.0, 9.0])),
        "allowed": draw(st.integers(0, 2)),
        "cycles": draw(st.integers(0, 1)),
        **draw(st.sampled_from([{}, {"for": "30 min"}])),
    },
    "mkt": _mkt,
    "rate_of_change": lambda draw: {
        "channel": draw(channels),
        "within": draw(length),
        draw(st.sampled_from(["rises", "falls", "changes"])): 3.0,
        **draw(lasting),
    },
    "steadiness": lambda draw: {
        "channel": draw(channels),
        "within": draw(st.sampled_from(["30 min", "3 h", "24 h"])),
        "width": 4.0,
        **draw(lasting),
    },
    "condensation": lambda draw: {
        "surface": draw(st.sampled_from(["temperature.wall", 4.0])),
        "margin": draw(st.sampled_from([0.0, 2.0])),
        **draw(lasting),
    },
    "low_battery": lambda draw: {"for": draw(length), "below": 8.0},
    "calibration_expired": lambda draw: {
        "channel": draw(channels),
        **draw(st.sampled_from([{}, {"for": "30 min"}])),
    },
    "off_route": _off_route,
}
"""How each kind of rule is drawn: what is not here is not shown to keep the engine's promises."""
NO_STEPS = {"lost_contact", "exposure", "stability_budget", "off_route"}
NO_GRACE = {"lost_contact", "no_usable_data", "calibration_expired"}


def drawn(draw: st.DrawFn, kind: str, name: str) -> Rule:
    """Draw a rule of a kind, now and then with what all kinds may have."""
    found: Settings = {"name": name, "kind": kind, **KINDS[kind](draw)}
    found["devices"] = draw(st.sampled_from([["*"], ["acme/reefer-*"], ["acme/probe-*"]]))
    sometimes = st.sampled_from([False, False, False, True])
    if draw(sometimes):
        found["only"] = {"schedule": {"from": "03:00", "to": "21:30"}}
    if kind not in NO_STEPS and draw(sometimes):
        found["steps"] = [
            {"severity": "warning", "after": "40 min"},
            {"severity": "critical", "beyond": 3.0},
        ]
    if kind not in NO_GRACE and draw(sometimes):
        at_times: Settings = {"at": ["02:00", "14:00"], "for": "2 h"}
        by_channel: Settings = {"channel": "battery", "for": "2 h"}
        found["grace"] = draw(st.sampled_from([at_times, by_channel]))
    if kind != "lost_contact":
        found["counts"] = draw(st.sampled_from(["any", "any", "all", "mean", "@2"]))
        if draw(sometimes):
            found["hold"] = draw(length)
    return rule(**found)


@st.composite
def rule_sets(draw: st.DrawFn, *kinds: str) -> Judging:
    """Two limits, one of which changes on the second day, and up to three rules of other kinds.

    One of these changes then as well. With `kinds` it is rules of these. Now and then a device is
    away for a day, or takes another's place, or sends at another interval.
    """
    changed = START + DAY + draw(st.integers(0, 600)) * MINUTE
    wanted = list(kinds) or [
        "threshold",
        *draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4)),
    ]
    versions: list[RuleVersion] = []
    for number, kind in enumerate(wanted):
        first = drawn(draw, kind, f"rule-{number}")
        new = drawn(draw, kind, f"rule-{number}") if number < 2 else first
        versions += [
            RuleVersion(first, first.version(), 0, None if first == new else changed),
            *([] if first == new else [RuleVersion(new, new.version(), changed)]),
        ]
    then = START + DAY + draw(st.integers(0, 600)) * MINUTE
    places = (
        (Stand(REEFER),),
        (Stand(REEFER, until=then),),
        (Stand(REEFER, until=then), Stand(REEFER, then + DAY)),
        (Stand(REEFER), Stand(FORMER, then)),
        (Stand(REEFER), Stand(FORMER, then, then + DAY)),
    )
    intervals = (((0, INTERVAL),), ((0, INTERVAL), (then, 5 * INTERVAL)))
    return Judging(
        versions, draw(st.sampled_from(intervals)), {REEFER: draw(st.sampled_from(places))}
    )


@st.composite
def batches(draw: st.DrawFn) -> list[Reading]:
    """Readings as the journal records them: distinct, in any order of time."""
    found: dict[tuple[DeviceKey, int, int], Reading] = {}
    layouts = draw(families)
    for number in range(draw(st.integers(1, 40))):
        kind = draw(st.sampled_from(layouts))
        when = START + draw(minutes) * MINUTE
        flags = draw(st.sampled_from([0, 0, 0, IMPORTED, RETAINED, WITHHELD, EXPIRED]))
        clock = draw(st.sampled_from(["own", "own", "own", "none", "ahead"]))
        made = reading(
            device=draw(st.sampled_from([REEFER, OTHER])),
            at={"own": when, "none": None, "ahead": when + DAY}[clock],
            received=when if clock == "none" else when + draw(st.sampled_from([0, 1000])),
            layout=kind,
            values=tuple(draw(measured(channel)) for channel in kind.channels),
            sequence=draw(st.one_of(st.none(), st.just(number))),
            flags=flags,
        )
        found.setdefault((made.device, made.at, made.identity), made)
    return list(found.values())


@st.composite
def steady(draw: st.DrawFn) -> list[Reading]:
    """A device that sends the same channels in order, mostly with nothing to tell."""
    layouts = draw(families)
    kind, other = draw(st.sampled_from(layouts)), draw(st.sampled_from(layouts))
    steps = st.sampled_from([0, 1, 5, 5, 5, 60, 700])
    usual = st.sampled_from([4.0, 4.5, 5.0, 8.0, 2.0])
    found, when = [], START + draw(st.sampled_from([0, DAY - 30 * MINUTE]))
    for number in range(draw(st.integers(5, 40))):
        when += draw(steps) * MINUTE
        one = draw(st.one_of(usual, usual, usual, values))
        sent = draw(st.sampled_from([kind, kind, kind, kind, other]))
        found.append(
            reading(
                device=REEFER,
                at=when,
                received=when,
                layout=sent,
                values=tuple(draw(measured(channel, st.just(one))) for channel in sent.channels),
                sequence=number,
                flags=draw(st.sampled_from([0, 0, 0, 0, 0, IMPORTED, WITHHELD, EXPIRED])),
            )
        )
    return found


class Monitor:
    """Does what a monitor does: keeps readings and key frames, judges late devices again."""

    def __init__(self, judging: Judging, *, calm: bool = True) -> None:
        self.judging = judging
        self.calm = calm
        self.engine = judging.engine(calm=calm)
        self.readings: dict[DeviceKey, list[Reading]] = {}
        self.frames: dict[DeviceKey, list[Frame]] = {}
        self.episodes: dict[DeviceKey, dict[str, Episode]] = {}
        self.told: list[Transition] = []

    def take(self, readings: list[Reading]) -> None:
        folded = self.engine.fold(readings)
        self.note(folded.transitions)
        for made in readings:
            self.readings.setdefault(made.device, []).append(made)
        for frame in folded.frames:
            self.frames.setdefault(frame.device, []).append(frame)
        for device, late in folded.late.items():
            self.rejudge(device, late)

    def note(self, transitions: list[Transition]) -> None:
        self.told += transitions
        for transition in transitions:
            own = self.episodes.setdefault(transition.device, {})
            own[transition.id] = episode(transition)

    def rejudge(self, device: DeviceKey, late: int) -> None:
        kept = [frame for frame in self.frames.get(device, []) if frame.at <= late]
        frame = kept[-1] if kept else None
        start = frame.at if frame else -(1 << 62)
        again = sorted((r for r in self.readings[device] if r.when >= start), key=order)
        rejudged = self.engine.rejudge(device, frame.state if frame else None, again)
        self.frames[device] = kept + rejudged.frames
        own = self.episodes.get(device, {}).values()
        over = [e for e in own if e.ended_at is not None and e.ended_at < start]
        self.episodes[device] = {e.id: e for e in (*over, *rejudged.episodes)}

    def restart(self) -> None:
        fresh = self.judging.engine(calm=self.calm)
        for device in self.engine.devices():
            assert fresh.load(device, self.engine.dump(device)) == []
        self.engine = fresh

    def states(self) -> dict[DeviceKey, bytes]:
        return {device: self.engine.dump(device) for device in self.engine.devices()}


def final(judging: Judging, readings: list[Reading]) -> list[Episode]:
    """Return the verdict of the offline reference."""
    return judging.engine().judge(sorted(readings, key=order))


def verdict(episodes: Iterable[Episode]) -> list[Episode]:
    """Sort alarms; of an open one the explanation grows with each reading, so leave it out."""
    plain = [
        msgspec.structs.replace(e, explanation=Explanation()) if e.ended_at is None else e
        for e in episodes
    ]
    return sorted(plain, key=lambda e: (e.device, e.rule, e.channel, e.begin, e.version))


@given(rule_sets(), batches(), st.randoms(use_true_random=False), st.integers(1, 40))
@settings(max_examples=100, suppress_health_check=SLOW_IS_FINE)
def test_the_final_verdict_does_not_depend_on_the_order_of_arrival(
    judging: Judging, readings: list[Reading], random: Random, size: int
) -> None:
    shuffled = list(readings)
    random.shuffle(shuffled)
    monitor, straight = Monitor(judging), Monitor(judging)
    for start in range(0, len(shuffled), size):
        monitor.take(shuffled[start : start + size])
    for made in sorted(readings, key=order):
        straight.take([made])
    for each in (monitor, straight):
        each.note(each.engine.retire())
        recorded = [e for own in each.episodes.values() for e in own.values()]
        assert verdict(recorded) == verdict(final(judging, readings))
    for device in straight.engine.devices():
        assert _phases(monitor.engine, device) == _phases(straight.engine, device)


@given(rule_sets(), batches(), st.integers(0, 3 * 24 * 60))
@settings(max_examples=70, suppress_health_check=SLOW_IS_FINE)
def test_judging_again_from_a_frame_tells_the_same_as_from_the_beginning(
    judging: Judging, readings: list[Reading], late: int
) -> None:
    monitor = Monitor(judging)
    monitor.take(sorted(readings, key=order))
    for device, frames in monitor.frames.items():
        own = sorted(monitor.readings[device], key=order)
        usable = [frame for frame in frames if frame.at <= START + late * MINUTE]
        if not usable:
            continue
        frame = usable[-1]
        whole = monitor.engine.rejudge(device, None, own).episodes
        part = [made for made in own if made.when >= frame.at]
        again = monitor.engine.rejudge(device, frame.state, part).episodes
        ids = {found.id for found in again}
        assert verdict(e for e in whole if e.id in ids) == verdict(again)
        # Whatever still fired after the frame's time is told again.
        assert all(e.id in ids for e in whole if e.ended_at is None or e.ended_at > frame.at)


@given(rule_sets(), batches(), st.integers(0, 40))
@settings(max_examples=70, suppress_health_check=SLOW_IS_FINE)
def test_a_restart_changes_nothing(judging: Judging, readings: list[Reading], cut: int) -> None:
    one, two = Monitor(judging), Monitor(judging)
    one.take(readings[:cut])
    one.take(readings[cut:])
    two.take(readings[:cut])
    before = two.states()
    two.restart()
    assert two.states() == before
    two.take(readings[cut:])
    for each in (one, two):
        absent = each.engine.tick(START + 20 * DAY, START)
        each.note(sorted(absent, key=lambda found: (found.device, found.at, found.rule)))
    assert one.told == two.told
    assert one.states() == two.states()


@given(rule_sets(), st.one_of(steady(), batches()))
@settings(max_examples=200, suppress_health_check=SLOW_IS_FINE)
def test_the_calm_path_leaves_what_the_full_step_leaves(
    judging: Judging, readings: list[Reading]
) -> None:
    quick, full = judging.engine(), judging.engine(calm=False)
    for made in readings:
        one, two = quick.fold([made]), full.fold([made])
        assert (one.transitions, one.late, one.frames) == (two.transitions, two.late, two.frames)
        for device in full.devices():
            assert quick.dump(device) == full.dump(device)


@given(rule_sets(), batches(), st.lists(st.integers(0, 39), max_size=10))
@settings(max_examples=70, suppress_health_check=SLOW_IS_FINE)
def test_a_repeated_reading_changes_nothing(
    judging: Judging, readings: list[Reading], again: list[int]
) -> None:
    once, twice = Monitor(judging), Monitor(judging)
    for index, made in enumerate(sorted(readings, key=order)):
        once.take([made])
        twice.engine.fold([])
        twice.take([made])
        before = twice.states()
        assert twice.engine.fold([made]).transitions == []
        assert twice.states() == before
        if index in again:
            older = twice.engine.fold(twice.readings[made.device][:1])
            assert older.transitions == []
    assert once.told == twice.told
    assert once.states() == twice.states()


def test_every_kind_of_rule_is_drawn() -> None:
    assert KINDS.keys() == {kind.model_fields["kind"].default for kind in rules.KINDS}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"lost_contact"}))
def test_what_is_drawn_of_a_kind_can_fire(kind: str) -> None:
    """Else nothing would be shown of it."""

    def fires(case: tuple[Judging, list[Reading]]) -> bool:
        judging, readings = case
        return any(found.rule_kind == kind for found in final(judging, readings))

    few = settings(
        max_examples=500,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=SLOW_IS_FINE,
    )
    find(st.tuples(rule_sets(kind), batches()), fires, settings=few)


def _phases(judging: Engine, device: DeviceKey) -> list[object]:
    """Return where the sample rules stand; when a device was heard depends on arrival."""
    return [status for status in judging.state(device) if status.kind != "lost_contact"]


@pytest.mark.parametrize("flag", [RETAINED | ARRIVAL])
def test_a_retained_message_without_a_clock_is_never_judged(flag: int) -> None:
    monitor = Monitor(Judging([RuleVersion(hot := rule(above=8), hot.version())]))
    old = reading(
        device=REEFER,
        at=None,
        received=START,
        layout=LAYOUTS[0],
        values=(30.0,),
        sequence=None,
        flags=flag & RETAINED,
    )
    monitor.take([old])
    assert monitor.told == []
    assert monitor.engine.state(REEFER) == []
