"""`/notifications`: who is told of alerts, whether the channels are well, what was sent, mutes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.notify import shown
from gateway.notify.in_words import FATES, KINDS, lapses, mute_in_words, route_in_words
from gateway.notify.mutes import mutes_of
from gateway.people.acts import acts_of_many, facts
from gateway.settings.routes import EVERY
from gateway.web.health import sentence
from gateway.web.look import moment, show_at
from gateway.web.pages.notifications_sent import sent
from gateway.web.told_alert import Told, told
from gateway.web.visitor import Operator, Quality, Viewer, Visitor, site_of

if TYPE_CHECKING:
    from gateway.web.site import Site

router = APIRouter()

MUTED = 10
"""Alerts that are muted alone which are named."""
PAST = 5
"""Mutes that are over which are shown."""
LENGTHS = ("1 h", "4 h", "1 day", "7 days")
"""For how long something is muted by one tap."""
Before = Annotated[str, Query(pattern=r"^\d{1,18}:[\w-]{1,64}$|^$")]
Whole = Annotated[str, Query(pattern=r"^[\w-]{0,64}$")]
Text = Annotated[str, Form(max_length=1_000)]


@router.get("/notifications")
async def notifications_page(
    request: Request,
    visitor: Viewer,
    which: shown.Which = "all",
    before: Before = "",
    whole: Whole = "",
) -> Response:
    """Show all of it; `whole`: the id of a message of which all alerts are named."""
    content = await _fare(site_of(request))
    content |= await sent(site_of(request), which, before, whole)
    content |= _standing(site_of(request))
    return show_at(request, visitor, "notifications.html", **content)


@router.get("/notifications/channels")
async def channels_part(request: Request, visitor: Viewer) -> Response:
    """Show the channels again."""
    return await _channels(request, visitor)


@router.get("/notifications/messages")
async def messages_part(
    request: Request,
    visitor: Viewer,
    which: shown.Which = "all",
    before: Before = "",
    whole: Whole = "",
) -> Response:
    """Show the last messages again."""
    content = await sent(site_of(request), which, before, whole)
    return show_at(request, visitor, "notifications_messages.html", **content)


@router.post("/notifications/test")
async def send_test(
    request: Request, visitor: Operator, channel: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Send a test by a channel, and show what came of it."""
    site = site_of(request)
    who = msgspec.to_builtins(visitor.who)
    told = await site.ask("notify-test", channel=channel, who=who)
    if "hx-request" not in request.headers:
        return RedirectResponse("/notifications", 303)
    answer = await _channels(request, visitor, told)
    answer.headers["HX-Trigger"] = json.dumps({"say": _outcome(told), "acted": {}})
    return answer


def _outcome(told: dict[str, Any]) -> str:
    """Return what came of a test, in a sentence."""
    name = told["channel"]
    if told["state"] == "sent":
        return f"{name} has taken the test. See that it arrived."
    if told["attempts"]:
        return f"{name} has not taken the test. {sentence(told['attempts'][-1]['detail'])}"
    return f"The test waits: {told['problem'] or 'other messages go before it'}."


@router.post("/notifications/mute")
async def mute(  # noqa: PLR0913 - what the form sends
    request: Request,
    visitor: Quality,
    *,
    devices: Text = "",
    sites: Text = "",
    rules: Text = "",
    goods: Text = "",
    length: Text = "",
    until: Text = "",
    reason: Text = "",
) -> Response:
    """Mute what the patterns match, and say so."""
    site = site_of(request)
    said = {"devices": devices, "sites": sites, "rules": rules, "goods": goods}
    told = await site.ask(
        "mute-add",
        who=msgspec.to_builtins(visitor.who),
        reason=reason,
        **{name: _patterns(text) for name, text in said.items()},
        **({"for": length} if length else {"until": until}),
    )
    end = moment(told["until"], site.settings.gateway.timezone, site.clock.now())
    return _mutes(request, visitor, f"Nobody is told of alerts {told['what']} until {end}")


@router.post("/notifications/unmute")
async def end_mute(
    request: Request, visitor: Quality, number: Annotated[int, Form(ge=1)], reason: Text = ""
) -> Response:
    """End a mute, and say so."""
    who = msgspec.to_builtins(visitor.who)
    told = await site_of(request).ask("mute-end", number=number, reason=reason, who=who)
    return _mutes(request, visitor, f"Alerts {told['what']} are told again")


def _patterns(text: str) -> list[str]:
    """Return the patterns of a field: between commas."""
    return [one for one in (part.strip() for part in text.split(",")) if one]


def _mutes(request: Request, visitor: Visitor, said: str) -> Response:
    if "hx-request" not in request.headers:
        return RedirectResponse("/notifications", 303)
    content = _standing(site_of(request))
    answer = show_at(request, visitor, "notifications_mutes.html", **content)
    # JSON in ASCII: whatever a pattern holds, it is one line of a header.
    answer.headers["HX-Trigger"] = json.dumps({"say": said})
    return answer


# -- what the templates show ----------------------------------------------------------------------


async def _channels(
    request: Request, visitor: Visitor, tested: dict[str, Any] | None = None
) -> Response:
    site = site_of(request)
    content = await _fare(site, fresh=tested is not None)
    return show_at(request, visitor, "notifications_channels.html", **content)


async def _fare(site: Site, *, fresh: bool = False) -> dict[str, Any]:
    """Return how the channels fare, and that in one sentence."""
    found: list[dict[str, Any]] | None
    if fresh:
        found = await site.ask("notify-channels")
    else:
        status = await site.health()
        found = status["channels"] if status is not None else None
    look, words = verdict(found)
    now = site.clock.now()
    overdue = {one["name"] for one in found or () if one["test_due"] and one["test_due"] <= now}
    return {
        "channels": found,
        "look": look,
        "words": words,
        "overdue": overdue,
        "kinds": KINDS,
        "fates": FATES,
        "sentence": sentence,
    }


def verdict(channels: list[dict[str, Any]] | None) -> tuple[str, str]:
    """Return in a sentence whether people are reached, and its state."""
    if channels is None:
        return "critical", "The gateway does not answer: nobody is told of anything meanwhile."
    if not channels:
        return "unknown", "Nobody is told of alerts: there is no channel yet."
    failing = [one["name"] for one in channels if one["failing"] is not None]
    waiting = sum(one["waiting"] for one in channels)
    waits = f" {waiting:,} {'message waits' if waiting == 1 else 'messages wait'}."
    if failing:
        names = " and ".join(", ".join(failing).rsplit(", ", 1))
        verb = "reaches nobody" if len(failing) == 1 else "reach nobody"
        return "warning", f"{names} {verb} at the moment.{waits if waiting else ''}"
    if waiting:
        return "pending", f"Messages are on their way.{waits}"
    return "ok", "All channels are well: nothing waits."


def _standing(site: Site) -> dict[str, Any]:
    """Return routes and mutes, and the alerts that are muted each alone."""
    now, settings = site.clock.now(), site.settings
    names = [one.name for one in settings.channels]
    mutes = mutes_of(site.files.state, now, over=True)
    muted = _muted_alone(site, now)
    return {
        "routes": [route_in_words(one, names) for one in settings.routes or (EVERY,)],
        "by_default": not settings.routes,
        "lapses": lapses(settings.acknowledgement),
        "mutes": [(one, mute_in_words(one)) for one in mutes if one.stands(now)],
        "past_mutes": [(one, mute_in_words(one)) for one in mutes if not one.stands(now)][:PAST],
        "muted_alone": muted[:MUTED],
        "more_muted": max(0, len(muted) - MUTED),
        "lengths": LENGTHS,
        "names": names,
    }


def _muted_alone(site: Site, now: int) -> list[Told]:
    """Return the open alerts that somebody muted where they are shown; what ends last first."""
    opened = site.files.state.open_alerts()
    acts = acts_of_many(site.files.state, [one.id for one in opened])
    muted = [one for one in opened if facts(acts[one.id], now).muted]
    found = told(site.files, site.settings, muted, now)
    known = [(one.facts.muted.until or 0, one) for one in found if one.facts.muted]
    return [one for _, one in sorted(known, key=lambda each: -each[0])]
