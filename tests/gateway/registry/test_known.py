"""What counts of a device, whoever said it: the registry, the settings, its model, nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.model import HOUR, MINUTE, Model
from devices.reading import DeviceKey
from gateway.registry.cards import Card, CardChange
from gateway.registry.known import Known
from gateway.registry.registry import Registry
from gateway.settings import parse
from gateway.settings.sections import INTERVAL
from gateway.state import State
from rules.plan import EVER
from tests.gateway.parts import NOW

SETTINGS = """
[[devices]]
match = "fridge-*"
name = "A fridge"
site = "Clinic"
model = "TH2"
position = [1.0, 2.0]

[[devices]]
match = "van-*"
interval = "5 min"
"""
FRIDGE, VAN, OTHER = (DeviceKey("", name) for name in ("fridge-1", "van-1", "other"))


def model(interval: int | None, hold: int | None) -> Model:
    return Model(
        id="maker-x",
        maker="Maker",
        name="X",
        data_sheet="",
        decode=lambda _data, _port: [],
        channels=("temperature",),
        interval=interval,
        hold=hold,
    )


async def test_the_registry_counts_first_field_by_field(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    registry = Registry(state)
    known = Known(registry, parse(SETTINGS))
    async with registry.changing() as change:
        change.state(FRIDGE, CardChange(since=NOW, name="Left", zone="Room 2", interval=MINUTE))
        change.state(OTHER, CardChange(since=NOW, model="TH3"))
    told = Card(name="A fridge", site="Clinic", model="TH2", position=(1.0, 2.0), interval=INTERVAL)
    assert known.card(FRIDGE, NOW - 1) == told
    assert known.card(FRIDGE) == Card(
        name="Left",
        site="Clinic",
        zone="Room 2",
        model="TH2",
        position=(1.0, 2.0),
        interval=MINUTE,
    )
    assert known.card(OTHER) == Card(model="TH3", interval=INTERVAL)
    assert [known.assigned(one) for one in (FRIDGE, VAN, OTHER)] == ["TH2", "", "TH3"]
    state.close()


@pytest.mark.parametrize(
    ("device", "made", "interval"),
    [
        (FRIDGE, None, INTERVAL),
        (FRIDGE, model(20 * MINUTE, None), 20 * MINUTE),
        (FRIDGE, model(None, 24 * HOUR), 24 * HOUR),
        (VAN, model(20 * MINUTE, None), 5 * MINUTE),
        (OTHER, None, INTERVAL),
    ],
)
def test_how_often_it_sends_its_model_says_if_nobody_else_does(
    tmp_path: Path, device: DeviceKey, made: Model | None, interval: int
) -> None:
    state = State(tmp_path / "state.db")
    assert Known(Registry(state), parse(SETTINGS), lambda _: made).interval(device) == interval
    state.close()


async def test_intervals_are_known_with_their_dates(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    registry = Registry(state)
    known = Known(registry, parse(SETTINGS), lambda _: model(20 * MINUTE, None))
    usual = {FRIDGE: 20 * MINUTE, VAN: 5 * MINUTE}
    for device, interval in usual.items():
        assert known.intervals(device) == ((EVER, interval),)
        async with registry.changing() as change:
            change.state(device, CardChange(since=NOW, interval=MINUTE))
            change.state(device, CardChange(since=NOW + 5, name="Left"))
            change.state(device, CardChange(since=NOW + 10, interval=None))
            change.state(device, CardChange(since=NOW + 20, interval=HOUR))
        assert known.intervals(device) == (
            (EVER, interval),
            (NOW, MINUTE),
            (NOW + 10, interval),
            (NOW + 20, HOUR),
        )
    state.close()
