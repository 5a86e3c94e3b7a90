"""Row 8, step by step: a small disk gets full while sensors send and an InfluxDB is away.

What was acknowledged is in the journal or the history all the while, whatever was given up.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

from tests.broker import free_port
from tests.faults.copying import fill
from tests.faults.running import LISTENING, Running, until
from tests.faults.sensors import Kind, Sensors
from tests.faults.standin import Sent
from tests.faults.test_disk import ALARM_WITHIN, MEMORY, small_disk
from tests.faults.test_power_cut import read_all

MB = 10**6
AWAY = (
    LISTENING
    + """
[[influxdb]]
name = "office"
url = "http://127.0.0.1:1"
database = "cargo"
"""
)
FOREVER = 1 << 50


def leave(disk: Path, free: int) -> None:
    """Let somebody else take all but so many bytes; give back what he took before."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    taken = shutil.disk_usage(disk).free - free
    descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(descriptor, 0, taken)
    os.close(descriptor)


def stored(gateway: Running) -> set[Sent]:
    """What is in the journal or the history, of the sensors that send now."""
    with closing(gateway.journal()) as journal, closing(gateway.history()) as history:
        found = [*read_all(journal)]
        for device in history.devices():
            found += history.read(device, 0, FOREVER)
    return {Sent(one.device.id, one.identity) for one in found if "past" not in one.device.id}


async def test_a_disk_gets_full_step_by_step_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", 240) as disk:
        port = free_port()
        gateway = Running(
            tmp_path, port, "--hurried", ways=AWAY, data=disk / "data", minimum_free="24 MB"
        )
        settings = tmp_path / "holdwatch.toml"
        settings.write_text(settings.read_text() + 'least_history = "1 day"\n')
        fill(gateway.data, 150_000, devices=6, archived=True)
        sensors = Sensors(port, 200, 4, kinds=(Kind(1, 4), Kind(2, 5)))
        try:
            gateway.start()
            await sensors.start()
            await flows(sensors)
            before = await gateway.becomes(
                lambda one: one["influxdb"]["office"]["waiting"] > 150_000, "all of it waits"
            )
            assert before["disk"]["step"] is None
            assert before["disk"]["spare"] < MB, before["disk"]
            await gives_up_copies(gateway, disk)
            await flows(sensors)
            await gives_up_history(gateway, disk)
            await flows(sensors)
            await stops(gateway, disk, sensors)
            (disk / "filler").unlink()
            await flows(sensors)
            await gateway.becomes(
                lambda one: not any(each["channel"] == "disk" for each in one["alerts"]),
                "all is well again",
            )
            sensors.sending = False
            await until(lambda: not sensors.unacknowledged, "all is acknowledged")
            assert gateway.peak_memory() <= MEMORY
            gateway.stop()
            assert set(sensors.acknowledged) <= stored(gateway)
        finally:
            gateway.kill()
            await sensors.stop()


async def flows(sensors: Sensors) -> None:
    ours = len(sensors.acknowledged)
    await until(lambda: len(sensors.acknowledged) > ours + 100, "it acknowledges")


async def gives_up_copies(gateway: Running, disk: Path) -> None:
    """With 44 MB free the InfluxDB is to get it later, and the journal has room inside."""
    leave(disk, 44 * MB)
    status = await gateway.becomes(
        lambda one: one["influxdb"]["office"]["missed_days"] >= 3, "its days are noted"
    )
    assert status["disk"]["step"] in {"copies", "journal", None}
    await gateway.becomes(lambda one: one["disk"]["spare"] > 2 * MB, "the journal has room inside")
    told = [one for one in status["alerts"] if one["channel"] == "disk"]
    assert [one["severity"] for one in told] == ["warning"]
    assert "the disk gets full" in told[0]["reason"]


async def gives_up_history(gateway: Running, disk: Path) -> None:
    """With less than half of what must stay, room inside the journal counts no more."""
    status = await gateway.status()
    leave(disk, 34 * MB - status["disk"]["spare"])
    await gateway.becomes(
        lambda one: one["disk"]["step"] in {"history", "intake"}, "the history gives up days"
    )


async def stops(gateway: Running, disk: Path, sensors: Sensors) -> None:
    leave(disk, 6 * MB)
    await gateway.becomes(
        lambda one: (
            [each["severity"] for each in one["alerts"] if each["channel"] == "disk"]
            == ["critical"]
        ),
        "it stops, and tells",
        ALARM_WITHIN,
    )
    ours = -1
    while ours != len(sensors.acknowledged):
        ours = len(sensors.acknowledged)
        await gateway.becomes(lambda one: one["waiting"]["monitor"] == 0, "what came is judged")
