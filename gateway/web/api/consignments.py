"""Consignments: how they stand, their verdicts, and the reports that were signed.

All of it is asked of the gateway, so that a draft has the digest that a person would sign.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.consignments.report import Decision, Report, Version
from gateway.web.api import consignment_models as models
from gateway.web.api.access import Whole, check_sees_all, find_consignment, sees_consignment
from gateway.web.api.answers import answer, page
from gateway.web.api.asked import Page
from gateway.web.api.consignment_told import detail, listed, verdict
from gateway.web.api.paging import cursor, place
from gateway.web.api.registry import CSV, TABLE, TableAsked, table_sent
from gateway.web.api.registry_models import Number
from gateway.web.problems import Problem
from gateway.web.visitor import Manager, Reader, Visitor, site_of
from rules.cargo.consignment import Stage

if TYPE_CHECKING:
    from gateway.web.site import Site

router = APIRouter()

PDF = "application/pdf"
_FILE: dict[str, Any] = {"type": "string", "contentMediaType": PDF}
_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {"schema": _FILE}}}}
_BODY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}


class ConsignmentsPage(Page):
    """Which consignments."""

    stage: Literal["any", Stage] = Field(default="any", description="Only those in this stage.")
    every: bool = Field(
        default=False, alias="all", description="Also those decided, and those that are in others."
    )


@router.get("/consignments", response_model=models.Consignments)
async def consignments(
    request: Request, visitor: Reader, asked: Annotated[ConsignmentsPage, Query()]
) -> Response:
    """Consignments by id: those that are neither decided nor in others, or those of a stage."""
    site = site_of(request)
    after = place(asked.next, str) if asked.next is not None else ""
    told = await site.ask("consignments", all=asked.every or asked.stage != "any")
    site.book.look()
    found = sorted(
        (
            one
            for one in told
            if one["id"] > after
            and asked.stage in {"any", one["stage"]}
            and (asked.every or one["over"] is None)
            and sees_consignment(site.book, visitor, one["id"])
        ),
        key=lambda one: str(one["id"]),
    )
    shown = found[: asked.limit]
    following = cursor(shown[-1]["id"]) if len(found) > len(shown) else None
    return page([listed(one) for one in shown], following)


# -- the table, before what has an id in its place -----------------------------------------------


@router.get("/consignments.csv", responses={200: TABLE}, response_class=Response)
async def export(request: Request, _visitor: Whole) -> Response:
    """Return the table of all consignments, their legs and sensors, as CSV."""
    told = await site_of(request).ask("consignment-export")
    headers = {"Content-Disposition": 'attachment; filename="consignments.csv"'}
    return Response(told["content"], media_type=CSV, headers=headers)


@router.post(
    "/consignments.csv",
    response_model=models.ConsignmentTable,
    openapi_extra={"requestBody": {"required": True, **TABLE}},
)
async def take_in(
    request: Request, visitor: Manager, asked: Annotated[TableAsked, Query()]
) -> Response:
    """Take in a table of consignments; those of which a line is wrong are left out and named."""
    check_sees_all(visitor)
    told = await site_of(request).ask(
        "consignment-import",
        content=await table_sent(request),
        check=asked.dry,
        name="the API",
        who=msgspec.to_builtins(visitor.who),
    )
    return answer(told)


# -- one of them ----------------------------------------------------------------------------------


@router.get("/consignments/{consignment}", response_model=models.ConsignmentDetail)
async def consignment(request: Request, consignment: str, visitor: Reader) -> Response:
    """One consignment: its way, sensors, custody, stages, and all that was stated of it."""
    site = site_of(request)
    find_consignment(site, visitor, consignment)
    return answer(await stands(site, consignment))


async def stands(site: Site, identity: str) -> dict[str, Any]:
    """Return how a consignment stands, as the model ConsignmentDetail has it."""
    return detail(await site.ask("consignment-show", id=identity), site.clock.now())


@router.get("/consignments/{consignment}/verdict", response_model=models.Verdict)
async def the_verdict(request: Request, consignment: str, visitor: Reader) -> Response:
    """Judge it by all that is known now: what happened to it, and what is proposed."""
    site = site_of(request)
    find_consignment(site, visitor, consignment)
    return answer(verdict(await site.ask("consignment-verdict", id=consignment)))


@router.get("/consignments/{consignment}/report", response_model=models.Report)
async def draft(request: Request, consignment: str, visitor: Reader) -> Response:
    """All that the verdict rests on now: the draft that a person would sign."""
    return _with_body(await _report(request, consignment, visitor, 0))


@router.get("/consignments/{consignment}/report.pdf", responses=_PDF, response_class=Response)
async def draft_pdf(request: Request, consignment: str, visitor: Reader) -> Response:
    """Return the draft as a PDF, which says that it is one."""
    return await _drawn(await _report(request, consignment, visitor, 0))


@router.get("/consignments/{consignment}/reports", response_model=models.SignedReports)
async def reports(request: Request, consignment: str, visitor: Reader) -> Response:
    """List every report that was signed: what it means, by whom, and its digest."""
    site = site_of(request)
    find_consignment(site, visitor, consignment)
    return answer({"items": await site.ask("consignment-reports", id=consignment)})


@router.get(
    "/consignments/{consignment}/reports/{number}.pdf", responses=_PDF, response_class=Response
)
async def signed_pdf(
    request: Request, consignment: str, number: Number, visitor: Reader
) -> Response:
    """Return a report that was signed as a PDF, made of what is stored alone."""
    return await _drawn(await _report(request, consignment, visitor, number))


@router.get(
    "/consignments/{consignment}/reports/{number}.json", responses=_BODY, response_class=Response
)
async def signed_body(
    request: Request, consignment: str, number: Number, visitor: Reader
) -> Response:
    """Return the very bytes that were signed: their SHA-256 is the digest."""
    told = await _report(request, consignment, visitor, number)
    return Response(told["report"].encode(), media_type="application/json")


@router.get("/consignments/{consignment}/reports/{number}", response_model=models.Report)
async def signed(request: Request, consignment: str, number: Number, visitor: Reader) -> Response:
    """One report that was signed, with its decision."""
    return _with_body(await _report(request, consignment, visitor, number))


@router.post("/consignments/{consignment}/sign", include_in_schema=False)
async def sign(visitor: Reader, consignment: str) -> Response:
    """Refuse: who signs is a person, and signs in again to do so."""
    raise Problem(
        403,
        f"{visitor.name} cannot sign here: a signature is a person's, who signs in again for it",
        f"Sign on its page, or with: holdwatch consignment sign {consignment}",
    )


async def _report(request: Request, identity: str, visitor: Visitor, number: int) -> dict[str, Any]:
    """Return a version of a report as the gateway sends it; 0 is a draft. Raises Problem."""
    site = site_of(request)
    find_consignment(site, visitor, identity)
    if number:
        known = await site.ask("consignment-reports", id=identity)
        if number not in {one["version"] for one in known}:
            raise Problem(
                404,
                f"{identity} has no report {number}",
                f"GET /api/v1/consignments/{identity}/reports lists them",
            )
    told: dict[str, Any] = await site.ask("consignment-report", id=identity, version=number)
    return told


def _with_body(told: dict[str, Any]) -> Response:
    return answer({**told, "report": msgspec.Raw(told["report"].encode())})


async def _drawn(told: dict[str, Any]) -> Response:
    """Return a report as a PDF; on a thread, as that takes a second."""
    # Where it is needed: drawing is large, and few who use the API ask for it.
    from gateway.consignments.report_pdf.document import make_pdf  # noqa: PLC0415 - as said above

    version = Version(
        number=told["version"],
        report=msgspec.json.decode(told["report"], type=Report),
        digest=told["digest"],
        decision=msgspec.convert(told["decision"], Decision | None),
    )
    name = f"{told['id']}-{f'report-{version.number}' if version.number else 'draft'}.pdf"
    # Ids are letters, digits, hyphens, underscores and dots.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(await asyncio.to_thread(make_pdf, version), media_type=PDF, headers=headers)
