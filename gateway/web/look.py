"""How pages are made: templates, and how values and times are written in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from devices.reading import QUANTITIES
from gateway import __version__
from gateway.web.visitor import site_of

if TYPE_CHECKING:
    from fastapi import Request

    from gateway.web.visitor import Visitor

MINUS = "\N{MINUS SIGN}"
STATIC = resources.files("gateway.web") / "static"


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(moment: int | None, zone: str, form: str = "%a %d %b %H:%M") -> str:
    """Return a time (ms since 1970, UTC) as people at a place read it; "" for none."""
    if moment is None:
        return ""
    return f"{datetime.fromtimestamp(moment / 1000, UTC).astimezone(_zone(zone)):{form}}"


def zone_sign(moment: int, zone: str) -> str:
    """Return the short name of a place's time at a moment: CET, +07."""
    return local(moment, zone, "%Z")


def moment(when: int | None, zone: str, now: int) -> str:
    """Return a time (ms) of a place for people: 14:05 CET today, with the day on other days."""
    if when is None:
        return ""
    same_day = local(when, zone, "%Y-%m-%d") == local(now, zone, "%Y-%m-%d")
    same_year = local(when, zone, "%Y") == local(now, zone, "%Y")
    if same_day:
        return local(when, zone, "%H:%M %Z")
    return local(when, zone, "%a %d %b %H:%M %Z" if same_year else "%d %b %Y %H:%M %Z")


def amount(value: float | None, channel: str) -> str:
    """Return a value as people read it, without its unit; "?" where it is not known."""
    if value is None:
        return "?"
    # One temperature beside the other reads best with the same decimals.
    if unit_of(channel) == "°C":
        return f"{value:.1f}".replace("-", MINUS)
    return f"{value:g}".replace("-", MINUS)


def unit_of(channel: str) -> str:
    """Return a channel's unit, "" for one without."""
    return QUANTITIES[channel.partition(".")[0]].unit if channel else ""


def channel_name(channel: str) -> str:
    """Return a channel in words: temperature, return air."""
    quantity, _, place = channel.partition(".")
    words = quantity.replace("_", " ")
    return f"{words}, {place.replace('_', ' ')}" if place else words


def age(length: int | None) -> str:
    """Return a length of time (ms) in one unit: 40 s, 12 min, 3 h, 5 d."""
    if length is None:
        return "never"
    seconds = max(0, length) // 1000
    for limit, size, unit in ((100, 1, "s"), (100 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"


def breakable(words: str) -> Markup:
    """Return words as HTML whose long paths and addresses go on in a new line after a slash."""
    return Markup("/<wbr>").join(escape(one) for one in words.split("/"))


@cache
def static(path: str) -> str:
    """Return the address of a file of ours; it changes with what is in it."""
    content = (STATIC / path).read_bytes()
    return f"/static/{path}?v={sha256(content).hexdigest()[:12]}"


def address(*parts: str) -> str:
    """Return a path of ours, each part percent-encoded; a device's key keeps its slash."""
    return "/" + "/".join(quote(one, safe="/") for one in parts)


_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("gateway.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(static=static, address=address, version=__version__)
_ENVIRONMENT.filters.update(
    local=local,
    zone_sign=zone_sign,
    amount=amount,
    unit_of=unit_of,
    channel_name=channel_name,
    age=age,
    breakable=breakable,
    as_json=json.dumps,
)


def render(template: str, /, **context: Any) -> str:  # noqa: ANN401 - what a template wants
    """Return a template's text, such as a part of a page."""
    return _ENVIRONMENT.get_template(template).render(**context)


def show(
    request: Request,
    template: str,
    visitor: Visitor | None = None,
    /,
    *,
    status: int = 200,
    **context: Any,  # noqa: ANN401 - what a template wants
) -> HTMLResponse:
    """Return a page. Templates know `visitor`, `site`, `now` (ms), `zone` and `path` besides."""
    site = site_of(request)
    text = render(
        template,
        visitor=visitor,
        box=site.settings.gateway.box,
        zone=site.settings.gateway.timezone,
        now=site.clock.now(),
        path=request.url.path,
        **context,
    )
    return HTMLResponse(text, status)


def show_at(
    request: Request,
    visitor: Visitor,
    template: str,
    **context: Any,  # noqa: ANN401 - what a template wants
) -> HTMLResponse:
    """Return a page whose template also writes times: `at(when, zone)`."""
    now = site_of(request).clock.now()

    def at(when: int | None, zone: str) -> str:
        return moment(when, zone, now)

    return show(request, template, visitor, at=at, **context)
