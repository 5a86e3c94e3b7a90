"""The story of somebody else's sensors: heard, learnt, written into the settings, decoded."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from tests.broker import Broker
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, RunningGateway, holdwatch_json, until
from tests.e2e.test_first_alert import first_settings, publish


def send(broker: Broker) -> None:
    """Publish what two kinds of devices send that nobody here knows."""
    for place in ("cellar", "kitchen"):
        publish(broker, f"{place}/sensor/temperature/state", "21.5")
        publish(broker, f"barn/{place}-door/up", '{"tempF": 50, "hum": 61, "mystery": 1}')
    publish(broker, "cellar/status", "online")


def test_what_was_learnt_from_traffic_decodes_it(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        learning = subprocess.Popen(
            [
                *(*HOLDWATCH, "device", "learn", "--topic", "+/sensor/#", "--topic", "barn/#"),
                *("--topic", "+/status", "--for", "4 s", "--write", str(settings)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        ended = threading.Event()

        def keep_sending() -> None:
            while not ended.wait(0.3):
                send(broker)

        sending = threading.Thread(target=keep_sending)
        sending.start()
        try:
            said, wrong = learning.communicate(timeout=60)
        finally:
            ended.set()
            sending.join()
        assert learning.returncode == 0, said + wrong
        assert "mystery" in said
        assert "Appended to" in said
        added = next(line for line in said.splitlines() if line.startswith("topics = "))
        text = settings.read_text()
        assert '# topic = "cellar/status"' in text
        wanted = 'topics = ["cargo/+/+/readings"'
        assert wanted in text
        settings.write_text(
            text.replace(wanted, f"{wanted}, {added.removeprefix('topics = [')[:-1]}")
        )

        with RunningGateway(settings):
            send(broker)

            def heard() -> dict[str, dict[str, float]]:
                found = holdwatch_json("device", "list", "-c", str(settings))
                return {one["device"]: one["values"] for one in found}

            until(lambda: len(heard()) == 4, "all four devices are heard")
            assert heard() == {
                "cellar": {"temperature": 21.5},
                "kitchen": {"temperature": 21.5},
                "cellar-door": {"temperature": 10.0, "humidity": 61.0},
                "kitchen-door": {"temperature": 10.0, "humidity": 61.0},
            }
            quarantined = holdwatch_json("quarantine", "list", "-c", str(settings))
            assert "barn/" not in str(quarantined)
