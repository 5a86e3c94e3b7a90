"""What may be asked with a table of devices: to take it in, or what it would change.

A part of Commands.
"""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.people.audit import Who, who_of
from gateway.refusal import ControlError
from gateway.registry import fields, table
from gateway.registry.changes import Changes
from gateway.registry.confirming import Confirming
from gateway.registry.hints import model_hint
from gateway.registry.registry import SLICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.registry.table import Row

HINTS = 20
"""Devices that were never heard for which one is looked for that is called much the same."""
LOOKED_THROUGH = 2_000
"""Among more devices than this it is not looked for: that takes long."""


class TableCommands:
    """The command about a table of devices, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._owner = gateway.settings.gateway.owner
        self._registry = gateway.registry
        self._changes = Changes(gateway.registry, gateway.known)
        self._admission = gateway.admission
        self._journal = gateway.journal
        self._recognition = gateway.recognition
        self._clock = gateway.clock
        self._confirming = Confirming(gateway.admission, gateway.state, gateway.clock)
        self.by_name = {"device-import": self.import_table}

    async def import_table(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take in a table of devices (`content`, CSV); with `dry` only say what would change.

        Nothing is written while any line is wrong: then `mistakes` says which, and why.
        """
        now, who = self._clock.now(), who_of(request)
        content = _text(request, "content")
        # Aside: a table of a large fleet takes seconds, and the intake must go on meanwhile.
        rows, mistakes = await asyncio.to_thread(table.read, content, self._owner)
        changes = [] if mistakes else await self._differences(rows)
        unheard = [] if mistakes else await asyncio.to_thread(self._unheard, rows)
        hints = {} if mistakes else await asyncio.to_thread(self._model_hints, rows)
        dry = bool(request.get("dry"))
        if changes and not dry:
            name = fields.plain(_text(request, "name"), "name")
            reason = f"from {name}"
            cards = [(row.device, row.fields) for row in rows]
            await self._changes.set_cards(cards, now, now=now, who=who, reason=reason)
            await self._take_confirmations(rows, who, reason)
        return {
            "devices": len(rows),
            "dry": dry,
            "mistakes": mistakes,
            "changes": changes,
            "unheard": unheard,
            "hints": hints,
        }

    async def _differences(self, rows: list[Row]) -> list[dict[str, Any]]:
        """Return what the lines would change, of those that change anything."""
        found = []
        for number, row in enumerate(rows):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            change = self._difference(row)
            if change is not None:
                found.append(change)
        return found

    def _difference(self, row: Row) -> dict[str, Any] | None:
        """Return what a line would change, as texts; None where that is nothing."""
        card = self._registry.card(row.device)
        new = msgspec.structs.replace(card, **row.fields)
        texts = {
            field: (fields.text_of(card, field), fields.text_of(new, field)) for field in row.fields
        }
        confirmed = row.device in self._admission.confirmed
        if row.confirmed is not None and row.confirmed != confirmed:
            texts["confirmed"] = ("yes" if confirmed else "no", "yes" if row.confirmed else "no")
        texts = {field: (old, new) for field, (old, new) in texts.items() if old != new}
        if not texts:
            return None
        return {
            "line": row.line,
            "device": str(row.device),
            "before": {field: old for field, (old, _) in texts.items()},
            "after": {field: new for field, (_, new) in texts.items()},
        }

    async def _take_confirmations(self, rows: list[Row], who: Who, reason: str) -> None:
        confirmed = self._admission.confirmed
        yes = [one.device for one in rows if one.confirmed and one.device not in confirmed]
        if yes:
            await self._confirming.confirm(yes, who, reason)
        for row in rows:
            if row.confirmed is False and row.device in confirmed:
                await self._confirming.unconfirm(row.device, who, reason)

    def _unheard(self, rows: list[Row]) -> list[dict[str, Any]]:
        """Return the lines of devices that never came, with one of much the same name if any."""
        heard = set(self._journal.devices())
        missing = [
            row
            for row in rows
            if row.device not in heard
            and not ((met := self._admission.met(row.device)) and met.source)
        ]
        names = [str(one) for one in heard] if len(heard) <= LOOKED_THROUGH else []
        found = []
        for number, row in enumerate(missing):
            device = str(row.device)
            close = difflib.get_close_matches(device, names if number < HINTS else [], 1, 0.8)
            found.append({"line": row.line, "device": device, "close": close[0] if close else None})
        return found

    def _model_hints(self, rows: list[Row]) -> dict[str, str]:
        """Return what there is to say of models that the table names, by how it names them."""
        models = {str(row.fields.get("model") or "") for row in rows}
        hints = {one: model_hint(self._recognition, one) for one in sorted(models)}
        return {model: hint for model, hint in hints.items() if hint}


def _text(request: Mapping[str, Any], what: str) -> str:
    said = request.get(what) or ("a table" if what == "name" else None)
    if not isinstance(said, str):
        raise ControlError(f"{what} is missing, or no text", f"Send {what} as text")
    return said
