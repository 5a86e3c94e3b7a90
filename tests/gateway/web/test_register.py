"""What the page knows of devices besides their readings, and when it takes that up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices.reading import DeviceKey
from gateway.history.reader import Series
from gateway.registry import Registry
from gateway.registry.cards import Calibration, CardChange, Maintenance, Replaced, Withdrawn
from gateway.registry.registry import Entered
from gateway.web.corrected import CALIBRATED, MAINTAINED, corrected, joined
from gateway.web.now.noted import Noted
from gateway.web.now.register import model_of
from tests.gateway.web.told import MINUTE, NOW, Told, seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.registry.cards import Fact
    from gateway.web.now.rows import Row

FRIDGE, PROBE = DeviceKey("", "fridge-1"), DeviceKey("", "probe-1")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    page = Told(tmp_path)
    yield page
    page.close()


async def state(told: Told, device: DeviceKey, *facts: Fact) -> int:
    """State facts as the gateway does; return the last one's number."""
    number = 0
    async with Registry(told.state).changing() as change:
        for fact in facts:
            number = change.state(device, fact)
    return number


def row(told: Told, device: DeviceKey = FRIDGE) -> Row:
    found = told.standing.row(device)
    assert found is not None
    return found


async def test_what_people_state_counts_before_the_settings(told: Told) -> None:
    told.take(seen(temperature=4.0))
    assert (row(told).name, row(told).site, row(told).spot) == ("Vaccine fridge", "Warehouse 2", "")
    change = CardChange(since=NOW, name="Back shelf", zone="Room 3", container="MSKU9070323")
    await state(told, FRIDGE, change)
    told.take()
    assert row(told).name == "Back shelf"
    assert row(told).site == "Warehouse 2"
    assert row(told).spot == "Room 3 · MSKU9070323"


async def test_maintenance_is_marked_until_its_end(told: Told) -> None:
    told.take(seen(temperature=4.0))
    until = NOW + 5 * MINUTE
    await state(told, FRIDGE, Maintenance(since=NOW, until=until, reason="Cleaning", who="olga"))
    told.take(now=NOW + 1)
    assert row(told).maintenance == until
    told.take(now=until - 1)
    assert row(told).maintenance == until
    told.take(now=until)
    assert row(told).maintenance is None


async def test_one_that_stands_in_for_another_has_its_limits_and_the_other_says_so(
    told: Told,
) -> None:
    told.take(seen(temperature=4.0), seen("probe-1", temperature=5.0))
    assert row(told, PROBE).limit == "no limit"
    number = await state(told, PROBE, Replaced(since=NOW, old=FRIDGE))
    told.take()
    assert row(told, PROBE).limit == row(told).limit == "2 to 7 °C"
    assert row(told).replaced_by == "probe-1"
    assert told.standing.register.of(PROBE).replaces == FRIDGE
    await state(told, PROBE, Withdrawn(since=NOW, fact=number))
    told.take()
    assert (row(told, PROBE).limit, row(told).replaced_by) == ("no limit", "")


def test_what_the_gateway_noted_is_told(told: Told) -> None:
    told.take(seen("probe-1", temperature=4.0, unconfirmed=True))
    met = Entered(NOW, "listener/x", confirmed=False, recognised="dragino-lht65", why="its profile")
    told.standing.note(Noted({PROBE: met}, {"probe-1": 3}, {PROBE: {"late": 2}}))
    about = told.standing.register.of(PROBE)
    assert (about.stand, about.recognised, about.quality) == (
        "unconfirmed",
        "dragino-lht65",
        {"late": 2},
    )
    assert (row(told, PROBE).recognised, row(told, PROBE).rubbish) == ("dragino-lht65", 3)
    # What was looked at last without its quality keeps it.
    confirmed = met._replace(confirmed=True)
    told.standing.note(Noted({PROBE: confirmed}, {}))
    about = told.standing.register.of(PROBE)
    assert (about.stand, about.quarantined, about.quality) == ("confirmed", 0, {"late": 2})


def test_a_device_of_which_nothing_was_understood_waits_to_be_confirmed(told: Told) -> None:
    met = Entered(NOW, "listener/x", confirmed=False, recognised="", why="")
    told.standing.note(Noted({PROBE: met}, {"probe-1": 5}))
    about = told.standing.register.of(PROBE)
    assert (about.stand, about.quarantined) == ("unconfirmed", 5)
    # Once it is understood, the gateway tells: it may be named in a credential.
    told.take(seen("probe-1", temperature=4.0))
    assert told.standing.register.of(PROBE).stand == "confirmed"


async def test_a_device_that_was_named_and_never_heard_is_known(told: Told) -> None:
    assert not told.standing.knows(PROBE)
    await state(told, PROBE, CardChange(since=NOW, name="Not yet there"))
    told.take()
    assert told.standing.knows(PROBE)
    _, unheard = told.standing.stands(PROBE)
    assert (unheard.name, unheard.at) == ("Not yet there", None)


def test_a_model_is_found_by_what_people_or_envelopes_call_it() -> None:
    found = model_of("", "no such thing", "dragino-lht65")
    assert found is not None
    assert found.id == "dragino-lht65"
    assert model_of("", "free words") is None


async def test_a_series_is_corrected_by_what_held_at_each_time(told: Told) -> None:
    said = Series(
        np.arange(6, dtype=np.int64) * MINUTE + NOW,
        np.array([4.0, 4.1, 4.2, np.nan, 4.4, 4.5]),
        np.zeros(6, np.int64),
        np.array([True, True, True, False, True, True]),
    )
    await state(
        told,
        FRIDGE,
        Calibration(since=NOW + 2 * MINUTE, channel="temperature", offset=0.2),
        Calibration(since=NOW + 4 * MINUTE, channel="humidity", offset=9.0),
        Maintenance(since=NOW + 4 * MINUTE, until=NOW + 5 * MINUTE, reason="x", who="olga"),
    )
    registry = Registry(told.state)
    found = corrected(registry, FRIDGE, "temperature", said)
    np.testing.assert_array_equal(found.series.values, [4.0, 4.1, 4.4, np.nan, 4.6, 4.7])
    assert found.offsets.tolist() == [0.0, 0.0, 0.2, 0.2, 0.2, 0.2]
    assert found.series.usable.tolist() == [True, True, True, False, False, True]
    assert found.sound.tolist() == said.usable.tolist()
    both = CALIBRATED | MAINTAINED
    assert found.series.flags.tolist() == [0, 0, CALIBRATED, CALIBRATED, both, CALIBRATED]
    untouched = corrected(registry, PROBE, "temperature", said)
    np.testing.assert_array_equal(untouched.series.values, said.values)
    twice = joined([found, untouched])
    assert len(twice.series.when) == len(twice.offsets) == len(twice.sound) == 12
