"""Recorded advertisements of RuuviTags, fed to what the adapter would call. No radio is tested."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.settings.ways import Bluetooth
from gateway.ways.bluetooth import MOST_TAGS, BluetoothListener
from gateway.ways.way import PATIENCE
from rules.duration import MINUTE
from tests.gateway.parts import NOW, publish
from tests.gateway.ways.parts import House, house

RUUVI = 0x0499
VALID = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
"""24.3 °C, 53.49 %, 100044 Pa, sequence 205. Source: Ruuvi, data format 5, valid data."""
NEXT = "0512FD5394C37C0004FFFC040CAC364200CECBB8334C884F"
TAG = "CB:B8:33:4C:88:4F"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def listener(home: House, **more: object) -> BluetoothListener:
    section = Bluetooth.model_validate_json(json.dumps({"every": "1 min", **more}))
    return BluetoothListener(section, "", home.ingest, home.clock)


def advertised(
    one: BluetoothListener, data: str, address: str = TAG, company: int = RUUVI, rssi: int = -61
) -> None:
    heard = AdvertisementData(
        local_name=None,
        manufacturer_data={company: bytes.fromhex(data)},
        service_data={},
        service_uuids=[],
        tx_power=None,
        rssi=rssi,
        platform_data=(),
    )
    one.heard(BLEDevice(address, None, None), heard)


async def test_an_advertisement_is_a_reading_of_its_tag(home: House) -> None:
    one = listener(home)
    advertised(one, VALID)
    await one.store()
    (reading,) = home.stored()
    assert (str(reading.device), reading.source) == ("cbb8334c884f", "bluetooth")
    assert reading.value("temperature") == 24.3
    assert reading.value("signal") == -61.0
    assert reading.at == NOW // 1000 * 1000
    assert (one.report.readings, one.report.rejected) == (1, 0)


async def test_one_of_a_tag_is_kept_in_each_interval(home: House) -> None:
    one = listener(home)
    for _ in range(50):
        advertised(one, VALID)
        advertised(one, VALID, "CB:B8:33:4C:88:50")
    await one.store()
    assert len(home.stored()) == 2
    home.clock.passes(MINUTE)
    advertised(one, NEXT)
    await one.store()
    assert len(home.stored()) == 3


async def test_what_a_ruuvi_gateway_heard_too_is_one_reading(home: House) -> None:
    one = listener(home)
    advertised(one, VALID)
    await one.store()
    gateway = {
        "gw_mac": "C8:25:2D:8E:9C:2C",
        "rssi": -26,
        "ts": str(NOW // 1000 + 1),
        "data": f"0201061BFF9904{VALID}",
    }
    message = publish(json.dumps(gateway), topic=f"ruuvi/C8:25:2D:8E:9C:2C/{TAG}")
    await home.ingest.deliver(one._origin, [message])
    assert len(home.stored()) == 1


async def test_other_devices_and_tags_of_others_are_not_heard(home: House) -> None:
    one = listener(home, devices=["cbb8334c88*"])
    advertised(one, VALID, company=0x004C)
    advertised(one, VALID, "AA:B8:33:4C:88:4F")
    advertised(one, "", TAG)
    await one.store()
    assert home.stored() == []


async def test_a_tag_of_another_format_lies_in_the_quarantine_once(home: House) -> None:
    one = listener(home)
    for _ in range(3):
        advertised(one, "03291A1ECE1EFC18F94202CA0B53")
        await one.store()
        home.clock.passes(10 * MINUTE)
    (kept,) = home.journal.quarantine.page(0, 10)
    assert kept.reason == "unknown-version"
    assert kept.device == "cbb8334c884f"


async def test_invented_addresses_do_not_fill_the_memory(home: House) -> None:
    one = listener(home)
    for number in range(MOST_TAGS + 100):
        advertised(one, VALID, f"AA:BB:CC:DD:{number // 256:02X}:{number % 256:02X}")
    assert len(one._kept) == len(one._waiting) == MOST_TAGS


async def test_a_machine_without_bluetooth_is_told(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    one = listener(home)
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(10):
        while one.report.well:  # noqa: ASYNC110 - the adapter gives no sign
            await asyncio.sleep(0.01)
    assert "Bluetooth cannot be used" in one.report.reason
    home.clock.passes(PATIENCE)
    assert one.problem is not None
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
