"""What judging costs: 10,000 sensors with five rules each, one process, one thread.

Readings come in batches as the monitor gives them to the engine, every sensor in turn, each every
five minutes; time passes by `tick` after each batch. Before anything is measured a day has passed,
so that windows are full and totals have begun. Of the sensors one in fifty is too warm for three
hours of each twelve, one in a hundred all the time; and one in four once was, for 40 minutes of
that day. Where every sensor once was, as after a year, it is `evaluations_per_s_used`.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator, Sequence

from devices.reading import COUNTED, DeviceKey, Reading, layout
from gateway.machine import tune
from gateway.monitor import Monitor
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE
from rules.engine import Engine
from rules.plan import always
from rules.rule import current
from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.five import FIVE, RULES

INTERVAL = 5 * MINUTE
START = 20_000 * DAY
CHANNELS = layout(("battery", "humidity", "temperature"))
WARM, ALWAYS_WARM = 50, 100
"""One sensor in so many is too warm for three hours of twelve, and one all the time."""
ONCE, ONCE_FOR = 4, 40 * MINUTE
"""One sensor in so many was too warm once, and for how long (ms)."""
HEARD_AFTER = 40
"""Milliseconds from measuring to being received."""
SWING = [
    (round(3.0 + step % 7 / 200, 3), round(62 + 6 * math.sin(step / 11), 1), step)
    for step in range(101)
]


def devices(count: int) -> list[DeviceKey]:
    """Return the sensors."""
    return [DeviceKey("", f"dev-{number:06d}") for number in range(count)]


def temperature(sensor: int, moment: int, once: int = ONCE) -> float:
    """Return what a sensor measures at a time (ms), °C: a refrigerator that swings by a degree.

    One in `once` was too warm once, on the first day.
    """
    swing = math.sin(moment / (7 * MINUTE) + sensor)
    if sensor % ALWAYS_WARM == ALWAYS_WARM - 1:
        return round(9.5 + swing, 2)
    if sensor % WARM == 0 and (moment // HOUR + sensor) % 12 < 3:
        return round(9.0 + swing, 2)
    if sensor % once == 0 and 0 <= moment - START - sensor * 251 % 50 * MINUTE < ONCE_FOR:
        return round(9.0 + swing, 2)
    return round(5.0 + swing, 2)


def round_of(sensors: Sequence[DeviceKey], moment: int, number: int, once: int) -> list[Reading]:
    """Return one reading of every sensor, all within an interval from `moment` on (ms)."""
    step = INTERVAL / len(sensors)
    found = []
    for place, device in enumerate(sensors):
        at = moment + int(place * step)
        battery, humidity, _ = SWING[(place + number) % len(SWING)]
        values = (battery, humidity, temperature(place, at, once))
        found.append(
            Reading(device, at, at + HEARD_AFTER, CHANNELS, values, COUNTED, number, "site")
        )
    return found


def engine() -> Engine:
    """Return an engine with the five rules that has heard nobody yet."""
    return Engine(current(parse(FIVE).rules), always(INTERVAL))


def batches(readings: Sequence[Reading]) -> Iterator[Sequence[Reading]]:
    """Yield readings as the monitor takes them."""
    for first in range(0, len(readings), Monitor.limit):
        yield readings[first : first + Monitor.limit]


def _judge(judging: Engine, readings: Sequence[Reading]) -> None:
    for batch in batches(readings):
        judging.fold(batch)
        judging.tick(batch[-1].received, START)


def _after_a_day(bench: Bench, sensors: Sequence[DeviceKey], once: int) -> tuple[Engine, int]:
    """Return an engine that has judged a day, and the time behind that (ms)."""
    judging, rounds = engine(), bench.size.judged_before * HOUR // INTERVAL
    for number in range(rounds):
        bench.tell(f"evaluations_per_s: round {number + 1} of the {rounds} before")
        _judge(judging, round_of(sensors, START + number * INTERVAL, number, once))
    return judging, START + rounds * INTERVAL


def _rates(
    bench: Bench, judging: Engine, sensors: Sequence[DeviceKey], moment: int, once: int
) -> list[float]:
    """Return the evaluations a second of each run."""
    size, rates = bench.size, []
    for run in range(size.judged_runs):
        bench.tell(f"evaluations_per_s: run {run + 1} of {size.judged_runs}")
        spent = 0.0
        for _ in range(size.judged_rounds):
            readings = round_of(sensors, moment, moment // INTERVAL, once)
            gc.collect()
            began = time.process_time()
            _judge(judging, readings)
            spent += time.process_time() - began
            moment += INTERVAL
        rates.append(size.judged_rounds * len(sensors) * RULES / spent)
    return rates


def evaluations(bench: Bench) -> Group:
    """evaluations_per_s and state_roundtrip_s."""
    tune()
    sensors = devices(bench.size.judged_devices)
    judging, moment = _after_a_day(bench, sensors, ONCE)
    rates = _rates(bench, judging, sensors, moment, ONCE)
    calm = sum(judging.calm(one) for one in sensors) / len(sensors)
    trips, weight = _round_trips(bench, judging, sensors)
    return Group(
        [
            figure("evaluations_per_s", rates, at_least=300_000),
            figure("state_roundtrip_s", trips, at_most=2),
        ],
        {"evaluations": rates, "calm": calm, "state_bytes": weight},
    )


def evaluations_used(bench: Bench) -> Group:
    """evaluations_per_s_used."""
    tune()
    sensors = devices(bench.size.judged_devices)
    judging, moment = _after_a_day(bench, sensors, 1)
    rates = _rates(bench, judging, sensors, moment, 1)
    calm = sum(judging.calm(one) for one in sensors) / len(sensors)
    return Group(
        [figure("evaluations_per_s_used", rates)], {"evaluations_used": rates, "calm_used": calm}
    )


def _round_trips(
    bench: Bench, judging: Engine, sensors: Sequence[DeviceKey]
) -> tuple[list[float], int]:
    """Dump and load every sensor; return the seconds of each run, and the bytes of all states."""
    trips, weight = [], 0
    for run in range(bench.size.judged_runs):
        bench.tell(f"state_roundtrip_s: run {run + 1} of {bench.size.judged_runs}")
        other = engine()
        gc.collect()
        began = time.perf_counter()
        states = [(one, judging.dump(one)) for one in sensors]
        for one, state in states:
            other.load(one, state)
        trips.append(time.perf_counter() - began)
        weight = sum(len(state) for _, state in states)
        if any(other.dump(one) != state for one, state in states):
            raise RuntimeError("a state that was loaded is another than the one that was dumped")
    return trips, weight
