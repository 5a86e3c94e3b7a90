"""What may be asked about rules on the past: a part of Commands. Nothing is stored by it."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from devices.loggers import read
from gateway.backtest import Backtests, NoReadingsError, Span, judge
from gateway.control import ControlError
from gateway.device_commands import device_key
from gateway.report_range import asked_days, find_zone
from rules import AnyRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from devices.reading import DeviceKey, Reading
    from gateway.app import Gateway
    from gateway.backtest import Plan, Trial
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
            gateway.settings.rules,
        )
        self.by_name = {"rules-backtest": self.backtest}

    async def backtest(self, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        """Try `rules` on `devices`, or on a logger's `file`, which is not stored.

        With `matching`, on each device those alone that name it.
        """
        zone = find_zone(request.get("zone") or self._gateway.settings.gateway.timezone)
        asked = Span(*asked_days(request.get("since"), request.get("until"), zone))
        rules = _RULES.validate_python(request["rules"])
        try:
            if request.get("file"):
                trials = [await self._of_file(request["file"], rules, asked, zone, progress)]
            else:
                trials = await self._of_devices(request, rules, asked, progress)
        except NoReadingsError as error:
            raise _nothing(error, zone) from error
        return {"tried": request.get("tried", ""), "zone": zone.key, "trials": trials}

    async def _of_devices(
        self, request: Mapping[str, Any], rules: Sequence[Rule], asked: Span, progress: Progress
    ) -> list[Trial]:
        devices = self._devices(request.get("devices") or ())
        now = self._gateway.clock.now()
        plans = []
        for device in devices:
            tried = [one for one in rules if one.matches(device)]
            try:
                plans.append(
                    self._backtests.of_device(
                        device, tried if request.get("matching") else rules, asked, now
                    )
                )
            except NoReadingsError:
                # Of several, those that were heard then are what was asked for.
                if len(devices) == 1:
                    raise
        if not plans:
            raise ControlError(
                "none of these devices was heard in that time",
                "See `holdwatch device list` for when each was last heard",
            )
        return await self._judged(plans, progress)

    async def _judged(self, plans: Sequence[Plan], progress: Progress) -> list[Trial]:
        """Read and judge, with turns in between for what else the gateway does."""
        done, all_ = 0, sum(sum(1 for _ in plan.parts()) + 1 for plan in plans)
        trials = []
        for plan in plans:
            readings: list[Reading] = []
            for part in plan.parts():
                readings += self._backtests.read(*part)
                done += 1
                progress(done, all_)
                await asyncio.sleep(0)
            # Aside: a year of readings takes a while, and the intake must go on meanwhile.
            trials.append(await asyncio.to_thread(judge, plan, readings, drawn=len(plans) <= DRAWN))
            done += 1
            progress(done, all_)
        return trials

    async def _of_file(
        self,
        file: Mapping[str, Any],
        rules: Sequence[Rule],
        asked: Span,
        zone: ZoneInfo,
        progress: Progress,
    ) -> Trial:
        """Try rules on a logger's file. Its times are local where the request says a zone."""
        settings = self._gateway.settings
        content = await asyncio.to_thread(
            read,
            file["name"],
            base64.b64decode(file["content"]),
            received=self._gateway.clock.now(),
            owner=settings.gateway.owner,
            zone=zone if file.get("zoned") else None,
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
    first, last = (
        datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()
        for moment in (error.first, error.last)
    )
    return ControlError(
        str(error), f"It has some from {first} to {last}: --from {first} --to {last}"
    )
