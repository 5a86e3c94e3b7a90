"""What the files tell of one sensor, for its view. Asked on the archive's thread."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from pydantic import TypeAdapter

from devices.reading import QUANTITIES
from gateway.web.pages.sensor_chart import hold_of, make_chart
from gateway.web.pages.sensor_marks import REMARKS
from rules import AnyRule
from rules.duration import DAY
from rules.kinds.threshold import Threshold
from rules.quality import remarks
from rules.rule import RuleVersion
from rules.subject import order, undated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.model import Model
    from devices.reading import DeviceKey, Reading
    from gateway.registry.registry import Stay
    from gateway.web.files import Files
    from gateway.web.pages.sensor_chart import Chart
    from rules.alert import Alert
    from rules.remark import Remark

_RULE: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
LOOK_BACK = 30 * DAY
"""Channels that a device has sent in so many ms before its newest reading are shown."""
LEAD = DAY
"""So many ms before a chart begins readings are looked at: a remark needs those before it."""
REMARKED = 20_000
"""Readings that are looked at for a chart, at most."""
PLACES = {"latitude", "longitude"}
"""Channels that the map shows."""


class Known(msgspec.Struct, frozen=True):
    """A sensor as the files know it. `channels` are in the order in which people want them."""

    channels: tuple[str, ...]
    watched: frozenset[str]
    """Those that a rule watches now."""
    newest: Reading
    first: int
    """When the device was first heard (ms)."""


def known(files: Files, device: DeviceKey) -> Known | None:
    """Return what is known of a device, None if it was never heard."""
    found = files.past.known(device, files.journal.head)
    if found is None:
        return None
    newest = files.registry.corrections.corrected(found.last)
    channels = set(newest.layout.channels)
    stored = files.history.cursor
    since = newest.when - LOOK_BACK
    for one in files.journal.read_device(device, stored, files.journal.head):
        channels.update(one.layout.channels)
    for day in files.history.days(device, since, newest.when + 1):
        channels.update(day.channels)
    now_watching = {
        one.rule.channel
        for one in rules_of(files, device)
        if one.until is None and isinstance(one.rule, Threshold)
    }
    watched = frozenset(now_watching & channels)
    return Known(ordered(channels, watched), watched, newest, found.first)


def ordered(channels: set[str], watched: frozenset[str]) -> tuple[str, ...]:
    """Return channels in the order in which people want them: temperatures, what rules watch."""
    quantities = list(QUANTITIES)

    def rank(channel: str) -> tuple[bool, bool, bool, int, str]:
        quantity = channel.partition(".")[0]
        return (
            channel in PLACES,
            channel not in watched or quantity != "temperature",
            channel not in watched and quantity != "temperature",
            quantities.index(quantity),
            channel,
        )

    return tuple(sorted(channels, key=rank))


def rules_of(files: Files, device: DeviceKey) -> list[RuleVersion]:
    """Return every version of the rules that watch or watched a device, or whom it replaced."""
    found = []
    line = files.registry.stands_for(device)
    for one in files.state.rule_versions():
        rule = _rule(one.settings)
        if any(map(rule.matches, line)):
            found.append(RuleVersion(rule, one.version, one.since, one.until))
    return found


@lru_cache(1_000)
def _rule(settings: str) -> AnyRule:
    return _RULE.validate_json(settings)


def chart(  # noqa: PLR0913 - what is asked
    files: Files,
    device: DeviceKey,
    channel: str,
    start: int,
    end: int,
    *,
    interval: int,
    model: Model | None,
    now: int,
    points: int,
) -> Chart | None:
    """Return the chart of a channel, None if the device was never heard.

    Raises DamagedHistoryError.
    """
    stays = files.stays(device, start, end)
    heard = [_heard(files, one) for one in files.registry.stands_for(device)]
    if heard[0] is None:
        return None
    versions: Sequence[RuleVersion] = rules_of(files, device)
    hold = hold_of(versions, channel, interval)
    return make_chart(
        files.line(device, channel, start - hold, end),
        versions=versions,
        alerts=[alert for one in stays for alert in _alerts(files, one, start, end)],
        stays=stays,
        remarks=[one for stay in stays for one in _remarks(files, stay, channel, end, model)],
        channel=channel,
        interval=interval,
        start=start,
        end=end,
        now=now,
        heard=min(one for one in heard if one is not None),
        points=points,
    )


def _alerts(files: Files, stay: Stay, start: int, end: int) -> list[Alert]:
    """Return the alerts of a device that began before it was replaced."""
    until = stay.until or end
    return [one for one in files.state.alerts_of(stay.device, start) if one.began < until]


def _remarks(
    files: Files, stay: Stay, channel: str, end: int, model: Model | None
) -> list[tuple[int, Remark]]:
    """Return what there is to remark on a device's readings of a channel, each with its time (ms).

    Nothing where there are very many: each is looked at.
    """
    device, start = stay.device, stay.since
    until, before = stay.until or end, start - LEAD
    newer = files.newer(device, before, until)
    stored = sum(day.readings for day in files.history.days(device, before, until))
    if stored + len(newer) > REMARKED:
        return []
    found = {(one.at, one.identity): one for one in newer}
    found |= {(one.at, one.identity): one for one in files.history.read(device, before, until)}
    readings = sorted((one for one in found.values() if not undated(one)), key=order)
    return [
        (reading.when, one)
        for reading, some in zip(readings, remarks(readings, model), strict=True)
        for one in some
        if reading.when >= start and one.name in REMARKS and one.channel in {"", channel}
    ]


def _heard(files: Files, device: DeviceKey) -> int | None:
    """Return when a device was first heard (ms), None if it never was."""
    # The journal has no index of devices: it is asked only where the history knows nothing.
    span = files.history.span(device)
    if span is not None:
        return span.first
    found = files.past.known(device, files.journal.head)
    return found.first if found else None
