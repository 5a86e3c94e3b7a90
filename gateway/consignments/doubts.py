"""What is missing before a consignment can be judged as its profile asks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.reading import EXPIRED
from gateway.consignments.fold import UNSTATED
from rules.profile import channels_of
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices.reading import DeviceKey
    from rules.cargo.consignment import Consignment
    from rules.profile import Profile
    from rules.rule import Rule

BY_WAY = ("off_route",)
"""Kinds of rules that need to know where the places are, but where they say the way themselves."""


class Sensor(NamedTuple):
    """What is known of a sensor."""

    channels: frozenset[str] | None
    """What it measures; None: it was never heard and nobody knows what it is."""
    heard: bool
    interval: int
    """How often it sends, ms."""
    calibrated: Mapping[str, int | None]
    """Channels that were calibrated, with when that expires (ms; None: it does not)."""


def doubts(
    consignment: Consignment, profile: Profile, sensors: Mapping[DeviceKey, Sensor], now: int
) -> list[str]:
    """Return, in sentences, what is missing; `sensors`: those that speak for it now (ms).

    Empty: all of it can be judged as the profile asks.
    """
    return [
        *_measured(consignment, profile, sensors),
        *_often(profile, sensors),
        *_calibrated(profile, sensors, now),
        *_way(consignment, profile),
    ]


def speaking(consignment: Consignment, now: int) -> list[DeviceKey]:
    """Return who speaks for it at a time (ms), or will."""
    return list(
        dict.fromkeys(
            one.sensor for one in consignment.assignments if one.until is None or one.until > now
        )
    )


def asked(profile: Profile) -> dict[str, str]:
    """Return the channels that a profile needs, each with what needs it."""
    found = dict.fromkeys(profile.needs, "the profile")
    for one in profile.ranges:
        found.setdefault(one.channel, "its range")
    for rule in _rules(profile):
        for channel in sorted(channels_of(rule)):
            found.setdefault(channel, f"rule {rule.name}")
    return found


def _rules(profile: Profile) -> Iterator[Rule]:
    for rule in profile.rules:
        yield from rule.parts()


def _measured(
    consignment: Consignment, profile: Profile, sensors: Mapping[DeviceKey, Sensor]
) -> Iterator[str]:
    if not sensors:
        yield (
            "No sensor speaks for it: nothing is judged. Assign one: holdwatch consignment assign "
            f"{consignment.id} SENSOR"
        )
        return
    for key, one in sensors.items():
        if not one.heard:
            yield f"{key} was never heard. Is the id right, and is it switched on?"
    known = [one.channels for one in sensors.values() if one.channels is not None]
    if not known:
        return
    measured = frozenset[str]().union(*known)
    for channel, why in asked(profile).items():
        if channel not in measured:
            yield (
                f"No sensor of it measures {channel}, which {why} needs: that is not judged. "
                "Assign one that does."
            )
    if consignment.counts == "all":
        yield from _each(profile, sensors, measured)


def _each(
    profile: Profile, sensors: Mapping[DeviceKey, Sensor], measured: frozenset[str]
) -> Iterator[str]:
    for channel in asked(profile):
        for key, one in sensors.items():
            if one.channels is not None and channel in measured - one.channels:
                yield f"{key} does not measure {channel}, and all of its sensors count."


def _often(profile: Profile, sensors: Mapping[DeviceKey, Sensor]) -> Iterator[str]:
    for key, one in sensors.items():
        for wrong in profile.sampled(one.interval):
            yield (
                f"{key}: {wrong}. Have it send more often, or say how often it does: "
                f"holdwatch device set {key} --interval …"
            )


def _calibrated(profile: Profile, sensors: Mapping[DeviceKey, Sensor], now: int) -> Iterator[str]:
    if not any(
        isinstance(one, SampleRule) and one.judges_flags & EXPIRED for one in _rules(profile)
    ):
        return
    for key, one in sensors.items():
        for channel in asked(profile):
            if one.channels is not None and channel not in one.channels:
                continue
            expires = one.calibrated.get(channel)
            if channel not in one.calibrated:
                yield (
                    f"{key} was never calibrated for {channel}. State it: holdwatch device "
                    f"calibrate {key} {channel} …"
                )
            elif expires is not None and expires <= now:
                yield f"The calibration of {key} for {channel} has expired. Have it renewed."


def _way(consignment: Consignment, profile: Profile) -> Iterator[str]:
    there = {one.leg for one in consignment.travelled if one.arrived is not None}
    for leg in consignment.legs:
        if not leg.heard and leg.arrives is None and leg.number not in there:
            yield (
                f"Nobody hears its sensors on leg {leg.number}, and it has no planned arrival: "
                "nobody would be told if it never came. Give one: holdwatch consignment leg "
                f"{consignment.id} --number {leg.number} --arrives …"
            )
    if consignment.custody and consignment.custody[0].custodian == UNSTATED:
        yield (
            "Nobody is named as its custodian. Say who is: holdwatch consignment change "
            f"{consignment.id} --custodian …"
        )
    if any(rule.kind in BY_WAY and not getattr(rule, "route", ()) for rule in _rules(profile)):
        yield from _places(consignment)


def _places(consignment: Consignment) -> Iterator[str]:
    if not consignment.legs:
        yield f"{consignment.id} has no legs: nobody can say whether it is on its way."
    for leg in consignment.legs:
        for place in (leg.origin, leg.destination, *leg.via):
            if place.position is None:
                yield (
                    f"Nobody said where {place.name} is, on leg {leg.number}: whether it is on its "
                    f'way is not judged there. Write it as "{place.name} @ 53.54, 9.98".'
                )
