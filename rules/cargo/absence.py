"""Whether anybody need hear a consignment: on a ship nobody can, and at rest nobody must."""

from __future__ import annotations

from devices.reading import DeviceKey
from rules.cargo.consignment import EVER, FOREVER, Consignment, Leg, Stage
from rules.contact import Absence

VEHICLE = "vehicle/"
"""How the key of a vehicle begins: no device's id holds a slash."""
MISSED: frozenset[Stage] = frozenset({"in_transit", "delivered"})
"""In these stages a consignment is missed."""


def vehicle(owner: str, name: str) -> DeviceKey:
    """Return the key under which alerts of a vehicle are kept."""
    return DeviceKey(owner, VEHICLE + name)


def absence(consignment: Consignment, now: int) -> Absence:
    """Return since when a consignment is waited for, and until when it need not be heard.

    Not before it is on its way, and not once it is decided on; while no sensor is assigned; and on
    a leg where nobody can hear one until its planned arrival and the margin. Then it is missed with
    all that is on the same vehicle. A leg without a planned arrival excuses nothing.
    """
    if consignment.stage_at(now) not in MISSED:
        return Absence(until=FOREVER, reason=f"it is {consignment.stage_at(now)}".replace("_", " "))
    sensors = [one for one in consignment.assignments if one.until is None or now < one.until]
    since = min((one.since for one in sensors), default=FOREVER)
    if since > now:
        return Absence(until=since, reason="no sensor is assigned to it")
    since = max(since, _set_out(consignment, now))
    leg = consignment.leg_at(now)
    if leg is None or leg.heard:
        return Absence(since=max(since, _heard_again(consignment, now)))
    of = vehicle(consignment.owner, leg.vehicle) if leg.vehicle else None
    until = EVER if leg.arrives is None else leg.arrives + leg.margin
    return Absence(since, until, "nobody can hear it on this leg before its planned arrival", of)


def _set_out(consignment: Consignment, now: int) -> int:
    """Return since when it has been in a stage in which it is missed."""
    found = EVER
    for one in consignment.stages:
        if one.since > now:
            break
        if one.stage not in MISSED:
            found = EVER
        elif found == EVER:
            found = one.since
    return found


def _heard_again(consignment: Consignment, now: int) -> int:
    """Return when the last leg ended on which nobody could hear it."""
    return max(
        (_end(consignment, leg, now) for leg in consignment.legs if not leg.heard), default=EVER
    )


def _end(consignment: Consignment, leg: Leg, now: int) -> int:
    """Return when a leg ended: when it was reported to, or when the next one began."""
    real = {one.leg: one for one in consignment.travelled}
    known = real.get(leg.number)
    if known is not None and known.arrived is not None:
        return known.arrived if known.arrived <= now else EVER
    for one in consignment.legs:
        following = real.get(one.number)
        departed = (
            following.departed if following and following.departed is not None else one.departs
        )
        if one.number > leg.number and departed is not None and departed <= now:
            return departed
    return EVER
