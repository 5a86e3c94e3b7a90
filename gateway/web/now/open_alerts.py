"""The alerts that are open now, and what people did about them, kept up to date from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.own_alerts import KIND as OWN
from gateway.people.acts import Act, Facts, acts_after, acts_of_many, facts

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.state import State
    from rules.alert import Alert

PAGE = 500
"""Events or acts that are read at a time."""


class Open(NamedTuple):
    """An open alert, and what counts of what was done about it."""

    alert: Alert
    facts: Facts

    @property
    def own(self) -> bool:
        """Whether it is about the gateway itself."""
        return self.alert.kind == OWN

    @property
    def unacknowledged(self) -> bool:
        """Whether nobody has said yet that they have it."""
        return self.facts.acknowledged is None

    @property
    def sounds(self) -> bool:
        """Whether a wall screen calls for somebody."""
        alert = self.alert
        calls = alert.severity == "critical" and not alert.retrospective
        return calls and self.unacknowledged and self.facts.muted is None


class Counts(msgspec.Struct, frozen=True):
    """How many alerts there are."""

    open: int = 0
    critical: int = 0
    unacknowledged: int = 0
    sounding: int = 0
    """Critical, and nobody has acknowledged or muted them."""


class OpenAlerts:
    """Follows events and acts in state.db."""

    def __init__(self, state: State, now: int) -> None:
        """Read what is open."""
        self._state = state
        # Asked first: what is told meanwhile is then told again.
        self._event = _newest(state, "event")
        self._act = _newest(state, "act")
        alerts = state.open_alerts()
        self._acts: dict[str, list[Act]] = acts_of_many(state, [one.id for one in alerts])
        self._open = {one.id: Open(one, facts(self._acts[one.id], now)) for one in alerts}
        self._of: dict[DeviceKey, dict[str, Open]] = {}
        for one in self._open.values():
            self._of.setdefault(one.alert.device, {})[one.alert.id] = one
        self.version = 0
        """Counts events and acts that were taken in."""

    def look(self, now: int) -> set[DeviceKey]:
        """Take in what has happened; return the devices whose alerts stand otherwise than before.

        `now` (ms) says which mutes are over.
        """
        changed = self._events(now) | self._new_acts(now)
        for one in list(self._open.values()):
            muted = one.facts.muted
            if muted is not None and (muted.until or 0) <= now:
                self._keep(one.alert, now)
                changed.add(one.alert.device)
        if changed:
            self.version += 1
        return changed

    def _events(self, now: int) -> set[DeviceKey]:
        changed: set[DeviceKey] = set()
        while self._event < (newest := _newest(self._state, "event")):
            self._state.head = newest
            page, self._event = self._state.read(self._event, PAGE)
            latest = {one.event.alert.id: one.event.alert for one in page}
            fresh = [one for one in latest if one not in self._acts]
            self._acts.update(acts_of_many(self._state, fresh))
            for alert in latest.values():
                changed.add(alert.device)
                if alert.ended is None:
                    self._keep(alert, now)
                else:
                    self._drop(alert)
        return changed

    def _new_acts(self, now: int) -> set[DeviceKey]:
        changed: set[DeviceKey] = set()
        while page := acts_after(self._state, self._act, PAGE):
            self._act = page[-1].number
            for act in page:
                one = self._open.get(act.alert)
                if one is None or act in self._acts[act.alert]:
                    continue
                self._acts[act.alert].append(act)
                self._keep(one.alert, now)
                changed.add(one.alert.device)
        return changed

    def _keep(self, alert: Alert, now: int) -> None:
        one = Open(alert, facts(self._acts[alert.id], now))
        self._open[alert.id] = one
        self._of.setdefault(alert.device, {})[alert.id] = one

    def _drop(self, alert: Alert) -> None:
        self._acts.pop(alert.id, None)
        if self._open.pop(alert.id, None) is not None:
            of = self._of[alert.device]
            del of[alert.id]
            if not of:
                del self._of[alert.device]

    def of(self, device: DeviceKey) -> list[Open]:
        """Return what is open about a device; of the gateway's own name, its own alerts too."""
        return list(self._of.get(device, {}).values())

    def all(self) -> list[Open]:
        """Return all that is open."""
        return list(self._open.values())

    def devices(self) -> list[DeviceKey]:
        """Return the devices with an open alert."""
        return list(self._of)

    def counts(self) -> Counts:
        """Return how many there are."""
        found = list(self._open.values())
        return Counts(
            open=len(found),
            critical=sum(one.alert.severity == "critical" for one in found),
            unacknowledged=sum(one.unacknowledged for one in found),
            sounding=sum(one.sounds for one in found),
        )


def _newest(state: State, table: str) -> int:
    return int(state.rows(f"SELECT ifnull(max(number), 0) FROM {table}")[0][0])  # noqa: S608 - constant
