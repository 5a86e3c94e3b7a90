"""The demo: a gateway of its own, and a simulated fleet that sends to it over MQTT.

Everything real but the sensors: our listener on a free port, journal, rules, alerts. The
simulation begins a day ago, is sent as fast as it is taken until it reaches now, and goes on in
real time. All files lie in one folder, which whoever starts it makes and removes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from zoneinfo import ZoneInfo, available_timezones

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.commands.commands import UNTIL_LEFT, Commands
from gateway.commands.control import ControlServer
from gateway.demo.board import Told, View
from gateway.demo.desk import desk
from gateway.demo.rows import Rows
from gateway.people.audit import Who, system_user
from gateway.people.person import TOKEN
from gateway.settings import load
from rules.duration import DAY, SECOND
from simulators.connection import Target
from simulators.scenario_file import find
from simulators.simulation import Simulation
from simulators.transmit import SystemClock, Transmission

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.demo.board import Row

SCENARIO = "demo"
LOOK = 0.25
"""Seconds between two looks at how it stands."""
PATIENCE = 2.0
"""Seconds in which the fleet may still hear that all it said was taken."""
LEVEL = 2 * SECOND
"""The past is taken in when the simulation is so close (ms) to the clock."""
EVENTS = 100
"""Events that are read at a time."""
PERSON = "demo"
"""Who is let in by the link."""
NEW = "strong-room-2"
"""A device that is not there yet, and that a rule watches from its first reading on."""
REMEMBERED = 50
"""Alerts that the board can look back on."""

_HEAD = """\
# Written by `holdwatch demo`, and removed when it ends.
[gateway]
box = "demo"
data = "data"
timezone = "{timezone}"

[[listeners]]
host = "127.0.0.1"
port = {port}
anonymous = true

[web]
port = {web}

[[channels]]
name = "desk"
kind = "webhook"
url = "http://127.0.0.1:{desk}/alerts"
secret = "{secret}"
allow = ["127.0.0.0/8"]
test_every = "never"

[[routes]]
name = "everything"
channels = ["desk"]
repeat = "30 min"

"""
_DEVICE = """\
[[devices]]
match = {device}
site = {site}
interval = "60 s"

"""
_ADVICE = "Ctrl-C ends it and leaves nothing behind"
_NO_CLIENTS = "sudo apt-get install mosquitto-clients"


class Demo:
    """One run: `run` it until `stop`."""

    def __init__(self, folder: Path, show: Callable[[View], None], log: TextIO) -> None:
        """Write the settings to an empty folder; every look at how it stands goes to `show`.

        `log`, a real file, takes the log of the page's process.
        """
        port, web, self._desk = _free_port(), _free_port(), _free_port()
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self._log = log
        self._show = show
        self._clock = SystemClock()
        self._start = self._clock.now() - DAY
        self._simulation = Simulation(find(SCENARIO), start=self._start)
        self.config = folder / "holdwatch.toml"
        rules = resources.files("simulators") / "scenarios" / f"{SCENARIO}-rules.toml"
        head = _HEAD.format(
            port=port, web=web, desk=self._desk, secret=secret, timezone=_timezone()
        )
        devices = "".join(
            _DEVICE.format(device=json.dumps(device), site=json.dumps(site))
            for device, site in self._places().items()
        )
        text = head + devices + rules.read_text(encoding="utf-8")
        self.config.write_text(text, encoding="utf-8")
        self._settings = load(self.config)
        self._zone = ZoneInfo(self._settings.gateway.timezone)
        self._transmission = Transmission(self._simulation, Target("127.0.0.1", port), self._clock)
        self._commands = _commands(port, self.config)
        self._link = ""
        self.on_page: Callable[[str], object] = lambda _link: None
        """Told the page's address, with what lets whoever has it in, once it is there."""
        self._told: list[Told] = []
        self._events = 0
        self._filled = False
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until it is stopped, also by Ctrl-C and by what ends a terminal.

        Raises what a gateway raises that cannot start or go on, and TransmitError.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        # Something is on the screen before the files are made.
        self._show(self._view([], 0))
        gateway = Gateway(self._settings, page_log=self._log)
        try:
            await gateway.compose()
            await self._let_in(gateway)
            async with desk(self._desk):
                await self._run(gateway)
        finally:
            gateway.close()

    async def _let_in(self, gateway: Gateway) -> None:
        """Make somebody who may do everything and has met the fleet, and the link."""
        web = self._settings.web
        if web is None:
            raise ValueError("the demo's settings have a page")
        who = Who(system_user(), "command line")
        await gateway.people.add(PERSON, "administrator", who)
        token = secrets.token_hex(TOKEN)
        expires = self._clock.now() + DAY
        await gateway.logins.open(sha256(token.encode()).digest(), PERSON, expires)
        for device in self._places():
            await gateway.admission.confirm([DeviceKey("", device)])
        self._link = f"{web.url}/enter#{token}"
        # Aside: to start a browser takes a while.
        await asyncio.to_thread(self.on_page, self._link)

    async def _run(self, gateway: Gateway) -> None:
        commands = Commands(gateway)
        control = ControlServer(self._settings.gateway.data, commands.answer, UNTIL_LEFT)
        parts = [
            asyncio.create_task(gateway.run(control), name="gateway"),
            asyncio.create_task(self._transmission.run(until=None, speed=None), name="fleet"),
            asyncio.create_task(self._watch(gateway, commands), name="board"),
        ]
        running, fleet, _ = parts
        stopping = asyncio.create_task(self._stopping.wait(), name="stop")
        try:
            await asyncio.wait([*parts, stopping], return_when=asyncio.FIRST_COMPLETED)
            # The sensors first, so that all they said is acknowledged.
            self._transmission.stop()
            await asyncio.wait([fleet], timeout=PATIENCE)
            gateway.stop()
            await asyncio.wait([running])
        finally:
            for task in (*parts, stopping):
                task.cancel()
            await asyncio.gather(*parts, stopping, return_exceptions=True)
        for task in parts:
            if not task.cancelled():
                task.result()

    async def _watch(self, gateway: Gateway, commands: Commands) -> None:
        """Look at how it stands, for ever."""
        rows = Rows(gateway, self._places())
        while True:
            self._listen(gateway)
            devices = await commands.answer({"do": "devices"}, lambda _done, _all: None)
            found = rows.rows(devices, self._clock.now())
            self._show(self._view(found, gateway.ingest.received))
            await asyncio.sleep(LOOK)

    def _listen(self, gateway: Gateway) -> None:
        """Take note of what became of alerts since the last look."""
        while self._events < gateway.state.head:
            events, self._events = gateway.state.read(self._events, EVENTS)
            self._told += [
                Told(one.number, one.recorded, one.event.alert)
                for one in events
                if one.event.kind != "revised" and not one.event.alert.retrospective
            ]
        del self._told[:-REMEMBERED]

    def _places(self) -> dict[str, str]:
        """Return at which site each simulated device is."""
        assets = self._simulation.roster.assets
        return {
            device.name: assets[device.asset].section.site
            for device in self._simulation.roster.devices
        }

    def _view(self, rows: list[Row], messages: int) -> View:
        now, simulated = self._clock.now(), self._simulation.now
        self._filled = self._filled or now - simulated < LEVEL
        share = 1.0 if self._filled else (simulated - self._start) / (now - self._start)
        return View(
            now=now,
            zone=self._zone,
            filled=share,
            messages=messages,
            truth=self._simulation.describe(),
            rows=rows,
            told=tuple(self._told),
            page=self._link,
            commands=self._commands,
            advice=_ADVICE if shutil.which("mosquitto_pub") else _NO_CLIENTS,
        )


def _commands(port: int, config: Path) -> tuple[str, ...]:
    """Return what can be typed while it runs."""
    return (
        f"{_own_name()} status -c {shlex.quote(str(config))}",
        f"mosquitto_sub -p {port} -t 'holdwatch/demo/alerts/+' -v",
        f"mosquitto_pub -p {port} -q 1 -t cargo/warehouse/{NEW}/readings \\",
        """    -m '{"illuminance": 300}'""",
    )


def _own_name() -> str:
    """Return how this program is called from here."""
    if shutil.which("holdwatch"):
        return "holdwatch"
    own = Path(sys.executable).with_name("holdwatch")
    if own.is_relative_to(Path.cwd()):
        own = own.relative_to(Path.cwd())
    return shlex.quote(str(own))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _timezone() -> str:
    """Return the name of this machine's time zone; UTC if it tells none."""
    where = os.environ.get("TZ") or os.path.realpath("/etc/localtime")
    name = where.removeprefix(":").rpartition("zoneinfo/")[2]
    return name if name in available_timezones() else "UTC"
