"""What may be asked about rules on the past: a part of Commands. Nothing is stored by it."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from devices.loggers import read
from gateway.backtest.backtest import Backtests, NoReadingsError, Span, changes, judge
from gateway.commands.consignment_views import find
from gateway.commands.device import device_key
from gateway.refusal import ControlError
from gateway.report_range import asked_days, find_zone
from rules import AnyRule
from rules.duration import DAY
from rules.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from devices.reading import DeviceKey, Reading
    from gateway.app import Gateway
    from gateway.backtest.backtest import Plan, Trial
    from rules.rule import Rule

    Progress = Callable[[int, int], None]

_RULES: TypeAdapter[list[AnyRule]] = TypeAdapter(list[AnyRule])
DRAWN = 20
"""Subjects that charts are made of: who looks at more looks at the table."""


class BacktestCommands:
    """The commands about rules on the past, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        monitor = gateway.monitor
        self._backtests = Backtests(
            monitor.past,
            lambda: monitor.cursor,
            gateway.registry,
            gateway.known,
            lambda: gateway.settings.rules,
            book=gateway.book,
            goods=gateway.goods,
        )
        self.by_name = {"rules-backtest": self.backtest, "rules-diff": self.diff}

    async def backtest(self, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """Try `rules` on `devices`, a `consignment`, or a logger's `file`, which is not stored.

        With `matching`, on each device those alone that name it.
        """
        zone = self._zone(request)
        asked = Span(*asked_days(request.get("since"), request.get("until"), zone))
        rules = _RULES.validate_python(request["rules"])
        try:
            if request.get("file"):
                local = zone if request.get("zone") else None
                trials = [await self._of_file(request["file"], rules, asked, local, progress)]
            elif request.get("consignment"):
                now, identity = self._gateway.clock.now(), request["consignment"]
                one = find(self._gateway.book.consignment(identity), identity)
                plan = self._backtests.of_consignment(one, rules, asked, now)
                trials = await self._judged([plan], progress)
            else:
                plans = self._devices_planned(request, rules, asked)
                trials = await self._judged(plans, progress)
        except NoReadingsError as error:
            raise _nothing(error, zone) from error
        return {"tried": request.get("tried", ""), "zone": zone.key, "trials": trials}

    async def diff(self, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """Hold a changed `profile` against the version in force, over the last so many `days`.

        On all consignments of its goods, or on `devices`.
        """
        zone, now = self._zone(request), self._gateway.clock.now()
        profile = Profile.model_validate(request["profile"])
        before = self._backtests.before(profile, request.get("extends") or "")
        since = now - int(request.get("days") or 30) * DAY
        if request.get("devices"):
            plans = self._devices_planned(request, profile.rules, Span(since), before)
        else:
            plans = self._backtests.of_goods(profile, before, since, now)
        try:
            trials = await self._judged(plans, progress) if plans else []
        except NoReadingsError as error:
            raise _nothing(error, zone) from error
        return {
            "tried": profile.version(),
            "against": before.version(),
            "changes": changes(profile, before),
            "zone": zone.key,
            "since": since,
            "until": now,
            "trials": trials,
        }

    def _zone(self, request: Mapping[str, Any]) -> ZoneInfo:
        return find_zone(request.get("zone") or self._gateway.settings.gateway.timezone)

    def _devices_planned(
        self,
        request: Mapping[str, Any],
        rules: Sequence[Rule],
        asked: Span,
        before: Profile | None = None,
    ) -> list[Plan]:
        """Return what is to be done to try rules on devices."""
        devices = self._devices(request.get("devices") or ())
        now = self._gateway.clock.now()
        plans, nothing = [], None
        for device in devices:
            tried = [one for one in rules if one.matches(device)]
            try:
                plan = self._backtests.of_device(
                    device,
                    tried if request.get("matching") else rules,
                    asked,
                    now,
                    against=before,
                )
                plans.append(plan)
            except NoReadingsError as error:
                # Of several, those that were heard then are what was asked for.
                nothing = error
        if not plans and nothing is not None:
            raise nothing
        return plans

    async def _judged(self, plans: Sequence[Plan], progress: Progress) -> list[Trial]:
        """Read and judge, with turns in between for what else the gateway does."""
        done, all_ = 0, sum(sum(1 for _ in plan.parts()) + 1 for plan in plans)
        trials, nothing = [], None
        for plan in plans:
            readings: list[Reading] = []
            for part in plan.parts():
                readings += self._backtests.read(*part)
                done += 1
                progress(done, all_)
                await asyncio.sleep(0)
            # Aside: a year of readings takes a while, and the intake must go on meanwhile.
            drawn = len(plans) <= DRAWN
            try:
                trials.append(await asyncio.to_thread(judge, plan, readings, drawn=drawn))
            except NoReadingsError as error:
                nothing = error
            done += 1
            progress(done, all_)
        if not trials and nothing is not None:
            raise nothing
        return trials

    async def _of_file(
        self,
        file: Mapping[str, Any],
        rules: Sequence[Rule],
        asked: Span,
        zone: ZoneInfo | None,
        progress: Progress,
    ) -> Trial:
        """Try rules on a logger's file, of whose local times `zone` is."""
        settings = self._gateway.settings
        content = await asyncio.to_thread(
            read,
            file["name"],
            base64.b64decode(file["content"]),
            received=self._gateway.clock.now(),
            owner=settings.gateway.owner,
            zone=zone,
            device=file.get("device"),
            columns=file.get("columns"),
        )
        progress(1, 2)
        plan, readings = self._backtests.of_file(content, rules, asked)
        trial = await asyncio.to_thread(judge, plan, readings)
        progress(2, 2)
        return trial

    def _devices(self, names: Sequence[str]) -> list[DeviceKey]:
        """Return the devices that are named, or match a pattern, each once. Raises ControlError."""
        owner = self._gateway.settings.gateway.owner
        known = sorted(self._gateway.journal.devices())
        found: dict[DeviceKey, None] = {}
        for name in names:
            if not set(name) & set("*?["):
                found[device_key(name, owner)] = None
                continue
            like = [
                one for one in known if fnmatchcase(one.id, name) or fnmatchcase(str(one), name)
            ]
            if not like:
                raise ControlError(
                    f"no device is called like {name}",
                    "See `holdwatch device list` for the devices that were heard",
                )
            found.update(dict.fromkeys(like))
        if not found:
            raise ControlError(
                "say on what to try them", "Use --device, or --file for a logger's file"
            )
        return list(found)


def _nothing(error: NoReadingsError, zone: ZoneInfo) -> ControlError:
    """Say what there is where nothing is in the time that was asked for."""
    if error.first is None or error.last is None:
        return ControlError(
            f"no sensor of {error.name} was heard in that time",
            "See `holdwatch device list` for when each was last heard",
        )
    first, last = (
        datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()
        for moment in (error.first, error.last)
    )
    return ControlError(str(error), f"There is something from {first} to {last}: name such days")
