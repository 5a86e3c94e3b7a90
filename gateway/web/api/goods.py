"""Profiles of goods: what they stand, and how a consignment of them is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from gateway.web.api import goods_models as models
from gateway.web.api.answers import answer
from gateway.web.look import unit_of
from gateway.web.problems import Problem
from gateway.web.visitor import Reader, site_of
from rules.rule import SampleRule

if TYPE_CHECKING:
    from rules.profile import Profile

router = APIRouter()


@router.get("/goods", response_model=models.GoodsList)
async def goods(request: Request, _visitor: Reader) -> Response:
    """Every profile, in its newest version, by name."""
    return answer({"items": [_listed(one) for one in site_of(request).goods.all()]})


@router.get("/goods/{name}", response_model=models.GoodsDetail)
async def one(request: Request, name: str, _visitor: Reader) -> Response:
    """One profile: by its name the newest version, or any version that was ever in force."""
    known = site_of(request).goods
    found = known.version(name) if "@" in name else known.profile(name)
    if found is None:
        raise Problem(404, f"there is no profile {name!r} of goods", "GET /api/v1/goods lists them")
    return answer(_detail(found))


def _listed(profile: Profile) -> dict[str, Any]:
    """Return a profile as the model Goods has it."""
    return {
        "name": profile.name,
        "version": profile.version(),
        "title": profile.title,
        "basis": profile.basis,
        "measures": profile.measures,
        "ranges": [{**one.model_dump(), "unit": unit_of(one.channel)} for one in profile.ranges],
    }


def _detail(profile: Profile) -> dict[str, Any]:
    """Return a profile as the model GoodsDetail has it."""
    return {
        **_listed(profile),
        "source": profile.source,
        "extends": profile.extends,
        "channels": profile.channels(),
        "interval": profile.interval,
        "instructions": profile.instructions,
        "rules": [
            {
                "name": part.name,
                "kind": part.kind,
                "severity": part.severity,
                "limit": part.limit(),
                "counts": part.counts if isinstance(part, SampleRule) else "",
                "note": part.note,
            }
            for rule in profile.rules
            for part in rule.parts()
        ],
        "criteria": {
            "reject": profile.criteria.reject,
            "accept": profile.criteria.accept,
            "unknown": profile.criteria.unknown,
        },
        "energy": profile.energy,
        "keep": profile.keep,
        "settings": profile.settings(),
    }
