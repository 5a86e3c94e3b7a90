"""The main job on real input: 38 days of a vaccine refrigerator, judged as its own logger did.

The logger's file holds what it measured and, for each day, how many minutes it counted outside
each limit and when its alarm rang. The same readings go through a real broker, and again
through `holdwatch import`, and both times our verdict must be the logger's.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aiomqtt
import msgspec
import pytest

from devices.loggers import read
from tests.broker import Broker
from tests.e2e.gateway_process import RunningGateway, holdwatch_json, until

if TYPE_CHECKING:
    from pathlib import Path

    from devices.loggers.file import DailyVerdict, LoggerFile

FILE = "fridgetag-2l_130500109088.txt"
ZONE = "Europe/Zurich"
"""The file gives local times and no zone; any zone gives the same verdict."""
TOLERANCE = 10
"""Minutes: the logger counts each minute, its file has a row for every fifth."""
RULES = {0: "too-cold", 1: "too-warm"}
"""The logger's two alarms, by their number, and our rules for them."""
SETTINGS = """
[gateway]
box = "main-job"
data = "{folder}/data"
timezone = "{zone}"
{broker}
[[rules]]
name = "too-cold"
kind = "threshold"
channel = "temperature"
below = 2.0
for = "60 min"
hold = "10 min"

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"
hold = "10 min"
"""
BROKER = """
[[brokers]]
name = "main"
host = "127.0.0.1"
port = {port}
"""


def settings_file(folder: Path, broker: str = "") -> Path:
    path = folder / "holdwatch.toml"
    path.write_text(SETTINGS.format(folder=folder, zone=ZONE, broker=broker))
    return path


def logger_file(vectors: Path) -> LoggerFile:
    content = (vectors / "loggers" / FILE).read_bytes()
    return read(FILE, content, received=1_800_000_000_000, zone=ZoneInfo(ZONE))


async def publish(port: int, file: LoggerFile) -> None:
    """Send every reading as our plain JSON, in order, at QoS 1."""
    async with aiomqtt.Client("127.0.0.1", port, max_queued_outgoing_messages=0) as client:
        for one in file.readings:
            message = {"time": one.at, "temperature": one.values[0]}
            payload = msgspec.json.encode(message)
            await client.publish(f"cargo/clinic/{file.device}/readings", payload, qos=1)


def minutes(clock: str) -> int:
    moment = dt.time.fromisoformat(clock)
    return 60 * moment.hour + moment.minute


def disagreements(verdict: DailyVerdict, day: dict[str, Any]) -> list[str]:
    """Where our day differs from the logger's."""
    found = []
    for number, rule in RULES.items():
        alarm = verdict.alarms[number]
        (counted,) = (one for one in day["minutes"] if one["rule"] == rule)
        ours = counted["below"] + counted["above"]
        if abs(ours - alarm.minutes) > TOLERANCE:
            found.append(f"{verdict.day} {rule}: {ours} min, the logger {alarm.minutes}")
        ringing = [one for one in day["alerts"] if one["rule"] == rule]
        if bool(ringing) != (alarm.triggered is not None):
            found.append(f"{verdict.day} {rule}: rings {ringing}, the logger {alarm.triggered}")
        elif alarm.triggered not in {None, "00:00"}:
            first = ringing[0]["time"]
            if first is None or abs(minutes(first) - minutes(alarm.triggered)) > TOLERANCE:
                found.append(f"{verdict.day} {rule}: at {first}, the logger {alarm.triggered}")
    return found


def assert_same_verdict(file: LoggerFile, report: dict[str, Any]) -> None:
    days = {one["date"]: one for one in report["days"]}
    assert len(file.verdicts) == 38
    rang = [one for one in file.verdicts for alarm in one.alarms.values() if alarm.triggered]
    assert len(rang) > 20, "a comparison with a logger that never rang shows nothing"
    wrong = [
        line
        for verdict in file.verdicts
        for line in disagreements(verdict, days[verdict.day.isoformat()])
    ]
    assert wrong == []


@pytest.mark.main_job
def test_38_days_through_a_broker_are_judged_as_the_logger_did(
    vectors: Path, tmp_path: Path
) -> None:
    file = logger_file(vectors)
    with Broker(tmp_path, "max_queued_messages 0") as broker:
        settings = settings_file(tmp_path, BROKER.format(port=broker.port))
        with RunningGateway(settings) as gateway:
            asyncio.run(publish(broker.port, file))
            until(
                lambda: (
                    gateway.status()["received"] >= len(file.readings)
                    and gateway.status()["waiting"]["monitor"] == 0
                ),
                "everything is stored and judged",
            )
            report = holdwatch_json("report", file.device, "-c", str(settings))
    assert_same_verdict(file, report)


@pytest.mark.main_job
def test_38_days_from_the_file_are_judged_as_the_logger_did(vectors: Path, tmp_path: Path) -> None:
    file = logger_file(vectors)
    settings = str(settings_file(tmp_path))
    path = str(vectors / "loggers" / FILE)
    answer = holdwatch_json("import", path, "--zone", ZONE, "-c", settings)
    assert (answer["stored"], answer["known"]) == (10_653, 0)
    assert {one["retrospective"] for one in answer["alerts"]} == {True}
    report = holdwatch_json("report", file.device, "-c", settings)
    assert_same_verdict(file, report)

    again = holdwatch_json("import", path, "--zone", ZONE, "-c", settings)
    assert (again["stored"], again["known"], again["alerts"]) == (0, 10_653, [])


def test_a_wrong_verdict_would_be_seen(vectors: Path) -> None:
    """The comparison itself: moved by one alarm or twenty minutes, it objects."""
    file = logger_file(vectors)
    verdict = next(one for one in file.verdicts if one.alarms[1].triggered not in {None, "00:00"})
    day: dict[str, Any] = {
        "minutes": [
            {"rule": rule, "below": 0.0, "above": float(verdict.alarms[number].minutes)}
            for number, rule in RULES.items()
        ],
        "alerts": [
            {"rule": rule, "time": verdict.alarms[number].triggered}
            for number, rule in RULES.items()
            if verdict.alarms[number].triggered
        ],
    }
    assert disagreements(verdict, day) == []
    day["minutes"][1]["above"] += 20
    assert len(disagreements(verdict, day)) == 1
    day["alerts"] = []
    assert len(disagreements(verdict, day)) == 2
