"""What people do to the registry: each is checked, stated, and entered in the audit trail.

Nothing is overwritten. What is set aside is withdrawn by a fact of its own, so that it stays
known what was believed until then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import QUANTITIES
from gateway.people.audit import Entry
from gateway.refusal import ControlError
from gateway.registry.cards import (
    Calibration,
    CardChange,
    Maintenance,
    Replaced,
    Withdrawn,
)
from gateway.registry.registry import SLICE
from rules.duration import DAY, MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.reading import DeviceKey
    from gateway.people.audit import Who
    from gateway.registry.known import Known
    from gateway.registry.registry import Change, Registry, Stated

LONGEST_MAINTENANCE = 31 * DAY
"""A device that nobody looks after for longer is taken away, or watched again meanwhile."""
HANDED_OVER = ("name", "site", "zone", "container", "position")
"""What a device that stands in for another takes over: its place, also where nobody has said it,
and its name if it has one. What it is, it is itself."""


class Changes:
    """The only one who states facts."""

    def __init__(self, registry: Registry, known: Known) -> None:
        self._registry = registry
        self._known = known

    async def set_cards(
        self,
        cards: Iterable[tuple[DeviceKey, Mapping[str, object]]],
        since: int,
        *,
        now: int,
        who: Who,
        reason: str = "",
    ) -> dict[DeviceKey, dict[str, Any]]:
        """State what of devices' cards is otherwise from `since` (ms) on; all, or nothing.

        Return device → field → what it was, of fields that have changed. Raises DiskError.
        """
        changed: dict[DeviceKey, dict[str, Any]] = {}
        async with self._registry.changing() as change:
            for number, (device, fields) in enumerate(cards):
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
                card = self._registry.card(device, since)
                before = {
                    field: getattr(card, field)
                    for field, value in fields.items()
                    if getattr(card, field) != value
                }
                if not before:
                    continue
                changed[device] = before
                after = {field: fields[field] for field in before}
                stated = msgspec.convert({"since": since, **after}, CardChange)
                if "model" in after:
                    usual = self._known.interval(device, since)
                    stated = msgspec.structs.replace(stated, until_then=usual)
                change.state(device, stated)
                _note(change, now, who, "set", device, before, {"since": since, **after}, reason)
        return changed

    async def forget(self, device: DeviceKey, *, now: int, who: Who, confirmed: bool) -> None:
        """Withdraw how a device stands and its maintenance; `confirmed`: whether it was.

        The entry in the audit trail is made also where nothing was stated. Raises DiskError.
        """
        registry = self._registry
        before = {"confirmed": confirmed, "card": registry.card(device)}
        async with registry.changing() as change:
            for one in (
                *registry.stated(device, CardChange),
                *registry.stated(device, Maintenance),
            ):
                change.state(device, Withdrawn(since=now, fact=one.number))
            _note(change, now, who, "forget", device, before, None)

    # -- calibration -------------------------------------------------------------------------

    async def calibrate(
        self, device: DeviceKey, calibration: Calibration, *, now: int, who: Who
    ) -> tuple[int, Calibration]:
        """State a calibration; return its number, and it with whether what was judged was right.

        Raises ControlError, DiskError.
        """
        _check_channel(calibration.channel)
        async with self._registry.changing() as change:
            before = self.last(device, calibration.channel, calibration.since)
            found, tolerance = calibration.as_found, calibration.tolerance
            if found is not None and tolerance is not None:
                # What was judged had the correction of that time in it.
                error = found + (before.offset if before else 0.0)
                calibration = msgspec.structs.replace(calibration, good=abs(error) <= tolerance)
            number = change.state(device, calibration)
            _note(change, now, who, "calibrate", device, before, calibration)
        return number, calibration

    def last(
        self, device: DeviceKey, channel: str, before: int, *, good: bool = False
    ) -> Calibration | None:
        """Return the last calibration of a channel before a time (ms), or the last good one."""
        found = [
            one
            for one in self._registry.calibrations(device)
            if one.channel == channel and one.since < before and (one.good or not good)
        ]
        return found[-1] if found else None

    async def withdraw(self, device: DeviceKey, number: int, *, now: int, who: Who) -> Calibration:
        """Take a calibration back that should not have been stated. Raises ControlError, DiskError.

        Return it.
        """
        async with self._registry.changing() as change:
            for one in self._registry.stated(device, Calibration):
                if one.number == number:
                    change.state(device, Withdrawn(since=now, fact=number))
                    _note(change, now, who, "withdraw", device, one.fact, None)
                    calibration: Calibration = one.fact
                    return calibration
            raise ControlError(
                f"{device} has no calibration {number}",
                f"See their numbers: holdwatch device calibration {device}",
            )

    # -- maintenance -------------------------------------------------------------------------

    async def maintain(
        self, device: DeviceKey, maintenance: Maintenance, *, now: int, who: Who
    ) -> Maintenance:
        """State that a device is worked on; one that it is in ends there. Return it.

        Raises ControlError, DiskError.
        """
        length = maintenance.until - maintenance.since
        if not maintenance.reason:
            raise ControlError("there is no reason", "Say what is done to the device")
        if maintenance.until <= now:
            raise ControlError("that maintenance would be over already", "Give a later end")
        if not MINUTE <= length <= LONGEST_MAINTENANCE:
            raise ControlError(
                f"maintenance cannot last {format_duration(length)}",
                f"Give an end at most {format_duration(LONGEST_MAINTENANCE)} from its beginning; "
                "it can be given again then",
            )
        async with self._registry.changing() as change:
            before = self._cut(change, device, maintenance.since, now)
            change.state(device, maintenance)
            _note(change, now, who, "maintain", device, before, maintenance, maintenance.reason)
        return maintenance

    async def end(self, device: DeviceKey, *, now: int, who: Who) -> Maintenance:
        """End the maintenance that a device is in now; return it as it was.

        Raises ControlError, DiskError.
        """
        async with self._registry.changing() as change:
            before = self._cut(change, device, now, now)
            if before is None:
                raise ControlError(f"{device} is not in maintenance", "There is nothing to end")
            after = msgspec.structs.replace(before, until=now)
            _note(change, now, who, "maintain", device, before, after)
        return before

    def _cut(self, change: Change, device: DeviceKey, at: int, now: int) -> Maintenance | None:
        """End what maintenance there is at a time; return the last of it as it was."""
        before: Maintenance | None = None
        for one in self._registry.stated(device, Maintenance):
            if one.since <= at < one.fact.until:
                before = one.fact
                change.state(device, Withdrawn(since=now, fact=one.number))
                if one.since < at:
                    change.state(device, msgspec.structs.replace(one.fact, until=at))
        return before

    # -- one for another ---------------------------------------------------------------------

    async def replace(
        self, old: DeviceKey, new: DeviceKey, since: int, *, now: int, who: Who
    ) -> dict[str, Any]:
        """State that `new` stands in for `old` from `since` (ms) on; return what it takes over.

        Raises ControlError, DiskError.
        """
        if old == new:
            raise ControlError(f"{old} cannot stand in for itself", "Name another device")
        registry = self._registry
        async with registry.changing() as change:
            by = registry.replaced_by(old)
            if by is not None:
                raise ControlError(
                    f"{old} is replaced by {by[0]} already",
                    f"Replace {by[0]}, or take that back: "
                    f"holdwatch device replace {old} {by[0]} --undo",
                )
            for one in (old, new):
                stay = registry.line(one)[0]
                if stay.until is None and stay.since >= since:
                    raise ControlError(
                        f"{one} has its place since a later time itself",
                        "Give a time after that, or take that back",
                    )
            place, own = self._known.card(old, since), registry.card(new, since)
            taken = {
                field: getattr(place, field)
                for field in HANDED_OVER
                if getattr(place, field) != getattr(own, field) and (field != "name" or place.name)
            }
            before = {field: getattr(own, field) for field in taken}
            change.state(new, Replaced(since=since, old=old))
            if taken:
                change.state(new, msgspec.convert({"since": since, **taken}, CardChange))
            after = {"replaces": str(old), "since": since, **taken}
            _note(change, now, who, "replace", new, before or None, after)
        return taken

    async def restore(self, old: DeviceKey, new: DeviceKey, *, now: int, who: Who) -> int:
        """Take back that `new` stands in for `old`, and what it took over with that.

        Return since when (ms) it would have been. Raises ControlError, DiskError.
        """
        async with self._registry.changing() as change:
            standing = [one for one in self._registry.stated(new, Replaced) if one.fact.old == old]
            if not standing:
                raise ControlError(
                    f"{new} does not stand in for {old}", f"See: holdwatch device show {new}"
                )
            last = standing[-1]
            change.state(new, Withdrawn(since=now, fact=last.number))
            for one in self._registry.stated(new, CardChange):
                if _came_with(one, last):
                    change.state(new, Withdrawn(since=now, fact=one.number))
            _note(change, now, who, "replace", new, {"replaces": str(old)}, None)
        return last.since


def _came_with(card: Stated, replaced: Stated) -> bool:
    """Whether a change of a card was stated together with that the device stands in."""
    return card.number == replaced.number + 1 and card.since == replaced.since


def _check_channel(channel: str) -> None:
    quantity, dot, where = channel.partition(".")
    if quantity not in QUANTITIES or bool(dot) != bool(where):
        raise ControlError(
            f"{channel[:60]!r} is no channel",
            "Write a quantity, or one with its place, as readings have it: temperature, or "
            "temperature.return_air",
        )


def _note(  # noqa: PLR0913, PLR0917 - an entry has this many parts
    change: Change,
    now: int,
    who: Who,
    what: str,
    device: DeviceKey,
    before: object,
    after: object,
    reason: str = "",
) -> None:
    change.note(
        Entry(
            at=now,
            who=who,
            what=f"device-{what}",
            object=str(device),
            reason=reason,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(after),
        )
    )
