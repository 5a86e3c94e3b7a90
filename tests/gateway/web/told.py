"""What a gateway tells its page, written short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from devices.reading import DeviceKey
from gateway.history import History
from gateway.journal import Journal
from gateway.live import Part, Seen
from gateway.people.acts import Act, Kind
from gateway.people.audit import Who
from gateway.registry.cards import Card
from gateway.settings import parse
from gateway.state import State
from gateway.web.files import Files
from gateway.web.now.register import Registered
from gateway.web.now.standing import Standing
from rules.alert import Alert, Event
from rules.status import Status
from tests.gateway.parts import ToldClock

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings

NOW = 1_795_000_000_000
MINUTE = 60_000
SETTINGS = """
[gateway]
box = "dock"
timezone = "Europe/Berlin"

[[devices]]
match = "fridge-*"
name = "Vaccine fridge"
site = "Warehouse 2"

[[devices]]
match = "reefer-*"
timezone = "Asia/Bangkok"

[[rules]]
name = "too-warm"
kind = "threshold"
devices = ["fridge-*"]
channel = "temperature"
outside = [2.0, 8.0]
severity = "critical"

[[rules]]
name = "warm"
kind = "threshold"
devices = ["fridge-*"]
channel = "temperature"
above = 7.0

[[rules]]
name = "damp"
kind = "threshold"
devices = ["fridge-*", "room-*"]
channel = "humidity"
above = 80.0
for = "30 min"

[[rules]]
name = "silent"
kind = "lost_contact"
after = "1 h"
"""
OLGA = Who("olga", "page")


def settings(text: str = SETTINGS) -> Settings:
    return parse(text)


def about(device: DeviceKey, text: str = SETTINGS, **more: Any) -> Registered:  # noqa: ANN401 - its fields
    """What is known of a device by the settings alone, and what a test says of it."""
    section = settings(text).device(device)
    card = Card(
        name=(section and section.name) or "",
        site=(section and section.site) or "",
        interval=settings(text).interval(device),
    )
    return Registered(**{"device": device, "card": card, **more})


def seen(
    device: str = "fridge-1",
    *,
    when: int | None = NOW,
    rules: tuple[Status, ...] | None = None,
    flags: int = 0,
    unconfirmed: bool = False,
    **values: float | None,
) -> Seen:
    """One device as the gateway tells it; channels in order of their names."""
    channels = tuple(sorted(values)) if when is not None else ()
    told = tuple(values[one] for one in channels)
    return Seen("", device, when, when, flags, channels, told, rules, unconfirmed)


def status(
    rule: str = "too-warm",
    state: str = "firing",
    *,
    channel: str = "temperature",
    kind: str = "threshold",
    severity: str = "critical",
    begin: int | None = NOW - 5 * MINUTE,
    pending_until: int | None = None,
    since: int = NOW,
) -> Status:
    return Status(
        rule=rule,
        version="1",
        kind=kind,
        severity=severity,
        channel=channel,
        state=state,
        since=since,
        value=None,
        worst=None,
        worst_at=None,
        begin=begin,
        pending_until=pending_until,
        id="an id that late data has made old",
    )


def alert(
    identity: str = "a1", device: str = "fridge-1", rule: str = "too-warm", **more: object
) -> Alert:
    told: dict[str, Any] = {
        "kind": "threshold",
        "severity": "critical",
        "channel": "temperature",
        "state": "firing",
        "reason": "11.5 is above 8.0",
        "began": NOW - 5 * MINUTE,
        "fired": NOW - 5 * MINUTE,
        "version": "1",
        **more,
    }
    return Alert(id=identity, device=DeviceKey("", device), rule=rule, **told)


class Told:
    """A page's standing over real files, which are written as the gateway does."""

    def __init__(self, folder: Path, text: str = SETTINGS) -> None:
        self.journal = Journal(folder / "journal.db")
        self.history = History(folder / "history.db")
        self.state = State(folder / "state.db")
        self.files = Files(folder)
        self.clock = ToldClock()
        self.standing = Standing(settings(text), self.files, self.clock)

    async def record(self, *alerts: Alert) -> None:
        async with self.state.writing():
            self.state.record(
                [
                    Event(
                        key=f"{one.id}:{one.state}:{one.revision}",
                        kind=one.state,
                        at=NOW,
                        alert=one,
                    )
                    for one in alerts
                ],
                NOW,
            )

    async def act(
        self, number: int, kind: Kind, identity: str = "a1", until: int | None = None
    ) -> None:
        act = Act(identity, kind, "olga", NOW, "On my way", until=until, number=number)
        async with self.state.writing():
            self.state.stage(
                "INSERT INTO act (number, alert, body) VALUES (?,?,?)",
                [(number, act.alert, msgspec.json.encode(act))],
            )

    def take(self, *devices: Seen, now: int = NOW, more: bool = False) -> None:
        self.standing.take(Part(now, devices, more))

    def close(self) -> None:
        for one in (self.files, self.state, self.history, self.journal):
            one.close()
