"""What may be asked about notifications, and done: a part of Commands."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from devices.reading import DeviceKey
from gateway.commands.device import device_key
from gateway.consignments.reports import REVIEW
from gateway.notify import shown
from gateway.notify.about import Whereabouts
from gateway.notify.deciding import Why
from gateway.notify.in_words import lapses, route_in_words
from gateway.notify.lapsing import lapse
from gateway.notify.mutes import Mute, mutes_of
from gateway.notify.outbox import Outbox
from gateway.notify.rehearsal import rehearse
from gateway.notify.routes import routes_of
from gateway.own_alerts import GRAVITY, KIND
from gateway.people import audit
from gateway.people.acts import acts_of, facts
from gateway.people.audit import Entry, who_of
from gateway.refusal import ControlError
from gateway.registry import fields
from gateway.registry.times import Times
from gateway.settings.cut_off import cut_off
from gateway.settings.routes import EVERY
from rules.alert import Alert
from rules.cargo.consignment import consignment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.notify.about import About
    from rules.rule import Rule

PATIENCE, LOOK = 8.0, 0.1
"""Seconds in which a test may come through while somebody waits, and between two looks."""
OWN = (KIND, REVIEW)
"""What alerts have for a rule that no rule makes."""
MOST = 500
"""Messages that are told at a time."""


class NotifyCommands:
    """The commands about notifications, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._outbox = Outbox(gateway.state)
        self._tests = shown.Tests(gateway.state)
        self._wording = shown.wording_of(gateway.settings)
        self._times = Times(gateway.clock, ZoneInfo(gateway.settings.gateway.timezone))
        self.by_name = {
            "notify-channels": self.channels,
            "notify-messages": self.messages,
            "notify-routes": self.routes,
            "notify-told": self.told,
            "notify-test": self.test,
            "mute-list": self.mutes,
            "mute-add": self.mute,
            "mute-end": self.end_mute,
        }

    async def channels(self, _request: object, _progress: object) -> list[dict[str, Any]]:
        """How every channel fares, those that fail first."""
        return self.fare()

    def fare(self) -> list[dict[str, Any]]:
        """Return how every channel fares."""
        gateway = self._gateway
        problems = gateway.own_alerts.open_alerts
        channels, now = gateway.settings.channels, gateway.clock.now()
        return shown.channels_shown(self._outbox, self._tests, channels, problems, now)

    async def messages(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Return the last messages with each attempt, the newest first.

        `which` (all, waiting or failed), `channel`, `limit`.
        """
        which = _one_of(request.get("which") or "all", ("all", "waiting", "failed"))
        limit = max(1, min(int(request.get("limit") or 20), MOST))
        found, _ = shown.some_messages(
            self._outbox, which, channel=request.get("channel") or "", limit=limit
        )
        return [shown.message_shown(self._outbox, one, self._wording) for one in found]

    async def test(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Send a test by a channel, and tell what became of it in the first seconds."""
        name, who = str(request.get("channel") or ""), who_of(request)
        self._check_channel(name)
        try:
            message = await self._gateway.couriers.test(name, who.name)
        except ControlError as error:
            # The settings name it, so nobody is here to send.
            raise ControlError(
                "the gateway is not running, and only it sends", "Start it with: holdwatch run"
            ) from error
        state = self._gateway.state
        async with state.writing():
            after = {"message": message.id}
            entry = Entry(message.made, who, shown.TESTED, name, after=after)
            audit.stage(state, entry)
        self._gateway.couriers.kick()
        return await self._outcome(message.id)

    async def _outcome(self, identity: str) -> dict[str, Any]:
        """Return a message once it was tried, or after some seconds as it stands."""
        for _ in range(int(PATIENCE / LOOK)):
            kept = self._outbox.get(identity)
            if kept is not None and (kept.state != "waiting" or kept.tries):
                break
            await asyncio.sleep(LOOK)
        kept = self._outbox.get(identity)
        if kept is None:
            raise ControlError("the test is gone", "Send another one")
        return shown.message_shown(self._outbox, kept, self._wording)

    async def routes(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Routes in words; with a `device` who would be told of an alert about it, and when.

        That may be told of: its `rule`, `severity`, `site`, `goods`, and `at`, when it fires.
        """
        settings = self._gateway.settings
        names = [one.name for one in settings.channels]
        said = [route_in_words(one, names) for one in settings.routes or (EVERY,)]
        answer: dict[str, Any] = {
            "routes": [{**one._asdict(), "sentence": one.sentence} for one in said],
            "lapses": lapses(settings.acknowledgement),
            "warnings": list(cut_off(settings.routes, settings.gateway.timezone)),
            "about": None,
        }
        if request.get("device") is None:
            return answer
        alert, about = self._supposed(request)
        zone = settings.gateway.timezone
        mute = self._gateway.notifier.mutes.of(alert, about, alert.fired)
        found = rehearse(alert, about, routes_of(settings.routes, names, zone), names, mute)
        return {
            **answer,
            "about": {
                "device": str(alert.device),
                "rule": alert.rule,
                "severity": alert.severity,
                "sites": list(about.sites),
                "goods": list(about.goods),
                "at": alert.fired,
            },
            "muted": None if mute is None else shown.mute_shown(mute, alert.fired),
            "told": [{**one._asdict(), "channels": list(one.channels)} for one in found.told],
            "why": found.why,
        }

    def _supposed(self, request: Mapping[str, Any]) -> tuple[Alert, About]:
        """Return an alert that somebody thinks of, and who it is about. Raises ControlError."""
        gateway, rule = self._gateway, str(request.get("rule") or "")
        known = self._rule(rule) if rule else None
        severity = request.get("severity") or (known.severity if known else "critical")
        if severity not in GRAVITY:
            raise ControlError(f"no alert is {severity!r}", f"Use one of {', '.join(GRAVITY)}")
        at = self._times.moment(request["at"]) if request.get("at") else self._times.now()
        owner, said = gateway.settings.gateway.owner, str(request["device"])
        device = DeviceKey(owner, said) if consignment_of(DeviceKey(owner, said)) else None
        alert = Alert(
            id="supposed",
            rule=rule or "any",
            version="",
            kind=KIND if rule == KIND else "threshold",
            severity=severity,
            device=device or device_key(said, owner),
            channel="",
            state="firing",
            reason="",
            began=at,
            fired=at,
        )
        about = Whereabouts(gateway.known, gateway.book).about(alert.device, at)
        if request.get("site"):
            about = about._replace(sites=(str(request["site"]),))
        if request.get("goods"):
            about = about._replace(goods=(str(request["goods"]),))
        return alert, about

    def _rule(self, name: str) -> Rule | None:
        """Return a rule of the settings or of goods, None for our own. Raises ControlError."""
        ours = self._gateway.settings.rules
        whole = (*ours, *(one for goods in self._gateway.goods.all() for one in goods.rules))
        for one in whole:
            for part in (one, *one.parts()):
                if part.name == name:
                    return part
        if name in OWN:
            return None
        near = get_close_matches(name, [*(one.name for one in whole), *OWN], n=1)
        known = ", ".join(one.name for one in ours)
        if near:
            cure = f"Did you mean {near[0]}?"
        else:
            cure = f"The settings have {known or 'none'}; goods have others: holdwatch goods list"
        raise ControlError(f"there is no rule {name!r}", cure)

    def _check_channel(self, name: str) -> None:
        known = [one.name for one in self._gateway.settings.channels]
        waits = self._gateway.reloading.report()["waits"]
        if any(one.startswith(f"[[channels]] {name}: added") for one in waits):
            raise ControlError(
                f"the channel {name!r} is in the settings, and counts from a restart on",
                "Start the gateway anew, then test it",
            )
        if name not in known:
            raise ControlError(
                f"there is no channel {name!r}",
                f"Use one of {', '.join(known)}"
                if known
                else "Make one with a [[channels]] section: see docs/notifications.md",
            )

    async def told(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Tell what every route has told of an `alert`, or why not, and when it goes on.

        `lapses`: when whoever has it has it no more (ms), None where that is not by time.
        """
        gateway, identity = self._gateway, str(request.get("alert") or "")
        alert, now = gateway.state.alert(identity), gateway.clock.now()
        if alert is None:
            raise ControlError(f"there is no alert {identity}", "See: holdwatch alerts")
        settings = gateway.settings
        held = lapse(
            alert,
            facts(acts_of(gateway.state, identity), now),
            settings.acknowledgement,
            zone=settings.gateway.timezone,
            now=now,
            trusted=gateway.clock.trusted(),
        )
        why = gateway.notifier.why(identity)
        if not settings.channels:
            why = [Why(route="", reason="there are no channels")]
        return {"routes": msgspec.to_builtins(why), "lapses": held.again}

    # -- mutes -------------------------------------------------------------------------------

    async def mutes(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Return standing mutes, the newest first; with `all` also those that are over."""
        now = self._gateway.clock.now()
        found = mutes_of(self._gateway.state, now, over=bool(request.get("all")))
        return [shown.mute_shown(one, now) for one in found]

    async def mute(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Make a standing mute: patterns of what, `for` or `until`, and `reason`."""
        who, now = who_of(request), self._times.now()
        length, until = request.get("for"), request.get("until")
        if (not length) == (not until):
            raise ControlError("it is not said when the mute ends", "Give its length or its end")
        end = now + fields.length(str(length)) if length else self._times.moment(until)
        try:
            said = {name: request.get(name) or () for name in shown.MUTED}
            reason = request.get("reason") or ""
            mute = msgspec.convert(
                {"at": now, "until": end, "who": who.name, "reason": reason, **said}, Mute
            )
        except msgspec.ValidationError as error:
            raise ControlError(
                f"nothing can be muted by that ({error})",
                "Send devices, sites, rules or goods as lists of patterns",
            ) from error
        return shown.mute_shown(await self._gateway.notifier.mutes.add(mute, who), now)

    async def end_mute(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """End a standing mute before its time: `number`, `reason`."""
        now, reason = self._times.now(), str(request.get("reason") or "")
        try:
            number = int(request.get("number") or 0)
        except ValueError as error:
            raise ControlError("that is no number of a mute", "See: holdwatch mute list") from error
        mute = await self._gateway.notifier.mutes.end(number, who_of(request), now, reason)
        return shown.mute_shown(mute, now)


def _one_of(said: object, known: tuple[shown.Which, ...]) -> shown.Which:
    for one in known:
        if said == one:
            return one
    raise ControlError(f"there is no {said!r} here", f"Use one of {', '.join(known)}")
