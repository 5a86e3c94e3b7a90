"""What a scenario must hold as a whole, beyond the form of each value: else it is impossible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from devices.device import DecodeError, check_device_id
from devices.reading import MAXIMUM_CHANNELS, QUANTITIES
from simulators.faults import FAULTS
from simulators.kinds import KINDS
from simulators.length import SECOND, format_length
from simulators.mistakes import Mistake, Path, nearest, place
from simulators.roster import Roster, roster
from simulators.route import FASTEST
from simulators.scenario import MOST_DEVICES, Asset, Fault, Limit, Route, Scenario, Sensors
from simulators.senders import BY_MODEL, PLAIN, SENDERS, envelope, flat
from simulators.sources import AIRS, CHANNELS

LONGEST_STEP = 10 * SECOND
SHORTEST_STEP = SECOND

_Found = Iterator[tuple[Path, str, str]]
"""Where, what, and its cure."""


def checks(scenario: Scenario, data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield each mistake of a scenario; `data` is the file, for the names of places."""
    for path, message, cure in _all(scenario):
        yield Mistake(place(path, data), message, cure)


def _all(scenario: Scenario) -> _Found:
    if not SHORTEST_STEP <= scenario.step <= LONGEST_STEP or scenario.step % SECOND:
        yield (
            ("step",),
            f"a step of {format_length(scenario.step)} is not between 1 and 10 whole seconds",
            "Beyond, the physics is not true any more; below, it only takes longer",
        )
    if scenario.weather is not None and scenario.weather.tzinfo is None:
        yield ("weather",), "it does not say its offset from UTC", "Add Z, or such as +02:00"
    for number, route in enumerate(scenario.routes):
        yield from _below(("routes", number), _route(route))
    yield from _twice("routes", (route.name for route in scenario.routes))
    yield from _twice("limits", (limit.name for limit in scenario.limits))
    routes = [route.name for route in scenario.routes]
    for number, asset in enumerate(scenario.assets):
        yield from _below(("assets", number), _asset(asset, routes, scenario.step))
    count = sum(asset.count * each.count for asset in scenario.assets for each in asset.sensors)
    if count > MOST_DEVICES:
        cure = f"Have {MOST_DEVICES} at most, or run several scenarios"
        yield ("assets",), f"there are {count} devices in it", cure
        return
    everybody = roster(scenario)
    yield from _names(everybody)
    for number, fault in enumerate(scenario.faults):
        yield from _below(("faults", number), _fault(fault, everybody, scenario))
    for number, limit in enumerate(scenario.limits):
        yield from _below(("limits", number), _limit(limit, everybody))


def _below(path: Path, found: _Found) -> _Found:
    return (((*path, *inner), message, cure) for inner, message, cure in found)


def _twice(section: str, names: Iterable[str]) -> _Found:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield (section, number, "name"), f"{name!r} is there twice", "Give each its own name"
        seen.add(name)


def _route(route: Route) -> _Found:
    fastest = FASTEST[route.by]
    if route.speed > fastest:
        yield (
            ("speed",),
            f"nothing goes {route.speed:g} km/h by {route.by}",
            f"Write {fastest:g} or less",
        )
    for number, (here, there) in enumerate(pairwise(route.waypoints)):
        if here == there:
            cure = "Leave one of them out"
            yield ("waypoints", number + 1), "it is where the one before is", cure


def _asset(asset: Asset, routes: list[str], step: int) -> _Found:
    kinds = {kind.name: kind for kind in KINDS}
    kind = kinds.get(asset.kind)
    if kind is None:
        yield ("kind",), f"there is no kind {asset.kind!r}", nearest(asset.kind, list(kinds))
    if asset.count > 1 and "{n}" not in asset.name:
        cure = f'Put the number into it: "{asset.name}-{{n}}"'
        yield ("name",), f"{asset.count} assets cannot share one name", cure
    if "{" in asset.name.replace("{n}", "") or "}" in asset.name.replace("{n}", ""):
        yield ("name",), f"{asset.name!r} holds an unknown mark", "{n} is the only one here"
    if (asset.place is None) == (asset.route is None):
        both = "a place and a route" if asset.place else "neither place nor route"
        yield ("place",), f"it has {both}", "Give it one of them"
    if asset.route is not None and asset.route not in routes:
        cure = nearest(asset.route, routes) if routes else "Add a [[routes]] section of that name"
        yield ("route",), f"there is no route {asset.route!r}", cure
    for key in ("underway", "apart"):
        if getattr(asset, key) and asset.route is None:
            yield (key,), "it travels on no route", "Leave it out, or give it a route"
    for number, sensors in enumerate(asset.sensors):
        yield from _below(("sensors", number), _sensors(sensors, step))


def _sensors(sensors: Sensors, step: int) -> _Found:
    rest = sensors.device.replace("{asset}", "").replace("{n}", "")
    if "{" in rest or "}" in rest:
        yield ("device",), f"{sensors.device!r} holds an unknown mark", "Use {asset} and {n}"
    if sensors.count > 1 and "{n}" not in sensors.device:
        cure = f'Put the number into it: "{sensors.device}-{{n}}"'
        yield ("device",), f"{sensors.count} devices cannot share one id", cure
    if sensors.measures not in AIRS:
        yield ("measures",), f"there is no {sensors.measures!r}", nearest(sensors.measures, AIRS)
    if sensors.probe not in AIRS:
        yield ("probe",), f"there is no {sensors.probe!r}", nearest(sensors.probe, AIRS)
    if sensors.every < step:
        why = f"every {format_length(sensors.every)} is oftener than the physics"
        cure = f"Write {format_length(step)} or more, or make `step` shorter"
        yield ("every",), why, cure
    if sensors.phase is not None and sensors.phase >= sensors.every:
        yield (
            ("phase",),
            f"the first reading after {format_length(sensors.phase)} is not within one interval",
            f"Write less than {format_length(sensors.every)}",
        )
    yield from _channels(sensors)
    yield from _sending(sensors)


def _sending(sensors: Sensors) -> _Found:
    """Find a model that is not there, cannot say what is wanted, or does not come that way."""
    known = (PLAIN, *SENDERS)
    if sensors.envelope is not None and sensors.envelope not in known:
        why = f"there is no envelope {sensors.envelope!r}"
        yield ("envelope",), why, nearest(sensors.envelope, known)
        return
    if sensors.model is None:
        if sensors.envelope not in {None, PLAIN}:
            cure = f'Say by `model` what it is, such as "{next(iter(BY_MODEL), "")}"'
            yield ("envelope",), f"{sensors.envelope} carries a device's own bytes", cure
        return
    encoder = BY_MODEL.get(sensors.model)
    if encoder is None:
        why = f"there is no model {sensors.model!r}"
        yield ("model",), why, nearest(sensors.model, list(BY_MODEL))
        return
    way = envelope(sensors)
    if way == PLAIN:
        why = f"{sensors.model} sends its own bytes, and plain JSON is none"
        yield ("envelope",), why, "Leave model or envelope out"
    elif not SENDERS[way].takes(encoder):
        why = f"{sensors.model} does not come by {way}: it is for {SENDERS[way].suits}"
        yield ("envelope",), why, "Leave it out"
    for channel in flat(sensors):
        if channel in CHANNELS.keys() | {"latitude", "longitude"} and channel not in encoder.ranges:
            can = [name for name in CHANNELS if name in encoder.ranges]
            can += ["position"] * ("latitude" in encoder.ranges)
            why = f"{sensors.model} does not send {channel!r}"
            yield ("channels",), why, f"Of what is simulated it sends {', '.join(can)}"


def _channels(sensors: Sensors) -> _Found:
    for number, channel in enumerate(sensors.channels):
        if channel not in CHANNELS:
            quantity = channel.partition(".")[0]
            why = (
                f"nothing here has the channel {channel!r}"
                if quantity in QUANTITIES
                else f"there is no quantity {quantity!r}"
            )
            yield ("channels", number), why, nearest(channel, list(CHANNELS))
    for channel, times in Counter(sensors.channels).items():
        if times > 1:
            yield ("channels",), f"{channel!r} is there {times} times", "Name each once"
    if len(sensors.channels) > MAXIMUM_CHANNELS:
        yield ("channels",), f"a message has at most {MAXIMUM_CHANNELS}", "Use several devices"


def _names(everybody: Roster) -> _Found:
    """Find names that two have, or that cannot be an id. A section is blamed once."""
    for section, names in (
        ("assets", [asset.name for asset in everybody.assets]),
        ("sensors", [device.name for device in everybody.devices]),
    ):
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            what = "assets" if section == "assets" else "devices"
            cure = "Put {asset} or {n} into `device`" if what == "devices" else "Rename one"
            yield ("assets",), f"two {what} are called {twice[0]!r}", cure
    for device in everybody.devices:
        try:
            check_device_id(device.name)
        except DecodeError as error:
            yield ("assets",), error.detail, "Give it a shorter name"


def _fault(fault: Fault, everybody: Roster, scenario: Scenario) -> _Found:
    kind = FAULTS.get(fault.kind)
    if kind is None:
        yield ("kind",), f"there is no fault {fault.kind!r}", nearest(fault.kind, list(FAULTS))
        return
    assets = everybody.assets_called(fault.on)
    if kind.acts_on == "asset":
        found, names = assets, [asset.name for asset in everybody.assets]
    else:
        found = everybody.devices_called(fault.on)
        names = [device.name for device in everybody.devices]
    if not len(found):
        what = "asset" if kind.acts_on == "asset" else "asset or device"
        yield ("on",), f"no {what} is called {fault.on!r}", nearest(fault.on, names[:200])
    if fault.over is not None and not kind.over and fault.over:
        yield ("over",), f"{fault.kind} does not grow, it is there at once", "Leave it out"
    if fault.size is not None and not kind.unit:
        yield ("size",), f"{fault.kind} has no size", "Say by `severity` how grave it is"
    if scenario.lasts is not None and fault.at >= scenario.lasts:
        cure = f"The scenario lasts {format_length(scenario.lasts)}: let it begin before"
        yield ("at",), "it never begins", cure


def _limit(limit: Limit, everybody: Roster) -> _Found:
    if not len(everybody.assets_called(limit.on)):
        cure = nearest(limit.on, [asset.name for asset in everybody.assets][:200])
        yield ("on",), f"no asset is called {limit.on!r}", cure
    if limit.of not in AIRS:
        yield ("of",), f"there is no {limit.of!r}", nearest(limit.of, AIRS)
    if (limit.above is None) == (limit.below is None):
        both = "both" if limit.above is not None else "neither of them"
        yield ("above",), f"give one of above and below: here is {both}", "Write two limits"
