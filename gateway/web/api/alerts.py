"""Alerts, what is on record about them, and what people and programs do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.people.acts import Kind, acts_of
from gateway.state import AlertsAsked
from gateway.web.api import alert_models as models
from gateway.web.api.access import (
    find_alert,
    find_consignment,
    find_device,
    sees_alert,
    sees_all,
    sees_subject,
)
from gateway.web.api.answers import answer, page
from gateway.web.api.asked import Page
from gateway.web.api.notifications import told_of
from gateway.web.api.paging import cursor, place
from gateway.web.explain import explained
from gateway.web.told_alert import Told, told
from gateway.web.visitor import Actor, Reader, Visitor, site_of
from rules.duration import MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from devices.reading import DeviceKey
    from gateway.consignments.book import Book
    from gateway.state import State, StoredEvent
    from gateway.web.files import Files
    from gateway.web.site import Site
    from rules.alert import Alert

router = APIRouter()


class AlertsPage(Page):
    """Which alerts."""

    state: AlertsAsked = Field(default="all", description="Those that are open, or over, or all.")
    device: str | None = Field(default=None, description="Only those of this device.")
    consignment: str | None = Field(default=None, description="Only those of this consignment.")


@router.get("/alerts", response_model=models.Alerts)
async def alerts(
    request: Request, visitor: Reader, asked: Annotated[AlertsPage, Query()]
) -> Response:
    """Alerts, the newest beginning first."""
    site = site_of(request)
    only = _only(site, visitor, asked)
    site.book.look()
    before = place(asked.next, tuple[int, str]) if asked.next is not None else None

    def read(files: Files) -> list[Alert]:
        return seen_page(
            files.state,
            visitor,
            asked.state,
            book=site.book,
            before=before,
            limit=asked.limit + 1,
            only=only,
        )

    # Aside: for a key with few devices many alerts are passed over.
    found = await site.archive.ask(read)
    shown = found[: asked.limit]
    last = shown[-1] if len(found) > len(shown) else None
    items = [_listed(one) for one in _told(site, shown)]
    return page(items, cursor((last.began, last.id)) if last else None)


def _only(site: Site, visitor: Visitor, asked: AlertsPage) -> set[DeviceKey]:
    """Return all that each alert is asked to be about. Raises Problem."""
    found = set()
    if asked.device is not None:
        found.add(find_device(site, visitor, asked.device))
    if asked.consignment is not None:
        found.add(find_consignment(site, visitor, asked.consignment).subject)
    return found


def seen_page(  # noqa: PLR0913 - who asks, and what for
    state: State,
    visitor: Visitor,
    asked: AlertsAsked,
    *,
    book: Book,
    before: tuple[int, str] | None = None,
    limit: int,
    only: Collection[DeviceKey] = (),
) -> list[Alert]:
    """Return at most `limit` alerts that somebody may know of, the newest beginning first.

    `before`: when the last one of the page before began (ms), and its id. `only`: about this, if
    anything is named; about two things no alert is.
    """

    def sees(device: DeviceKey) -> bool:
        return all(device == one for one in only) and sees_subject(visitor, device, book)

    within = None if sees_all(visitor) and not only else sees
    found: list[Alert] = []
    while True:
        part = state.alerts_page(asked, before, limit, within)
        # What a key's devices match may be an alert about the gateway: that is left out before
        # the page is cut, so that no place in the list names it.
        found += [one for one in part if sees_alert(visitor, one, book)]
        if len(found) >= limit or len(part) < limit:
            return found[:limit]
        before = (part[-1].began, part[-1].id)


@router.get("/alerts/{alert}", response_model=models.AlertDetail)
async def alert(request: Request, alert: str, visitor: Reader) -> Response:
    """One alert: what is known, what happened, and what was done about it."""
    site = site_of(request)
    found = find_alert(site, visitor, alert)
    return answer({**_detail(site, found), "told": await told_of(site, found, visitor)})


def _told(site: Site, found: Sequence[Alert]) -> list[Told]:
    """Return alerts as they stand now, and who has them."""
    return told(site.files, site.settings, found, site.clock.now(), site.standing.seen)


def _detail(site: Site, found: Alert) -> dict[str, Any]:
    (one,) = _told(site, [found])
    state = site.files.state
    return {
        **_listed(one),
        "explanation": explained(one, site.clock.now()),
        "facts": {name: getattr(one.facts, name) for name in models.Facts.model_fields},
        "acts": acts_of(state, found.id),
        "events": [_event(event) for event in state.events_of(found.id)],
    }


def plain(alert: Alert) -> dict[str, Any]:
    """Return an alert as the model Alert has it."""
    return {**msgspec.structs.asdict(alert), "device": str(alert.device)}


def _listed(one: Told) -> dict[str, Any]:
    """Return an alert as the model AlertInList has it."""
    return {
        **plain(one.alert),
        "name": one.name,
        "site": one.site,
        "holder": one.facts.holder,
        "acknowledged": one.facts.acknowledged is not None,
        "muted_until": one.facts.muted.until if one.facts.muted else None,
    }


def _event(stored: StoredEvent) -> dict[str, Any]:
    event = stored.event
    return {
        "number": stored.number,
        "recorded": stored.recorded,
        "kind": event.kind,
        "at": event.at,
        "alert": plain(event.alert),
        "before": plain(event.before) if event.before else None,
    }


# -- what is done about them --------------------------------------------------------------------


async def _act(
    request: Request,
    visitor: Visitor,
    alert: str,
    kind: Kind,
    asked: models.Because | models.Note,
    **more: str | int,
) -> Response:
    site = site_of(request)
    found = find_alert(site, visitor, alert)
    who = msgspec.to_builtins(visitor.who)
    done = await site.ask("act", alert=found.id, kind=kind, reason=asked.reason, who=who, **more)
    return answer(done)


@router.post("/alerts/{alert}/acknowledge", response_model=models.Act)
async def acknowledge(
    request: Request, alert: str, asked: models.Because, visitor: Actor
) -> Response:
    """Say that somebody has seen it, and why nobody else need look."""
    return await _act(request, visitor, alert, "acknowledged", asked)


@router.post("/alerts/{alert}/assign", response_model=models.Act)
async def assign(
    request: Request, alert: str, asked: models.Assignment, visitor: Actor
) -> Response:
    """Give it to a person: an operator or more."""
    return await _act(request, visitor, alert, "assigned", asked, to=asked.to)


@router.post("/alerts/{alert}/note", response_model=models.Act)
async def note(request: Request, alert: str, asked: models.Note, visitor: Actor) -> Response:
    """Add a note. It may have several lines."""
    return await _act(request, visitor, alert, "noted", asked)


@router.post("/alerts/{alert}/mute", response_model=models.Act)
async def mute(request: Request, alert: str, asked: models.Mute, visitor: Actor) -> Response:
    """Let it be silent for some time: it stays on the board."""
    return await _act(request, visitor, alert, "muted", asked, length=asked.minutes * MINUTE)


@router.post("/alerts/{alert}/unmute", response_model=models.Act)
async def unmute(request: Request, alert: str, asked: models.Because, visitor: Actor) -> Response:
    """Let it be heard again."""
    return await _act(request, visitor, alert, "unmuted", asked)
