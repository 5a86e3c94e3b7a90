"""What people and programs state of devices: names, places, calibration, maintenance, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.quality_store import missing_of
from gateway.registry import fields
from gateway.registry.cards import FIELDS, Card
from gateway.web.api import registry_models as models
from gateway.web.api.access import Whole, check_sees_all, find_device
from gateway.web.api.answers import answer
from gateway.web.api.asked import Asked
from gateway.web.api.models import DeviceDetail
from gateway.web.problems import Problem
from gateway.web.visitor import Actor, Manager, Reader, Visitor, site_of
from rules.duration import MINUTE, format_duration

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.web.api.devices import LastValues

router = APIRouter()

CSV = "text/csv"
TABLE: dict[str, Any] = {"content": {CSV: {"schema": {"type": "string"}}}}


class TableAsked(Asked):
    """Whether to change anything."""

    dry: bool = Field(default=False, description="Only say what would change.")


def _name(device: DeviceKey) -> str:
    """Return a device as commands name it: with its owner, also where that is nobody."""
    return f"{device.owner}/{device.id}"


async def _ask(request: Request, visitor: Visitor, do: str, **said: object) -> Any:  # noqa: ANN401 - whatever the command answers
    site = site_of(request)
    told = await site.ask(do, who=msgspec.to_builtins(visitor.who), **said)
    await site.heed()
    return told


def _stands(request: Request, device: DeviceKey) -> Response:
    last: LastValues = request.app.state.last
    return answer(last.detail(device))


# -- all of them --------------------------------------------------------------------------------


@router.get("/devices.csv", responses={200: TABLE}, response_class=Response)
async def export(request: Request, _visitor: Whole) -> Response:
    """Return the table of all devices, as CSV: what is stated of each."""
    told = await site_of(request).ask("device-export")
    headers = {"Content-Disposition": 'attachment; filename="devices.csv"'}
    return Response(told["content"], media_type=CSV, headers=headers)


@router.post(
    "/devices.csv",
    response_model=models.Table,
    openapi_extra={"requestBody": {"required": True, **TABLE}},
)
async def take_in(
    request: Request, visitor: Manager, asked: Annotated[TableAsked, Query()]
) -> Response:
    """Take in a table of devices, as the one that GET returns. All of it, or nothing."""
    check_sees_all(visitor)
    content = await table_sent(request)
    told = await _ask(
        request, visitor, "device-import", content=content, dry=asked.dry, name="the API"
    )
    if told["mistakes"] and not asked.dry:
        raise Problem(
            409,
            f"{len(told['mistakes'])} lines of the table are wrong, so nothing was changed",
            "See `mistakes`; with dry=true nothing is ever changed",
            mistakes=told["mistakes"],
        )
    return answer(told)


async def table_sent(request: Request) -> str:
    """Return a table that was sent. Raises Problem."""
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, "the table is no text in UTF-8", "Save it as CSV, in UTF-8") from error


# -- one of them --------------------------------------------------------------------------------


@router.post("/devices/{device:path}/confirm", response_model=models.Confirmed)
async def confirm(request: Request, device: str, visitor: Actor) -> Response:
    """Say that a device is one of ours."""
    key = find_device(site_of(request), visitor, device)
    told = await _ask(request, visitor, "device-confirm", devices=[_name(key)])
    return answer({"device": str(key), "already": told["devices"][0]["already"]})


@router.patch("/devices/{device:path}", response_model=DeviceDetail)
async def change(
    request: Request, device: str, asked: models.CardChange, visitor: Actor
) -> Response:
    """State what a device is called, where it is, and what it is."""
    key = find_device(site_of(request), visitor, device)
    said = {one: _text(asked, one) for one in FIELDS if one in asked.model_fields_set}
    await _ask(request, visitor, "device-set", device=_name(key), since=asked.since, **said)
    return _stands(request, key)


def _text(asked: models.CardChange, field: str) -> str:
    """Return a field as people write it, which is what the gateway checks."""
    value = getattr(asked, field)
    if value is None:
        return ""
    if field == "interval":
        return format_duration(value)
    return fields.text_of(Card(position=value), field) if field == "position" else str(value)


@router.post("/devices/{device:path}/maintenance", response_model=DeviceDetail)
async def maintain(
    request: Request, device: str, asked: models.NewMaintenance, visitor: Actor
) -> Response:
    """Let what a device sends not count for a while, because somebody works on it."""
    key = find_device(site_of(request), visitor, device)
    said: dict[str, Any] = {"end": True}
    if asked.minutes:
        said = {"for": format_duration(asked.minutes * MINUTE), "reason": asked.reason}
    await _ask(request, visitor, "device-maintain", device=_name(key), **said)
    return _stands(request, key)


@router.post("/devices/{device:path}/calibrations", response_model=models.Calibrated)
async def calibrate(
    request: Request, device: str, asked: models.NewCalibration, visitor: Manager
) -> Response:
    """Enter a calibration; where it found the sensor wrong, tell what rests on that."""
    key = find_device(site_of(request), visitor, device)
    told = await _ask(request, visitor, "device-calibrate", device=_name(key), **asked.model_dump())
    doubt = told["doubt"]
    return answer({"calibration": told["calibration"], "doubt": doubt and _plain(doubt)})


def _plain(doubt: dict[str, Any]) -> dict[str, Any]:
    """Return a doubt whose alerts name their device by its key."""
    alerts = [{**one, "device": "/".join(filter(None, one["device"]))} for one in doubt["alerts"]]
    return {**doubt, "alerts": alerts}


@router.delete("/devices/{device:path}/calibrations/{number}", response_model=DeviceDetail)
async def withdraw(
    request: Request, device: str, number: models.Number, visitor: Manager
) -> Response:
    """Take a calibration back that should not have been entered."""
    key = find_device(site_of(request), visitor, device)
    await _ask(request, visitor, "device-withdraw", device=_name(key), number=number)
    return _stands(request, key)


@router.post("/devices/{device:path}/replace", response_model=DeviceDetail)
async def replace(
    request: Request, device: str, asked: models.Replacement, visitor: Manager
) -> Response:
    """Let another device stand in for this one; the answer is about the other."""
    site = site_of(request)
    old, new = (find_device(site, visitor, one) for one in (device, asked.by))
    said = {"undo": True} if asked.undo else {"at": asked.since}
    await _ask(request, visitor, "device-replace", old=_name(old), new=_name(new), **said)
    return _stands(request, new)


@router.get("/devices/{device:path}/gaps", response_model=models.Gaps)
async def gaps(request: Request, device: str, visitor: Reader) -> Response:
    """List the messages that never came, by the numbers that a device gives them."""
    site = site_of(request)
    key = find_device(site, visitor, device)
    found = await site.archive.ask(lambda files: missing_of(files.state, key))
    items = [
        {
            "first": one.first,
            "last": one.last,
            "after": one.after,
            "before": one.before,
            "messages": one.count,
        }
        for one in reversed(found)
    ]
    return answer({"items": items})
