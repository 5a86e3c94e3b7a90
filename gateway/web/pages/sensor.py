"""`/sensor/…`: one sensor, how it stands, what it measured, and what it really sent.

A key is `owner/id` or an id alone, so what belongs to a sensor has paths of its own: behind a
key, `/chart` could be an id as well.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.commands.control import NotRunningError
from gateway.web.keys import parse_key
from gateway.web.look import address, show
from gateway.web.pages.sensor_files import chart, known
from gateway.web.pages.sensor_marks import MARKS
from gateway.web.pages.sensor_range import LENGTHS, LONGEST, Length, between, shown, zone_parts
from gateway.web.problems import Problem
from gateway.web.visitor import Viewer, site_of
from rules.duration import DAY
from rules.revision import withdrawn
from rules.rule import check_channel

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.web.now.rows import Row
    from gateway.web.pages.sensor_files import Known
    from gateway.web.pages.sensor_range import Shown
    from gateway.web.site import Site

router = APIRouter()

MOST_POINTS = 2_000
LATE_ALERTS = 10
"""The newest alerts of a sensor that its view lists."""
FIRST_DAY = dt.date(1990, 1, 1)
LATEST = 253_370_764_800_000
"""The beginning of the year 9999: calendars end with it (ms since 1970)."""
CONTROL = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
"""Signs that say nothing to the eye, as the pictures that Unicode has of them."""


@router.get("/sensor/{key:path}")
async def sensor_page(  # noqa: PLR0913, PLR0917 - an address has this many parts
    request: Request,
    visitor: Viewer,
    key: str,
    channel: str = "",
    length: Length = "day",
    on: dt.date | None = None,
    start: Annotated[int | None, Query(alias="from", ge=0, le=LATEST)] = None,
    end: Annotated[int | None, Query(alias="to", ge=1, le=LATEST)] = None,
) -> Response:
    """Show a sensor: of late, on a day, or from when until when (ms since 1970)."""
    site = site_of(request)
    device = parse_key(key)
    found = await site.archive.ask(lambda files: known(files, device))
    if found is None and site.standing.knows(device):
        # It is to come, or nothing that it sent was understood: what there is to know is there.
        return RedirectResponse(address("device", key), 303)
    if found is None:
        raise unknown(key)
    if channel not in found.channels:
        wrong = _wrong(site.standing.row(device))
        channel = wrong if wrong in found.channels else found.channels[0]
    head = await _head(site, device, channel, found)
    zone, now = site.settings.zone(device), site.clock.now()
    if on is not None and not FIRST_DAY <= on <= _latest(now):
        raise Problem(422, f"nothing is known of {on}", f"Ask for a day from {FIRST_DAY} to today")
    part = _asked(start, end, ZoneInfo(zone), now) or shown(length, on, ZoneInfo(zone), now)
    late = site.files.state.alerts_of(device, now - 90 * DAY)[: -LATE_ALERTS - 1 : -1]
    return show(
        request,
        "sensor.html",
        visitor,
        **head,
        channels=found.channels,
        range=part,
        lengths=LENGTHS,
        mark_words=MARKS,
        late=late,
        withdrawn=withdrawn,
        messages=await _messages(site, device),
        on=on if part.rolling or on else part.back,
    )


@router.get("/sensor-head/{key:path}")
async def sensor_head(request: Request, visitor: Viewer, key: str, channel: str = "") -> Response:
    """Show how a sensor stands: the part that is fetched again when something changes."""
    head = await _head(site_of(request), parse_key(key), channel)
    return show(request, "sensor_head.html", visitor, **head)


@router.get("/sensor-messages/{key:path}")
async def sensor_messages(request: Request, visitor: Viewer, key: str) -> Response:
    """Show the last messages of a sensor as they came."""
    site = site_of(request)
    device = parse_key(key)
    return show(
        request,
        "sensor_messages.html",
        visitor,
        key=str(device),
        place=site.settings.zone(device),
        messages=await _messages(site, device),
    )


@router.get("/chart/{key:path}")
async def sensor_chart(  # noqa: PLR0913, PLR0917 - an address has this many parts
    request: Request,
    _visitor: Viewer,
    key: str,
    channel: str,
    start: Annotated[int, Query(alias="from", ge=0, le=LATEST)],
    end: Annotated[int, Query(alias="to", ge=1, le=LATEST)],
    points: Annotated[int, Query(ge=8, le=MOST_POINTS)] = 1_000,
) -> Response:
    """Return what a chart draws, as JSON. Times are ms since 1970, UTC."""
    site = site_of(request)
    device = parse_key(key)
    try:
        check_channel(channel)
    except ValueError as error:
        raise Problem(422, str(error), "Ask for a channel of this sensor") from error
    if not 0 < end - start <= LONGEST:
        raise Problem(422, "the time asked for is empty or too long", "Ask for at most 400 days")
    now = site.clock.now()
    register = site.standing.register
    interval, model = register.known.interval(device), register.model(device)
    made = await site.archive.ask(
        lambda files: chart(
            files,
            device,
            channel,
            start,
            end,
            interval=interval,
            model=model,
            now=now,
            points=points,
        )
    )
    if made is None:
        raise unknown(key)
    zone = ZoneInfo(site.settings.zone(device))
    body = {**msgspec.structs.asdict(made), "now": now, "clock": zone_parts(zone, start, end)}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _asked(start: int | None, end: int | None, zone: ZoneInfo, now: int) -> Shown | None:
    """Return the time that an address names, None where it names none. Raises Problem."""
    if start is None or end is None:
        return None
    if not 0 < end - start <= LONGEST:
        raise Problem(422, "the time asked for is empty or too long", "Ask for at most 400 days")
    return between(start, end, zone, now)


def unknown(key: str) -> Problem:
    """Return what is said of a sensor that is not there."""
    return Problem(404, f"there is no sensor {key}", "Choose one on the board")


async def _head(
    site: Site, device: DeviceKey, channel: str, found: Known | None = None
) -> dict[str, Any]:
    """Return what the head of the view shows. Raises Problem for a sensor nobody ever heard."""
    seen = site.standing.seen(device)
    if seen is not None and seen.when is not None:
        newest, at = dict(zip(seen.channels, seen.values, strict=True)), seen.when
    else:
        found = found or await _known(site, device)
        last = found.newest
        newest, at = {one: last.value(one) for one in last.layout.channels}, last.when
    row = site.standing.row(device)
    about = site.standing.register.of(device)
    return {
        "key": str(device),
        "row": row,
        "about": about,
        "name": about.name,
        "place": site.settings.zone(device),
        "where": about.place,
        "channel": channel or _wrong(row) or next(iter(newest)),
        "newest": newest,
        "at": at,
        "limits": {
            channel: limits.words(channel)
            for channel, limits in site.standing.limits(device).items()
        },
    }


async def _known(site: Site, device: DeviceKey) -> Known:
    """Return what the files know of a sensor. Raises Problem where they know nothing."""
    found = await site.archive.ask(lambda files: known(files, device))
    if found is None:
        raise unknown(str(device))
    return found


def _wrong(row: Row | None) -> str:
    """Return the channel that something is wrong with, "" for none."""
    return row.channel if row is not None and row.state != "ok" else ""


async def _messages(site: Site, device: DeviceKey) -> list[dict[str, Any]] | None:
    """Return the last messages, newest first; None while the gateway does not answer."""
    try:
        told = await site.ask("raw", device=f"{device.owner}/{device.id}")
    except (NotRunningError, OSError):
        return None
    return [{**one, "text": readable(base64.b64decode(one["payload"]))} for one in told]


def readable(payload: bytes) -> str:
    """Return a payload as text; as hexadecimal pairs if it is none."""
    try:
        return payload.decode().translate(CONTROL)
    except UnicodeDecodeError:
        return payload.hex(" ")


def _latest(now: int) -> dt.date:
    """Return the latest day that is today anywhere."""
    return dt.datetime.fromtimestamp(now / 1000, dt.UTC).date() + dt.timedelta(days=1)
