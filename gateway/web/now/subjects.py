"""Alerts about consignments and vehicles as the board shows them: a row for each that has any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.own_alerts import GRAVITY
from gateway.web.look import amount
from gateway.web.now.rows import Row
from gateway.web.told_alert import goods_of, name_of, page_of, what_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import DeviceKey
    from gateway.web.now.open_alerts import Open


def is_subject(device: DeviceKey) -> bool:
    """Whether a key is a consignment's or a vehicle's: no device's id holds a slash."""
    return "/" in device.id


def make_subject_row(alerts: Sequence[Open], zone: str) -> Row:
    """Return the row of one consignment or vehicle; `alerts` are all that are open about it."""
    worst = min(alerts, key=_rank)
    alert, facts = worst.alert, worst.facts
    return Row(
        device=alert.device,
        # No device's id holds this sign.
        key=f"#{alert.device}",
        name=name_of(alert.device),
        site=goods_of(alert).replace("-", " "),
        zone=zone,
        state=alert.severity,  # type: ignore[arg-type] # severities are ours
        channel="",
        value=None,
        unit="",
        limit="",
        at=None,
        received=None,
        beyond=_words(worst),
        since=alert.began,
        alert=alert.id,
        alerts=len(alerts),
        acknowledged=facts.acknowledged is not None,
        holder=facts.holder,
        muted_until=facts.muted.until if facts.muted else None,
        retrospective=alert.retrospective,
        own=True,
        to=page_of(alert.device) or f"/alerts/{alert.id}",
    )


def _rank(one: Open) -> tuple[bool, int, bool, int, str]:
    alert = one.alert
    gravity = GRAVITY[alert.severity]
    return alert.retrospective, gravity, not one.unacknowledged, alert.began, alert.id


def _words(one: Open) -> str:
    """Return what is wrong; how bad it was at worst."""
    alert = one.alert
    worst = ""
    if alert.worst is not None and alert.channel:
        worst = f", worst {amount(alert.worst, alert.channel)} {alert.unit}".rstrip()
    return f"{what_of(alert)}{worst}"
