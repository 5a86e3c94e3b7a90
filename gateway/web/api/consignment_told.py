"""Consignments and their verdicts in the API's own words: devices by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import DeviceKey
from gateway.consignments.doubts import speaking
from gateway.consignments.report import standing
from gateway.web.api import consignment_models as models
from gateway.web.api.alert_models import Alert
from gateway.web.look import unit_of
from rules.cargo.consignment import EVER, Consignment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

DEVICES = {"sensor": "device", "worst_sensor": "worst_device"}
"""What names a device as [owner, id] in what the gateway tells, and what it is called here."""
_AS_IT_IS = (
    *("id", "goods", "version", "created", "origin", "destination", "carried", "cycles", "ignore"),
    *("description", "quantity", "unit", "value", "currency", "counts", "wait", "note"),
    *("parents", "parts", "stages", "custody"),
)


def keyed(plain: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return plain data in which devices are named by their keys."""
    if isinstance(plain, dict):
        return {
            DEVICES.get(name, name): str(DeviceKey(*value)) if name in DEVICES else keyed(value)
            for name, value in plain.items()
        }
    return [keyed(one) for one in plain] if isinstance(plain, list) else plain


def listed(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of `consignments` as the model Consignment has it."""
    return _of(models.Consignment, told)


def detail(told: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return what `consignment-show` tells at `now` (ms) as the model ConsignmentDetail has it."""
    plain = told["consignment"]
    one = msgspec.convert(plain, Consignment)
    leg = one.leg_at(now)
    alerts = [_alert(each) for each in told["alerts"]]
    return {
        **{name: plain[name] for name in _AS_IT_IS},
        "title": told["title"],
        "stage": one.stage,
        "standing": standing(one),
        "since": one.stages[-1].since,
        "over": told["over"],
        "custodian": told["custodian"],
        "confirmed": one.custody[-1].confirmed,
        "leg": leg.number if leg is not None else None,
        "sensors": [str(each) for each in speaking(one, now)],
        "alerts": len(alerts),
        "legs": _legs(one),
        "assignments": [_assignment(each) for each in keyed(plain["assignments"])],
        "heard": [_heard(key, each) for key, each in told["sensors"].items()],
        "handovers": keyed(told["claims"]),
        "open_alerts": alerts,
        "lacks": told["doubts"],
        "facts": keyed(told["facts"]),
    }


def verdict(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `consignment-verdict` tells as the model Verdict has it."""
    signed = told["signed"]
    return {
        **keyed(told["verdict"]),
        "title": told["title"],
        "made": told["made"],
        "digest": told["digest"],
        "substance": told["substance"],
        "signed": signed and _of(models.SignedReport, {**signed, "version": signed["number"]}),
    }


def _of(model: type[BaseModel], told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in model.model_fields}


def _legs(one: Consignment) -> list[dict[str, Any]]:
    """Return the way: each leg as planned, and as it was."""
    real = {each.leg: each for each in one.travelled}
    return [
        {
            **msgspec.to_builtins(leg),
            "departed": real[leg.number].departed if leg.number in real else None,
            "arrived": real[leg.number].arrived if leg.number in real else None,
        }
        for leg in one.legs
    ]


def _assignment(plain: dict[str, Any]) -> dict[str, Any]:
    ignored = plain["ignore_until"]
    return {**plain, "ignore_until": None if ignored == EVER else ignored}


def _heard(key: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sensor said last, each value with its unit."""
    return {
        "device": key,
        "name": told["name"],
        "at": told["at"],
        "channels": {
            channel: {"value": value, "unit": unit_of(channel)}
            for channel, value in told["values"].items()
        },
    }


def _alert(told: Mapping[str, Any]) -> dict[str, Any]:
    return {**_of(Alert, told), "device": str(DeviceKey(*told["device"]))}
