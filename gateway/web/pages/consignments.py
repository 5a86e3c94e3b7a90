"""`/consignments`: all of them, to be found; entered one by one, or taken in by table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from gateway.consignments.table import COLUMNS
from gateway.web.look import address, show_at
from gateway.web.pages.table_file import as_text
from gateway.web.problems import Problem
from gateway.web.visitor import Operator, Quality, Viewer, Visitor, site_of
from rules.cargo.consignment import MODES

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from gateway.web.now.register import Registered
    from gateway.web.site import Site

router = APIRouter()

PAGE = 100
"""Consignments that are shown at first, and how many more at a time."""
MOST = 10_000
CHOICE = 60
"""Sensors that can be ticked in the form; all others can be named."""
SHOWN = 500
"""Lines of a table of which it is shown what would come of them."""

Kind = Literal["", "planned", "in_transit", "delivered", "under_review", "decided", "parted"]
KINDS: tuple[tuple[Kind, str], ...] = (
    ("", "Not decided"),
    ("in_transit", "In transit"),
    ("planned", "Planned"),
    ("delivered", "Delivered"),
    ("under_review", "Under review"),
    ("decided", "Decided"),
    ("parted", "Split or merged"),
)
ORDER = ("in_transit", "planned", "under_review", "delivered", "rejected", "released")
"""Stages in the order of the list: what can still be saved comes first."""
DECIDED = {"released", "rejected"}
LOOKS = {
    "planned": "pending",
    "in_transit": "info",
    "delivered": "unknown",
    "under_review": "warning",
    "released": "ok",
    "rejected": "critical",
}
"""The shape and colour of a stage."""
SAID = (
    *("goods", "description", "quantity", "unit", "value", "currency"),
    *("origin", "destination", "custodian", "at", "reason"),
)
"""Fields of the form that are sent on as they were written."""
OF_LEG = ("mode", "vehicle", "departs", "arrives")
Words = Annotated[str, Query(max_length=100)]


class _Wanted:
    """Which consignments somebody wants to see."""

    def __init__(self, kind: Kind = "", find: Words = "") -> None:
        self.kind = kind
        self.find = find

    def query(self, **more: object) -> str:
        """Return it as an address's query, with more in it; what is empty is left out."""
        asked = {"kind": self.kind, "find": self.find, **more}
        return urlencode({key: value for key, value in asked.items() if value})

    def fits(self, one: Line) -> bool:
        """Whether a consignment has the words in its id, goods, sensors or whoever has it."""
        told = one.told
        texts = (told["id"], one.title, told["goods"], told["description"], told["custodian"])
        wanted = self.find.casefold().strip()
        return any(wanted in text.casefold() for text in (*texts, *told["sensors"]))


Wanted = Annotated[_Wanted, Depends(_Wanted)]


class Line(NamedTuple):
    """One consignment in the list: as the gateway tells of it, and what its goods are called."""

    told: dict[str, Any]
    title: str


class Choice(NamedTuple):
    """A sensor that a consignment can be given, and for which ones it speaks already."""

    about: Registered
    busy: list[str]


def is_of(kind: Kind, told: dict[str, Any]) -> bool:
    """Whether a consignment belongs into a part of the list."""
    stage, over = told["stage"], told["over"] is not None
    if kind == "parted":
        return over
    if kind == "decided":
        return stage in DECIDED
    return not over and stage not in DECIDED and kind in {"", stage}


async def listed(site: Site) -> list[Line]:
    """Return every consignment: by stage, in it those with alerts first, then the newest."""
    found: list[dict[str, Any]] = await site.ask("consignments", all=True)

    def rank(told: dict[str, Any]) -> tuple[int, int, int, str]:
        return ORDER.index(told["stage"]), -told["alerts"], -told["since"], told["id"]

    titles = {one.name: one.title for one in site.goods.all()}
    return [Line(one, titles.get(one["goods"], one["goods"])) for one in sorted(found, key=rank)]


def choices(site: Site, lines: list[Line]) -> list[Choice]:
    """Return the sensors that may be given to a consignment, those that are free first."""
    busy: dict[str, list[str]] = {}
    for told, _ in lines:
        for sensor in told["sensors"] if told["stage"] not in DECIDED else ():
            busy.setdefault(sensor, []).append(told["id"])
    register = site.standing.register
    known = map(register.of, {*site.standing.devices(), *register.named()})
    found = [Choice(one, busy.get(one.key, [])) for one in known if one.stand != "replaced"]
    return sorted(found, key=lambda one: (bool(one.busy), one.about.name.casefold(), one.about.key))


@router.get("/consignments")
async def consignments_page(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    size: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
) -> Response:
    """Show the list."""
    everything = await listed(site_of(request))
    counts = {kind: sum(is_of(kind, one.told) for one in everything) for kind, _ in KINDS}
    found = [one for one in everything if is_of(wanted.kind, one.told) and wanted.fits(one)]
    return show_at(
        request,
        visitor,
        "consignments.html",
        wanted=wanted,
        kinds=[(kind, words, counts[kind]) for kind, words in KINDS],
        lines=found[:size],
        count=len(found),
        empty=not everything,
        looks=LOOKS,
        larger=min(size + PAGE, MOST) if len(found) > size and size < MOST else None,
        columns=COLUMNS,
    )


# -- a new one ----------------------------------------------------------------------------------


@router.get("/consignments/new")
async def new_page(request: Request, visitor: Operator) -> Response:
    """Show the form for a new one."""
    site = site_of(request)
    sensors = choices(site, await listed(site))
    return show_at(
        request,
        visitor,
        "consignment_new.html",
        goods=site.goods.all(),
        sensors=sensors[:CHOICE],
        others=[one.about.key for one in sensors[CHOICE:]],
        modes=MODES,
    )


@router.post("/consignments/new")
async def add(request: Request, visitor: Operator) -> Response:
    """Enter a consignment, with its first leg and its sensors where they were said."""
    form = await request.form()
    said: dict[str, Any] = {key: _of(form, key) or None for key in SAID}
    identity = _of(form, "id")
    if any(_of(form, key) for key in OF_LEG):
        said["legs"] = [leg_of(form, custodian=_of(form, "custodian"))]
    said["sensors"] = [*map(str, form.getlist("sensor")), *named(_of(form, "others"))]
    who = msgspec.to_builtins(visitor.who)
    await site_of(request).ask("consignment-add", id=identity, who=who, **said)
    to = address("consignment", identity)
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


def leg_of(form: FormData, custodian: str) -> dict[str, Any]:
    """Return a leg as a form has it; `custodian`: who has it on this leg."""
    heard = {"heard": False} if form.get("unheard") else {}
    return {
        "custodian": custodian or None,
        **{key: _of(form, key) or None for key in ("origin", "destination", *OF_LEG)},
        **heard,
    }


def named(text: str) -> list[str]:
    """Return the ids that somebody wrote, with commas or spaces between them."""
    return text.replace(",", " ").replace(";", " ").split()


def _of(form: FormData, key: str) -> str:
    value = form.get(key)
    return value.strip() if isinstance(value, str) else ""


# -- the table ----------------------------------------------------------------------------------


@router.get("/consignments.csv")
async def export(request: Request, _visitor: Viewer) -> Response:
    """Return the table of all consignments."""
    told = await site_of(request).ask("consignment-export")
    headers = {"Content-Disposition": 'attachment; filename="consignments.csv"'}
    return Response(told["content"], media_type="text/csv", headers=headers)


@router.post("/consignments/import")
async def take_in(request: Request, visitor: Quality) -> Response:
    """Show what would come of a table; once that was seen, take it in.

    Its form is read here: of whom nothing is known, nothing so large is read.
    """
    form = await request.form()
    content, table = form.get("content"), form.get("table")
    title = _of(form, "name")[:100]
    if isinstance(table, UploadFile):
        title = (table.filename or "a table")[:100]
        content = as_text(await table.read())
    if not isinstance(content, str) or not content.strip():
        raise Problem(422, "no table was sent", "Choose a file that was saved as CSV")
    result = await _taken_in(request, visitor, content, title, sure=bool(form.get("sure")))
    return show_at(
        request,
        visitor,
        "consignments_import.html",
        title=title,
        content=content,
        result=result,
        mistakes=result["mistakes"][:SHOWN],
        most=SHOWN,
    )


async def _taken_in(
    request: Request, visitor: Visitor, content: str, title: str, *, sure: bool
) -> dict[str, Any]:
    who = msgspec.to_builtins(visitor.who)
    told: dict[str, Any] = await site_of(request).ask(
        "consignment-import", content=content, name=title, check=not sure, who=who
    )
    return told
