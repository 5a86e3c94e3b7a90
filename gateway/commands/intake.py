"""What may be asked about what comes in otherwise: files, and the quarantine; a part of Commands.

What these change lies in the journal, and the audit trail in another file: an entry is committed
first, so that nothing is ever done that is not in it.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.commands.device import device_key
from gateway.importer import import_file
from gateway.people import audit
from gateway.people.audit import Entry, Who, who_of
from gateway.quarantine import Repeated, gather
from gateway.refusal import ControlError
from gateway.report_range import find_zone
from gateway.second_try import drop, retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.loggers.file import LoggerFile
    from gateway.app import Gateway
    from gateway.quarantine import Rejected

SLICE = 2_000
"""Messages that are looked at before others have their turn."""
NAMED = 100
"""Messages that an entry of the audit trail names one by one."""


class IntakeCommands:
    """The commands about files and the quarantine, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.by_name = {
            "import": self.import_file,
            "quarantine": self.quarantine,
            "drop": self.drop,
            "retry": self.retry,
        }

    async def import_file(
        self, request: Mapping[str, Any], progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Take in a logger's file and say what rules found in it, also of consignments."""
        gateway, who = self._gateway, who_of(request)
        owner = gateway.settings.gateway.owner
        before = gateway.state.head
        zone = request.get("zone")

        async def note(file: LoggerFile) -> None:
            known = {"file": request["name"], "readings": len(file.readings)}
            await self._note(who, "import", file.device, after=known)

        imported = await import_file(
            gateway.ingest,
            request["name"],
            base64.b64decode(request["content"]),
            zone=find_zone(zone) if zone else None,
            device=request.get("device"),
            owner=owner,
            received=gateway.clock.now(),
            columns=request.get("columns"),
            read_whole=note,
            progress=progress,
        )
        await gateway.settle()
        changed, _ = gateway.state.read(before, gateway.state.head - before)
        ids = {one.event.alert.id for one in changed}
        sensor = device_key(imported.device, owner)
        # The rules of goods judge consignments, so what they find stands under these.
        judged = [sensor, *(one.subject for one in gateway.book.of(sensor))]
        alerts = [one for key in judged for one in gateway.state.alerts_of(key) if one.id in ids]
        return {
            **msgspec.to_builtins(imported),
            "alerts": [msgspec.to_builtins(one) for one in alerts],
        }

    async def quarantine(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Messages that could not be decoded, oldest first, raw bytes as base64.

        `reason`, `device`: those alone. `gathered`: in place of each, one for all of a kind, the
        most first, as `kinds`.
        """
        quarantine = self._gateway.journal.quarantine
        reason, device = str(request.get("reason") or ""), self._device(request)
        limit = int(request.get("limit", 100))
        total = sum(quarantine.counts().values())
        if not request.get("gathered"):
            page = quarantine.page(int(request.get("after", 0)), limit, reason, device)
            return {"total": total, "messages": [_told(one) for one in page]}
        kinds = [
            one
            for one in await self._kinds()
            if reason in {"", one.reason} and device in {"", one.device}
        ]
        kinds.sort(key=lambda one: (-one.count, one.newest))
        told = []
        for one in kinds[:limit]:
            # One that has left meanwhile is told no more.
            newest = quarantine.page(one.newest - 1, 1)
            if newest and newest[0].number == one.newest:
                told.append({**msgspec.to_builtins(one), "message": _told(newest[0])})
        return {"total": total, "found": sum(one.count for one in kinds), "kinds": told}

    async def _kinds(self) -> list[Repeated]:
        """Return what lies in the quarantine, those of a kind as one."""
        quarantine, after = self._gateway.journal.quarantine, 0
        kinds: dict[tuple[str, str, bytes], Repeated] = {}
        while page := quarantine.entries(after, SLICE):
            after = page[-1].number
            gather(page, kinds)
            # A large quarantine takes its time, and the intake must go on meanwhile.
            await asyncio.sleep(0)
        return list(kinds.values())

    def _device(self, request: Mapping[str, Any]) -> str:
        """Return whose messages are asked for, as the quarantine has it; "" is everybody's."""
        device = request.get("device")
        return str(device_key(device, self._gateway.settings.gateway.owner)) if device else ""

    async def drop(self, request: Mapping[str, Any], _progress: object) -> dict[str, int]:
        """Drop messages from the quarantine: these numbers, those of a reason, or else all."""
        who, numbers = who_of(request), set(request.get("numbers") or ())
        reason = request.get("reason")
        quarantine = self._gateway.journal.quarantine
        before: dict[str, Any] = {"counts": quarantine.counts()}
        if numbers:
            found = self._with(sorted(numbers))
            if not found:
                raise ControlError(
                    "the quarantine holds no message with such a number",
                    "See: holdwatch quarantine list",
                )
            before["messages"] = [_named(one) for one in found[:NAMED]]
        if reason is not None:
            before["reason"] = reason
        await self._note(who, "quarantine-drop", "quarantine", before=before)
        dropped = await drop(self._gateway.ingest, numbers or None, reason)
        return {"dropped": dropped, "unknown": len(numbers) - dropped if numbers else 0}

    async def retry(self, request: Mapping[str, Any], _progress: object) -> dict[str, int]:
        """Decode what lies in the quarantine again."""
        before = {"counts": self._gateway.journal.quarantine.counts()}
        await self._note(who_of(request), "quarantine-retry", "quarantine", before=before)
        retried = await retry(self._gateway.ingest)
        return retried._asdict()

    def _with(self, numbers: Sequence[int]) -> list[Rejected]:
        """Return the messages of these numbers that are there."""
        page = self._gateway.journal.quarantine.page
        return [one for number in numbers for one in page(number - 1, 1) if one.number == number]

    async def _note(
        self, who: Who, what: str, object_: str, *, before: object = None, after: object = None
    ) -> None:
        gateway = self._gateway
        now = gateway.clock.now()
        entry = Entry(at=now, who=who, what=what, object=object_, before=before, after=after)
        async with gateway.state.writing():
            audit.stage(gateway.state, entry)


def _named(one: Rejected) -> dict[str, object]:
    """Return what of a message the audit trail keeps: not what is in it, which may be secret."""
    topic = one.topic.decode(errors="replace")
    return {
        "number": one.number,
        "received": one.received,
        "topic": topic,
        "reason": one.reason,
        "source": one.source,
    }


def _told(one: Rejected) -> dict[str, object]:
    """Return a message as it is answered."""
    return {
        **msgspec.structs.asdict(one),
        "topic": one.topic.decode(errors="replace"),
        "payload": base64.b64encode(one.payload).decode(),
    }
