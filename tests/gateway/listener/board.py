"""Alerts in a real state.db, the announcer over it, and clients that are lists of messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec

from devices.reading import DeviceKey
from gateway.listener.announcer import Announcer
from gateway.listener.outbox import Outbox
from gateway.listener.principal import Principal, anonymous
from gateway.mqtt.packets import V5, Publish, Subscription
from gateway.state import State
from rules.alert import Alert, Event

STARTED = 1_000
ALL = anonymous("")
ALERTS = "hw/alerts/+"
STATUS = "hw/status"
FRIDGES = Principal("fridges", "", ("fridge-*",))
WATCHER = Principal("watcher", "", (), ("fridge-*", "reefer-?"))


def firing(
    name: str = "a1", device: str = "d-1", owner: str = "", kind: str = "threshold", **more: object
) -> Alert:
    """Make an alert that is open."""
    alert = Alert(
        id=name,
        rule="warm",
        version="1",
        kind=kind,
        severity="warning",
        device=DeviceKey(owner, device),
        channel="temperature",
        state="firing",
        reason="it has lasted long enough",
        began=1000,
        fired=2000,
    )
    return msgspec.structs.replace(alert, **more)


def resolved(alert: Alert) -> Alert:
    """Return the alert as it is when it is over."""
    return msgspec.structs.replace(alert, state="resolved", reason="it is over", ended=3000)


def revised(alert: Alert, **more: object) -> tuple[Alert, Alert]:
    """Return (before, after) of an alert that late data changed."""
    return alert, msgspec.structs.replace(alert, revision=alert.revision + 1, **more)


def event(alert: Alert | tuple[Alert, Alert]) -> Event:
    """Return the event that leaves an alert so; of a pair, the revision of the first."""
    before, after = alert if isinstance(alert, tuple) else (None, alert)
    kind = after.state if before is None else "revised"
    key = f"{after.id}:{kind}:{after.ended}:{after.revision}"
    return Event(key=key, kind=kind, at=after.fired, alert=after, before=before)


class Board:
    """Record alerts, and let the announcer pass them on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = State(folder / "state.db")
        self.restart()

    def restart(self) -> None:
        """Make a new announcer, as a new run of the gateway does."""
        self.announcer = Announcer(self.state, "hw", "box", STARTED)

    def close(self) -> None:
        self.state.close()

    async def store(self, *alerts: Alert | tuple[Alert, Alert]) -> None:
        """Record alerts, and leave it at that."""
        async with self.state.writing():
            self.state.record([event(one) for one in alerts], 5000)

    async def record(self, *alerts: Alert | tuple[Alert, Alert]) -> None:
        """Record alerts and pass them on."""
        await self.store(*alerts)
        await self.settle()

    async def settle(self) -> None:
        """Let the announcer run until it has nothing to do."""
        while self.announcer.head != self.state.head or self.announcer._unfinished:
            await self.announcer.turn()


class Peer:
    """A client: what it was sent and has not looked at yet, and what it knows by that."""

    def __init__(
        self,
        board: Board,
        principal: Principal = ALL,
        *,
        window: int = 20,
        version: int = V5,
        cursor: int | None = None,
        subscriptions: Iterable[Subscription] = (),
    ) -> None:
        self.board = board
        self.got: list[Publish] = []
        self.unacknowledged: list[int] = []
        self.known: dict[str, bytes] = {}
        """What a client that keeps the last message of each topic believes."""
        self.came = asyncio.Event()
        self.outbox = Outbox(
            board.announcer,
            principal,
            self.take,
            window=window,
            version=version,
            cursor=cursor,
            subscriptions=subscriptions,
        )
        board.announcer.attach(self.outbox)

    def take(self, message: Publish) -> None:
        self.got.append(message)
        self.came.set()
        if message.qos:
            self.unacknowledged.append(message.packet_id)
        if message.payload:
            self.known[message.topic.decode()] = message.payload
        else:
            self.known.pop(message.topic.decode(), None)

    def subscribe(self, *filters: str, qos: int = 1, **options: int) -> tuple[int, ...]:
        """Subscribe, and be sent what that brings."""
        wanted = [Subscription(one, qos, **options) for one in filters]  # type: ignore[arg-type]
        codes = self.outbox.subscribe(wanted)
        self.outbox.pump()
        return codes

    def acknowledge(self, count: int | None = None) -> None:
        """Acknowledge the oldest messages, and be sent what has waited."""
        for packet_id in self.unacknowledged[:count]:
            assert self.outbox.acknowledged(packet_id)
            self.unacknowledged.remove(packet_id)
            self.outbox.pump()

    def acknowledge_all(self) -> None:
        """Acknowledge until nothing comes any more."""
        while self.unacknowledged:
            self.acknowledge()

    def read(self) -> list[str]:
        """Return what has come since the last look: the id or "status", "-id" for one cleared."""
        names = []
        for one in self.got:
            name = one.topic.decode().rpartition("/")[2]
            names.append(name if one.payload else f"-{name}")
        self.got.clear()
        return names

    def again(self, **options: int) -> Peer:
        """Come back to the session after the connection broke."""
        self.board.announcer.detach(self.outbox)
        peer = Peer(
            self.board,
            self.outbox._principal,
            cursor=self.outbox.cursor,
            subscriptions=tuple(self.outbox.subscriptions.values()),
            **options,
        )
        peer.known = self.known
        peer.outbox.pump()
        return peer


def many(count: int, **more: object) -> list[Alert]:
    return [firing(f"a{number:05}", **more) for number in range(count)]  # type: ignore[arg-type]
