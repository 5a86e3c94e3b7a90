"""What programs state of consignments: entered, changed, on their way, apart, taken back.

Nobody signs here: a signature is a person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response

from gateway.consignments import fields
from gateway.web.api import consignment_models as models
from gateway.web.api import consignment_requests as sent
from gateway.web.api.access import find_consignment, sees_all
from gateway.web.api.answers import answer
from gateway.web.api.consignments import stands
from gateway.web.api.registry_models import Number
from gateway.web.keys import parse_key
from gateway.web.problems import Problem
from gateway.web.visitor import Actor, Manager, Visitor, site_of
from rules.cargo.consignment import Place
from rules.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

router = APIRouter()

Leg = Annotated[int, Path(ge=1, le=fields.MOST_LEGS)]
LENGTHS = {"carried", "ignore", "wait", "margin"}
STAYS = {"heard", "margin", "via", "mode", "wait"}
"""Of which null says nothing: they have a value, always."""


# -- entered, and changed -------------------------------------------------------------------------


@router.post("/consignments", response_model=models.ConsignmentDetail)
async def enter(request: Request, asked: sent.NewConsignment, visitor: Actor) -> Response:
    """Enter a consignment, with its way and its sensors as far as they are known."""
    if not asked.sensors and not sees_all(visitor):
        raise Problem(
            403,
            f"the key {visitor.name} is limited to some devices: it would not know of this one",
            "Name its sensors, among them",
        )
    said = _said(asked, set(sent.Described.model_fields) & asked.model_fields_set)
    legs = [_said(one, set(sent.NewLeg.model_fields)) for one in asked.legs]
    sensors = [
        {
            **_said(one, {"where", "ignore", "until"}),
            "sensor": _named(visitor, one.device),
        }
        for one in asked.sensors
    ]
    said |= {"id": asked.id, "goods": asked.goods, "legs": legs, "sensors": sensors}
    return await _state(request, visitor, "add", asked, **said)


@router.patch("/consignments/{consignment}", response_model=models.ConsignmentDetail)
async def change(
    request: Request, consignment: str, asked: sent.ConsignmentChange, visitor: Manager
) -> Response:
    """State what is otherwise: what is judged by it is judged again."""
    find_consignment(site_of(request), visitor, consignment)
    said = _said(asked, set(sent.Described.model_fields) & asked.model_fields_set)
    said |= {"id": consignment, "goods": asked.goods, "version": asked.version}
    return await _state(request, visitor, "change", asked, **said)


@router.post("/consignments/{consignment}/legs", response_model=models.ConsignmentDetail)
async def plan(request: Request, consignment: str, asked: sent.NewLeg, visitor: Actor) -> Response:
    """Plan a further leg."""
    find_consignment(site_of(request), visitor, consignment)
    said = _said(asked, set(sent.NewLeg.model_fields))
    return await _state(request, visitor, "leg", None, id=consignment, **said)


@router.patch("/consignments/{consignment}/legs/{number}", response_model=models.ConsignmentDetail)
async def plan_otherwise(
    request: Request, consignment: str, number: Leg, asked: sent.LegChange, visitor: Actor
) -> Response:
    """Plan a leg otherwise."""
    one = find_consignment(site_of(request), visitor, consignment)
    _check_leg(len(one.legs), consignment, number)
    said = _said(asked, asked.model_fields_set)
    return await _state(request, visitor, "leg", None, id=consignment, number=number, **said)


@router.delete("/consignments/{consignment}/legs/{number}", response_model=models.ConsignmentDetail)
async def plan_without(request: Request, consignment: str, number: Leg, visitor: Actor) -> Response:
    """Take a leg out of the plan: those behind it move up."""
    one = find_consignment(site_of(request), visitor, consignment)
    _check_leg(len(one.legs), consignment, number)
    said: dict[str, Any] = {"number": number, "remove": True}
    return await _state(request, visitor, "leg", None, id=consignment, **said)


def _check_leg(legs: int, identity: str, number: int) -> None:
    """Refuse a leg that there is not. Raises Problem."""
    if number > legs:
        raise Problem(404, f"{identity} has no leg {number}", f"It has {legs}")


# -- its sensors ----------------------------------------------------------------------------------


@router.post("/consignments/{consignment}/assign", response_model=models.ConsignmentDetail)
async def assign(
    request: Request, consignment: str, asked: sent.Speaking, visitor: Actor
) -> Response:
    """State that devices speak for it. One that was never heard counts once it is."""
    find_consignment(site_of(request), visitor, consignment)
    said = _said(asked, {"where", "ignore", "until"})
    named = [_named(visitor, one) for one in asked.devices]
    return await _state(request, visitor, "assign", asked, id=consignment, sensors=named, **said)


@router.post("/consignments/{consignment}/unassign", response_model=models.ConsignmentDetail)
async def unassign(
    request: Request, consignment: str, asked: sent.Silenced, visitor: Actor
) -> Response:
    """State that devices do not speak for it any more."""
    find_consignment(site_of(request), visitor, consignment)
    named = [_named(visitor, one) for one in asked.devices]
    return await _state(request, visitor, "unassign", asked, id=consignment, sensors=named)


@router.post("/consignments/{consignment}/take", response_model=models.ConsignmentDetail)
async def take(request: Request, consignment: str, asked: sent.Taking, visitor: Actor) -> Response:
    """State that a device speaks for it, and not for others any more."""
    site = site_of(request)
    for one in (consignment, *asked.others):
        find_consignment(site, visitor, one)
    said = {"to": consignment, "from": asked.others, "where": asked.where}
    sensor = _named(visitor, asked.device)
    return await _state(request, visitor, "move", asked, id=consignment, sensor=sensor, **said)


# -- on its way -----------------------------------------------------------------------------------


@router.post("/consignments/{consignment}/depart", response_model=models.ConsignmentDetail)
async def depart(
    request: Request, consignment: str, asked: sent.Departure, visitor: Actor
) -> Response:
    """State that a leg began. The first is refused while the consignment lacks anything."""
    return await _happened(request, consignment, visitor, "depart", asked)


@router.post("/consignments/{consignment}/arrive", response_model=models.ConsignmentDetail)
async def arrive(
    request: Request, consignment: str, asked: sent.Arrival, visitor: Actor
) -> Response:
    """State that a leg ended."""
    return await _happened(request, consignment, visitor, "arrive", asked)


@router.post("/consignments/{consignment}/hand-over", response_model=models.ConsignmentDetail)
async def hand_over(
    request: Request, consignment: str, asked: sent.HandOver, visitor: Actor
) -> Response:
    """State that it went to another custodian; it counts once the other side confirms it."""
    return await _happened(request, consignment, visitor, "hand-over", asked)


@router.post("/consignments/{consignment}/confirm", response_model=models.ConsignmentDetail)
async def confirm(
    request: Request, consignment: str, asked: sent.Confirmation, visitor: Actor
) -> Response:
    """State that the other side says so too: custody changes."""
    return await _happened(request, consignment, visitor, "confirm", asked)


@router.post("/consignments/{consignment}/deliver", response_model=models.ConsignmentDetail)
async def deliver(
    request: Request, consignment: str, asked: sent.Delivery, visitor: Actor
) -> Response:
    """State that it is where it should go."""
    return await _happened(request, consignment, visitor, "deliver", asked)


@router.post("/consignments/{consignment}/review", response_model=models.ConsignmentDetail)
async def review(
    request: Request, consignment: str, asked: sent.Because, visitor: Manager
) -> Response:
    """State that it is looked at again, and why."""
    return await _happened(request, consignment, visitor, "review", asked)


# -- apart, together, taken back ------------------------------------------------------------------


@router.post("/consignments/{consignment}/split", response_model=models.ConsignmentDetail)
async def split(
    request: Request, consignment: str, asked: sent.Parting, visitor: Manager
) -> Response:
    """Split it: each part is a consignment of its own, with all of its past."""
    find_consignment(site_of(request), visitor, consignment)
    parts = [
        one.id if one.quantity is None else f"{one.id}:{one.quantity!r}" for one in asked.parts
    ]
    said = {"parts": parts, "unit": asked.unit, "keep_sensors": asked.keep_sensors}
    return await _state(request, visitor, "split", asked, id=consignment, **said)


@router.post("/consignments/{consignment}/merge", response_model=models.ConsignmentDetail)
async def merge(
    request: Request, consignment: str, asked: sent.Merging, visitor: Manager
) -> Response:
    """Make one of it and others; the answer is about that one."""
    site = site_of(request)
    for one in (consignment, *asked.others):
        find_consignment(site, visitor, one)
    said = {"from": [consignment, *asked.others]}
    return await _state(request, visitor, "merge", asked, id=asked.into, **said)


@router.post(
    "/consignments/{consignment}/facts/{number}/withdraw", response_model=models.Withdrawal
)
async def withdraw(
    request: Request, consignment: str, number: Number, asked: sent.Withdrawing, visitor: Manager
) -> Response:
    """Take back what should not have been stated. It stays on record."""
    site = site_of(request)
    find_consignment(site, visitor, consignment)
    told = await site.ask(
        "consignment-withdraw",
        id=consignment,
        number=number,
        reason=asked.reason,
        who=msgspec.to_builtins(visitor.who),
    )
    left = await stands(site, consignment) if told["left"] else None
    return answer({"withdrawn": told["withdrawn"], "consignment": left})


# -- for all of them ------------------------------------------------------------------------------


async def _happened(
    request: Request, identity: str, visitor: Visitor, what: str, asked: sent.Statement
) -> Response:
    find_consignment(site_of(request), visitor, identity)
    said = asked.model_dump(exclude=set(sent.Statement.model_fields), exclude_none=True)
    return await _state(request, visitor, what, asked, id=identity, **said)


async def _state(
    request: Request,
    visitor: Visitor,
    what: str,
    asked: sent.Statement | None,
    **said: Any,  # noqa: ANN401 - whatever the command takes
) -> Response:
    """Have the gateway state it; return how the consignment stands then."""
    site = site_of(request)
    dated = {} if asked is None else {"at": asked.at, "reason": asked.reason}
    who = msgspec.to_builtins(visitor.who)
    await site.ask(f"consignment-{what}", who=who, **dated, **said)
    return answer(await stands(site, said["id"]))


def _named(visitor: Visitor, text: str) -> str:
    """Return a device as commands name it. Raises Problem."""
    device = parse_key(text)
    if not visitor.sees(device):
        raise Problem(404, f"there is no device {text!r}", "GET /api/v1/devices lists them")
    return f"{device.owner}/{device.id}"


def _said(asked: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    """Return what is sent as people write it, which is what the gateway checks."""
    return {name: _text(name, getattr(asked, name)) for name in names}


def _text(name: str, value: Any) -> Any:  # noqa: ANN401 - of any field
    if value is None:
        return None if name in STAYS else ""
    if name in LENGTHS:
        return format_duration(value)
    if isinstance(value, sent.PlaceSaid):
        return fields.place_text(Place(value.name, value.position))
    if isinstance(value, tuple):
        return [_text(name, one) for one in value]
    if name == "counts" and value not in {"", *fields.COUNTS}:
        device = parse_key(value)
        return f"{device.owner}/{device.id}"
    return str(value) if isinstance(value, float) else value
