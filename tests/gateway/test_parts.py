"""A device that tells of itself in parts is shown whole, and nothing stale as if it were fresh."""

from __future__ import annotations

import pytest

from devices.reading import DeviceKey, Reading, layout, reading
from gateway.parts import MOST, Parts

MINUTE = 60_000
AT = 1_700_000_000_000
FRIDGE, OTHER = DeviceKey("", "fridge"), DeviceKey("", "other")


def said(minute: int, device: DeviceKey = FRIDGE, **values: float) -> Reading:
    names = tuple(sorted(values))
    at = AT + minute * MINUTE
    return reading(
        device=device,
        at=at,
        received=at,
        layout=layout(names),
        values=tuple(values[name] for name in names),
        sequence=None,
    )


def shown(parts: Parts, newest: Reading) -> dict[str, float | None]:
    whole = parts.whole(newest)
    assert (whole.at, whole.device) == (newest.at, newest.device)
    return {name: whole.value(name) for name in whole.layout.channels}


def nobody(_device: DeviceKey) -> None:
    return None


def test_what_came_in_other_messages_stands_beside_the_newest() -> None:
    parts = Parts()
    newest = said(2, battery_level=80)
    parts.take([said(0, temperature=4, humidity=50), said(1, OTHER, temperature=9)], nobody)
    parts.take([newest], lambda _device: said(0, temperature=4, humidity=50))
    assert shown(parts, newest) == {"battery_level": 80, "humidity": 50, "temperature": 4}
    assert shown(parts, said(1, OTHER, temperature=9)) == {"temperature": 9}


@pytest.mark.parametrize("batches", [1, 3])
def test_it_does_not_matter_how_messages_are_batched(batches: int) -> None:
    readings = [said(0, temperature=4), said(1, humidity=50), said(2, door=1)]
    parts = Parts()
    last: list[Reading] = []

    def newest(_device: DeviceKey) -> Reading | None:
        return last[-1] if last else None

    for batch in [readings] if batches == 1 else [[one] for one in readings]:
        parts.take(batch, newest)
        last += batch
    assert shown(parts, readings[-1]) == {"temperature": 4, "humidity": 50, "door": 1}


def test_the_newest_of_each_kind_counts_however_late_others_come() -> None:
    parts = Parts()
    newest = said(5, humidity=51)
    parts.take([said(4, temperature=6), newest, said(3, temperature=2)], nobody)
    assert shown(parts, newest) == {"humidity": 51, "temperature": 6}


def test_a_value_that_nobody_could_still_believe_is_missing() -> None:
    parts = Parts()
    parts.holds = lambda _device: 30 * MINUTE
    old, newest = said(0, temperature=4), said(31, humidity=50)
    parts.take([old, newest], nobody)
    assert shown(parts, newest) == {"humidity": 50, "temperature": None}
    assert shown(parts, said(30, humidity=50)) == {"humidity": 50, "temperature": 4}


def test_a_missing_value_is_not_replaced_by_an_older_one() -> None:
    parts = Parts()
    newest = said(2, temperature=float("nan"), humidity=50)
    parts.take([said(0, temperature=4), newest], nobody)
    assert shown(parts, newest) == {"humidity": 50, "temperature": None}


def test_a_device_that_invents_kinds_costs_little() -> None:
    parts = Parts()
    readings = [said(n, FRIDGE, **{f"temperature.p{n}": 1.0}) for n in range(MOST + 10)]
    parts.take(readings, nobody)
    assert len(shown(parts, readings[-1])) == MOST


def test_after_a_correction_the_parts_are_as_the_past_is_now() -> None:
    parts = Parts()
    newest = said(1, humidity=50)
    parts.take([said(0, temperature=4), newest], nobody)
    parts.renew(FRIDGE, [said(0, temperature=3.5), newest])
    assert shown(parts, newest) == {"humidity": 50, "temperature": 3.5}
