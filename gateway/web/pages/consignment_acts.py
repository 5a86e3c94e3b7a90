"""What people do to a consignment: its sensors, its way, whose it is, its parts, what was wrong.

Each form sends what was written as it was written: the gateway checks it, and its refusal is shown
beside the form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gateway.web.look import address
from gateway.web.pages.consignment import show_consignment
from gateway.web.pages.consignments import named
from gateway.web.problems import Problem
from gateway.web.visitor import Operator, Quality, Visitor, site_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData

router = APIRouter()

OperatorVerb = Literal[
    "depart",
    "arrive",
    "hand-over",
    "confirm",
    "deliver",
    "assign",
    "unassign",
    "leg",
    "note",
]
QualityVerb = Literal["withdraw", "review", "split", "merge", "goods"]
FIELDS: dict[str, tuple[str, ...]] = {
    "depart": ("leg",),
    "arrive": ("leg",),
    "hand-over": ("to",),
    "confirm": ("number",),
    "deliver": ("to",),
    "assign": ("where", "ignore"),
    "unassign": (),
    "leg": (
        *("number", "mode", "custodian", "origin", "destination"),
        *("departs", "arrives", "vehicle", "margin"),
    ),
    "note": ("note",),
    "withdraw": ("number",),
    "review": (),
    "split": ("unit",),
    "merge": (),
    "goods": ("goods",),
}
"""Fields of each form that are sent on as they were written; what is empty is left out."""
COMMANDS = {"note": "change", "goods": "change"}
"""Commands that are called otherwise than what people do."""
SAID = {
    "depart": "It departed",
    "arrive": "It arrived",
    "hand-over": "The handover is entered",
    "confirm": "The handover is confirmed",
    "deliver": "It is delivered",
    "assign": "The sensor speaks for it",
    "unassign": "The sensor does not speak for it any more",
    "leg": "The way is planned",
    "note": "The note is kept",
    "withdraw": "That is taken back",
    "review": "It is under review",
    "split": "It is split",
    "merge": "They are one now",
    "goods": "It is judged by the newest version",
}


@router.post("/consignment/{identity}/act/{verb}")
async def act(request: Request, visitor: Operator, identity: str, verb: OperatorVerb) -> Response:
    """State something of a consignment, as an operator may."""
    return await _act(request, visitor, identity, verb)


@router.post("/consignment/{identity}/correct/{verb}")
async def correct(request: Request, visitor: Quality, identity: str, verb: QualityVerb) -> Response:
    """Take something back, or part it, as whoever answers for quality may."""
    return await _act(request, visitor, identity, verb)


async def _act(request: Request, visitor: Visitor, identity: str, verb: str) -> Response:
    site, form = site_of(request), await request.form()
    said: dict[str, Any] = {
        key: value for key in (*FIELDS[verb], "at", "reason") if (value := _of(form, key))
    }
    said |= MORE[verb](form) if verb in MORE else {}
    if verb == "note":
        said["note"] = _of(form, "note")
    to = _of(form, "into") if verb == "merge" else identity
    command = f"consignment-{COMMANDS.get(verb, verb)}"
    told = await site.ask(command, id=to, who=msgspec.to_builtins(visitor.who), **said)
    if verb == "withdraw" and not told["left"]:
        return _gone(request, "/consignments")
    if to != identity or "hx-request" not in request.headers:
        return _gone(request, address("consignment", to))
    answer = await show_consignment(request, visitor, identity)
    # JSON in ASCII: whatever a name holds, it is one line of a header.
    answer.headers["HX-Trigger"] = json.dumps({"say": SAID[verb], "acted": {}})
    return answer


def _gone(request: Request, to: str) -> Response:
    """Lead on to another view."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


def _of(form: FormData, key: str) -> str:
    value = form.get(key)
    return value.strip() if isinstance(value, str) else ""


def _depart(form: FormData) -> dict[str, Any]:
    return {"anyway": True} if form.get("anyway") else {}


def _confirmed(form: FormData) -> dict[str, Any]:
    return {"confirmed": True} if form.get("confirmed") else {}


def _sensors(form: FormData) -> dict[str, Any]:
    found = [*filter(None, map(str, form.getlist("sensor"))), *named(_of(form, "others"))]
    if not found:
        raise Problem(422, "no sensor is named", "Choose a sensor, or write its id")
    return {"sensors": found}


def _leg(form: FormData) -> dict[str, Any]:
    if form.get("remove"):
        return {"remove": True}
    return {"heard": False} if form.get("unheard") else {}


def _parts(form: FormData) -> dict[str, Any]:
    keep = {"keep_sensors": True} if form.get("keep_sensors") else {}
    return {"parts": named(_of(form, "parts")), **keep}


def _merged(form: FormData) -> dict[str, Any]:
    return {"from": named(_of(form, "from"))}


MORE: dict[str, Callable[[FormData], dict[str, Any]]] = {
    "depart": _depart,
    "hand-over": _confirmed,
    "deliver": _confirmed,
    "assign": _sensors,
    "unassign": _sensors,
    "leg": _leg,
    "split": _parts,
    "merge": _merged,
}
"""What else some forms say."""
