"""Notifications: how channels fare, what was sent, tests, and what nobody is told of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.commands.control import NotRunningError
from gateway.notify import shown
from gateway.notify.mutes import mutes_of
from gateway.notify.outbox import Outbox
from gateway.refusal import ControlError
from gateway.web.api import notification_models as models
from gateway.web.api.access import Whole, check_sees_all, sees_alert, sees_all
from gateway.web.api.answers import answer, page
from gateway.web.api.asked import Asked, Page
from gateway.web.api.paging import cursor, place
from gateway.web.api.registry_models import Number
from gateway.web.problems import Problem
from gateway.web.visitor import Actor, Manager, Reader, Visitor, site_of
from rules.duration import MINUTE, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.notify.outbox import Kept
    from gateway.web.files import Files
    from gateway.web.site import Site
    from rules.alert import Alert

router = APIRouter()


class MessagesAsked(Page):
    """Which messages; they may be large, so pages are small."""

    limit: int = Field(default=50, ge=1, le=500, description="Messages in a page, at most.")
    which: shown.Which = Field(
        default="all", description="Those yet to be sent, or those that did not get through."
    )
    channel: str = Field(
        default="", pattern=r"^[a-z0-9-]{0,60}$", description="Only those of this channel."
    )


class MutesAsked(Asked):
    """Which mutes."""

    all: bool = Field(default=False, description="Also those that are over.")


class Ending(Asked):
    """Why a mute ends."""

    reason: str = Field(default="Ended by a program", min_length=1, max_length=500)


@router.get("/notifications/channels", response_model=models.Channels)
async def channels(request: Request, _visitor: Whole) -> Response:
    """How every channel fares, those that fail first."""
    status = await site_of(request).health()
    if status is None:
        raise NotRunningError
    return answer({"items": status["channels"]})


@router.post("/notifications/channels/{channel}/test", response_model=models.Message)
async def send_test(request: Request, channel: str, visitor: Actor) -> Response:
    """Send a test, and tell what came of it in the first seconds."""
    check_sees_all(visitor)
    if channel not in {one.name for one in site_of(request).settings.channels}:
        raise Problem(
            404,
            f"there is no channel {channel!r}",
            "GET /api/v1/notifications/channels lists them",
        )
    return answer(await _ask(request, visitor, "notify-test", channel=channel))


@router.get("/notifications/messages", response_model=models.Messages)
async def messages(
    request: Request, visitor: Reader, asked: Annotated[MessagesAsked, Query()]
) -> Response:
    """Messages and each attempt to send them, the newest first.

    A key for some devices sees what is told of those, no tests, and not what the other side said.
    """
    site = site_of(request)
    sees = _sees(site, visitor)
    before = shown.Place(*place(asked.next, tuple[int, str])) if asked.next is not None else None
    wording = shown.wording_of(site.settings)

    def read(files: Files) -> tuple[list[dict[str, Any]], shown.Place | None]:
        outbox = Outbox(files.state)
        found, following = shown.some_messages(
            outbox,
            asked.which,
            channel=asked.channel,
            before=before,
            limit=asked.limit,
            sees=sees,
        )
        return [shown.message_shown(outbox, one, wording, sees) for one in found], following

    items, following = await site.archive.ask(read)
    return page(items, cursor(tuple(following)) if following else None)


def _sees(site: Site, visitor: Visitor) -> Callable[[Alert], bool] | None:
    """Return of which alerts somebody may know; None: of all."""
    if sees_all(visitor):
        return None
    site.book.look()
    return partial(sees_alert, visitor, book=site.book)


# -- mutes --------------------------------------------------------------------------------------


@router.get("/notifications/mutes", response_model=models.Mutes)
async def mutes(
    request: Request, _visitor: Whole, asked: Annotated[MutesAsked, Query()]
) -> Response:
    """Mutes: of what nobody is told for a while, the newest first."""
    site = site_of(request)
    now = site.clock.now()
    found = mutes_of(site.files.state, now, over=asked.all)
    return answer({"items": [shown.mute_shown(one, now) for one in found]})


@router.post("/notifications/mutes", response_model=models.Mute)
async def mute(request: Request, asked: models.NewMute, visitor: Manager) -> Response:
    """Tell nobody of some alerts for a while; they come all the same."""
    check_sees_all(visitor)
    said = {name: getattr(asked, name) for name in shown.MUTED}
    length = format_duration(asked.minutes * MINUTE)
    told = await _ask(request, visitor, "mute-add", reason=asked.reason, **said, **{"for": length})
    return answer(told)


@router.delete("/notifications/mutes/{number}", response_model=models.Mute)
async def end_mute(
    request: Request, number: Number, visitor: Manager, asked: Annotated[Ending, Query()]
) -> Response:
    """End a mute before its time: what it hid and still stands is told now."""
    check_sees_all(visitor)
    return answer(await _ask(request, visitor, "mute-end", number=number, reason=asked.reason))


async def _ask(request: Request, visitor: Visitor, do: str, **said: object) -> Any:  # noqa: ANN401 - whatever the command answers
    who = msgspec.to_builtins(visitor.who)
    return await site_of(request).ask(do, who=who, **said)


# -- of one alert -------------------------------------------------------------------------------


async def told_of(site: Site, alert: Alert, visitor: Visitor) -> dict[str, Any]:
    """Return who was told of an alert, as the model Told has it."""
    found = await site.archive.ask(partial(_messages_of, alert.id, words=sees_all(visitor)))
    try:
        why = await site.ask("notify-told", alert=alert.id)
    except (ControlError, NotRunningError, OSError):
        # What is known of the alert is shown all the same: it says that this is not.
        why = {"routes": None, "lapses": None}
    return {"messages": found, **why}


def _messages_of(alert: str, files: Files, *, words: bool) -> list[dict[str, Any]]:
    outbox = Outbox(files.state)
    return [_message_of(outbox, kept, alert, words=words) for kept in outbox.of_alert(alert)]


def _message_of(outbox: Outbox, kept: Kept, alert: str, *, words: bool) -> dict[str, Any]:
    """Return a message by what it tells of one alert: nothing of the others that it tells of."""
    message = kept.message
    line = next(one for one in message.lines if one.alert.id == alert)
    return {
        "id": message.id,
        "channel": message.channel,
        "made": message.made,
        "route": message.route,
        "state": kept.state,
        "ended": kept.ended,
        "problem": kept.problem if words else "",
        "occasion": line.occasion,
        "number": line.number,
        "attempts": shown.attempts_shown(outbox, message.id, words=words),
    }
