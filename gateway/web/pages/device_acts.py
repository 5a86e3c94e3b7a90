"""What people do to one device: confirm, name and place it, maintain, calibrate and replace it.

Each form sends what was written as it was written: the gateway checks it, and its refusal is shown
beside the form.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from gateway.registry.cards import FIELDS
from gateway.web.keys import parse_key
from gateway.web.look import address, moment
from gateway.web.pages.device import find, name_of, show_device
from gateway.web.visitor import Operator, Quality, Visitor, site_of

router = APIRouter()

Text = Annotated[str, Form(max_length=1_000)]


@router.post("/device-confirm/{key:path}")
async def confirm(request: Request, visitor: Operator, key: str) -> Response:
    """Say that a device is ours."""
    await _ask(request, visitor, key, "device-confirm", devices=[name_of(key)])
    return await _done(request, visitor, key, "It is confirmed")


@router.post("/device-card/{key:path}")
async def set_card(request: Request, visitor: Operator, key: str) -> Response:
    """State what a device is called, where it is, and what it is."""
    form = await request.form()
    said = {field: str(form[field]) for field in FIELDS if field in form}
    await _ask(request, visitor, key, "device-set", **said)
    return await _done(request, visitor, key, "That is kept")


@router.post("/device-maintain/{key:path}")
async def maintain(  # noqa: PLR0913 - what the form sends
    request: Request,
    visitor: Operator,
    key: str,
    *,
    reason: Text = "",
    length: Text = "",
    until: Text = "",
    end: Text = "",
) -> Response:
    """Begin maintenance, or end it."""
    said: dict[str, Any] = {"end": True} if end else {"reason": reason}
    if not end:
        said |= {"for": length} if length else {"until": until}
    told = await _ask(request, visitor, key, "device-maintain", **said)
    site = site_of(request)
    zone = site.settings.zone(parse_key(key))
    words = f"It is in maintenance until {moment(told['until'], zone, site.clock.now())}"
    return await _done(request, visitor, key, "The maintenance is over" if end else words)


@router.post("/device-calibrate/{key:path}")
async def calibrate(  # noqa: PLR0913 - what the form sends
    request: Request,
    visitor: Quality,
    key: str,
    *,
    channel: Text = "",
    offset: Text = "",
    as_found: Text = "",
    tolerance: Text = "",
    certificate: Text = "",
    expires: Text = "",
    since: Text = "",
    note: Text = "",
) -> Response:
    """State a calibration; where it found the sensor wrong, show what rests on that."""
    told = await _ask(
        request,
        visitor,
        key,
        "device-calibrate",
        channel=channel,
        offset=offset,
        as_found=as_found,
        tolerance=tolerance,
        certificate=certificate,
        expires=expires,
        since=since or None,
        note=note,
    )
    return await _done(request, visitor, key, "The calibration is kept", doubt=told["doubt"])


@router.post("/device-withdraw/{key:path}")
async def withdraw(
    request: Request, visitor: Quality, key: str, number: Annotated[int, Form(ge=1)]
) -> Response:
    """Take a calibration back."""
    await _ask(request, visitor, key, "device-withdraw", number=number)
    return await _done(request, visitor, key, "The calibration is withdrawn")


@router.post("/device-replace/{key:path}")
async def replace(  # noqa: PLR0913 - what the form sends
    request: Request, visitor: Quality, key: str, *, by: Text = "", at: Text = "", undo: Text = ""
) -> Response:
    """Let another device stand in for this one, or take that back."""
    new = name_of(by.strip())
    said: dict[str, Any] = {"undo": True} if undo else {"at": at or None}
    await _ask(request, visitor, key, "device-replace", old=name_of(key), new=new, **said)
    words = "That is taken back" if undo else f"{by.strip()} stands in for it"
    return await _done(request, visitor, key, words)


async def _ask(request: Request, visitor: Visitor, key: str, do: str, **said: object) -> Any:  # noqa: ANN401 - whatever the command answers
    """Have something done to a device that is known. Raises Problem, ControlError."""
    site = site_of(request)
    find(site, key)
    about = {"device": name_of(key)} if do not in {"device-confirm", "device-replace"} else {}
    return await site.ask(do, who=msgspec.to_builtins(visitor.who), **about, **said)


async def _done(
    request: Request, visitor: Visitor, key: str, said: str, doubt: dict[str, Any] | None = None
) -> Response:
    """Show how the device stands now, and say what was done."""
    await site_of(request).heed()
    if "hx-request" not in request.headers and not doubt:
        return RedirectResponse(address("device", key), 303)
    answer = await show_device(request, visitor, key, doubt)
    # JSON in ASCII: whatever a name holds, it is one line of a header.
    answer.headers["HX-Trigger"] = json.dumps({"say": said})
    return answer
