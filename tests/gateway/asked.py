"""A gateway with its files and no network, what it is asked, and alerts that it has recorded."""

from __future__ import annotations

from typing import Any

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.commands.commands import Commands
from gateway.state import State
from rules.alert import Alert, Event
from tests.gateway.parts import NOW

SETTINGS = """
[gateway]
box = "here"
owner = "acme"
data = "{folder}"

[clients]
unknown_devices = "unconfirmed"
"""


class Asked:
    """A gateway, and what it answers."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.commands = Commands(gateway)

    async def __call__(self, do: str, **request: Any) -> Any:  # noqa: ANN401 - whatever is answered
        return await self.commands.answer({"do": do, **request}, lambda _done, _all: None)


def alarm(identity: str, **facts: Any) -> Alert:  # noqa: ANN401 - fields of an alert
    """Make an alert, which is open unless something else is said."""
    known: dict[str, Any] = {
        "rule": "too-warm",
        "version": "1",
        "kind": "threshold",
        "severity": "warning",
        "device": DeviceKey("acme", "d-1"),
        "channel": "temperature",
        "state": "firing" if facts.get("ended") is None else "resolved",
        "reason": "it has lasted long enough",
        "began": NOW - 10,
        "fired": NOW,
    }
    return Alert(id=identity, **{**known, **facts})


async def recorded(state: State, *alerts: Alert) -> None:
    """Record alerts as they stand."""
    events = [
        Event(key=f"{one.id}:{one.state}", kind=one.state, at=one.fired, alert=one)
        for one in alerts
    ]
    async with state.writing():
        state.record(events, NOW)
