"""`/consignment/…`: one consignment, with its verdict and its reports.

What people do to it is in consignment_acts.py, and the decision in consignment_sign.py.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.consignments.report import Decision, Report, Version, short, standing
from gateway.consignments.wording import (
    budget_amount,
    budget_cases,
    channel_words,
    length,
    lengths,
    mean_words,
    minus,
    number,
    numbers,
    with_unit,
)
from gateway.refusal import ControlError
from gateway.web.look import show_at
from gateway.web.pages import consignment_shown as shown
from gateway.web.pages.consignment_plot import plots
from gateway.web.pages.consignments import LOOKS
from gateway.web.pages.goods import limits_words
from gateway.web.visitor import Viewer, Visitor, site_of
from rules.cargo.consignment import MODES
from rules.duration import format_duration

if TYPE_CHECKING:
    from gateway.web.site import Site
    from rules.cargo.consignment import Consignment

router = APIRouter()

PROPOSALS = {"release": "ok", "hold": "warning", "reject": "critical", "indeterminate": "unknown"}
MEANINGS = {"released": "ok", "held": "warning", "rejected": "critical"}
"""The shape and colour of what is proposed, and of what was decided."""
WORDS = {
    "number": number,
    "numbers": numbers,
    "with_unit": with_unit,
    "mean_words": mean_words,
    "minus": minus,
    "duration": length,
    "durations": lengths,
    "channel_words": channel_words,
    "budget_amount": budget_amount,
    "budget_cases": budget_cases,
    "short": short,
    "span": format_duration,
}
"""How the PDF writes figures: the page writes them the same."""


@router.get("/consignment/{identity}")
async def consignment_page(request: Request, visitor: Viewer, identity: str) -> Response:
    """Show a consignment."""
    return await show_consignment(request, visitor, identity)


@router.get("/consignment/{identity}/report.pdf")
async def draft_pdf(request: Request, _visitor: Viewer, identity: str) -> Response:
    """Return the report as it is now, which nobody has signed, as a PDF."""
    return await _pdf(await version_of(site_of(request), identity, 0), identity, "draft")


@router.get("/consignment/{identity}/reports/{number}.pdf")
async def signed_pdf(request: Request, _visitor: Viewer, identity: str, number: int) -> Response:
    """Return a signed version as a PDF."""
    version = await version_of(site_of(request), identity, max(1, number))
    return await _pdf(version, identity, f"report-{version.number}")


async def _pdf(version: Version, identity: str, name: str) -> Response:
    # Where it is needed: drawing is large, and most who look at the page ask for no PDF.
    from gateway.consignments.report_pdf.document import make_pdf  # noqa: PLC0415 - as said above

    made = await asyncio.to_thread(make_pdf, version)
    # Ids are letters, digits, hyphens, underscores and dots.
    headers = {"Content-Disposition": f'inline; filename="{identity}-{name}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


async def version_of(site: Site, identity: str, asked: int) -> Version:
    """Return a signed version of a report, 0: a draft. Raises ControlError."""
    told = await site.ask("consignment-report", id=identity, version=asked)
    return Version(
        number=told["version"],
        report=msgspec.json.decode(told["report"], type=Report),
        digest=told["digest"],
        decision=msgspec.convert(told["decision"], Decision | None),
    )


async def show_consignment(request: Request, visitor: Visitor, identity: str) -> Response:
    """Show a consignment as it stands now."""
    site = site_of(request)
    told = await site.ask("consignment-show", id=identity)
    one = shown.consignment_of(told)
    zone, now = site.settings.gateway.timezone, site.clock.now()
    draft, problem = await _draft(site, identity)
    signed = await site.ask("consignment-reports", id=identity)
    for each in signed:
        each["decision"] = msgspec.convert(each["decision"], Decision)
    return show_at(
        request,
        visitor,
        "consignment.html",
        one=one,
        told=told,
        title=told["title"] or one.goods,
        standing=standing(one).split(", "),
        looks=LOOKS,
        proposals=PROPOSALS,
        meanings=MEANINGS,
        draft=draft,
        problem=problem,
        signed=signed,
        way=shown.way(one),
        custody=[each for each in one.custody if each.until != each.since],
        claims=told["claims"],
        doing=shown.doing(one, told),
        speaking=shown.speaking(one, now),
        sensors=shown.sensors(one, told),
        free=shown.free(site, one, now) if visitor.may("operator") else [],
        facts=shown.facts(told),
        places=shown.Places(site, draft.report if draft else None),
        modes=MODES,
        **_goods(site, one),
        limits_words=limits_words,
        words=WORDS,
        **_of_draft(draft, zone, now),
    )


def _goods(site: Site, one: Consignment) -> dict[str, Any]:
    """Return by which profile it is judged, and which version of that is the newest."""
    profile, newest = site.goods.version(one.version), site.goods.profile(one.goods)
    return {
        "profile": profile,
        "profile_rules": [each for rule in profile.rules for each in rule.parts()]
        if profile is not None
        else [],
        "newest": newest.version() if newest is not None else "",
    }


async def _draft(site: Site, identity: str) -> tuple[Version | None, ControlError | None]:
    """Return the report as it is now; where it cannot be made, why."""
    try:
        return await version_of(site, identity, 0), None
    except ControlError as error:
        return None, error


def _of_draft(draft: Version | None, zone: str, now: int) -> dict[str, Any]:
    if draft is None:
        return {"plots": [], "alerts": []}
    report = draft.report
    return {
        "plots": plots(report, zone, now),
        "alerts": [each.alert for each in reversed(report.alerts)],
    }
