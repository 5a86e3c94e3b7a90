"""What people do about alerts, and what a device really says: a part of Commands."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.commands.device import device_key
from gateway.people.acts import Act, acts_of_many, facts
from gateway.people.audit import who_of
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.clock import Clock
    from gateway.journal import Journal
    from gateway.people.acts import Acts
    from gateway.raw import Raw
    from gateway.state import State
    from rules.alert import Alert


class AlertCommands:
    """The commands about alerts, and about messages as they came, by name."""

    def __init__(self, owner: str, acts: Acts, raw: Raw, journal: Journal, clock: Clock) -> None:
        """`owner`: of devices where nobody says another."""
        self._owner = owner
        self._acts = acts
        self._raw = raw
        self._journal = journal
        self._clock = clock
        self.by_name = {"act": self.act, "raw": self.raw}

    async def act(self, request: Mapping[str, Any], _progress: object) -> Act:
        """Record what somebody does about an alert.

        `length` (ms, from now) may stand in the place of `until`.
        """
        who = who_of(request)
        asked = {
            key: request[key]
            for key in ("alert", "kind", "reason", "to", "until")
            if request.get(key) is not None
        }
        now = self._clock.now()
        try:
            if request.get("length") is not None:
                asked["until"] = now + msgspec.convert(request["length"], int)
            act = msgspec.convert({**asked, "who": who.name, "at": now}, Act)
        except msgspec.ValidationError as error:
            raise ControlError(
                f"this cannot be done about an alert ({error})",
                'Send "alert", "kind" (acknowledged, assigned, noted, muted or unmuted) and '
                '"reason"; "to" to assign it, and "until" to mute it',
            ) from error
        return await self._acts.do(act, who)

    async def raw(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Return the last messages of a device as they came, newest first, payloads as base64."""
        device = device_key(request["device"], self._owner)
        if device not in self._journal.devices():
            raise ControlError(
                f"nothing is known of {device}",
                "See `holdwatch device list` for the devices that were heard",
            )
        return [
            {**msgspec.structs.asdict(one), "payload": base64.b64encode(one.payload).decode()}
            for one in self._raw.of(device)
        ]


def with_holders(state: State, alerts: Sequence[Alert], now: int) -> list[dict[str, Any]]:
    """Return alerts as plain data, each with who has it, and until when it is muted at `now`."""
    done = acts_of_many(state, [one.id for one in alerts])
    answer = []
    for alert in alerts:
        known = facts(done[alert.id], now)
        answer.append(
            {
                **msgspec.to_builtins(alert),
                "holder": known.holder,
                "muted_until": known.muted.until if known.muted is not None else None,
            }
        )
    return answer
