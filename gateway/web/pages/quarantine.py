"""`/quarantine`: messages that could not be understood, and devices that nobody has confirmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.web.look import show_at
from gateway.web.problems import Problem
from gateway.web.visitor import Administrator, Operator, Viewer, Visitor, site_of

if TYPE_CHECKING:
    from gateway.quarantine import Rejected
    from gateway.web.files import Files
    from gateway.web.site import Site

router = APIRouter()

PAGE = 25
"""Messages at a time."""
TEXT, BYTES = 2_000, 320
"""Characters of a text, or bytes of anything else, that are shown of a message."""
STRANGERS = 20
"""Unconfirmed devices that are shown."""

Reason = Annotated[str, Query(max_length=60)]


class Payload(NamedTuple):
    """What a message held, fit to be shown: text, or bytes as hexadecimal digits."""

    form: str
    """"text" or "hex"."""
    text: str
    more: int
    """Bytes that are not shown."""
    size: int


class Stranger(NamedTuple):
    """A device that nobody has confirmed, and who brought it when (ms); None: unknown."""

    key: str
    since: int | None
    source: str
    zone: str


def as_text(raw: bytes) -> str:
    """Return bytes as text in which nothing is hidden: what is not printed stands as its code."""
    text = raw.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def as_payload(raw: bytes) -> Payload:
    """Return a message's payload, cut, fit to be shown."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return Payload("hex", raw[:BYTES].hex(" "), max(0, len(raw) - BYTES), len(raw))
    cut = raw[:TEXT].decode(errors="ignore")
    more = len(raw) - len(cut.encode())
    return Payload("text", as_text(cut.encode()), more, len(raw))


@router.get("/quarantine")
async def quarantine_page(
    request: Request,
    visitor: Viewer,
    reason: Reason = "",
    device: Annotated[str, Query(max_length=300)] = "",
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:
    """Show what lies there, newest first; to htmx that asks further back, the next page alone."""
    more = before is not None and "hx-request" in request.headers
    template = "quarantine_rows.html" if more else "quarantine.html"
    content = await _content(site_of(request), reason, before, device)
    return show_at(request, visitor, template, **content)


@router.post("/quarantine/retry")
async def retry(request: Request, visitor: Administrator) -> Response:
    """Decode all of it again."""
    answer = await site_of(request).ask("retry", who=msgspec.to_builtins(visitor.who))
    said = f"{answer['decoded']:,} could be understood now, {answer['left']:,} stay."
    return await _done(request, visitor, said)


@router.post("/quarantine/drop")
async def drop(
    request: Request,
    visitor: Administrator,
    number: Annotated[int | None, Form(ge=1, lt=1 << 62)] = None,
    reason: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Remove one message, or all of a reason, for good."""
    if (number is None) == (not reason):
        raise Problem(422, "nothing was named to be dropped, or two things", "Name one of them")
    what: dict[str, Any] = {"numbers": [number]} if number is not None else {"reason": reason}
    who = msgspec.to_builtins(visitor.who)
    answer = await site_of(request).ask("drop", who=who, **what)
    return await _done(request, visitor, f"{answer['dropped']:,} dropped.")


@router.post("/quarantine/confirm")
async def confirm(
    request: Request, visitor: Operator, device: Annotated[str, Form(max_length=300)]
) -> Response:
    """Say that a device is one of ours."""
    who = msgspec.to_builtins(visitor.who)
    answer = await site_of(request).ask("confirm", device=device, who=who)
    return await _done(request, visitor, f"{answer['device']} is confirmed.", confirmed=device)


async def _done(request: Request, visitor: Visitor, said: str, *, confirmed: str = "") -> Response:
    """Show the list as it is now, and say what was done."""
    if "hx-request" not in request.headers:
        return RedirectResponse("/quarantine", 303)
    content = await _content(site_of(request), "", None)
    # The gateway tells of it in a moment.
    content["strangers"] = [one for one in content["strangers"] if one.key != confirmed]
    answer = show_at(request, visitor, "quarantine.html", **content)
    answer.headers["HX-Trigger"] = json.dumps({"say": said})
    return answer


async def _content(site: Site, reason: str, before: int | None, device: str = "") -> dict[str, Any]:
    """Return what the template shows."""

    def look(files: Files) -> tuple[dict[str, int], list[Rejected]]:
        quarantine = files.journal.quarantine
        return quarantine.counts(), quarantine.newest(before, PAGE + 1, reason, device)

    counts, found = await site.archive.ask(look)
    page = found[:PAGE]
    after = page[-1].number if len(found) > PAGE else None
    strangers = _strangers(site)
    return {
        "counts": sorted(counts.items(), key=lambda one: -one[1]),
        "all_count": sum(counts.values()),
        "reason": reason,
        "device": device,
        "messages": [(one, as_text(one.topic[:500]), as_payload(one.payload)) for one in page],
        "next": _query(reason, device, after) if after is not None else "",
        "strangers": strangers[:STRANGERS],
        "more_strangers": max(0, len(strangers) - STRANGERS),
    }


def _query(reason: str, device: str, before: int) -> str:
    asked = {"before": before, "reason": reason, "device": device}
    return urlencode({name: value for name, value in asked.items() if value})


def _strangers(site: Site) -> list[Stranger]:
    """Return the devices that nobody has confirmed, the newest first."""
    waiting = [one.device for one in site.standing.rows() if one.unconfirmed]
    if not waiting:
        return []
    rows = site.files.state.rows(
        "SELECT owner, name, since, source FROM registry WHERE NOT confirmed"
    )
    met = {(owner, name): (since, source) for owner, name, since, source in rows}
    found = [
        Stranger(str(one), *met.get((one.owner, one.id), (None, "")), site.settings.zone(one))
        for one in waiting
    ]
    return sorted(found, key=lambda one: (-(one.since or 0), one.key))
