"""RuuviTags that this machine hears itself: it is a Ruuvi Gateway of its own.

An advertisement becomes the message that a Ruuvi Gateway would send of it, so that a tag has one
name and one history, whoever hears it, and what two of them hear is one reading. A tag sends every
second or so: one is kept in each `every`. Bluetooth has no acknowledgement: what is not heard, or
not yet on the disk when the power fails, is lost, and the next one comes soon.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from devices.device import Origin
from devices.models.ruuvi import COMPANY
from gateway.mqtt.packets import Publish
from gateway.ways.way import AGAIN, Way

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.settings.ways import Bluetooth

SOURCE = "bluetooth"
MOST_TAGS = 2_000
"""Tags that are remembered: whoever invents addresses must not fill the memory."""
SILENCE = 300.0
"""Seconds without any advertisement after which listening is begun anew: adapters get stuck."""
FORMAT = 5
HERE = "00:00:00:00:00:00"
"""In place of the address of a Ruuvi Gateway: we are not one that has an address."""


class BluetoothListener(Way):
    """Hears the tags around, for ever."""

    def __init__(self, section: Bluetooth, owner: str, ingest: Ingest, clock: Clock) -> None:
        """`owner`: whose tags they are."""
        super().__init__(SOURCE, section.every, clock)
        self._section = section
        self._origin = Origin(owner, SOURCE)
        self._ingest = ingest
        self._clock = clock
        self._kept: OrderedDict[str, int] = OrderedDict()
        """When (monotonic, ms) something of a tag was kept last."""
        self._unknown: set[str] = set()
        """Tags whose format cannot be read: each goes to the quarantine once."""
        self._waiting: dict[str, Publish] = {}
        self._came = asyncio.Event()
        self._heard = asyncio.Event()

    async def _take_in(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="bluetooth adapter")
            group.create_task(self._store(), name="bluetooth readings")

    async def _listen(self) -> None:
        # Loaded here: it looks for what the system's Bluetooth is, and may not find any.
        from bleak import BleakScanner  # noqa: PLC0415 - see above

        while True:
            adapter = self._section.adapter
            try:
                scanner = BleakScanner(
                    self.heard, bluez={} if adapter is None else {"adapter": adapter}
                )
                async with scanner:
                    self._fare.well()
                    await self._until_silent()
            except Exception as error:  # noqa: BLE001 - adapter, BlueZ and D-Bus fail in many ways; all are told, and tried again
                self._fare.failed(
                    f"Bluetooth cannot be used: {str(error) or type(error).__name__}",
                    "Is an adapter there (bluetoothctl list), and may this user use it?",
                )
                await asyncio.sleep(AGAIN)

    async def _until_silent(self) -> None:
        try:
            while True:
                self._heard.clear()
                await asyncio.wait_for(self._heard.wait(), SILENCE)
        except TimeoutError:
            return

    def heard(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        """Take an advertisement: what the adapter calls for each that it hears."""
        self._heard.set()
        data = advertisement.manufacturer_data.get(COMPANY)
        if not data or not self._is_due(device.address, data):
            return
        if len(self._waiting) >= MOST_TAGS and device.address not in self._waiting:
            return
        message = _message(data, advertisement.rssi, self._clock.now())
        topic = f"ruuvi/{HERE}/{device.address}"
        # While the disk takes nothing, the newest of each tag waits.
        self._waiting[device.address] = Publish(topic.encode(), message)
        self._came.set()

    def _is_due(self, address: str, data: bytes) -> bool:
        plain = address.replace(":", "").lower()
        if not any(fnmatchcase(plain, one) for one in self._section.devices):
            return False
        now = self._clock.monotonic()
        last = self._kept.get(address)
        if last is not None and now - last < self._section.every:
            return False
        if data[0] != FORMAT:
            if address in self._unknown or len(self._unknown) >= MOST_TAGS:
                return False
            self._unknown.add(address)
        self._kept[address] = now
        self._kept.move_to_end(address)
        if len(self._kept) > MOST_TAGS:
            self._kept.popitem(last=False)
        return True

    async def _store(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            await self.store()

    async def store(self) -> None:
        """Commit what was heard since the last time."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            done = await self._ingest.deliver(self._origin, list(waiting.values()))
            self._fare.came(done.readings, len(done.rejected))


def _message(data: bytes, rssi: int, now: int) -> bytes:
    """Return what a Ruuvi Gateway sends of an advertisement. Times are in seconds, as text."""
    length = len(data) + 3
    field = bytes((length, 0xFF)) + COMPANY.to_bytes(2, "little") + data
    seconds = str(now // 1000)
    return msgspec.json.encode(
        {
            "gw_mac": HERE,
            "rssi": rssi,
            "aoa": [],
            "gwts": seconds,
            "ts": seconds,
            "data": (b"\x02\x01\x06" + field).hex().upper(),
            "coords": "",
        }
    )
