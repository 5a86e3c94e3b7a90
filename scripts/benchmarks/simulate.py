"""Simulators: seconds of sensors simulated in a second, on one core."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.program import Measurements, run
from simulators.length import HOUR, MINUTE, SECOND
from simulators.scenario_file import find
from simulators.simulation import Simulation

START = 1_795_348_800_000
"""2026-11-22 12:00 UTC."""


def simulated(bench: Bench) -> Group:
    """Let the shipped fleet live on, run after run; what it sends is made and thrown away.

    It is asked for ten minutes at a time, as one who fills a day does.
    """
    simulation = Simulation(find("fleet"), start=START)
    sensors = len(simulation.roster.devices)
    speeds, cores, messages, size = [], [], 0, 0
    seconds = round(bench.size.simulated_hours * HOUR) // SECOND
    for number in range(bench.size.simulated_runs):
        bench.tell(f"run {number + 1}: {sensors} sensors for {bench.size.simulated_hours:g} h")
        end = simulation.now + seconds * SECOND
        began, used = time.perf_counter(), time.process_time()
        while simulation.now < end:
            sent = simulation.advance(min(end, simulation.now + 10 * MINUTE))
            messages += len(sent)
            size += sum(len(message.payload) for message in sent)
        speeds.append(sensors * seconds / (time.perf_counter() - began))
        cores.append(sensors * seconds / (time.process_time() - used))
    every = {device.section.every for device in simulation.roster.devices}
    return Group(
        [figure("sensor_seconds_per_s", speeds, at_least=2_000_000)],
        {
            "assets": len(simulation.roster.assets),
            "sensors": sensors,
            "step_s": simulation.scenario.step / SECOND,
            "reading_every_s": sorted(each / SECOND for each in every),
            "messages": messages,
            "payload_bytes": size,
            "sensor_seconds_per_s": speeds,
            "sensor_seconds_per_cpu_s": cores,
        },
    )


MEASUREMENTS: Measurements = ((("sensor_seconds_per_s",), simulated),)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("simulate", "0.2", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
