"""Devices of the catalogue, simulated, over a real broker into a real gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulators.senders import eui, mac
from tests.broker import Broker, broker  # noqa: F401 - a fixture
from tests.e2e.gateway_process import RunningGateway, holdwatch, holdwatch_json, until

SCENARIO = """
seed = 3
weather = 2026-07-01T06:00:00Z

[[assets]]
name = "room"
kind = "cold-room"
place = [51.9, 4.3]
set_point = 4.0
    [[assets.sensors]]
    device = "probe"
    model = "dragino-lht65"
    channels = ["temperature", "humidity", "temperature.external", "battery"]
    [[assets.sensors]]
    device = "tracker"
    model = "dragino-lgt92"
    envelope = "things-stack"
    channels = ["position", "battery"]
    [[assets.sensors]]
    device = "tag"
    model = "ruuvi-ruuvitag"
    channels = ["temperature", "humidity"]
"""
SETTINGS = """
[gateway]
data = "data"

[[brokers]]
name = "house"
host = "127.0.0.1"
port = {port}
topics = ["application/#", "v3/#", "ruuvi/#"]
"""


@pytest.fixture
def config(tmp_path: Path, broker: Broker) -> Path:  # noqa: F811 - the fixture
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS.format(port=broker.port))
    return file


def test_what_a_scenarios_devices_send_is_known_and_read(
    config: Path,
    tmp_path: Path,
    broker: Broker,  # noqa: F811 - the fixture
) -> None:
    scenario = tmp_path / "room.toml"
    scenario.write_text(SCENARIO)
    probe, tag = eui("probe"), mac("tag").replace(":", "").lower()
    with RunningGateway(config) as gateway:
        words = holdwatch(
            *("simulate", str(scenario), "--start", "1 h ago", "--for", "30 min"),
            *("--host", broker.host, "--port", str(broker.port)),
        )
        assert "all are acknowledged" in words

        def heard() -> dict[str, dict[str, Any]]:
            found = {
                one["device"]: one["values"]
                for one in holdwatch_json("device", "list", "-c", str(gateway.settings))
            }
            return found if len(found) == 3 else {}

        devices = until(heard, "three devices are heard")
        assert holdwatch_json("quarantine", "list", "-c", str(gateway.settings))["total"] == 0
    assert devices.keys() == {probe, "tracker", tag}
    assert devices[probe]["temperature"] == pytest.approx(4.0, abs=3.0)
    assert devices[probe]["temperature.external"] == pytest.approx(4.0, abs=3.0)
    assert devices["tracker"]["latitude"] == pytest.approx(51.9, abs=0.001)
    assert devices[tag]["temperature"] == pytest.approx(devices[probe]["temperature"], abs=2.0)
