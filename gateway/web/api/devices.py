"""Devices with their last values.

That is what programs ask for most, so each device is encoded once whenever it has changed, not once
for each request.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request, Response

from devices.reading import DeviceKey
from gateway.web.api.access import check_complete, find_device, sees_all
from gateway.web.api.answers import answer
from gateway.web.api.asked import PageAsked
from gateway.web.api.flags import flag_words
from gateway.web.api.models import DeviceDetail, Devices
from gateway.web.api.paging import cursor, place
from gateway.web.look import unit_of
from gateway.web.visitor import Reader, Visitor, site_of

if TYPE_CHECKING:
    from gateway.live import Seen
    from gateway.web.now.register import Registered
    from gateway.web.now.rows import Row
    from gateway.web.site import Site
    from rules.status import Status

router = APIRouter()

KEYS = 200
"""API keys whose devices are remembered."""


class LastValues:
    """Every device as JSON, as it stands now."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._encoded: dict[DeviceKey, tuple[Seen, Row, Registered, bytes]] = {}
        self._listed: dict[tuple[str, ...], tuple[int, list[tuple[str, DeviceKey]]]] = {}

    def page(self, visitor: Visitor, after: str, limit: int) -> bytes:
        """Return a page of the devices that a visitor may know of, after a key."""
        listed = self._list(visitor)
        begin = bisect_right(listed, after, key=lambda one: one[0])
        some = listed[begin : begin + limit]
        items = b",".join([self.one(device) for _, device in some])
        following = cursor(some[-1][0]) if begin + limit < len(listed) else None
        return b'{"items":[%b],"next":%b}' % (items, msgspec.json.encode(following))

    def one(self, device: DeviceKey) -> bytes:
        """Return one device that was heard."""
        standing = self._site.standing
        seen, row = standing.stands(device)
        about = standing.register.of(device)
        known = self._encoded.get(device)
        if known is None or known[0] is not seen or known[1] is not row or known[2] is not about:
            encoded = msgspec.json.encode(describe(seen, row, about))
            known = self._encoded[device] = seen, row, about, encoded
        return known[3]

    def detail(self, device: DeviceKey) -> dict[str, Any]:
        """Return one device, as the model DeviceDetail has it."""
        standing = self._site.standing
        seen, row = standing.stands(device)
        about = standing.register.of(device)
        return {
            **describe(seen, row, about),
            "zone": row.zone,
            "position": about.card.position,
            "rules": [_rule(one) for one in seen.rules or ()],
            "why": about.why,
            "first": about.since,
            "source": about.source,
        }

    def _list(self, visitor: Visitor) -> list[tuple[str, DeviceKey]]:
        """Return the devices that a visitor may know of, by key."""
        devices = list(self._site.standing.devices())
        patterns = ("*",) if visitor.key is None or sees_all(visitor) else visitor.key.devices
        known = self._listed.get(patterns)
        # A device that was heard is never forgotten, so as many are the same ones.
        if known is None or known[0] != len(devices):
            if len(self._listed) >= KEYS:
                self._listed.clear()
            listed = sorted((str(one), one) for one in devices if visitor.sees(one))
            known = self._listed[patterns] = len(devices), listed
        return known[1]


def describe(seen: Seen, row: Row, about: Registered) -> dict[str, Any]:
    """Return how a device stands, as the model Device has it."""
    return {
        "device": row.key,
        "name": row.name,
        "site": row.site,
        "state": row.state,
        "at": seen.when,
        "received": seen.received,
        "flags": flag_words(seen.flags),
        "channels": {
            channel: {"value": value, "unit": unit_of(channel)}
            for channel, value in zip(seen.channels, seen.values, strict=True)
        },
        "since": row.since,
        "alert": row.alert,
        "alerts": row.alerts,
        "acknowledged": row.acknowledged,
        "holder": row.holder,
        "muted_until": row.muted_until,
        "unconfirmed": row.unconfirmed,
        "registered": about.stand,
        "recognised": about.recognised,
        "card": about.card,
        "maintenance": about.maintenance,
        "calibrations": about.calibrations,
        "replaced_by": str(about.replaced_by) if about.replaced_by else None,
        "replaces": str(about.replaces) if about.replaces else None,
        "quality": about.quality,
        "quarantined": about.quarantined,
    }


def _rule(status: Status) -> dict[str, Any]:
    told = msgspec.structs.asdict(status)
    told["alert"] = told.pop("id")
    return told


@router.get("/devices", response_model=Devices)
async def devices(request: Request, visitor: Reader, asked: PageAsked) -> Response:
    """Every device with its last values, by key."""
    site = site_of(request)
    check_complete(site)
    after = place(asked.next, str) if asked.next is not None else ""
    last: LastValues = request.app.state.last
    return Response(last.page(visitor, after, asked.limit), media_type="application/json")


@router.get("/devices/{device:path}", response_model=DeviceDetail)
async def device(request: Request, device: str, visitor: Reader) -> Response:
    """One device with its last values, and where its rules stand."""
    key = find_device(site_of(request), visitor, device)
    last: LastValues = request.app.state.last
    return answer(last.detail(key))
