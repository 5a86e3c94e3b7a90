"""While the settings file has mistakes: a running gateway is asked all the same, and is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gateway.app import Gateway
from gateway.commands.commands import Commands
from gateway.commands.control import ControlServer, socket_path
from gateway.settings import load
from gateway.settings.whereabouts import to_ask
from tests.e2e.typed import typed

START = """\
[gateway]
data = "data"
timezone = "Europe/Berlin"

[[listeners]]
port = 1999
anonymous = true
"""
MISTAKES = {
    "an unknown key": START + "colour = 1\n",
    "no TOML": START + "[[rules]\nabove = 8,0\n",
    "a mistake beside the folder": START.replace("[gateway]", "[gateway]\ncolour = 1"),
}


class Running:
    """A gateway without network that answers commands."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "holdwatch.toml"
        self.write(START)
        self.gateway = Gateway(load(self.file), join=False)

    def write(self, text: str) -> None:
        self.file.write_text(text)

    async def type(self, *words: str) -> CompletedProcess[str]:
        return await asyncio.to_thread(typed, *words, "-c", self.file)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    await made.gateway.compose()
    data = made.gateway.settings.gateway.data
    serving = asyncio.create_task(ControlServer(data, Commands(made.gateway).answer).run())
    while not socket_path(data).exists():  # noqa: ASYNC110 - another task makes it, and gives no sign
        await asyncio.sleep(0)
    yield made
    serving.cancel()
    await asyncio.wait([serving])
    made.gateway.close()


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
async def test_a_running_gateway_answers_though_its_file_has_mistakes(
    running: Running, text: str
) -> None:
    running.write(text)
    done = await running.type("status")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "… No sensor was heard yet.")
    (warning,) = done.stderr.splitlines()
    assert "1 mistake; the gateway runs by the settings from before. See: holdwatch check" in (
        warning
    )
    assert (await running.type("alerts")).returncode == 0
    assert to_ask(running.file)[0].gateway.timezone == "Europe/Berlin"


@pytest.mark.parametrize("words", [["status"], ["alerts"], ["reload"]])
def test_with_no_gateway_the_mistakes_are_told(tmp_path: Path, words: list[str]) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_text(MISTAKES["an unknown key"])
    done = typed(*words, "-c", file)
    assert done.returncode == 3
    assert "unknown key" in done.stderr
    assert not (tmp_path / "data").exists()


async def test_a_reload_with_mistakes_is_told_to_people_too(running: Running) -> None:
    running.write(MISTAKES["an unknown key"])
    done = await running.type("reload")
    assert done.returncode == 3
    assert "unknown key" in done.stderr
    (alert,) = [one for one in running.gateway.own_alerts.open_alerts if one.channel == "settings"]
    assert "unknown key" in alert.reason
    running.write(START)
    assert (await running.type("reload")).returncode == 0
    assert running.gateway.own_alerts.open_alerts == []


@pytest.mark.parametrize(
    "text",
    ['[gateway]\ndata = 7\n[[rules]]\nname = "x"\n', "[gateway]\ndata = \n", "gateway = 7\n"],
)
def test_where_the_folder_is_not_known_nobody_is_asked(tmp_path: Path, text: str) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_text(text)
    done = typed("status", "-c", file)
    assert done.returncode == 3
    assert "mistake" in done.stderr


def test_what_is_right_of_the_gateway_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_text(START.replace("Europe/Berlin", "Berlin"))
    found, mistakes = to_ask(file)
    assert mistakes is not None
    assert (found.gateway.data, found.gateway.timezone) == (tmp_path / "data", "UTC")
    assert [one.port for one in found.listeners] == [1999]
    file.write_text(START)
    assert to_ask(file)[1] is None
