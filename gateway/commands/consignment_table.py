"""What may be asked with a table of consignments: to take it in, or what that would do.

A part of Commands.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from devices.device import DecodeError
from gateway.consignments import fields, table
from gateway.consignments.changes import Act, Changes
from gateway.consignments.entering import Entering
from gateway.consignments.facts import Planned
from gateway.people.audit import who_of
from gateway.refusal import ControlError
from gateway.registry.fields import plain
from gateway.registry.times import Times
from gateway.report_range import find_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway
    from gateway.consignments.facts import Fact
    from gateway.consignments.table import Entry, Mistake
    from gateway.people.audit import Who


class ConsignmentTable:
    """The command about a table of consignments, by name."""

    def __init__(self, gateway: Gateway) -> None:
        settings = gateway.settings
        self._book = gateway.book
        self._times = Times(gateway.clock, find_zone(settings.gateway.timezone))
        self._changes = Changes(gateway.book, self._times.said)
        self._entering = Entering(gateway.goods, settings.gateway.owner, self._times)
        self.by_name = {"consignment-import": self.take_in}

    async def take_in(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take in a table (`content`, CSV); with `check` only say what would come of it.

        What is there already is left as it is. One of which a line is wrong is left out.
        """
        now, who = self._times.now(), who_of(request)
        name = plain(str(request.get("name") or "a table"), "name")
        content = request.get("content")
        if not isinstance(content, str):
            raise ControlError("content is missing, or no text", "Send the table as text")
        # Aside: a large table takes a while, and the intake must go on meanwhile.
        entries, mistakes = await asyncio.to_thread(table.read, content)
        dry = bool(request.get("check"))
        known, new = [], []
        for entry in entries:
            if self._book.consignment(entry.id) is not None:
                known.append(entry.id)
                continue
            wrong = await self._enter(entry, now, who, f"from {name}", dry=dry)
            if wrong is None:
                new.append(entry.id)
            else:
                mistakes.append(wrong)
        mistakes.sort(key=lambda one: one.line)
        return {"new": new, "known": known, "dry": dry, "mistakes": mistakes}

    async def _enter(
        self, entry: Entry, now: int, who: Who, reason: str, *, dry: bool
    ) -> Mistake | None:
        """Enter a consignment; return what is wrong with it, of which nothing is kept then."""
        lines = iter((entry.line, *entry.leg_lines, *entry.sensor_lines))
        line = next(lines)
        try:
            created = entry.said.get("created")
            at = now if created is None else self._times.moment(created)
            facts = self._entering.consignment(entry.said)
            legs = []
            for number, said in enumerate(entry.legs, 1):
                line = next(lines)
                legs.append(fields.leg(said, number, self._times))
            facts += self._way(tuple(legs))
            dated = []
            for said in entry.sensors:
                line = next(lines)
                since = self._times.moment(said["since"]) if "since" in said else at
                dated.append((since, self._entering.sensor(said)))
            line = entry.line
            act = Act(at, now, who, reason)
            await self._changes.take_in(entry.id, facts, dated, act, dry=dry)
        except (ControlError, DecodeError) as error:
            problem = error.problem if isinstance(error, ControlError) else error.detail
            return table.Mistake(line, entry.id, problem, error.cure)
        return None

    def _way(self, legs: tuple[Any, ...]) -> list[Fact]:
        if not legs:
            return []
        fields.check_way(legs)
        return [Planned(legs=legs)]
