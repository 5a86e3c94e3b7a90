"""Who is in a scenario: its sections spelled out, one entry for each asset and each device."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.scenario import Asset, Scenario, Sensors


class AssetEntry(NamedTuple):
    """One asset; `number` counts those of its section, from 0."""

    name: str
    number: int
    section: Asset


class DeviceEntry(NamedTuple):
    """One device: in which asset (its place in the roster), and of which make."""

    name: str
    asset: int
    section: Sensors


class Roster(NamedTuple):
    """All assets and all devices, in the order of the file."""

    assets: list[AssetEntry]
    devices: list[DeviceEntry]

    def assets_called(self, pattern: str) -> NDArray[np.intp]:
        """Return the places of the assets that a pattern names."""
        return _called([asset.name for asset in self.assets], pattern)

    def devices_called(self, pattern: str) -> NDArray[np.intp]:
        """Return the places of the devices that a pattern names, by themselves or their asset."""
        inside = set(self.assets_called(pattern).tolist())
        named = set(_called([device.name for device in self.devices], pattern).tolist())
        named |= {place for place, device in enumerate(self.devices) if device.asset in inside}
        return np.array(sorted(named), dtype=np.intp)


def _called(names: list[str], pattern: str) -> NDArray[np.intp]:
    found = [place for place, name in enumerate(names) if fnmatchcase(name, pattern)]
    return np.array(found, dtype=np.intp)


def roster(scenario: Scenario) -> Roster:
    """Spell out a scenario. Device ids may still be there twice: `checks` finds that."""
    assets: list[AssetEntry] = []
    devices: list[DeviceEntry] = []
    for section in scenario.assets:
        for number in range(section.count):
            name = numbered(section.name, number, section.count)
            for sensors in section.sensors:
                devices += [
                    DeviceEntry(_device(sensors, each, name), len(assets), sensors)
                    for each in range(sensors.count)
                ]
            assets.append(AssetEntry(name, number, section))
    return Roster(assets, devices)


def _device(sensors: Sensors, number: int, asset: str) -> str:
    return numbered(sensors.device.replace("{asset}", asset), number, sensors.count)


def numbered(pattern: str, number: int, count: int) -> str:
    """Put a number, from 1 and as wide as the last, where {n} stands."""
    return pattern.replace("{n}", f"{number + 1:0{len(str(count))}d}")
