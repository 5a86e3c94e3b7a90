"""A device's past, by HTTP: as it came or in buckets, in pages or as one long table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.web.api import past, table
from gateway.web.api.access import find_device
from gateway.web.api.answers import page
from gateway.web.api.asked import Channel, Moment, Page, Resolution
from gateway.web.api.models import Readings, Summaries
from gateway.web.api.paging import cursor, place
from gateway.web.problems import Problem
from gateway.web.visitor import Reader, site_of
from rules.duration import DAY, parse_duration
from rules.subject import Order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from devices.reading import DeviceKey
    from gateway.web.files import Files
    from gateway.web.site import Site

router = APIRouter()

ROWS = 5_000
"""Entries that are read at a time for a table."""
CSV = "text/csv"


class ReadingsAsked(Page):
    """Which readings of a device, and how."""

    start: Moment | None = Field(
        default=None, alias="from", description="From when on. Without it: a day before `to`."
    )
    to: Moment | None = Field(default=None, description="Until when. Without it: until now.")
    channel: list[Channel] = Field(
        default=[], max_length=40, description="Only this one; may be given several times."
    )
    resolution: Resolution = Field(
        default="none",
        description="In buckets of so long, such as 5min, each with its lowest, highest, first "
        "and last value, so that no extreme is lost. They begin at multiples of it since 1970.",
        examples=["5min", "1h", "1d"],
    )
    format: Literal["json", "csv"] | None = Field(
        default=None,
        description="csv: the whole range as one table; `limit` and `next` do not apply. The "
        "header Accept may say so too.",
    )


class _Rows(NamedTuple):
    """Rows of a table, and where those after them begin; None: there are none."""

    text: str
    following: str | None


class _Question(NamedTuple):
    """Which readings, once all that was left out is filled in. Times in ms."""

    device: DeviceKey
    channels: tuple[str, ...]
    start: int
    end: int
    width: int | None
    """Of a bucket; None: as they came."""

    def reader(self, following: str | None, limit: int) -> Callable[[Files], past.Part]:
        """Return what reads one page. Raises Problem."""
        device, channels, start, end, width = self
        if width is None:
            after = place(following, Order) if following is not None else None
            return lambda files: past.readings(files, device, channels, start, end, after, limit)
        begin = start if following is None else max(start, place(following, int))
        return lambda files: past.summaries(files, device, channels, begin, end, width, limit)

    def writer(self, following: str | None) -> Callable[[Files], _Rows]:
        """Return what reads the next rows of a table, and writes them. Raises Problem."""
        read = self.reader(following, ROWS)
        write = table.readings if self.width is None else table.summaries

        def rows(files: Files) -> _Rows:
            part = read(files)
            return _Rows(write(str(self.device), part.items), _cursor(part))

        return rows


def _question(site: Site, device: DeviceKey, asked: ReadingsAsked) -> _Question:
    # Whoever asks from a moment on, on a clock ahead of ours, is told of nothing yet.
    end = asked.to if asked.to is not None else max(site.clock.now(), asked.start or 0) + 1
    start = asked.start if asked.start is not None else end - DAY
    if start >= end:
        raise Problem(
            422,
            "`from` is not before `to`, so there is nothing between them",
            "Give `from` the earlier time",
        )
    width = None if asked.resolution == "none" else parse_duration(asked.resolution)
    return _Question(device, tuple(asked.channel), start, end, width)


@router.get(
    "/devices/{device:path}/readings",
    response_model=Readings | Summaries,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def readings(
    request: Request, device: str, visitor: Reader, asked: Annotated[ReadingsAsked, Query()]
) -> Response:
    """One device's past, oldest first: readings as they came, or in buckets."""
    site = site_of(request)
    key = find_device(site, visitor, device)
    question = _question(site, key, asked)
    wanted = asked.format or ("csv" if CSV in request.headers.get("accept", "") else "json")
    if wanted == "json":
        read = question.reader(asked.next, asked.limit)
        return await site.archive.ask(lambda files: _page(read(files)))
    # The first part is read before anything is sent: what goes wrong there can still be told.
    first = await site.archive.ask(question.writer(None))
    # A name for every file system, whatever the device is called.
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", key.id)
    headers = {"Content-Disposition": f'attachment; filename="{name}-readings.csv"'}
    return StreamingResponse(_table(site, question, first), media_type=CSV, headers=headers)


def _page(part: past.Part) -> Response:
    return page(part.items, _cursor(part))


def _cursor(part: past.Part) -> str | None:
    return None if part.following is None else cursor(part.following)


async def _table(site: Site, question: _Question, part: _Rows) -> AsyncIterator[str]:
    """Yield a table part by part."""
    yield table.heading(buckets=question.width is not None)
    yield part.text
    while part.following is not None:
        part = await site.archive.ask(question.writer(part.following))
        yield part.text
