"""`/devices`: every device, to be found, confirmed, and taken in by table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from gateway.registry.table import COLUMNS
from gateway.web.look import show_at
from gateway.web.pages.table_file import as_text
from gateway.web.problems import Problem
from gateway.web.visitor import Operator, Quality, Viewer, Visitor, site_of
from rules.remark import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.web.now.register import Registered
    from gateway.web.now.rows import Row
    from gateway.web.site import Site

router = APIRouter()

PAGE = 100
"""Devices that are shown at first, and how many more at a time."""
MOST = 10_000
SHOWN = 500
"""Lines of a table that are shown of what it would change."""

Kind = Literal["", "unconfirmed", "confirmed", "maintenance", "expired", "rubbish", "replaced"]
KINDS: tuple[tuple[Kind, str], ...] = (
    ("", "All"),
    ("unconfirmed", "Unconfirmed"),
    ("maintenance", "In maintenance"),
    ("expired", "Calibration expired"),
    ("rubbish", "Sending rubbish"),
    ("replaced", "Replaced"),
)
Words = Annotated[str, Query(max_length=100)]


class _Wanted:
    """Which devices somebody wants to see."""

    def __init__(self, kind: Kind = "", find: Words = "") -> None:
        self.kind = kind
        self.find = find

    def query(self, **more: object) -> str:
        """Return it as an address's query, with more in it; what is empty is left out."""
        asked = {"kind": self.kind, "find": self.find, **more}
        return urlencode({key: value for key, value in asked.items() if value})

    def fits(self, one: Registered) -> bool:
        """Whether a device has the words in its names, its place, its make or its note."""
        card = one.card
        texts = (one.key, one.name, one.place, one.recognised, card.model, card.note)
        wanted = self.find.casefold().strip()
        return any(wanted in text.casefold() for text in texts)


Wanted = Annotated[_Wanted, Depends(_Wanted)]


class Line(NamedTuple):
    """One device in the list, and how it stands; None: it was never heard."""

    about: Registered
    row: Row | None
    zone: str


def is_of(kind: Kind, one: Registered, now: int) -> bool:
    """Whether a device belongs into a part of the list."""
    return {
        "": True,
        "unconfirmed": one.stand == "unconfirmed",
        "confirmed": one.stand == "confirmed",
        "maintenance": one.maintenance is not None,
        "expired": bool(one.expired(now)),
        "rubbish": one.quarantined > 0,
        "replaced": one.stand == "replaced",
    }[kind]


def listed(site: Site) -> list[Registered]:
    """Return every device, those that nobody has confirmed first, the newest on top."""
    register = site.standing.register
    devices = {*site.standing.devices(), *register.named()}

    def rank(one: Registered) -> tuple[bool, int, str, str]:
        new = one.stand == "unconfirmed"
        return not new, -(one.since or 0) if new else 0, one.name.casefold(), one.key

    return sorted(map(register.of, devices), key=rank)


@router.get("/devices")
async def devices_page(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    size: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
) -> Response:
    """Show the list."""
    return _show(request, visitor, wanted, size)


def _show(request: Request, visitor: Visitor, wanted: _Wanted, size: int = PAGE) -> Response:
    site = site_of(request)
    now = site.clock.now()
    everything = listed(site)
    counts = {kind: sum(is_of(kind, one, now) for one in everything) for kind, _ in KINDS}
    found = [one for one in everything if is_of(wanted.kind, one, now) and wanted.fits(one)]
    return show_at(
        request,
        visitor,
        "devices.html",
        wanted=wanted,
        kinds=[(kind, words, counts[kind]) for kind, words in KINDS],
        lines=[
            Line(one, site.standing.row(one.device), site.settings.zone(one.device))
            for one in found[:size]
        ],
        count=len(found),
        waiting=sum(one.stand == "unconfirmed" for one in found),
        larger=min(size + PAGE, MOST) if len(found) > size and size < MOST else None,
        remark_words=WORDS,
        columns=COLUMNS,
    )


@router.post("/devices/confirm")
async def confirm(
    request: Request,
    visitor: Operator,
    wanted: Wanted,
    device: Annotated[list[str], Form(max_length=MOST)] = [],  # noqa: B006 - FastAPI copies it
    everything: Annotated[str, Form(alias="all")] = "",
) -> Response:
    """Say that devices are ours: those that are ticked, or all that are found and wait for it."""
    site = site_of(request)
    if everything:
        found = (one for one in listed(site) if wanted.fits(one))
        device = [name(one) for one in found if one.stand == "unconfirmed"]
    if not device:
        raise Problem(422, "no device is ticked", "Tick the devices that are yours")
    who = msgspec.to_builtins(visitor.who)
    done = await site.ask("device-confirm", devices=device, who=who)
    await site.heed()
    fresh = sum(not one["already"] for one in done["devices"])
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/devices?{wanted.query()}", 303)
    answer = _show(request, visitor, wanted)
    said = f"{fresh:,} device{'s are' if fresh != 1 else ' is'} confirmed"
    answer.headers["HX-Trigger"] = json.dumps({"say": said})
    return answer


def name(one: Registered) -> str:
    """Return a device as commands name it: with its owner, also where that is nobody."""
    return f"{one.device.owner}/{one.device.id}"


# -- the table ----------------------------------------------------------------------------------


@router.get("/devices.csv")
async def export(request: Request, _visitor: Viewer) -> Response:
    """Return the table of all devices."""
    told = await site_of(request).ask("device-export")
    headers = {"Content-Disposition": 'attachment; filename="devices.csv"'}
    return Response(told["content"], media_type="text/csv", headers=headers)


@router.post("/devices/import")
async def take_in(request: Request, visitor: Quality) -> Response:
    """Show what a table would change; once that was seen, take it in.

    Its form is read here: of whom nothing is known, nothing so large is read.
    """
    site = site_of(request)
    form = await request.form()
    content, table = form.get("content"), form.get("table")
    title = str(form.get("name") or "")[:100]
    if isinstance(table, UploadFile):
        title = (table.filename or "a table")[:100]
        content = as_text(await table.read())
    if not isinstance(content, str) or not content.strip():
        raise Problem(422, "no table was sent", "Choose a file that was saved as CSV")
    dry = not form.get("sure")
    who = msgspec.to_builtins(visitor.who)
    result = await site.ask("device-import", content=content, name=title, dry=dry, who=who)
    if not dry:
        await site.heed()
    return show_at(
        request,
        visitor,
        "devices_import.html",
        title=title,
        content=content,
        result=result,
        changes=_shown(result["changes"]),
        mistakes=result["mistakes"][:SHOWN],
        most=SHOWN,
    )


def _shown(changes: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Return the first changes, each with what was and what will be side by side."""
    return [
        {**one, "fields": [(key, one["before"][key], value) for key, value in one["after"].items()]}
        for one in changes[:SHOWN]
    ]
