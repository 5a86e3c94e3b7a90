"""What may be done to the registry: names and places, calibration, maintenance, one for another.

Fields come as people write them; times too, or as ms since 1970. A part of Commands.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import check_device_id
from gateway.commands.device import device_key
from gateway.commands.registry_views import RegistryViews
from gateway.commands.tables import TableCommands
from gateway.people.audit import Who, who_of
from gateway.refusal import ControlError
from gateway.registry import fields
from gateway.registry.cards import FIELDS, Calibration, Maintenance
from gateway.registry.changes import Changes
from gateway.registry.confirming import Confirming
from gateway.registry.doubt import Doubt, doubt
from gateway.registry.hints import model_hint
from gateway.registry.times import Times
from gateway.report_range import find_zone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.reading import DeviceKey
    from gateway.app import Gateway

    Command = Callable[[Mapping[str, Any], Any], Awaitable[Any]]

TOLERANCE = 0.5
"""In the unit of the channel, where nobody says another: what EN 12830 allows the best class."""


def registry_commands(gateway: Gateway) -> dict[str, Command]:
    """Return all commands about the registry, by name: those that look, and those that change."""
    return {
        **RegistryViews(gateway).by_name,
        **RegistryCommands(gateway).by_name,
        **TableCommands(gateway).by_name,
    }


class RegistryCommands:
    """The commands that change what is stated of devices, by name."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._owner = settings.gateway.owner
        self._registry = gateway.registry
        self._changes = Changes(gateway.registry, gateway.known)
        self._admission = gateway.admission
        self._journal = gateway.journal
        self._monitor = gateway.monitor
        self._state = gateway.state
        self._recognition = gateway.recognition
        self._routes = gateway.ingest.routes
        self._confirming = Confirming(gateway.admission, gateway.state, gateway.clock)
        self._times = Times(gateway.clock, find_zone(settings.gateway.timezone))
        self.by_name = {
            "device-set": self.set,
            "device-calibrate": self.calibrate,
            "device-withdraw": self.withdraw,
            "device-maintain": self.maintain,
            "device-replace": self.replace,
            "device-forget": self.forget,
        }

    async def set(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State fields of a device's card; "" is nothing, what is not named stays.

        `since`: from when on, if not from now. The answer's `before` holds what has changed.
        """
        device = self._device(request)
        said = {field: request[field] for field in FIELDS if request.get(field) is not None}
        if not said:
            raise ControlError("nothing was said of the device", f"Say one of {', '.join(FIELDS)}")
        since = self._times.past(request.get("since"))
        values = {field: fields.value(field, _text(text, field)) for field, text in said.items()}
        changed = await self._changes.set_cards(
            [(device, values)], since, now=self._times.now(), who=who_of(request)
        )
        before = changed.get(device, {})
        return {
            "device": str(device),
            "since": since,
            "before": before,
            "after": {field: values[field] for field in before},
            "known": self._is_known(device),
            "hint": model_hint(self._recognition, str(values.get("model", ""))),
        }

    # -- calibration -------------------------------------------------------------------------

    async def calibrate(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State a calibration; where it found the sensor wrong, tell what was judged on it."""
        device = self._device(request)
        since = self._times.past(request.get("since"))
        as_found = _number(request, "as_found")
        said = Calibration(
            since=since,
            channel=_text(request.get("channel"), "channel").strip(),
            offset=_number(request, "offset") or 0.0,
            as_found=as_found,
            tolerance=_tolerance(request) if as_found is not None else None,
            certificate=fields.plain(_text(request.get("certificate"), "certificate"), "number"),
            expires=self._expires(request.get("expires"), since),
            note=fields.plain(_text(request.get("note") or "", "note"), "note", 500),
        )
        number, stated = await self._changes.calibrate(
            device, said, now=self._times.now(), who=who_of(request)
        )
        return {
            "device": str(device),
            "calibration": {"number": number, **msgspec.to_builtins(stated)},
            "doubt": None if stated.good else self._doubt(device, stated),
            "known": self._is_known(device),
            "sent": self._sends(device, stated.channel),
        }

    def _expires(self, said: object, since: int) -> int | None:
        if said is None or said == "":
            return None
        expires = self._times.end_of_day(said)
        if expires <= since:
            raise ControlError(
                "the calibration would be over before it began", "Give a later day as its end"
            )
        return expires

    def _doubt(self, device: DeviceKey, bad: Calibration) -> Doubt:
        good = self._changes.last(device, bad.channel, bad.since, good=True)
        readings = self._monitor.past.readings(
            device, good.since if good else 0, self._monitor.cursor
        )
        return doubt(self._state, device, bad, good, readings)

    def _sends(self, device: DeviceKey, channel: str) -> bool | None:
        """Whether a device's newest reading has a channel; None: it was never heard."""
        latest = self._monitor.latest(device)
        return None if latest is None else channel in latest.layout.channels

    async def withdraw(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take a calibration back, by its number."""
        device = self._device(request)
        number = request.get("number")
        if not isinstance(number, int) or isinstance(number, bool):
            raise ControlError("number is no whole number", "Send the number of a calibration")
        taken = await self._changes.withdraw(
            device, number, now=self._times.now(), who=who_of(request)
        )
        return {
            "device": str(device),
            "withdrawn": {"number": number, **msgspec.to_builtins(taken)},
        }

    # -- maintenance, one for another ----------------------------------------------------------

    async def maintain(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Begin maintenance (`for` or `until`, `reason`), or `end` it."""
        device, who, now = self._device(request), who_of(request), self._times.now()
        if request.get("end"):
            was = await self._changes.end(device, now=now, who=who)
            return {"device": str(device), "ended": now, **msgspec.to_builtins(was)}
        length, until = request.get("for"), request.get("until")
        if (not length) == (not until):
            raise ControlError("it is not said when the maintenance ends", "Give its length or end")
        since = self._times.past(request.get("since"))
        end = since + fields.length(_text(length, "for")) if length else self._times.moment(until)
        reason = fields.plain(_text(request.get("reason") or "", "reason"), "reason", 500)
        said = Maintenance(since=since, until=end, reason=reason, who=who.name)
        stated = await self._changes.maintain(device, said, now=now, who=who)
        return {
            "device": str(device),
            "ended": None,
            **msgspec.to_builtins(stated),
            "known": self._is_known(device),
        }

    async def replace(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """State that `new` stands in for `old` since `at`; or take it back, with `undo`.

        The new one is confirmed with it.
        """
        old, new = self._device(request, "old"), self._device(request, "new")
        now, who = self._times.now(), who_of(request)
        answer = {"old": str(old), "new": str(new)}
        if request.get("undo"):
            since = await self._changes.restore(old, new, now=now, who=who)
            await self._unname(new, who)
            return {**answer, "since": since, "undone": True, "taken": {}, "known": True}
        since = self._times.past(request.get("at"))
        if not self._is_known(old):
            raise ControlError(f"nothing is known of {old}", "See: holdwatch device list")
        taken = await self._changes.replace(old, new, since, now=now, who=who)
        if new not in self._admission.confirmed:
            await self._confirming.confirm([new], who)
        return {
            **answer,
            "since": since,
            "undone": False,
            "taken": taken,
            "known": self._is_heard(new),
        }

    async def _unname(self, device: DeviceKey, who: Who) -> None:
        """Take back that a device is ours which never came, and of which nothing else is known.

        It was confirmed when it was put in another's place, and would be listed for ever.
        """
        met = self._admission.confirmed.get(device)
        if met is not None and not met.source and device not in self._registry.devices():
            await self._confirming.unconfirm(device, who)

    # -- a mistyped one ------------------------------------------------------------------------

    async def forget(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Remove a device that was never heard and of which nothing is stated that matters."""
        device = self._device(request)
        why = self._kept_for(device)
        if why is not None:
            raise ControlError(f"{device} cannot be forgotten: {why[0]}", why[1])
        met = self._admission.met(device)
        await self._changes.forget(
            device,
            now=self._times.now(),
            who=who_of(request),
            confirmed=device in self._admission.confirmed,
        )
        await self._admission.forget(device)
        self._recognition.forget(device)
        if met is not None and met.source:
            # Whoever brought it is asked for it anew, should it come again.
            self._routes.forget_admitted(met.source)
        return {"device": str(device)}

    def _kept_for(self, device: DeviceKey) -> tuple[str, str] | None:
        """Return why a device is not forgotten, and what to do; None where it may be."""
        registry, quarantine = self._registry, self._journal.quarantine
        if self._is_heard(device):
            return "it was heard, and its readings are kept", "Give it another name, or leave it"
        count = quarantine.count_of(str(device))
        if count:
            return (
                f"{count:,} of its messages lie in the quarantine",
                f"Look at them first: holdwatch quarantine list --device {quote(str(device))}",
            )
        if registry.calibrations(device):
            return "it was calibrated", f"See: holdwatch device calibration {quote(str(device))}"
        old, by = registry.line(device)[1:], registry.replaced_by(device)
        if old or by:
            first, second = (old[0].device, device) if old else (device, by[0] if by else device)
            return (
                f"{second} stands in for {first}",
                f"Take that back first: holdwatch device replace {first} {second} --undo",
            )
        if not self._is_named(device):
            return "nothing is known of it", "See: holdwatch device list"
        return None

    def _is_known(self, device: DeviceKey) -> bool:
        """Whether a device was ever heard, or entered: a mistyped one was not."""
        return self._admission.met(device) is not None or self._is_heard(device)

    def _is_heard(self, device: DeviceKey) -> bool:
        return device in self._journal.devices()

    def _is_named(self, device: DeviceKey) -> bool:
        return self._admission.met(device) is not None or device in self._registry.devices()

    def _device(self, request: Mapping[str, Any], which: str = "device") -> DeviceKey:
        device = device_key(_text(request.get(which), which), self._owner)
        check_device_id(device.id)
        return device


def _text(said: object, what: str) -> str:
    if not isinstance(said, str):
        raise ControlError(f"{what} is missing, or no text", f"Send {what} as text")
    return said


def _number(request: Mapping[str, Any], what: str) -> float | None:
    said = request.get(what)
    if said is None or said == "":
        return None
    return fields.number(str(said), what)


def _tolerance(request: Mapping[str, Any]) -> float:
    tolerance = _number(request, "tolerance")
    if tolerance is None:
        return TOLERANCE
    if tolerance <= 0:
        raise ControlError(f"a tolerance of {tolerance:g} allows nothing", "Give one above 0")
    return tolerance
