"""What may be asked of the registry: all devices, all of one, its calibrations, the table."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import WRONG_CLOCK
from gateway.commands.device import device_key
from gateway.refusal import ControlError
from gateway.registry import table
from gateway.registry.cards import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.reading import DeviceKey, Reading
    from gateway.app import Gateway

LOOKED_UP = 200
"""Devices whose latest reading is looked up in the files."""


class RegistryViews:
    """The commands about devices that change nothing, by name: a part of Commands."""

    def __init__(self, gateway: Gateway) -> None:
        self._owner = gateway.settings.gateway.owner
        self._gateway = gateway
        self._registry = gateway.registry
        self._known = gateway.known
        self._admission = gateway.admission
        self._journal = gateway.journal
        self._monitor = gateway.monitor
        self._inspector = gateway.inspector
        self._clock = gateway.clock
        self.by_name = {
            "devices": self.devices,
            "device-show": self.show,
            "device-calibration": self.calibration,
            "device-export": self.export,
        }

    async def devices(self, _request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Every device, heard or only named: what it is, where, and where its rules stand."""
        heard = set(self._journal.devices())
        devices = sorted(heard | self._named())
        few = len(devices) <= LOOKED_UP
        waiting, now = self._admission.waiting(), self._clock.now()
        quarantined = self._journal.quarantine.counts_by_device()
        answer = []
        for device in devices:
            # Where there are many, only those heard since the start: each look costs a read.
            latest = self._monitor.seen_last(device)
            if latest is None and few and device in heard:
                latest = self._monitor.latest(device)
            if latest is not None:
                latest = self._monitor.parts.whole(latest)
            card = self._known.card(device)
            answer.append(
                {
                    "device": str(device),
                    "name": card.name or None,
                    "site": card.site or None,
                    "zone": card.zone,
                    "container": card.container,
                    "model": card.model,
                    "recognised": self._admission.known_as.get(device, ("", ""))[0],
                    "heard": device in heard,
                    "quarantined": quarantined.get(str(device), 0),
                    "unconfirmed": device in waiting,
                    "rules": [
                        msgspec.to_builtins(one) for one in self._monitor.engine.state(device)
                    ],
                    "at": latest.when if latest else None,
                    "clock_wrong": bool(latest and latest.flags & WRONG_CLOCK),
                    "values": _values(latest) if latest else {},
                    **self._standing(device, now),
                }
            )
        return answer

    def _named(self) -> set[DeviceKey]:
        admission = self._admission
        return {*admission.confirmed, *admission.unconfirmed, *self._registry.devices()}

    def _standing(self, device: DeviceKey, now: int) -> dict[str, Any]:
        """Return what keeps a device from being judged as others are, or soon will."""
        maintenance = self._registry.maintenance(device, now)
        by = self._registry.replaced_by(device)
        expired = [one["channel"] for one in self._calibrations(device, now) if one["expired"]]
        return {
            "maintenance": msgspec.to_builtins(maintenance),
            "replaced_by": {"device": str(by[0]), "since": by[1]} if by else None,
            "expired": expired,
        }

    async def show(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with all that is known of a device."""
        device = self._find(request)
        registry, now = self._registry, self._clock.now()
        met = self._admission.met(device)
        recognised, why = self._admission.known_as.get(device, ("", ""))
        past = self._monitor.past.known(device, self._monitor.cursor)
        # By what is stated now: the monitor has what it judged when it came.
        latest = self._registry.corrections.corrected(past.last) if past else None
        return {
            "device": str(device),
            "card": msgspec.to_builtins(self._known.card(device)),
            "stated": msgspec.to_builtins(registry.card(device)),
            "assumed": self._is_assumed(device),
            "cards": [
                {"since": since, **msgspec.to_builtins(card)}
                for since, card in registry.cards(device)
            ],
            "recognised": recognised,
            "why": why,
            "confirmed": device in self._admission.confirmed,
            "unconfirmed": device in self._admission.waiting(),
            "met": met.since if met and met.source else None,
            "source": met.source if met and met.source else None,
            "first": past.first if past else None,
            "at": latest.when if latest else None,
            "clock_wrong": bool(latest and latest.flags & WRONG_CLOCK),
            "values": _values(latest) if latest else {},
            "said": _values(past.last) if past else {},
            "rules": [msgspec.to_builtins(one) for one in self._monitor.engine.state(device)],
            "calibrations": self._calibrations(device, now),
            "maintenances": msgspec.to_builtins(registry.maintenances(device)),
            "line": [
                {"device": str(one.device), "since": _dated(one.since), "until": one.until}
                for one in registry.line(device)
            ],
            "quarantine": self._journal.quarantine.count_of(str(device)),
            "quality": self._quality(device),
            "missing": msgspec.to_builtins(self._inspector.missing(device)),
            **self._standing(device, now),
        }

    def _is_assumed(self, device: DeviceKey) -> bool:
        """Whether nobody said how often a device sends, and its model does not either."""
        section = self._gateway.settings.device(device)
        return (
            self._registry.card(device).interval is None
            and (section is None or section.interval is None)
            and self._known.model(device) is None
        )

    def _quality(self, device: DeviceKey) -> dict[str, Any] | None:
        """Return how good a device's readings are, None if it was never heard."""
        quality = self._inspector.of(device)
        if quality is None:
            return None
        told: dict[str, Any] = msgspec.to_builtins(quality)
        return told

    async def calibration(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with the calibrations of a device, or of all that have any, oldest first."""
        now = self._clock.now()
        if request.get("device"):
            devices = [self._find(request)]
        else:
            devices = sorted(self._registry.devices())
        return {
            "now": now,
            "calibrations": [
                {"device": str(device), **one}
                for device in devices
                for one in self._calibrations(device, now)
            ],
        }

    def _calibrations(self, device: DeviceKey, now: int) -> list[dict[str, Any]]:
        """Return a device's calibrations, each with whether it is the one that counts now."""
        stated = self._registry.stated(device, Calibration)
        newest = {one.fact.channel: one.number for one in stated}
        return [
            {
                "number": number,
                **msgspec.to_builtins(one),
                "in_force": newest[one.channel] == number,
                "expired": (
                    newest[one.channel] == number and one.expires is not None and one.expires <= now
                ),
            }
            for _, number, one in stated
        ]

    async def export(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with the table of all devices, as CSV."""
        devices = sorted({*self._journal.devices(), *self._named()})
        text = table.written(
            (
                device,
                self._registry.card(device),
                device in self._admission.confirmed,
                self._admission.known_as.get(device, ("", ""))[0],
            )
            for device in devices
        )
        return {"devices": len(devices), "content": text}

    def _find(self, request: Mapping[str, Any]) -> DeviceKey:
        """Return the device that is asked for. Raises ControlError where nobody knows it."""
        device = device_key(str(request.get("device") or ""), self._owner)
        known = {*self._journal.devices(), *self._named()}
        if device not in known:
            names = {str(one): one for one in known}
            close = difflib.get_close_matches(str(device), names, 1, cutoff=0.7)
            raise ControlError(
                f"nothing is known of {device}",
                f"Did you mean {close[0]}?" if close else "See: holdwatch device list",
            )
        return device


def _dated(since: int) -> int | None:
    """Return since when somebody stood at a place; None: since ever."""
    return since if since > 0 else None


def _values(reading: Reading) -> dict[str, float | None]:
    """Return channel → value, None where it cannot be true."""
    return {channel: reading.value(channel) for channel in reading.layout.channels}
