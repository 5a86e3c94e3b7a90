"""The newcomer's story: a broker, two commands, and an alert of one's own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.settings.web import PORT
from tests.broker import Broker, free_port
from tests.e2e.gateway_process import RunningGateway, holdwatch, holdwatch_json, until

if TYPE_CHECKING:
    from typing import Any


def publish(broker: Broker, topic: str, message: str) -> None:
    subprocess.run(
        ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", topic, "-m", message],
        check=True,
    )


def retained(broker: Broker, topic: str) -> list[bytes]:
    """What a client that subscribes now is told at once."""
    done = subprocess.run(
        ["mosquitto_sub", "-p", str(broker.port), "-t", topic, "-W", "1", "--retained-only"],
        capture_output=True,
        check=False,
    )
    return done.stdout.splitlines()


def first_settings(folder: Path, broker: Broker) -> Path:
    """What `holdwatch init` writes, with a data folder of the test's own."""
    path = folder / "holdwatch.toml"
    holdwatch("init", str(path), "--broker", "localhost", "--port", str(broker.port))
    text = path.read_text().replace(
        "[gateway]", f'[gateway]\nbox = "first"\ndata = "{folder}/data"'
    )
    path.write_text(text.replace(f"port = {PORT}\n", f"port = {free_port()}\n"))
    return path


def test_a_newcomer_sees_an_alert_and_sees_it_end(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings) as gateway:
            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 9.5}')
            alerts: list[dict[str, Any]] = until(lambda: gateway.status()["alerts"], "an alert")
            assert [(one["rule"], one["device"], one["worst"]) for one in alerts] == [
                ("too-warm-now", ["", "kitchen"], 9.5)
            ]
            told = until(lambda: retained(broker, "holdwatch/first/alerts/+"), "a retained alert")
            assert json.loads(told[0])["id"] == alerts[0]["id"]
            assert "above 8.0 °C" in holdwatch("status", "-c", str(settings))

            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 4.0}')
            until(lambda: not gateway.status()["alerts"], "the alert ends")
            until(lambda: not retained(broker, "holdwatch/first/alerts/+"), "it is cleared")
            (device,) = holdwatch_json("device", "list", "-c", str(settings))
            assert device["values"] == {"temperature": 4.0}


def test_what_cannot_be_decoded_is_told_and_decoded_after_a_correction(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings) as gateway:
            publish(broker, "cargo/home/cellar/readings", '{"temp_c": 5.25}')
            until(lambda: gateway.status()["quarantine"], "a message in the quarantine")
            told = holdwatch("quarantine", "list", "-c", str(settings))
            assert "temp_c" in told
        mapping = '\n[[mappings]]\ntopic = "cargo/+/{device}/readings"\n'
        settings.write_text(
            settings.read_text() + mapping + 'channels = { temperature = "temp_c" }\n'
        )
        answer = holdwatch_json("quarantine", "retry", "-c", str(settings))
        assert (answer["decoded"], answer["left"]) == (1, 0)
        (device,) = holdwatch_json("device", "list", "-c", str(settings))
        assert (device["device"], device["values"]) == ("cellar", {"temperature": 5.25})


def test_a_broker_that_forgot_everything_is_told_again_what_is_wrong(tmp_path: Path) -> None:
    with Broker(tmp_path, persistent=False) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings):
            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 9.5}')
            until(lambda: retained(broker, "holdwatch/first/alerts/+"), "an alert")
            broker.kill()
            broker.start()
            until(lambda: retained(broker, "holdwatch/first/alerts/+"), "the alert again")


def test_where_nothing_is_judged_is_told(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings) as gateway:
            publish(broker, "cargo/home/fridge-1/readings", '{"humidity": 60}')
            told = until(lambda: gateway.status()["unwatched"], "what is not watched")
    assert told == ["rule fridge: fridge-1 never sent temperature", "no limit watches fridge-1"]


def test_rubbish_can_be_dropped_and_past_alerts_are_listed(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings) as gateway:
            publish(broker, "cargo/home/kitchen/readings", "rubbish")
            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 9.5}')
            publish(broker, "cargo/home/kitchen/readings", '{"temperature": 4.0}')
            until(lambda: gateway.status()["quarantine"], "a message in the quarantine")
            assert holdwatch_json("quarantine", "drop", "--all", "-c", str(settings)) == {
                "dropped": 1,
                "unknown": 0,
            }
            assert gateway.status()["quarantine"] == {}

            def over() -> list[dict[str, Any]]:
                found = holdwatch_json("alerts", "-c", str(settings))
                return [one for one in found if one["state"] == "resolved"]

            (alert,) = until(over, "an alert that is over")
            assert alert["worst"] == 9.5


def test_one_data_folder_has_one_gateway_and_commands_reach_it(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        settings = first_settings(tmp_path, broker)
        with RunningGateway(settings):
            assert "works in" in holdwatch("run", "-c", str(settings), code=5)
            series = tmp_path / "logger.csv"
            series.write_text(
                "time,temperature °C\n2026-01-01T00:00:00Z,9\n2026-01-01T00:05:00Z,3\n"
            )
            answer = holdwatch_json("import", str(series), "--device", "usb-1", "-c", str(settings))
            assert (answer["stored"], answer["known"]) == (2, 0)
            assert [one["retrospective"] for one in answer["alerts"]] == [True]
        assert (tmp_path / "data/control.sock").exists() is False
