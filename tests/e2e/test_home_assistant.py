"""The story of Home Assistant: told to, a device and its alert appear there, and are kept up."""

from __future__ import annotations

import json
from pathlib import Path

from tests.broker import Broker
from tests.e2e.gateway_process import RunningGateway, until
from tests.e2e.test_first_alert import first_settings, publish, retained


def test_a_device_appears_by_itself_with_its_state_and_alert(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        told = settings.read_text().replace("[[brokers]]", "[[brokers]]\nhome_assistant = true")
        settings.write_text(told)
        state = "holdwatch/first/devices/kitchen"

        def newest() -> dict[str, object]:
            found = retained(broker, state)
            return dict(json.loads(found[0])) if found else {}

        with RunningGateway(settings):
            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 9.5}')
            until(lambda: newest().get("alert"), "the state holds an alert", 30)
            assert newest()["temperature"] == 9.5
            entities = [json.loads(one) for one in retained(broker, "homeassistant/+/+/config")]
            assert {one["name"] for one in entities} == {"Temperature", "Alert"}
            assert {one["state_topic"] for one in entities} == {state}
