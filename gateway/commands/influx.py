"""What may be asked about copies to InfluxDB: how they stand, the past again, what was refused.

A part of Commands.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from gateway.follow import RetryLater
from gateway.influxdb.names import server_of
from gateway.influxdb.refused import by_reason, followers, refused
from gateway.people import audit
from gateway.people.audit import Entry, Who, who_of
from gateway.refusal import ControlError
from gateway.report_range import asked_days, find_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from gateway.app import Gateway
    from gateway.influxdb.copies import Copies
    from gateway.influxdb.refused import Refused

REASONS = 20
"""Reasons that are told, unless somebody asks for more."""
NAMED = 100
"""Refused points that an entry of the audit trail names one by one."""
CATCH_UP = 100
"""Tenths of a second in which a sink may catch up; one that is far behind goes on by itself."""
DAYS = 10
"""Missed days that are named."""


class InfluxCommands:
    """The commands about copies to InfluxDB, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._filling: set[str] = set()
        """The servers that are just being sent a range again."""
        self.by_name = {
            "influx-status": self.status,
            "influx-backfill": self.backfill,
            "influx-rejected": self.rejected,
            "influx-retry": self.retry,
            "influx-drop": self.drop,
        }

    async def status(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """How every server stands, or one, at more length than the status of the gateway."""
        servers = reports(self._gateway, self._gateway.state.dead_letters())
        for copies in self._gateway.copies:
            missed = copies.refill.missed
            servers[copies.name] |= {
                "database": copies.section.database,
                "missed": [_date(day) for day in missed[-DAYS:]],
            }
        if request.get("name") is not None:
            name = chosen(request["name"], servers)
            servers = {name: servers[name]}
        return {"servers": servers}

    async def backfill(
        self, request: Mapping[str, Any], progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Send some days again from the history: readings from `since` to `until`.

        One range at a time goes to a server: two would hinder each other, and the intake.
        """
        copies = self._copies(request)
        if copies.name in self._filling:
            raise ControlError(
                f"a backfill of {copies.name} is under way",
                "Let it come to its end, or end it with Ctrl-C where it was begun",
            )
        self._filling.add(copies.name)
        try:
            return await self._backfill(copies, request, progress)
        finally:
            self._filling.discard(copies.name)

    async def _backfill(
        self,
        copies: Copies,
        request: Mapping[str, Any],
        progress: Callable[[int, int], None],
    ) -> dict[str, Any]:
        gateway = self._gateway
        zone = find_zone(request.get("zone") or gateway.settings.gateway.timezone)
        since, until = request["since"], request.get("until")
        start, end = asked_days(since, until, zone)
        now = gateway.clock.now()
        if start is None or start > now:
            raise ControlError(f"{since} is still to come", "Give --from today or an earlier day")
        asked = {"from": since, "to": until}
        await self._note(who_of(request), "influx-backfill", copies.name, after=asked)
        await self._catch_up(copies)
        try:
            sent = await copies.refill.send(start, now + 1 if end is None else end, progress)
            if not sent and not copies.delivery.well:
                # All there is waits in the journal, which is tried again anyway.
                raise RetryLater(f"{copies.name}: {copies.delivery.reason}")  # noqa: TRY301 - told as below
        except RetryLater as error:
            raise ControlError(
                f"not all was sent: {_reason(error)}",
                "Once that is mended, run this again. What the server has already stays as it is",
            ) from error
        return {
            "name": copies.name,
            "sent": sent,
            "waiting": copies.sink.waiting,
            "rejected": _count(gateway, copies.name),
            "damaged": copies.refill.damaged,
        }

    async def _catch_up(self, copies: Copies) -> None:
        """Let what has just come be sent first: a range is sent as far as the sink has come."""
        head = self._gateway.journal.head
        for _ in range(CATCH_UP):
            if copies.sink.sent >= head or not copies.delivery.well:
                return
            await asyncio.sleep(0.1)

    # -- what was refused --------------------------------------------------------------------

    async def rejected(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Points that a server refused, by reason: the most common one first."""
        name = self._name(request)
        points = await self._points(name)
        reasons = by_reason(points)
        limit = int(request.get("limit") or REASONS)
        return {
            "name": name,
            "total": len(points),
            "newest": max((one.number for one in points), default=0),
            "reasons": reasons[:limit],
            "more": max(0, len(reasons) - limit),
        }

    async def retry(
        self, request: Mapping[str, Any], progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        """Send them again, and forget those that are taken."""
        gateway, copies = self._gateway, self._copies(request)
        count = _count(gateway, copies.name)
        if count:
            before = {"rejected": count}
            await self._note(who_of(request), "influx-retry", copies.name, before=before)
        done = taken = 0
        async for page in refused(gateway.state, copies.name):
            try:
                again = await copies.delivery.deliver(page.lines(copies.lines))
            except RetryLater as error:
                raise ControlError(
                    f"{taken:,} were taken, and then: {_reason(error)}",
                    "The others lie aside still. Once that is mended, run this again",
                ) from error
            left = {one.place for one in again}
            gone = [one.number for place, one in enumerate(page.letters) if place not in left]
            async with gateway.state.writing():
                gateway.state.drop_letters(gone)
            copies.recount_rejected()
            done, taken = done + len(page.letters), taken + len(gone)
            progress(done, max(done, count))
        return {"name": copies.name, "taken": taken, "left": _count(gateway, copies.name)}

    async def drop(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Give them up, up to the number `newest`: what was refused after that stays."""
        gateway, name = self._gateway, self._name(request)
        newest = request.get("newest")
        points = await self._points(name)
        gone = [one for one in points if newest is None or one.number <= newest]
        before = {
            "rejected": len(gone),
            "points": [{"device": one.device, "at": one.at} for one in gone[:NAMED]],
        }
        if gone:
            async with gateway.state.writing():
                gateway.state.drop_letters([one.number for one in gone])
                self._stage(who_of(request), "influx-drop", name, before=before)
        for copies in gateway.copies:
            copies.recount_rejected()
        return {"name": name, "dropped": len(gone), "left": _count(gateway, name)}

    async def _points(self, name: str) -> list[Refused]:
        return [one async for page in refused(self._gateway.state, name) for one in page.read()]

    # -- whose -------------------------------------------------------------------------------

    def _copies(self, request: Mapping[str, Any]) -> Copies:
        known = {one.name: one for one in self._gateway.copies}
        return known[chosen(request.get("name"), known)]

    def _name(self, request: Mapping[str, Any]) -> str:
        """Return whose refused points are meant: also those of a server that was taken out."""
        known = {one.name for one in self._gateway.copies}
        return chosen(request.get("name"), known, _forgotten(self._gateway))

    async def _note(
        self, who: Who, what: str, object_: str, *, before: object = None, after: object = None
    ) -> None:
        async with self._gateway.state.writing():
            self._stage(who, what, object_, before=before, after=after)

    def _stage(
        self, who: Who, what: str, object_: str, *, before: object = None, after: object = None
    ) -> None:
        gateway = self._gateway
        now = gateway.clock.now()
        entry = Entry(at=now, who=who, what=what, object=object_, before=before, after=after)
        audit.stage(gateway.state, entry)


def reports(gateway: Gateway, letters: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return how each server stands, by name; `rejected` counts readings and alerts.

    `letters`: how many dead letters there are, by follower.
    """
    return {
        one.name: {**one.report(), "rejected": _rejected(letters, one.name)}
        for one in gateway.copies
    }


def chosen(name: str | None, known: Collection[str], more: Collection[str] = ()) -> str:
    """Return which server is meant: the one that is named, or else the only one.

    Those in `more` can be named too. Raises ControlError.
    """
    if name is not None and (name in known or name in more):
        return name
    if name is None and len(known or more) == 1:
        return next(iter(known or more))
    if not known and not more:
        raise ControlError(
            "there is no [[influxdb]] in the settings",
            "Add one, as docs/influxdb.md says; a gateway reads its settings when it starts",
        )
    names = ", ".join(sorted({*known, *more}))
    if name is None:
        raise ControlError("there are several [[influxdb]]", f"Say which one: {names}")
    raise ControlError(
        f"there is no [[influxdb]] called {name}",
        f"Use one of {names}; a gateway reads its settings when it starts",
    )


def _rejected(letters: Mapping[str, int], name: str) -> int:
    return sum(letters.get(one, 0) for one in followers(name))


def _count(gateway: Gateway, name: str) -> int:
    return _rejected(gateway.state.dead_letters(), name)


def _forgotten(gateway: Gateway) -> set[str]:
    """Return the servers that have refused something, whether the settings name them or not."""
    return {server_of(one) for one in gateway.state.dead_letters()} - {""}


def _reason(error: RetryLater) -> str:
    """Return why, without the end of the sentence: there is more to say."""
    return str(error).rstrip(".?!")


def _date(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
