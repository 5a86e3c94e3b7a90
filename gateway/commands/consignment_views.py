"""What may be asked of consignments: all of them, all of one, what one lacks, the table.

A part of Commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.consignments import table
from gateway.consignments.changes import claims, custodian_at
from gateway.consignments.doubts import Sensor, doubts, speaking
from gateway.consignments.facts import Stated, Withdrawn
from gateway.consignments.fold import settled
from gateway.consignments.report import standing
from gateway.refusal import ControlError
from gateway.registry.times import Times
from gateway.report_range import find_zone
from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.reading import DeviceKey
    from gateway.app import Gateway
    from rules.cargo.consignment import Consignment


DECIDED = ("released", "rejected")
MOVING = ("planned", "in_transit")


class ConsignmentViews:
    """The commands about consignments that change nothing, by name."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._book = gateway.book
        self._goods = gateway.goods
        self._state = gateway.state
        self._clock = gateway.clock
        self._times = Times(gateway.clock, find_zone(settings.gateway.timezone))
        self._sensors = Sensors(gateway)
        self.by_name = {
            "consignments": self.all,
            "consignment-show": self.show,
            "consignment-check": self.check,
            "consignment-export": self.export,
        }

    async def all(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Every consignment that is neither decided nor in others, or with `all` every one."""
        now = self._clock.now()
        alerts: dict[DeviceKey, int] = {}
        for one in self._state.open_alerts():
            alerts[one.device] = alerts.get(one.device, 0) + 1
        return [
            {
                "id": one.id,
                "goods": one.goods,
                "description": one.description,
                "quantity": one.quantity,
                "unit": one.unit,
                "stage": one.stage,
                "standing": standing(one),
                "since": one.stages[-1].since,
                "over": self._over(one.id),
                "custodian": custodian_at(one, now),
                "confirmed": one.custody[-1].confirmed,
                "leg": leg.number if (leg := one.leg_at(now)) else None,
                "legs": len(one.legs),
                "sensors": [str(sensor) for sensor in speaking(one, now)],
                "parts": list(one.parts),
                "alerts": alerts.get(one.subject, 0),
            }
            for one in self._book.all()
            if request.get("all") or not (one.stage in DECIDED or self._over(one.id))
        ]

    def _over(self, identity: str) -> int | None:
        """Return since when (ms) all of it is in others, None where it is not."""
        line = self._book.line(identity)
        over = FOREVER if line is None else settled(line)[1]
        return None if over == FOREVER else over

    async def show(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with all that is known of a consignment."""
        one, now = self._find(request), self._clock.now()
        line = self._book.line(one.id)
        profile = self._goods.version(one.version)
        return {
            "consignment": msgspec.to_builtins(one),
            "stage": one.stage,
            "custodian": custodian_at(one, now),
            "title": profile.title if profile is not None else "",
            "over": self._over(one.id),
            "claims": [_plain(claim) for claim in claims(line)] if line is not None else [],
            "sensors": {
                str(key): self._sensors.heard(key)
                for key in dict.fromkeys(each.sensor for each in one.assignments)
            },
            "alerts": [
                msgspec.to_builtins(alert)
                for alert in self._state.alerts_of(one.subject)
                if alert.ended is None
            ],
            "doubts": self.doubts(one) if one.stage in MOVING and not self._over(one.id) else [],
            "facts": self._facts(one.id),
        }

    def _facts(self, identity: str) -> list[dict[str, Any]]:
        stated = self._book.facts(identity)
        gone = {one.fact.fact for one in stated if isinstance(one.fact, Withdrawn)}
        return [{**_plain(one), "withdrawn": one.number in gone} for one in stated]

    async def check(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Say what a consignment lacks before it can be judged as its profile asks."""
        one = self._find(request)
        return {"id": one.id, "version": one.version, "doubts": self.doubts(one)}

    def doubts(self, one: Consignment) -> list[str]:
        """Return what a consignment lacks, in sentences."""
        profile, now = self._goods.version(one.version), self._clock.now()
        if profile is None:
            return [
                (
                    f"The version {one.version} of its profile is not known here: nothing is "
                    f"judged. Give it one: holdwatch consignment change {one.id} --goods …"
                )
            ]
        sensors = {key: self._sensors.known(key) for key in speaking(one, now)}
        return doubts(one, profile, sensors, now)

    async def export(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with all consignments, their legs and sensors as a table."""
        found = self._book.all()
        return {"consignments": len(found), "content": table.written(found, self._times.zone)}

    def _find(self, request: Mapping[str, Any]) -> Consignment:
        return find(self._book.consignment(str(request.get("id"))), request.get("id"))


def find(one: Consignment | None, identity: object) -> Consignment:
    """Return a consignment. Raises ControlError where there is none."""
    if one is None:
        raise ControlError(
            f"there is no consignment {str(identity)[:60]}", "See: holdwatch consignment list"
        )
    return one


def _plain(one: Stated) -> dict[str, Any]:
    """Return a fact as JSON has it, with who said it and when."""
    return {
        "number": one.number,
        "kind": one.fact.kind,
        "at": one.at,
        "entered": one.entered,
        "who": one.who,
        "reason": one.reason,
        "fact": msgspec.to_builtins(one.fact),
    }


class Sensors:
    """What is known of sensors, for whom consignments ask."""

    def __init__(self, gateway: Gateway) -> None:
        self._journal = gateway.journal
        self._monitor = gateway.monitor
        self._known = gateway.known
        self._registry = gateway.registry

    def known(self, key: DeviceKey) -> Sensor:
        """Return what a sensor measures, how often, and how it was calibrated."""
        latest = self._monitor.latest(key)
        model = self._known.model(key)
        channels: frozenset[str] | None = None
        if latest is not None:
            channels = frozenset(self._monitor.parts.whole(latest).layout.channels)
        elif model is not None:
            channels = frozenset(model.channels)
        return Sensor(
            channels=channels,
            heard=latest is not None,
            interval=self._known.interval(key),
            calibrated={one.channel: one.expires for one in self._registry.calibrations(key)},
        )

    def heard(self, key: DeviceKey) -> dict[str, Any]:
        """Return what people call a sensor, and what it said last."""
        latest = self._monitor.latest(key)
        whole = None if latest is None else self._monitor.parts.whole(latest)
        return {
            "name": self._known.card(key).name,
            "at": None if whole is None else whole.when,
            "values": {}
            if whole is None
            else {
                channel: value if value == value else None  # noqa: PLR0124 - NaN alone differs
                for channel, value in zip(whole.layout.channels, whole.values, strict=True)
            },
        }
