"""An open alert as it stands now: what has been seen since it was last told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.alert import Alert
    from rules.status import Status


def as_it_is(alert: Alert, rules: Iterable[Status]) -> Alert:
    """Return an open alert with its newest and worst value; `rules`: where its device's stand."""
    for one in rules:
        if (one.rule, one.version, one.channel) == (alert.rule, alert.version, alert.channel):
            return msgspec.structs.replace(
                alert, worst=one.worst, worst_at=one.worst_at, last=one.value, last_at=one.since
            )
    return alert
