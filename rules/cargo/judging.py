"""A consignment, all that its sensors said and what was alerted ▸ the verdict. Pure.

The whole voyage is judged at once, so the order in which anything came does not matter. What a
sensor says counts while it is assigned, from its start-up on; what is left out is told, and how
much of it there is.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rules.cargo.budgets import cycles, spent, summing
from rules.cargo.consignment import slots
from rules.cargo.excursions import Around, excursions
from rules.cargo.proposal import Known, propose
from rules.cargo.statistics import Limits, bands, edges, statistic
from rules.cargo.verdict import Verdict
from rules.cargo.versions import versions
from rules.cargo.voices import chorus, doubted, spoken, together, voice
from rules.cargo.voyage import voyage
from rules.cargo.whereabouts import Track
from rules.kinds.freeze_thaw import FreezeThaw
from rules.only import changes
from rules.profile import channels_of
from rules.rule import SampleRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from devices.reading import DeviceKey, Reading
    from rules.alert import Alert
    from rules.cargo.budgets import Spent
    from rules.cargo.consignment import Consignment
    from rules.cargo.verdict import Band, Excluded, Excursion, Statistic
    from rules.cargo.voices import Chorus, Speaks, Spoken
    from rules.cargo.voyage import Voyage
    from rules.profile import Profile

KINETIC = frozenset({"temperature"})
"""Quantities that have a mean kinetic temperature."""


class _Judged(NamedTuple):
    """A channel of a consignment, judged."""

    statistic: Statistic
    bands: list[Band]
    excursions: list[Excursion]


def judge(  # noqa: PLR0913 - all that a verdict is made of
    consignment: Consignment,
    profile: Profile,
    readings: Mapping[DeviceKey, Sequence[Reading]],
    alerts: Sequence[Alert],
    *,
    speaks: Speaks,
    until: int,
    said: Mapping[str, Sequence[str]] | None = None,
    zone: dt.tzinfo = dt.UTC,
) -> Verdict:
    """Return the verdict on a consignment as far as `until` (ms).

    What came after that changes nothing, so what was judged once can be judged again as of then.

    `readings`: by sensor, as they count, from when it was assigned until it was taken off, or
    more: what does not count is told as excluded. `alerts`: those of the consignment. `speaks`:
    how long a reading speaks for. `said`: by the id of an alert, what people said of it. `zone`: by
    whose clock times are said in words.
    """
    trip = voyage(consignment, until)
    heard, excluded = spoken(consignment, readings, speaks, trip.until)
    trip = _begun(trip, heard)
    told = [_then(one, until) for one in alerts if one.began < trip.until]
    court = _Court(consignment, profile, trip, heard, speaks, told, said or {})
    channels = {channel: court.judged(channel) for channel in profile.channels()}
    budgets = list(court.budgets())
    found = [one for judged in channels.values() for one in judged.excursions]
    found.sort(key=lambda one: (one.begin, one.channel, one.side))
    outings = [msgspec.structs.replace(one, number=number) for number, one in enumerate(found, 1)]
    statistics = tuple(judged.statistic for judged in channels.values())
    ranged = [one for one in statistics if profile.range(one.channel) is not None]
    grave = _grave(profile)
    proposal, reasons = propose(
        profile,
        Known(
            statistics=[one for one in statistics if one in ranged or one.channel in grave]
            or statistics,
            spent=budgets,
            excursions=outings,
            alerts=told,
            missing=[one.channel for one in statistics if not one.readings],
            silent=[one.sensor for one in heard if not one.readings],
            carried=consignment.carried,
            cycles=consignment.cycles,
            zone=zone,
        ),
    )
    unknown = max((one.unknown for one in ranged or statistics), default=trip.until - trip.since)
    return Verdict(
        consignment=consignment.id,
        profile=profile.name,
        version=consignment.version or profile.version(),
        since=trip.since,
        until=trip.until,
        statistics=statistics,
        bands=tuple(band for judged in channels.values() for band in judged.bands),
        budgets=tuple(one.budget for one in budgets),
        excursions=tuple(outings),
        excluded=tuple(_in_time([*excluded, *court.jumped])),
        known=trip.until - trip.since - unknown,
        unknown=unknown,
        partly=max((one.partly for one in ranged or statistics), default=0),
        proposal=proposal,
        reasons=reasons,
    )


def _grave(profile: Profile) -> set[str]:
    """Return the channels without which nobody knows whether something critical was wrong."""
    return {
        channel
        for rule in profile.rules
        if rule.severity == "critical" and rule.name not in profile.criteria.accept
        for channel in channels_of(rule)
    }


def _begun(trip: Voyage, heard: Sequence[Spoken]) -> Voyage:
    """Let it begin with the first reading, where that was no longer in coming than one speaks."""
    first = [window for one in heard for window in one.windows if window.asked <= trip.since]
    if not first or min(window.asked for window in first) < trip.since:
        return trip
    return trip._replace(since=min(window.since for window in first))


def _then(alert: Alert, until: int) -> Alert:
    """Return an alert as it stood at a time: what ended later was open."""
    if alert.ended is None or alert.ended <= until:
        return alert
    return msgspec.structs.replace(alert, ended=None)


def _in_time(excluded: list[Excluded]) -> list[Excluded]:
    return sorted(excluded, key=lambda one: (one.since, one.sensor, one.reason))


class _Court:
    """What all channels of one consignment are judged with."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a verdict is made of
        self,
        consignment: Consignment,
        profile: Profile,
        trip: Voyage,
        heard: Sequence[Spoken],
        speaks: Speaks,
        alerts: Sequence[Alert],
        said: Mapping[str, Sequence[str]],
    ) -> None:
        self.jumped: list[Excluded] = []
        self._consignment = consignment
        self._profile = profile
        self._trip = trip
        self._heard = heard
        self._speaks = speaks
        self._around = Around(consignment, trip, Track(consignment, heard), alerts, said)
        self._rules = [
            part
            for version in versions(consignment, profile)
            for part in version.rule.parts()
            if isinstance(part, SampleRule)
        ]
        self._cuts = [time for time in changes(consignment) if trip.since < time < trip.until]
        self._choirs: dict[str, Chorus] = {}

    def judged(self, channel: str) -> _Judged:
        """Return a channel's numbers, bands and excursions."""
        sung = self._chorus(channel)
        limits = self._limits(channel)
        counts = self._counts(channel)
        joint = together(sung, counts, limits.beyond(sung.values))
        energy = self._profile.energy if channel.partition(".")[0] in KINETIC else None
        outings = excursions(sung, joint, limits, self._around) if limits.any else ()
        return _Judged(
            statistic(sung, joint, counts, limits, energy),
            bands(sung, joint, limits, edges(limits, self._of(channel))),
            list(outings),
        )

    def budgets(self) -> Iterator[Spent]:
        """Yield how each budget stands."""
        for rule in summing(self._rules):
            sung = self._chorus(rule.channel)
            counts = self._whose(rule.counts)
            if isinstance(rule, FreezeThaw):
                yield cycles(rule, sung, counts)
                continue
            door = None if rule.grace is None else rule.grace.channel
            yield spent(rule, sung, counts, None if door is None else self._chorus(door))

    def _chorus(self, channel: str) -> Chorus:
        if channel not in self._choirs:
            waits = all(rule.waits() for rule in self._of(channel))
            voices = []
            for one in self._heard:
                found = voice(one, channel, self._speaks, waits=waits)
                if found is not None:
                    voices.append(found)
                    if waits:
                        self.jumped += doubted(one, channel, found)
            trip = self._trip
            self._choirs[channel] = chorus(channel, voices, trip.since, trip.until, self._cuts)
        return self._choirs[channel]

    def _of(self, channel: str) -> list[SampleRule]:
        return [one for one in self._rules if one.channel == channel]

    def _limits(self, channel: str) -> Limits:
        found = self._profile.range(channel)
        if found is None:
            return Limits()
        low = -math.inf if found.low is None else found.low
        return Limits(low, math.inf if found.high is None else found.high, found.aim)

    def _counts(self, channel: str) -> str:
        """Return which sensor counts: as stated of it, else as all rules of the channel say."""
        said = {self._whose(one.counts) for one in self._of(channel)}
        return self._consignment.counts or (said.pop() if len(said) == 1 else "any")

    def _whose(self, counts: str) -> str:
        """Return which sensor counts for a rule, which names it by its slot."""
        if not counts.startswith("@"):
            return counts
        numbers = slots(self._consignment)
        return next((one.id for one, slot in numbers.items() if counts == f"@{slot}"), counts)
