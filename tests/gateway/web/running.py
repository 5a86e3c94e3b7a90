"""A real gateway with its page, as child processes, and who logs in to it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.broker import free_port
from tests.e2e.gateway_process import HOLDWATCH, RunningGateway, holdwatch, until

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
[gateway]
box = "dock"
data = "{folder}/data"
timezone = "Europe/Berlin"

[[listeners]]
port = {mqtt}
anonymous = true

[web]
port = {web}
{more_web}

[[devices]]
match = "fridge-*"
name = "Vaccine fridge"
site = "Warehouse 2"
interval = "5 min"
position = [53.54, 9.98]

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
outside = [2.0, 8.0]
severity = "critical"
note = "Move the vaccines to another fridge."

[[rules]]
name = "too-humid"
kind = "threshold"
channel = "humidity"
above = 80.0
for = "30 min"

[[rules]]
name = "not-heard"
kind = "lost_contact"
after = "1 h"
"""


class RunningPage(RunningGateway):
    """`holdwatch run` with a listener and a page, on ports of its own, until the block ends."""

    def __init__(self, folder: Path, settings: str = SETTINGS, more_web: str = "") -> None:
        self.mqtt = free_port()
        self.web = free_port()
        path = folder / "holdwatch.toml"
        path.write_text(
            settings.format(folder=folder, mqtt=self.mqtt, web=self.web, more_web=more_web)
        )
        super().__init__(path)
        self.url = f"http://127.0.0.1:{self.web}"
        self._clients: list[httpx.Client] = []

    def _joined(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/login", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def command(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command answers
        """Run a command against it and return what it answers."""
        return json.loads(holdwatch(*arguments, "--json", "-c", str(self.settings)))

    def publish(self, device: str, *messages: dict[str, Any]) -> None:
        """Be a sensor: send messages at QoS 1, and return when they are acknowledged."""
        lines = "\n".join(map(json.dumps, messages)) + "\n"
        topic = f"cargo/site/{device}/readings"
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.mqtt), "-q", "1", "-t", topic, "-l"],
            input=lines.encode(),
            check=True,
        )

    def add_user(self, name: str, role: str = "operator") -> str:
        """Add a person; return the password."""
        password: str = self.command("user", "add", name, "--role", role)["password"]
        return password

    def browser_of(self, name: str, password: str) -> httpx.Client:
        """Return a client that has logged in; it follows no redirect."""
        client = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=20)
        self._clients.append(client)
        answer = client.post("/login", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        return client

    def user(self, name: str = "olga", role: str = "operator") -> httpx.Client:
        """Add a person; return a client that has logged in."""
        return self.browser_of(name, self.add_user(name, role))

    def alert(self, device: str = "fridge-1", value: float = 11.5) -> dict[str, Any]:
        """Make a device too warm; return the alert that comes of it."""
        self.publish(device, {"temperature": value})

        def found() -> dict[str, Any] | None:
            alerts = self.command("alerts")
            return next((one for one in alerts if one["device"][1] == device), None)

        alert: dict[str, Any] = until(found, f"an alert about {device}")
        return alert

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for client in self._clients:
            client.close()
        super().__exit__(*error)


__all__ = ["HOLDWATCH", "SETTINGS", "RunningPage", "until"]
