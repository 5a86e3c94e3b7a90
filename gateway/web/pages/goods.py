"""`/goods`: the profiles of goods, and each with its limits, its source and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from devices.reading import QUANTITIES
from gateway.consignments.wording import channel_words
from gateway.web.look import show_at
from gateway.web.problems import Problem
from gateway.web.visitor import Viewer, site_of

if TYPE_CHECKING:
    from rules.profile import Range

router = APIRouter()


@router.get("/goods")
async def goods_page(request: Request, visitor: Viewer) -> Response:
    """Show all profiles."""
    profiles = sorted(site_of(request).goods.all(), key=lambda one: one.title.casefold())
    return show_at(request, visitor, "goods.html", profiles=profiles, limits_words=limits_words)


@router.get("/goods/{name}")
async def profile_page(request: Request, visitor: Viewer, name: str) -> Response:
    """Show a profile: its newest version by its name, or any by its version."""
    goods = site_of(request).goods
    profile = goods.version(name) if "@" in name else goods.profile(name)
    if profile is None:
        raise Problem(404, f"there is no profile {name[:60]}", "See the list of goods")
    newest = goods.profile(profile.name)
    return show_at(
        request,
        visitor,
        "good.html",
        profile=profile,
        newest=newest if newest is not None and newest.version() != profile.version() else None,
        limits_words=limits_words,
        channel_words=channel_words,
        rules=[part for rule in profile.rules for part in rule.parts()],
    )


def limits_words(meant: Range) -> str:
    """Return a range in words: 2 to 8 °C."""
    unit = QUANTITIES[meant.channel.partition(".")[0]].unit
    return f"{meant.words()} {unit}".strip().replace("-", "\N{MINUS SIGN}")
