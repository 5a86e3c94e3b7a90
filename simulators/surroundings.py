"""What is around each asset: where it is, how fast it goes, and the weather there.

Weather is asked once a minute. Positions are worked out for each minute and lie on a straight
line between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.climate import Climate
from simulators.faults import Fault
from simulators.length import HOUR, MINUTE
from simulators.roster import Roster
from simulators.route import Route
from simulators.scenario import Scenario

Floats = NDArray[np.float64]
KM_OF_A_DEGREE = 111.195
"""Of latitude."""


class Surroundings:
    """Arrays of one entry for each asset, as they are at the last `refresh`.

    Temperatures in °C, humidity in %RH, sun in W/m², speed in km/h, positions in degrees.
    """

    def __init__(
        self, scenario: Scenario, roster: Roster, start: int, thefts: Sequence[Fault]
    ) -> None:
        """Place all assets. `start` is ms since 1970; `thefts` lead away from the route."""
        assets = [asset.section for asset in roster.assets]
        count = len(assets)
        routes = {section.name: Route(section) for section in scenario.routes}
        self._trips = [
            (route, np.array([i for i, asset in enumerate(assets) if asset.route == name]))
            for name, route in routes.items()
            if any(asset.route == name for asset in assets)
        ]
        self.sea = np.array([a.route is not None and routes[a.route].by == "sea" for a in assets])
        self._underway = np.array(
            [
                float(each.section.underway + each.number * each.section.apart)
                for each in roster.assets
            ]
        )
        self._still = np.array([asset.place or (0.0, 0.0) for asset in assets])
        self._start = start
        moves = np.array([asset.route is not None for asset in assets])
        bearings = np.random.default_rng(scenario.seed).uniform(0, 2 * np.pi, len(thefts))
        # What travels is led away; from what stands, only goods can be taken.
        self._thefts = [
            (theft._replace(targets=theft.targets[moves[theft.targets]]), bearing)
            for theft, bearing in zip(thefts, bearings.tolist(), strict=True)
        ]
        self._climate = Climate(scenario.seed % (1 << 32))
        weather = scenario.weather
        self._later = 0 if weather is None else round(weather.timestamp() * 1000) - start
        """ms from the run's time to that of its weather."""
        self.outside = np.zeros(count)
        self.humidity = np.zeros(count)
        self.sun = np.zeros(count)
        self.speed = np.zeros(count)
        self._minute = start - MINUTE
        self._next = self._positions(start)
        self._here = self._next
        self.latitude, self.longitude = self._here[0].copy(), self._here[1].copy()

    def refresh(self, now: int) -> None:
        """Bring everything to `now` (ms since 1970), which is at most a minute later."""
        if now >= self._minute + MINUTE:
            self._minute += MINUTE
            self._here, self._next = self._next, self._positions(self._minute + MINUTE)
            self.speed = self._here[2]
            where = (self._minute + self._later, self._here[0], _wrapped(self._here[1]), self.sea)
            self.outside = self._climate.air(*where)
            self.humidity = self._climate.humidity(*where)
            self.sun = self._climate.sun(*where)
        if self._trips or self._thefts:
            part = (now - self._minute) / MINUTE
            here, there = self._here, self._next
            self.latitude = here[0] + part * (there[0] - here[0])
            self.longitude = _wrapped(here[1] + part * (there[1] - here[1]))

    def hour(self, now: int) -> Floats:
        """Return the hour of the day by the sun, 0 to 24, at each asset."""
        return ((now + self._later) / HOUR + self.longitude / 15) % 24

    def _positions(self, now: int) -> tuple[Floats, Floats, Floats]:
        """Return latitude, longitude (beyond ±180 where the date line was passed) and speed."""
        latitude, longitude = self._still[:, 0].copy(), self._still[:, 1].copy()
        speed = np.zeros(len(latitude))
        until = np.full(len(latitude), now)
        for theft, _ in self._thefts:
            until[theft.targets] = np.minimum(until[theft.targets], theft.begin)
        travelled = until - self._start + self._underway
        for route, members in self._trips:
            latitude[members], longitude[members], speed[members] = route.at(travelled[members])
        for theft, bearing in self._thefts:
            if now <= theft.begin:
                continue
            passed = (now if theft.end is None else min(now, theft.end)) - theft.begin
            pace = abs(theft.size) * theft.severity
            degrees = pace * passed / HOUR / KM_OF_A_DEGREE
            who = theft.targets
            level = np.maximum(0.1, np.cos(np.radians(latitude[who])))
            latitude[who] = np.clip(latitude[who] + degrees * np.cos(bearing), -90, 90)
            longitude[who] += degrees * np.sin(bearing) / level
            speed[who] = pace if theft.active(now) else 0.0
        return latitude, longitude, speed


def _wrapped(longitude: Floats) -> Floats:
    return (longitude + 180.0) % 360.0 - 180.0
