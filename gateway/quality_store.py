"""What is known of the quality of devices, in state.db: written by the inspector, read by the page.

What is stored is a few minutes old, and what has come since is looked at again after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from devices.reading import DeviceKey
from gateway.ledger import Gap, Ledger
from rules.alone import Limits
from rules.duration import HOUR
from rules.quality import Watcher
from rules.quality_state import dump, load
from rules.remark import Remark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.state import State

log = structlog.get_logger()

HOURS = 24
"""So many hours back remarks are counted by the hour."""


class Tally(msgspec.Struct, array_like=True):
    """How often one thing was remarked: in all, and by the hour (since 1970) of the last day.

    `last` (ms) is the time of the last reading that it was remarked on; what was said of it then.
    """

    total: int = 0
    last: int = 0
    channel: str = ""
    text: str = ""
    hours: dict[int, int] = {}

    def add(self, remark: Remark, when: int, received: int) -> None:
        """Count a remark on a reading of a time (ms)."""
        self.total += 1
        if when >= self.last:
            self.last, self.channel, self.text = when, remark.channel, remark.text
        hour = received // HOUR
        hours = self.hours
        hours[hour] = hours.get(hour, 0) + 1
        if len(hours) > HOURS:
            del hours[min(hours)]

    def of_day(self, now: int) -> int:
        """How often in the 24 hours before `now` (ms), by whole hours."""
        first = now // HOUR - HOURS
        return sum(count for hour, count in self.hours.items() if hour > first)


class Count(msgspec.Struct, frozen=True):
    """How often one thing was remarked, and what was said the last time (`last`, ms)."""

    total: int
    last_day: int
    last: int
    channel: str
    text: str


class Quality(msgspec.Struct, frozen=True):
    """How good a device's readings are. Times in ms.

    `remarks` by name; `frozen`: channels that seem to be stuck, with since when; `missing`: how
    many messages never came, in `gaps` rows of the ledger and older ones; `warnings` of a vendor's
    codec, with the last one.
    """

    readings: int
    newest: int | None
    remarks: dict[str, Count]
    frozen: dict[str, int]
    sequence: int | None
    missing: int
    gaps: int
    warnings: int
    warning: str


@dataclass(slots=True)
class Known:
    """What the inspector holds of one device."""

    device: DeviceKey
    watcher: Watcher
    tallies: dict[str, Tally] = field(default_factory=dict)
    ledger: Ledger | None = None
    warnings: int = 0
    warning: str = ""
    changed: bool = False
    ledger_changed: bool = False

    def quality(self, now: int) -> Quality:
        """Tell how it stands."""
        watcher, ledger = self.watcher, self.ledger
        return Quality(
            readings=watcher.count,
            newest=watcher.newest if watcher.count else None,
            remarks={
                name: Count(one.total, one.of_day(now), one.last, one.channel, one.text)
                for name, one in self.tallies.items()
            },
            frozen=watcher.frozen(),
            sequence=watcher.sequence if watcher.sequence >= 0 else None,
            missing=ledger.count if ledger else 0,
            gaps=len(ledger.gaps) if ledger else 0,
            warnings=self.warnings,
            warning=self.warning,
        )


class _Counted(msgspec.Struct, array_like=True):
    """The first of what is stored."""

    watcher: msgspec.Raw
    tallies: dict[str, Tally]


class _Stored(msgspec.Struct, array_like=True):
    watcher: bytes
    tallies: dict[str, Tally]
    warnings: int
    warning: str
    gaps: bool
    forgotten: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)
_counter = msgspec.msgpack.Decoder(_Counted)


def pack(known: Known) -> tuple[str, str, bytes]:
    """Return a device's row."""
    ledger = known.ledger
    stored = _Stored(
        dump(known.watcher),
        known.tallies,
        known.warnings,
        known.warning,
        bool(ledger and ledger.gaps),
        ledger.forgotten if ledger else 0,
    )
    return (*known.device, _encoder.encode(stored))


def stage(state: State, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Stage rows of devices."""
    state.stage("INSERT OR REPLACE INTO quality VALUES (?,?,?)", rows)


def stage_ledger(state: State, device: DeviceKey, gaps: Sequence[Gap]) -> None:
    """Stage a device's ledger."""
    state.stage("DELETE FROM missing WHERE owner = ? AND device = ?", [device])
    state.stage(
        "INSERT OR REPLACE INTO missing VALUES (?,?,?,?,?,?)",
        [(*device, gap.first, gap.last, gap.after, gap.before) for gap in gaps],
    )


def read(state: State, device: DeviceKey, limits: Limits = Limits()) -> Known | None:  # noqa: B008 - it is a constant
    """Return what is stored of a device, None if nothing is, or nothing that can be read."""
    rows = state.rows("SELECT body FROM quality WHERE owner = ? AND device = ?", device)
    if not rows:
        return None
    try:
        stored = _decoder.decode(rows[0][0])
        watcher = load(device, limits, stored.watcher)
    except (msgspec.DecodeError, ValueError) as error:
        log.warning("quality is counted anew", device=str(device), problem=str(error))
        return None
    ledger = None
    if stored.gaps or stored.forgotten:
        ledger = Ledger(missing_of(state, device), stored.forgotten)
    return Known(device, watcher, stored.tallies, ledger, stored.warnings, stored.warning)


def quality_of(state: State, device: DeviceKey, now: int) -> Quality | None:
    """Return what is stored of a device's quality, None if nothing is."""
    known = read(state, device)
    return None if known is None else known.quality(now)


def counts(state: State) -> dict[DeviceKey, dict[str, int]]:
    """Return how often what was remarked on each device's readings, by name."""
    found: dict[DeviceKey, dict[str, int]] = {}
    for owner, device, body in state.rows("SELECT owner, device, body FROM quality"):
        try:
            tallies = _counter.decode(body).tallies
        except msgspec.DecodeError:
            # What cannot be read is counted anew, and the inspector says so.
            continue
        if tallies:
            found[DeviceKey(owner, device)] = {name: one.total for name, one in tallies.items()}
    return found


def missing_of(state: State, device: DeviceKey) -> list[Gap]:
    """Return the stored ledger of a device, the oldest first."""
    rows = state.rows(
        "SELECT first, last, after, before FROM missing WHERE owner = ? AND device = ? "
        "ORDER BY before, after",
        device,
    )
    return [Gap(*row) for row in rows]


def gaps_stored(state: State) -> int:
    """Return how many rows the ledgers of all devices have."""
    return int(state.rows("SELECT count(*) FROM missing")[0][0])
