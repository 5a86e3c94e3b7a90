"""A scenario as time goes on: what its devices send, and what really was.

What it guarantees: the same scenario and start give the same messages, byte for byte, however the
time is cut into calls of `advance`. The physics goes by whole steps from the start, at most
one ahead of what was asked for; a message is handed out in its time.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from simulators.controlling import Controlling
from simulators.encode import Encoder
from simulators.faults import FAULTS, Fault, Floats
from simulators.length import MINUTE, SECOND, format_length
from simulators.radio import Message, Radio
from simulators.roster import Roster, roster
from simulators.scenario import Scenario
from simulators.sensing import Sensing
from simulators.sources import AIRS, SOURCES
from simulators.surroundings import Surroundings
from simulators.truth import Row, Truth

__all__ = ["Message", "Simulation"]


class Simulation:
    """A run of one scenario."""

    def __init__(self, scenario: Scenario, *, start: int, truth_every: int | None = None) -> None:
        """Begin at `start`, ms since 1970.

        `truth_every` is how often, in ms, the truth keeps a row of all assets: somebody must then
        take them. None for never; crossings are always kept.
        """
        self.scenario = scenario
        self.now = start
        """ms since 1970: what it was advanced to."""
        self.roster = roster(scenario)
        self._step = scenario.step
        self._end = start
        """Of the last step of the physics."""
        self._faults = _faults(scenario, self.roster, start)
        noise, spikes, links, doors = np.random.default_rng(scenario.seed).spawn(4)
        thefts = [fault for fault in self._faults if fault.kind.name == "theft"]
        self._around = Surroundings(scenario, self.roster, start, thefts)
        self._sensing = Sensing(
            self.roster.devices,
            self._faults,
            start=start,
            step=self._step,
            generators=(noise, spikes),
        )
        self._encoder = Encoder(self.roster.devices)
        self._radio = Radio(self._topics(), self._faults, links, self._encoder.own)
        self._controlling = Controlling(self.roster, self._faults, doors)
        self.assets = self._controlling.assets
        self.truth = Truth(self.roster, scenario.limits, self._faults)
        self._truth_every = truth_every
        self._truth_due = start
        self._around.refresh(start)
        self._true = self._look(start)
        self._sensing.feel(self._true)
        self._pending: list[Message] = []
        self._record(start)

    def advance(self, until: int) -> list[Message]:
        """Let time pass until `until` (ms since 1970); return what is sent until then, in order.

        Raises ValueError for a time that has passed.
        """
        if until < self.now:
            raise ValueError(f"it is {self.now} already: time does not go back to {until}")
        pending = self._pending
        while self._end <= until:
            pending += self._advance()
        pending.sort(key=_when)
        count = bisect_right(pending, until, key=_when)
        self._pending = pending[count:]
        self.now = until
        return pending[:count]

    def describe(self) -> str:
        """Say in one line what is happening: who is there, which faults are under way."""
        under_way = [
            f"{fault.kind.name.replace('_', ' ')} at {fault.name} "
            f"for {format_length((self.now - fault.begin) // MINUTE * MINUTE)}"
            for fault in self._faults
            if fault.active(self.now)
        ]
        devices, assets = len(self.roster.devices), len(self.roster.assets)
        wrong = "; ".join(under_way) or "all is well"
        return f"{assets} assets, {devices} devices: {wrong}"

    def _advance(self) -> list[Message]:
        """Take one step of the physics; return the messages of it, in any order."""
        begin, end = self._end, self._end + self._step
        around = self._around
        self._controlling.control(begin, self._step, around)
        self.assets.step(self._step / SECOND, around.outside, around.humidity, around.sun)
        around.refresh(end)
        before, self._true = self._true, self._look(end)
        self._end = end
        self.truth.look(begin, end, before, self._true)
        self._record(end)
        self._sensing.feel(self._true)
        samples = self._sensing.measure(begin, end)
        if samples is None:
            return []
        payloads = self._encoder.encode(samples)
        return self._radio.send(samples.devices.tolist(), samples.at.tolist(), payloads)

    def _record(self, now: int) -> None:
        """Keep a row of the truth if one is due."""
        if self._truth_every is None or now < self._truth_due:
            return
        self._truth_due += self._truth_every
        duty, defrosting = self.assets.duty.copy(), self.assets.defrosting.copy()
        self.truth.rows.append(Row(now, self._true, duty, defrosting))

    def _look(self, now: int) -> Floats:
        """Return the truth, [source, asset], as in SOURCES."""
        assets, around = self.assets, self._around
        controlling = self._controlling
        return np.stack(
            [
                *(assets.return_air, assets.supply_air, assets.cargo, assets.cargo_surface),
                *(assets.wall, around.outside, assets.humidity),
                *(
                    controlling.standing_open,
                    controlling.light(around),
                    controlling.shaken(now, around),
                ),
                *(assets.set_point, around.latitude, around.longitude, around.speed),
                np.zeros(len(assets.wall)),  # a battery is a device's
            ]
        )

    def _topics(self) -> list[tuple[str, str]]:
        assets, own = self.roster.assets, self._encoder.own
        return [
            (
                own[place].topic
                if place in own
                else f"cargo/{assets[device.asset].section.site}/{device.name}/readings",
                device.name,
            )
            for place, device in enumerate(self.roster.devices)
        ]


def _faults(scenario: Scenario, everybody: Roster, start: int) -> list[Fault]:
    """Return the faults of a scenario with their times and targets, in order of onset."""
    found = []
    for section in scenario.faults:
        kind = FAULTS[section.kind]
        begin = start + section.at
        called = everybody.assets_called if kind.acts_on == "asset" else everybody.devices_called
        found.append(
            Fault(
                kind=kind,
                name=section.on,
                begin=begin,
                end=None if section.lasts is None else begin + section.lasts,
                severity=section.severity,
                over=kind.over if section.over is None else section.over,
                size=kind.size if section.size is None else section.size,
                targets=called(section.on),
            )
        )
    return sorted(found, key=lambda fault: fault.begin)


def _when(message: Message | int) -> int:
    return message if isinstance(message, int) else message.at


assert SOURCES[: len(AIRS)] == AIRS  # noqa: S101 - the order in which _look stacks them
