"""A notifier over a real state.db, with a clock that is told the time: for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from devices.reading import DeviceKey
from gateway.clock import STEP
from gateway.consignments.book import Book
from gateway.consignments.facts import Assigned, Created, Fact
from gateway.notify.about import Whereabouts
from gateway.notify.deciding import Policy
from gateway.notify.hiding import Links
from gateway.notify.message import Message
from gateway.notify.mutes import Mutes
from gateway.notify.notifier import Notifier
from gateway.notify.outbox import Outbox
from gateway.notify.routes import Route
from gateway.own_alerts import KIND as OWN
from gateway.people.acts import Act, Acts, Kind
from gateway.people.audit import Who
from gateway.registry.known import Known
from gateway.registry.registry import Registry
from gateway.settings import parse
from gateway.settings.routes import Acknowledgement
from gateway.state import State
from rules.alert import Alert, Event
from rules.duration import MINUTE
from tests.gateway.parts import NOW, ToldClock

ANNA = Who("anna", "page")
DEVICES = """
[[devices]]
match = "fridge-*"
name = "Fridge"
site = "Hall 1"
interval = "1 min"
"""

Line = tuple[str, str, int]
"""An alert's id, the occasion, and its number."""


class Site:
    """A data folder and the notifier that watches it; `restart` is what a crash leaves."""

    def __init__(
        self,
        folder: Path,
        *routes: Route,
        channels: Sequence[str] = ("office", "duty", "boss"),
        holds: Acknowledgement | None = None,
        clock: ToldClock | None = None,
    ) -> None:
        self.clock = clock or ToldClock()
        self.state = State(folder / "state.db", synchronous="OFF")
        self.book = Book(self.state, "")
        self.registry = Registry(self.state)
        self.known = Known(self.registry, parse(DEVICES))
        self.acts = Acts(self.state)
        self.sources: dict[DeviceKey, str] = {}
        self.policy = Policy(
            routes or (Route(name="all", channels=("office",)),),
            tuple(channels),
            holds or Acknowledgement(),
            "UTC",
        )
        self.events = 0
        self.restart()

    def restart(self) -> None:
        """Begin again with what the files hold."""
        where = Whereabouts(self.known, self.book)
        links = Links(where, lambda: self.sources, lambda one: self.sources.get(one, ""))
        self.notifier = Notifier(
            self.state,
            self.clock,
            Outbox(self.state),
            policy=self.policy,
            where=where,
            mutes=Mutes(self.state),
            links=links,
            maintenance=self.registry.maintenance,
        )

    async def record(self, *alerts: Alert, kind: str = "") -> None:
        """Record alerts as they now stand, without anybody looking."""
        events = []
        for one in alerts:
            self.events += 1
            what: Any = kind or ("firing" if one.ended is None else "resolved")
            key = f"{one.id}:{self.events}:{what}"
            events.append(Event(key=key, kind=what, at=self.clock.now(), alert=one))
        async with self.state.writing():
            self.state.record(events, self.clock.now())

    async def follow(self) -> None:
        """Take up all events, as the loop of followers does."""
        notifier = self.notifier
        while notifier.cursor != self.state.head:
            items, cursor = self.state.read(notifier.cursor, notifier.limit)
            await notifier.handle(items, cursor)

    async def fires(self, identity: str = "a", **changed: Any) -> Alert:  # noqa: ANN401 - of an alert
        """An alert begins now."""
        alert = firing(identity, self.clock.now(), **changed)
        await self.record(alert)
        await self.follow()
        return alert

    async def becomes(self, identity: str = "a", **changed: Any) -> None:  # noqa: ANN401 - as above
        """Something about an alert is otherwise from now on."""
        alert = self.state.alert(identity)
        assert alert is not None
        await self.record(msgspec.structs.replace(alert, **changed), kind="revised")
        await self.follow()

    async def ends(self, identity: str = "a", reason: str = "it is over") -> None:
        """An alert ends now."""
        now = self.clock.now()
        await self.becomes(identity, state="resolved", ended=now, reason=reason)

    async def passes(self, length: int, step: int = MINUTE) -> None:
        """Let so many ms pass; somebody looks every `step` ms."""
        while length > 0:
            self.clock.passes(min(step, length))
            length -= step
            await self.notifier.look()

    async def clock_is_set(self, by: int) -> None:
        """Somebody sets our clock."""
        assert abs(by) >= STEP
        self.clock.wall += by
        await self.notifier.look()

    async def does(self, kind: Kind, identity: str = "a", **more: Any) -> None:  # noqa: ANN401 - of an act
        """Anna does something about an alert."""
        await self.acts.do(Act(identity, kind, "", self.clock.now(), "so", **more), ANNA)
        await self.notifier.look()

    async def states(self, identity: str, *sensors: DeviceKey, goods: str = "vaccines") -> None:
        """There is a consignment, for which these sensors speak."""
        now = self.clock.now()
        facts: list[Fact] = [Created(goods=goods, version="v", description=f"Box {identity}")]
        facts += [Assigned(sensor=one) for one in sensors]
        async with self.book.changing() as change:
            for fact in facts:
                change.state(identity, fact, at=now, entered=now, who="anna")

    def messages(self, channel: str) -> list[Message]:
        """Return what a channel was told, oldest first."""
        rows = self.state.rows(
            "SELECT body FROM message WHERE channel = ? ORDER BY made, id", (channel,)
        )
        return [msgspec.json.decode(body, type=Message) for (body,) in rows]

    def told(self, channel: str = "office") -> list[Line]:
        """Return the lines that a channel was told, oldest first."""
        return [
            (line.alert.id, line.occasion, line.number)
            for message in self.messages(channel)
            for line in message.lines
        ]

    def occasions(self, channel: str = "office") -> list[str]:
        """Return on which occasions a channel was told."""
        return [occasion for _, occasion, _ in self.told(channel)]

    def why(self, identity: str = "a") -> list[tuple[str, str]]:
        """Return each route with why it tells no more."""
        return [(one.route, one.reason) for one in self.notifier.why(identity)]


def firing(identity: str = "a", now: int = NOW, **changed: Any) -> Alert:  # noqa: ANN401 - of an alert
    """An open alert: a fridge too warm."""
    about: dict[str, Any] = {
        "rule": "too-warm",
        "version": "1",
        "kind": "threshold",
        "severity": "warning",
        "device": DeviceKey("", "fridge-1"),
        "channel": "temperature",
        "state": "firing",
        "reason": "it has lasted long enough",
        "began": now - MINUTE,
        "fired": now,
    }
    return Alert(id=identity, **{**about, **changed})


def lost(number: int, now: int = NOW, **changed: Any) -> Alert:  # noqa: ANN401 - of an alert
    """An open alert: a fridge is not heard."""
    about: dict[str, Any] = {
        "rule": "not-heard",
        "kind": "lost_contact",
        "device": DeviceKey("", f"fridge-{number}"),
        "channel": "",
    }
    return firing(f"lost-{number}", now, **{**about, **changed})


def own(subject: str, now: int = NOW, **changed: Any) -> Alert:  # noqa: ANN401 - of an alert
    """An open alert about the gateway itself."""
    about: dict[str, Any] = {
        "rule": OWN,
        "kind": OWN,
        "severity": "critical",
        "device": DeviceKey("", "box"),
        "channel": subject,
    }
    return firing(subject, now, **{**about, **changed})
