"""Where a rule that people rely on judges nothing: a typing mistake, most often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rules.duration import SECOND
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from rules.engine import Engine
    from rules.rule import Rule

LOOKED_AT = 2_000
"""With more devices nobody reads such a list."""
SLICE = 20
"""Devices that are looked at before others have their turn: the intake must not wait."""
GOOD_FOR = 10 * SECOND


class Unwatched:
    """Finds it, and remembers it for a while."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        rules: Sequence[Rule],
        engine: Engine,
        devices: Callable[[], Sequence[DeviceKey]],
        clock: Clock,
        *,
        replaced: Callable[[DeviceKey], bool] = lambda _device: False,
        stands_for: Callable[[DeviceKey], Sequence[DeviceKey]] = lambda device: (device,),
        sent: Callable[[DeviceKey], Sequence[str]] = lambda _device: (),
    ) -> None:
        """`devices` returns those that were ever heard.

        `replaced`: whether another stands in for one, so that it is missed by no rule.
        `stands_for`: a device and those that it stands in for, whose rules are its own.
        `sent`: the channels of what a device sent last, which a new rule has yet to judge.
        """
        self._rules = rules
        self._engine = engine
        self._devices = devices
        self._clock = clock
        self._replaced = replaced
        self._stands_for = stands_for
        self._sent = sent
        self._found: list[str] = []
        self._looked: int | None = None

    def use(self, rules: Sequence[Rule]) -> None:
        """Look at other rules from now on."""
        self._rules = rules
        self._looked = None

    async def lately(self) -> list[str]:
        """Return what was found at most 10 s ago."""
        now = self._clock.monotonic()
        if self._looked is None or now - self._looked >= GOOD_FOR:
            self._looked = now
            self._found = await self.find()
        return self._found

    async def find(self) -> list[str]:
        """Return sentences: rules that watch no device, channels never sent, devices without."""
        heard = self._devices()
        if not 0 < len(heard) <= LOOKED_AT:
            return []
        missed: dict[str, list[DeviceKey]] = {}
        unlimited = []
        for number, device in enumerate(sorted(heard), 1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if not self._replaced(device) and not self._is_limited(device, missed):
                unlimited.append(device)
        found = []
        for rule in self._rules:
            if rule.name not in missed:
                found.append(f"rule {rule.name} watches no device that was heard")
            elif isinstance(rule, SampleRule):
                never = f"never sent {rule.channel}"
                found += [f"rule {rule.name}: {one} {never}" for one in missed[rule.name]]
        if self._rules:
            found += [f"no limit watches {one}" for one in unlimited]
        return found

    def _is_limited(self, device: DeviceKey, missed: dict[str, list[DeviceKey]]) -> bool:
        """Whether some rule judges values of a device.

        `missed` has, by the rules that watch any device, those that never sent what it judges.
        """
        judged = {one.rule for one in self._engine.state(device)}
        sent = self._sent(device)
        limited = False
        for rule in self._rules:
            if not any(rule.matches(one) for one in self._stands_for(device)):
                continue
            of_rule = missed.setdefault(rule.name, [])
            if isinstance(rule, SampleRule):
                finds = rule.name in judged or rule.channel in sent
                limited = limited or finds
                # A rule for all devices is not meant to find its channel in each.
                if not finds and "*" not in rule.devices:
                    of_rule.append(device)
        return limited
