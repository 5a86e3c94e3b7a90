"""One device as the board shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from devices.reading import RETAINED, WRONG_CLOCK, DeviceKey
from gateway.people.acts import Facts
from gateway.web.look import unit_of
from gateway.web.now.trends import Trend
from gateway.web.now.watched import MOST_STEPS, Limits
from rules.kinds.threshold import HOLDS, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.live import Seen
    from gateway.web.now.open_alerts import Open
    from gateway.web.now.register import Registered
    from gateway.web.now.trends import Trends
    from gateway.web.now.watched import Known
    from rules.alert import Alert
    from rules.status import Status

State = Literal["critical", "warning", "info", "pending", "unknown", "ok"]
WORST: tuple[State, ...] = ("critical", "warning", "info", "pending", "unknown", "ok")
_RANK: dict[str, int] = {state: place for place, state in enumerate(WORST)}
SEVERITIES = WORST[:3]
NOTHING_DONE = Facts()
NO_LIMIT = "no limit"


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
    """The one that is wrong, else the one that matters most; "" where there is none."""
    value: float | None
    unit: str
    limit: str
    """What is allowed, in words: 2 to 8 °C; NO_LIMIT where nothing watches a value."""
    at: int | None
    """When the newest reading was true."""
    received: int | None
    beyond: str = ""
    """How bad it is, in words: 3.5 °C too warm."""
    trend: Trend | None = None
    since: int | None = None
    """When what is wrong began."""
    fires: int | None = None
    """When an alarm can come of it at the earliest."""
    graver: str = ""
    """How grave that alarm will be, where one that is less grave is open already."""
    steps: int = 0
    """How far beyond its limit the value is: see Limits.excess."""
    hold: int = 0
    """How long (ms) a value speaks for: what is older is old."""
    alert: str | None = None
    """The worst open alert."""
    alerts: int = 0
    """How many are open."""
    acknowledged: bool = False
    holder: str = ""
    muted_until: int | None = None
    retrospective: bool = False
    """Found in the past: nobody was warned in time."""
    spot: str = ""
    """Where it is within its site, or which container it watches."""
    unconfirmed: bool = False
    recognised: str = ""
    """What it was recognised as, while nobody has confirmed it."""
    maintenance: int | None = None
    """When the maintenance that it is in ends."""
    rubbish: int = 0
    """Messages of it in the quarantine."""
    replaced_by: str = ""
    wrong_clock: bool = False
    retained: bool = False
    """The newest reading is one that a broker had kept: of how long ago, it may not say."""
    own: bool = False
    """An alert about the gateway itself, a consignment or a vehicle; its `key` is no device's."""
    to: str = ""
    """The address that it leads to, where that is neither a sensor nor the gateway."""

    def rank(self) -> tuple[int, bool, int, int, str]:
        """Return what sorts rows, worst first: how grave, whether taken, how far, how long."""
        known = self.acknowledged or self.retrospective
        return _RANK[self.state], known, MOST_STEPS - self.steps, self.since or 0, self.key

    def sign(self) -> str:
        """Return the rank as one text, which sorts the same in a browser."""
        state, known, near, since, key = self.rank()
        return f"{state}{known:d}{near:02d}{since:015d} {key}"

    def frame(self) -> tuple[object, ...]:
        """Return all that is not told by a patch: if this changes, the row is made anew."""
        return (
            *(self.name, self.site, self.state, self.channel, self.limit, self.since, self.fires),
            *(self.spot, self.recognised, self.maintenance, self.rubbish, self.replaced_by),
            *(
                self.graver,
                self.steps,
                self.alert,
                self.alerts,
                self.acknowledged,
                self.holder,
                self.muted_until,
            ),
            *(self.retrospective, self.unconfirmed, self.wrong_clock, self.retained),
            *(self.trend is None, self.at is None, self.beyond.rpartition(" ")[2]),
        )


class _Finding(NamedTuple):
    """One thing to say about a device: where a rule stands, an open alert, or both."""

    state: State
    status: Status | None
    open: Open | None

    @property
    def rank(self) -> tuple[int, bool, int]:
        known = self.open is not None and not self.open.unacknowledged
        return _RANK[self.state], known, self.begin or 0

    @property
    def begin(self) -> int | None:
        if self.open is not None:
            return self.open.alert.began
        return self.status.begin if self.status else None

    @property
    def rule(self) -> str:
        if self.status is not None:
            return self.status.rule
        return self.open.alert.rule if self.open else ""

    @property
    def kind(self) -> str:
        if self.status is not None:
            return self.status.kind
        return self.open.alert.kind if self.open else ""

    @property
    def channel(self) -> str:
        if self.status is not None:
            return self.status.channel
        return self.open.alert.channel if self.open else ""


def make_row(
    seen: Seen, known: Known, about: Registered, alerts: Sequence[Open], trends: Trends
) -> Row:
    """Return the row of a device; `alerts` are those open about it, but for the gateway's own."""
    device = DeviceKey(seen.owner, seen.id)
    findings = _findings(seen, alerts)
    worst = min(findings, key=lambda one: one.rank, default=_WELL)
    coming = _coming(worst, findings)
    doubted, doubt = _doubted(findings, seen, known) if worst.state == "ok" else ("", "")
    channel = doubted or worst.channel or known.shown(seen.channels)
    value = seen.values[seen.channels.index(channel)] if channel in seen.channels else None
    alert = worst.open.alert if worst.open else None
    facts = worst.open.facts if worst.open else NOTHING_DONE
    limits = _limits(worst, channel, known)
    return Row(
        device=device,
        key=str(device),
        name=about.name,
        site=about.card.site,
        zone=known.zone,
        state="pending" if doubted else worst.state,
        channel=channel,
        value=value,
        unit=unit_of(channel),
        limit=_limit(worst, limits, channel, known, seen.channels),
        at=seen.when,
        received=seen.received,
        beyond=doubt
        or _beyond(worst, channel, value, limits, worked_on=about.maintenance is not None),
        trend=trends.of(device, channel, limits),
        since=seen.when if doubted else worst.begin if worst.state != "ok" else None,
        fires=coming.pending_until if coming else None,
        graver=coming.severity if coming and worst.state != "pending" else "",
        steps=limits.excess(value, channel) if limits and worst.state in SEVERITIES else 0,
        hold=int(HOLDS * (about.card.interval or 0)),
        alert=alert.id if alert else None,
        alerts=len(alerts),
        acknowledged=facts.acknowledged is not None,
        holder=facts.holder,
        muted_until=facts.muted.until if facts.muted else None,
        retrospective=alert is not None and alert.retrospective,
        spot=about.spot,
        unconfirmed=about.stand == "unconfirmed",
        recognised=about.recognised if about.stand == "unconfirmed" else "",
        maintenance=about.maintenance.until if about.maintenance else None,
        rubbish=about.quarantined,
        replaced_by=str(about.replaced_by) if about.replaced_by else "",
        wrong_clock=bool(seen.flags & WRONG_CLOCK),
        retained=bool(seen.flags & RETAINED),
    )


_WELL = _Finding("ok", None, None)


def _findings(seen: Seen, alerts: Sequence[Open]) -> list[_Finding]:
    """Join where the rules stand with the alerts that are open.

    By rule and channel and not by id: late data moves a beginning, and the alert keeps its id.
    """
    left = {(one.alert.rule, one.alert.channel): one for one in alerts}
    found = []
    for one in seen.rules or ():
        state = one.severity if one.state == "firing" else one.state
        open_ = left.pop((one.rule, one.channel), None)
        if open_ is not None and one.state != "firing":
            state = open_.alert.severity
        found.append(_Finding(state, one, open_))  # type: ignore[arg-type] # severities and states are ours
    found += [_Finding(one.alert.severity, None, one) for one in left.values()]  # type: ignore[arg-type] # as above
    return found


def _coming(worst: _Finding, findings: Sequence[_Finding]) -> Status | None:
    """Return the graver alarm that is on its way next, if any is."""
    pending = [
        one.status
        for one in findings
        if one.status is not None
        and one.status.pending_until is not None
        and _RANK[one.status.severity] < _RANK[worst.state]
    ]
    return min(pending, key=lambda one: (_RANK[one.severity], one.pending_until), default=None)


def _doubted(findings: Sequence[_Finding], seen: Seen, known: Known) -> tuple[str, str]:
    """Return the channel and the words of a value that is beyond a limit and not judged yet.

    What jumps as nothing real does is judged with the next reading. "" where there is none.
    """
    for one in findings:
        status, rule = one.status, known.rules.get(one.rule)
        if status is None or status.channel not in seen.channels or not isinstance(rule, Threshold):
            continue
        value = seen.values[seen.channels.index(status.channel)]
        beyond = Limits.of(rule).beyond(value, status.channel)
        if beyond and (status.since or 0) < (seen.when or 0):
            return status.channel, f"{beyond}: waits for the next reading"
    return "", ""


def _limits(worst: _Finding, channel: str, known: Known) -> Limits | None:
    """Return the limits of the rule that has something to say, else the narrowest."""
    rule = known.rules.get(worst.rule) if worst.state != "ok" else None
    if isinstance(rule, Threshold) and rule.channel == channel:
        return Limits.of(rule)
    return known.limits.get(channel)


def _limit(
    worst: _Finding, limits: Limits | None, channel: str, known: Known, channels: Sequence[str]
) -> str:
    """Return what is allowed, in words."""
    rule = known.rules.get(worst.rule) if worst.state != "ok" else None
    if rule is not None and not isinstance(rule, Threshold):
        return rule.limit()
    if limits is not None:
        return limits.words(channel)
    if worst.open is not None and worst.open.alert.limit:
        # Of a rule that the settings no longer have.
        return worst.open.alert.limit
    return NO_LIMIT if not any(one in known.limits for one in channels) else ""


def _beyond(
    worst: _Finding,
    channel: str,
    value: float | None,
    limits: Limits | None,
    *,
    worked_on: bool,
) -> str:
    """Return how bad it is, in words."""
    if worst.state == "ok":
        return ""
    if worked_on and (worst.state == "unknown" or value is None):
        return "in maintenance"
    if worst.kind == "lost_contact":
        return "not heard"
    if worst.kind == "no_usable_data" or (value is None and channel):
        return "no usable value"
    if worst.state == "unknown":
        return "nobody knows"
    return (limits.beyond(value, channel) if limits else "") or "within its limits again"


def make_own_row(one: Open, box: str, zone: str) -> Row:
    """Return the row of an alert about the gateway itself."""
    alert: Alert = one.alert
    facts = one.facts
    return Row(
        device=alert.device,
        # No device's id holds this sign.
        key=f"#{alert.id}",
        name=f"This gateway, {box}",
        site=alert.channel,
        zone=zone,
        state=alert.severity,  # type: ignore[arg-type] # severities are ours
        channel="",
        value=None,
        unit="",
        limit="",
        at=None,
        received=None,
        beyond=alert.reason,
        since=alert.began,
        alert=alert.id,
        alerts=1,
        acknowledged=facts.acknowledged is not None,
        holder=facts.holder,
        muted_until=facts.muted.until if facts.muted else None,
        own=True,
    )
