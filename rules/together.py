"""Those who are missed together: the goods on one vehicle, with one alert for all of them.

Each of them keeps that it is missed, and with whom; so a restart finds again who is together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devices.reading import DeviceKey
from rules.lifecycle import Explanation
from rules.transition import Transition, alert_id

if TYPE_CHECKING:
    from rules.plan import Watch
    from rules.subject import Lost

RULE = "vehicle-not-heard"
"""What the alerts are said to be of: the goods on a vehicle may have different rules."""


class Together:
    """Everybody who is missed together."""

    def __init__(self) -> None:
        # By vehicle: who is missed, by device and the watch's key. Of those that were told.
        self._missed: dict[DeviceKey, set[tuple[DeviceKey, str]]] = {}
        self._new: dict[DeviceKey, list[tuple[DeviceKey, Watch, Lost]]] = {}

    def join(self, of: DeviceKey, device: DeviceKey, watch: Watch, lost: Lost) -> None:
        """Take note that somebody is missed with others."""
        told = self._missed.get(of)
        if told is None:
            self._new.setdefault(of, []).append((device, watch, lost))
        else:
            told.add((device, lost.key))

    def load(self, device: DeviceKey, lost: Lost, *, known: bool) -> None:
        """Take up who was missed with others; if the rule is not `known` any more he is not."""
        missed = self._missed.setdefault(DeviceKey(device.owner, lost.of), set())
        if known:
            missed.add((device, lost.key))
        else:
            missed.discard((device, lost.key))

    def leave(
        self,
        device: DeviceKey,
        lost: Lost,
        kind: Literal["resolved", "indeterminate"],
        at: int,
        reason: str,
    ) -> list[Transition]:
        """Return the end of what was told once nobody of a vehicle is missed any more."""
        of = DeviceKey(device.owner, lost.of)
        missed = self._missed.get(of, set())
        missed.discard((device, lost.key))
        if missed or self._missed.pop(of, None) is None:
            return []
        return [_over(of, lost.begin, kind, at, reason)]

    def look(self, now: int) -> list[Transition]:
        """Return which vehicles are missed since the last look, and which nobody minds now."""
        told = [_firing(of, who) for of, who in sorted(self._new.items())]
        for of, who in self._new.items():
            self._missed[of] = {(device, lost.key) for device, _, lost in who}
        self._new = {}
        for of in [of for of, who in self._missed.items() if not who]:
            del self._missed[of]
            told.append(_over(of, now, "indeterminate", now, ""))
        return told


def _firing(of: DeviceKey, who: list[tuple[DeviceKey, Watch, Lost]]) -> Transition:
    _, watch, lost = min(who, key=lambda one: (one[2].begin, one[0]))
    fired = min(one.fired_at for _, _, one in who)
    begin = min(lost.begin, fired)
    names = ", ".join(sorted({one.id.rpartition("/")[2] for one, _, _ in who}))
    return Transition(
        kind="firing",
        id=alert_id(RULE, of, "", begin),
        rule=RULE,
        version=watch.version,
        rule_kind=watch.rule.kind,
        severity=watch.rule.severity,
        device=of,
        channel="",
        begin=begin,
        fired_at=fired,
        at=fired,
        limit=watch.rule.limit(),
        note=f"On it: {names}. {watch.rule.note}".strip(),
        explanation=Explanation(unknown=fired - begin, last_when=begin),
    )


def _over(
    of: DeviceKey, begin: int, kind: Literal["resolved", "indeterminate"], at: int, reason: str
) -> Transition:
    """Return the end: what the alert was is on record."""
    return Transition(
        kind=kind,
        id=alert_id(RULE, of, "", begin),
        rule=RULE,
        version="",
        rule_kind="",
        severity="",
        device=of,
        channel="",
        begin=begin,
        fired_at=begin,
        at=at,
        limit="",
        note="",
        explanation=Explanation(last_when=begin),
        reason=reason,
    )
