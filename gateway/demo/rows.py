"""What the demo's board shows of each device, read from the running gateway."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from devices.reading import QUANTITIES
from gateway.commands.device import device_key
from gateway.demo.board import TREND, Row
from rules.duration import SECOND, format_duration
from rules.kinds.threshold import Threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.app import Gateway
    from rules.rule import Rule

LOOK = 5 * SECOND
"""The past is read again at most so often."""
WORST = ("critical", "warning", "info", "pending", "unknown", "ok")
"""States, worst first."""


class Rows:
    """Makes the rows, and remembers each device's past for a while."""

    def __init__(self, gateway: Gateway, places: Mapping[str, str]) -> None:
        """`places` says in words where a device is, as far as it is known."""
        self._gateway = gateway
        self._places = places
        self._rules = {rule.name: rule for rule in gateway.settings.rules}
        self._past: dict[tuple[str, str], tuple[int, list[tuple[int, float]]]] = {}

    def rows(self, devices: list[dict[str, Any]], now: int) -> list[Row]:
        """Return a row of each device, worst first. `devices` is what that command answers."""
        rows = [self._row(one, now) for one in devices]
        return sorted(rows, key=lambda row: (WORST.index(row.state), row.since or 0, row.device))

    def _row(self, device: dict[str, Any], now: int) -> Row:
        name, values = device["device"], device["values"]
        found = [(self._state(one), one) for one in device["rules"]]
        # Of two that are equally bad the one with a limit has more to show.
        found.sort(key=lambda one: (WORST.index(one[0]), not one[1]["channel"]))
        state, status = found[0] if found else ("ok", None)
        rule = self._rules.get(status["rule"]) if status else None
        channel = status["channel"] if status else ""
        if status is None or (not channel and state == "ok"):
            channel = next(iter(values), "")
        value = values.get(channel)
        if state == "ok":
            rules = [
                self._rules[one["rule"]] for one in device["rules"] if one["rule"] in self._rules
            ]
        else:
            rules = [rule] if rule else []
        low, high, limit = _limits(rules, channel)
        return Row(
            device=name,
            where=self._where(name, values),
            state=state,
            value=_with_unit(channel, value) if channel else "not heard",
            limit=limit,
            trend=self._trend(name, channel, now) if channel else (),
            low=low,
            high=high,
            since=status["begin"] if status else None,
            fires=status["pending_until"] if status else None,
        )

    def _state(self, status: dict[str, Any]) -> str:
        state: str = status["severity"] if status["state"] == "firing" else status["state"]
        return state if state in WORST else "ok"

    def _where(self, device: str, values: Mapping[str, float | None]) -> str:
        place = self._places.get(device, "")
        latitude, longitude = values.get("latitude"), values.get("longitude")
        if latitude is None or longitude is None:
            return place
        north, east = "NS"[latitude < 0], "EW"[longitude < 0]
        return f"{place}, {abs(latitude):.1f}° {north} {abs(longitude):.1f}° {east}"

    def _trend(self, device: str, channel: str, now: int) -> list[tuple[int, float]]:
        read, points = self._past.get((device, channel), (0, []))
        if now - read < LOOK:
            return points
        monitor = self._gateway.monitor
        key = device_key(device, self._gateway.settings.gateway.owner)
        points = [
            (one.when, value)
            for one in monitor.past.readings(key, now - TREND, monitor.cursor)
            if (value := one.value(channel)) is not None
        ]
        self._past[device, channel] = now, points
        return points


def _with_unit(channel: str, value: float | None) -> str:
    unit = QUANTITIES[channel.partition(".")[0]].unit
    if value is None:
        return "?"
    # One temperature beside the other reads best with the same decimals.
    return f"{value:.1f} {unit}" if unit == "°C" else f"{value:g} {unit}".strip()


def _limits(rules: Sequence[Rule], channel: str) -> tuple[float, float, str]:
    """Return between which values a channel is well, and that in few signs: "> 8 °C, 30 min"."""
    own = [one for one in rules if isinstance(one, Threshold) and one.channel == channel]
    if not own:
        return -math.inf, math.inf, "; ".join(one.limit() for one in rules if not channel)
    unit = QUANTITIES[channel.partition(".")[0]].unit
    low = max(one.limits()[0] for one in own)
    high = min(one.limits()[1] for one in own)
    sides = [f"{sign} {side:g}" for sign, side in (("<", low), (">", high)) if math.isfinite(side)]
    words = f"{' or '.join(sides)} {unit}".strip()
    length = own[0].duration if len(own) == 1 else 0
    return low, high, f"{words}, {format_duration(length)}" if length else words
