"""What stands now, device by device, for the page: told when it changes, never asked for whole.

A watcher costs the intake a set of names: what is told of a device is made when the watcher
takes it, so that a slow one gets the newest and nobody waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from rules.status import Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable

    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.monitor import Monitor

LOOK = 0.25
"""Seconds between two parts, while there is little to tell."""
SLICE = 200
"""Devices in a part: what is told before the loop is given back."""


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """One device as it stands.

    `when` and `received` are of its newest reading since the gateway's start (ms), None if there
    was none. A value is None where it is missing or cannot be true. `rules` is None while all is
    well: every rule that judges it is content.
    """

    owner: str
    id: str
    when: int | None
    received: int | None
    flags: int
    channels: tuple[str, ...]
    values: tuple[float | None, ...]
    rules: tuple[Status, ...] | None
    unconfirmed: bool


class Part(msgspec.Struct, array_like=True, frozen=True):
    """What has changed until `now` (ms). `more` follows at once."""

    now: int
    devices: tuple[Seen, ...]
    more: bool


class Said(msgspec.Struct, frozen=True):
    """A line of the local socket that holds a part."""

    part: Part


class Live:
    """Tells watchers what has changed."""

    def __init__(
        self, monitor: Monitor, waiting: Callable[[], Collection[DeviceKey]], clock: Clock
    ) -> None:
        """Be told by the monitor; `waiting` returns the devices that nobody has confirmed."""
        self._monitor = monitor
        self._waiting = waiting
        self._clock = clock
        self._watchers: dict[int, dict[DeviceKey, None]] = {}
        monitor.on_change = self.changed

    def changed(self, devices: Iterable[DeviceKey]) -> None:
        """Take note of devices that a watcher has to hear about."""
        if not self._watchers:
            return
        # Keys of dicts, since they keep their order: nobody is put off again and again.
        found = dict.fromkeys(devices)
        for one in self._watchers.values():
            one.update(found)

    async def watch(self, known: Iterable[DeviceKey]) -> AsyncGenerator[Part, None]:
        """Yield how every known device stands, and then what changes, for ever."""
        changed = dict.fromkeys(known)
        # By who it is: two who have nothing to hear are equal, and not the same.
        self._watchers[id(changed)] = changed
        try:
            while True:
                part = [one for one, _ in zip(changed, range(SLICE), strict=False)]
                for one in part:
                    del changed[one]
                waiting = self._waiting() if part else ()
                seen = tuple(self._seen(one, waiting) for one in part)
                yield Part(self._clock.now(), seen, bool(changed))
                await asyncio.sleep(0 if changed else LOOK)
        finally:
            del self._watchers[id(changed)]

    def _seen(self, device: DeviceKey, waiting: Collection[DeviceKey]) -> Seen:
        engine = self._monitor.engine
        latest = self._monitor.seen_last(device)
        if latest is not None:
            latest = self._monitor.parts.whole(latest)
        channels = latest.layout.channels if latest else ()
        return Seen(
            device.owner,
            device.id,
            latest.when if latest else None,
            latest.received if latest else None,
            latest.flags if latest else 0,
            channels,
            tuple(map(latest.value, channels)) if latest else (),
            None if engine.calm(device) else tuple(engine.state(device)),
            device in waiting,
        )
