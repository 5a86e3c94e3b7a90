"""What is known of each device besides its readings: what people stated, and how it came to us.

What people state is looked up with every part that the gateway tells: they wait for it. What the
gateway notes by itself is looked up every few seconds, see noted.py.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import msgspec

from devices.model import plain_name
from devices.models import by_name
from devices.reading import DeviceKey
from gateway.registry.cards import Calibration, Card, Maintenance, Replaced
from gateway.registry.known import Known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.model import Model
    from gateway.registry.registry import Entered, Registry
    from gateway.settings import Settings
    from gateway.web.now.noted import Noted

Stand = Literal["unconfirmed", "confirmed", "replaced"]
NOTHING_COUNTED: Mapping[str, int] = {}


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One device as the registry has it. Times are ms since 1970, UTC; texts are plain."""

    device: DeviceKey
    card: Card
    """By the registry, else by the settings; its interval by its model too."""
    stand: Stand = "confirmed"
    recognised: str = ""
    why: str = ""
    since: int | None = None
    """When it came first; None: it never did, or nobody knows."""
    source: str = ""
    maintenance: Maintenance | None = None
    """The one that it is in."""
    replaced_by: DeviceKey | None = None
    replaced: int | None = None
    """Since when it is."""
    replaces: DeviceKey | None = None
    stands: int | None = None
    """Since when it stands in for that one."""
    calibrations: tuple[Calibration, ...] = ()
    """The newest of each channel, by channel."""
    quarantined: int = 0
    quality: Mapping[str, int] = NOTHING_COUNTED
    """How often what was remarked on its readings, by name: see rules/remark.py."""

    @property
    def key(self) -> str:
        """What stands in addresses."""
        return str(self.device)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.card.name or self.device.id

    @property
    def spot(self) -> str:
        """Where it is within its site, or which container it watches."""
        return " · ".join(filter(None, (self.card.zone, self.card.container)))

    @property
    def place(self) -> str:
        """Where it is."""
        return " · ".join(filter(None, (self.card.site, self.spot)))

    def expired(self, now: int) -> tuple[Calibration, ...]:
        """Return the calibrations that are good no longer."""
        return tuple(one for one in self.calibrations if is_over(one, now))


def is_over(calibration: Calibration, now: int) -> bool:
    """Whether a calibration is good no longer."""
    return calibration.expires is not None and calibration.expires <= now


@cache
def _models() -> dict[str, Model]:
    return by_name()


def model_of(*names: str) -> Model | None:
    """Return the first model of the catalogue that one of these names is of."""
    found = (_models().get(plain_name(one)) for one in names if one)
    return next((one for one in found if one is not None), None)


class Register:
    """Every device that was heard or named. Kept by `Standing`."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.registry = registry
        self.known = Known(registry, settings, self.model)
        self._entered: Mapping[DeviceKey, Entered] = {}
        self._quarantined: Mapping[str, int] = {}
        self._quality: Mapping[DeviceKey, Mapping[str, int]] = {}
        self._waiting: dict[DeviceKey, bool] = {}
        """Whether it waits for somebody to confirm it, of each device that the gateway told of."""
        self._registered: dict[DeviceKey, Registered] = {}
        self._until: dict[DeviceKey, int] = {}
        self._replaced: dict[DeviceKey, tuple[DeviceKey, int] | None] = {}
        self._stated(registry.devices(), 0)

    def of(self, device: DeviceKey) -> Registered:
        """Return what is known of a device, heard or not."""
        found = self._registered.get(device)
        if found is None:
            found = self._registered[device] = self._make(device)
        return found

    def is_known(self, device: DeviceKey) -> bool:
        """Whether a device was entered, or anything is stated of it."""
        return device in self._entered or device in self.registry.devices()

    def named(self) -> set[DeviceKey]:
        """Return every device that was entered, or of which anything is stated."""
        return {*self._entered, *self.registry.devices()}

    def model(self, device: DeviceKey) -> Model | None:
        """Return what a device is, as far as anybody knows."""
        entered = self._entered.get(device)
        return model_of(self.known.assigned(device), entered.recognised if entered else "")

    # -- what is taken up ----------------------------------------------------------------------

    def look(self, now: int) -> tuple[set[DeviceKey], set[DeviceKey]]:
        """Take up what was stated since the last look, and which maintenance is over at `now` (ms).

        Return whom anything is otherwise of, and of these whose readings may count otherwise.
        """
        over = {device for device, until in self._until.items() if until <= now}
        stated = self.registry.look()
        changed = over | self._stated(stated, now) if stated else over
        for device in over:
            del self._until[device]
        self._forget(changed)
        return changed, stated

    def waits(self, device: DeviceKey, *, waiting: bool) -> None:
        """Take note whether a device waits for somebody to confirm it."""
        if waiting != self._waiting.get(device):
            self._waiting[device] = waiting
            self._forget({device})

    def take(self, noted: Noted) -> set[DeviceKey]:
        """Take up what the gateway has noted; return whom anything is otherwise of."""
        changed = {
            device for device, one in noted.entered.items() if self._entered.get(device) != one
        }
        changed |= self._entered.keys() - noted.entered.keys()
        if noted.quality is not None:
            changed |= {
                device for device, one in noted.quality.items() if self._quality.get(device) != one
            }
            self._quality = noted.quality
        before, after = self._quarantined, noted.quarantined
        moved = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        changed |= {
            device for device in (*self._registered, *noted.entered) if str(device) in moved
        }
        self._entered, self._quarantined = noted.entered, after
        self._forget(changed)
        return changed

    def _stated(self, devices: set[DeviceKey] | list[DeviceKey], now: int) -> set[DeviceKey]:
        """Work out anew who is in maintenance and who is replaced; return who is concerned."""
        for device in devices:
            self._until.pop(device, None)
            coming = [one.until for one in self.registry.maintenances(device) if one.until > now]
            if coming:
                self._until[device] = min(coming)
        replaced = {
            one.fact.old: self.registry.replaced_by(one.fact.old)
            for device in self.registry.devices()
            for one in self.registry.stated(device, Replaced)
        }
        before, self._replaced = self._replaced, replaced
        moved = {old for old in {*before, *replaced} if before.get(old) != replaced.get(old)}
        return {*devices, *moved}

    def _forget(self, devices: set[DeviceKey]) -> None:
        for device in devices:
            self._registered.pop(device, None)

    def _make(self, device: DeviceKey) -> Registered:
        registry, entered = self.registry, self._entered.get(device)
        by = registry.replaced_by(device)
        until = self._until.get(device)
        line = registry.line(device)
        in_force = {one.channel: one for one in registry.calibrations(device)}
        met = entered is not None and bool(entered.source)
        # The gateway tells of those that it understood; one that came alone waits as well.
        waiting = self._waiting.get(device, met) and not (entered is not None and entered.confirmed)
        return Registered(
            device=device,
            card=self.known.card(device),
            stand="replaced" if by else "unconfirmed" if waiting else "confirmed",
            recognised=entered.recognised if entered else "",
            why=entered.why if entered else "",
            since=entered.since if entered and met else None,
            source=entered.source if entered else "",
            maintenance=next(
                (one for one in registry.maintenances(device) if one.until == until), None
            ),
            replaced_by=by[0] if by else None,
            replaced=by[1] if by else None,
            replaces=line[1].device if len(line) > 1 else None,
            stands=line[0].since if len(line) > 1 else None,
            calibrations=tuple(in_force[channel] for channel in sorted(in_force)),
            quarantined=self._quarantined.get(str(device), 0),
            quality=self._quality.get(device, NOTHING_COUNTED),
        )
