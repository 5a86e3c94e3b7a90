"""One device as the board shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from devices.reading import QUANTITIES, WRONG_CLOCK, DeviceKey

if TYPE_CHECKING:
    from gateway.live import Seen
    from gateway.settings import Settings

State = Literal["critical", "warning", "info", "pending", "unknown", "ok"]
WORST: tuple[State, ...] = ("critical", "warning", "info", "pending", "unknown", "ok")


class Row(msgspec.Struct, frozen=True):
    """How one device stands. Times are ms since 1970, UTC; texts are plain, to be escaped."""

    device: DeviceKey
    key: str
    """"owner/id", or the id alone: what stands in addresses, percent-encoded."""
    name: str
    site: str
    zone: str
    state: State
    channel: str
    value: float | None
    unit: str
    limit: str
    at: int | None
    """When the newest reading was true."""
    received: int | None
    since: int | None = None
    """When what is wrong began."""
    fires: int | None = None
    alert: str | None = None
    """The worst open alert."""
    alerts: int = 0
    """How many are open."""
    acknowledged: bool = False
    holder: str = ""
    muted_until: int | None = None
    unconfirmed: bool = False
    wrong_clock: bool = False

    def rank(self) -> tuple[int, bool, int, str]:
        """Return what sorts rows, worst first."""
        return WORST.index(self.state), self.acknowledged, self.since or 0, self.key


def make_row(seen: Seen, settings: Settings) -> Row:
    """Return the row of a device."""
    device = DeviceKey(seen.owner, seen.id)
    section = settings.device(device)
    rules = seen.rules or ()
    found = [(one.severity if one.state == "firing" else one.state, one) for one in rules]
    found.sort(key=lambda one: WORST.index(one[0]))
    state, status = found[0] if found else ("ok", None)
    channel = (status.channel if status else "") or next(iter(seen.channels), "")
    values = dict(zip(seen.channels, seen.values, strict=True))
    return Row(
        device=device,
        key=str(device),
        name=(section and section.name) or device.id,
        site=(section and section.site) or "",
        zone=settings.zone(device),
        state=state,  # type: ignore[arg-type] # as above
        channel=channel,
        value=values.get(channel),
        unit=QUANTITIES[channel.partition(".")[0]].unit if channel else "",
        limit="",
        at=seen.when,
        received=seen.received,
        since=status.begin if status else None,
        fires=status.pending_until if status else None,
        alert=status.id if status and status.state == "firing" else None,
        alerts=sum(one.state == "firing" for one in rules),
        unconfirmed=seen.unconfirmed,
        wrong_clock=bool(seen.flags & WRONG_CLOCK),
    )
