"""Which ways in the settings name, and a gateway that runs them."""

from __future__ import annotations

import asyncio
import json
import pickle
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.recognition import Recognition
from gateway.page import Page, without_secrets
from gateway.settings import Settings, SettingsError, parse
from gateway.ways import grants, mappings, ways
from tests.broker import free_port
from tests.e2e.gateway_process import RunningGateway, holdwatch, until
from tests.gateway.ways.modbus_server import controller
from tests.gateway.ways.parts import house
from tests.gateway.ways.service import Reply, service

SETTINGS = """\
[gateway]
box = "dock"
data = "{folder}/data"

[[polls]]
name = "store"
url = "{url}/?from={{since}}"
every = "1 s"
device_key = "probe"
speaks_for = ["probe-*"]
token = "s3cret-token"
items = "data"

[[modbus]]
name = "room"
host = "127.0.0.1"
port = {port}
every = "1 s"
device = "room-1"

[[modbus.registers]]
channel = "temperature"
address = 0
scale = 0.1

[bluetooth]
devices = ["cbb8*"]
"""


def settings(folder: Path, url: str = "http://127.0.0.1:9", port: int = 5020) -> str:
    return SETTINGS.format(folder=folder, url=url, port=port)


async def test_each_section_is_a_way_in_that_speaks_for_its_devices(tmp_path: Path) -> None:
    read = parse(settings(tmp_path))
    async with house(tmp_path) as home:
        found = ways(read, home.ingest, home.state, home.clock, Recognition())
    assert [one.name for one in found] == ["poll:store", "modbus:room", "bluetooth"]
    assert grants(read) == {
        "poll:store": ("probe-*",),
        "modbus:room": ("room-1",),
        "bluetooth": ("*",),
    }
    assert [one.topic for one in mappings(read)] == ["poll/store"]


def test_a_device_s_name_is_no_pattern(tmp_path: Path) -> None:
    granted = grants(parse(settings(tmp_path).replace('"room-1"', '"room[1]"')))
    assert any(fnmatchcase("room[1]", one) for one in granted["modbus:room"])
    assert "room[1]" in granted["modbus:room"]


async def test_without_a_section_there_is_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert ways(Settings(), home.ingest, home.state, home.clock, Recognition()) == []


@pytest.mark.parametrize("section", ["polls", "modbus"])
def test_two_of_one_name_are_a_mistake(tmp_path: Path, section: str) -> None:
    text = settings(tmp_path)
    start = text.index(f"[[{section}]]")
    again = text[start : text.index("\n[", text.index("device", start))]
    with pytest.raises(SettingsError, match="is already the name of another"):
        parse(text + "\n" + again)


def test_the_page_is_told_no_secret_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_TOKEN", "s3cret-token")
    text = settings(tmp_path).replace('token = "s3cret-token"', 'token_env = "STORE_TOKEN"')
    for written in (text, settings(tmp_path)):
        read = parse(written + "\n[web]\nport = 8471\n")
        assert b"s3cret-token" not in pickle.dumps(without_secrets(read))
        assert read.web is not None
        assert ("STORE_TOKEN" in Page(read, read.web)._environment()) == (written != text)


def seen(path: Path) -> dict[str, Any]:
    listed = json.loads(holdwatch("device", "list", "--json", "-c", str(path)))
    return {one["device"]: one["values"] for one in listed}


class _Running(RunningGateway):
    def _joined(self) -> bool:
        return bool(self.status())


async def test_a_gateway_takes_in_what_a_service_and_a_controller_say(tmp_path: Path) -> None:
    port = free_port()
    answer = {"data": [{"probe": "probe-1", "temperature": 3.5, "time": "2026-11-22T10:00:00Z"}]}
    path = tmp_path / "holdwatch.toml"
    words = [SimData(0, values=[43], datatype=DataType.REGISTERS)]
    with service() as web:
        web.reply = lambda _asked: Reply(json.dumps(answer).encode())
        path.write_text(settings(tmp_path, web.url, port))
        async with controller(SimDevice(1, simdata=words), port):
            gateway = _Running(path)
            await asyncio.to_thread(gateway.start)
            try:
                await asyncio.to_thread(
                    lambda: until(
                        lambda: (
                            seen(path)
                            == {"probe-1": {"temperature": 3.5}, "room-1": {"temperature": 4.3}}
                        ),
                        "both are heard",
                    )
                )
            finally:
                await asyncio.to_thread(gateway.stop)
    assert web.asked[0].headers["authorization"] == "Bearer s3cret-token"
