"""The gateway is killed between what it sends to people and its record of that.

Each message goes out at least once, a repeat of it carries the same id, and none is lost.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from gateway.notify.outbox import Outbox
from gateway.state import State
from tests.broker import Broker, free_port
from tests.e2e.gateway_process import RunningGateway, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = 3
DEVICES = 3
SETTINGS = """\
[gateway]
box = "box"
data = "{data}"
[[brokers]]
name = "main"
host = "127.0.0.1"
port = {broker}
[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
severity = "critical"
[[channels]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:{port}/"
secret = "whsec_{key}"
allow = ["127.0.0.1"]
test_every = "never"
[[routes]]
name = "all"
channels = ["hook"]
gather = "0 s"
[disk]
ballast = "4 MB"
minimum_free = "1 MB"
"""


class Hook:
    """A receiver of webhooks, which may hold back its answer until the caller is gone."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.holding = threading.Event()
        self.held = threading.Event()
        self.release = threading.Event()

    def take(self, identity: str, body: bytes) -> None:
        self.ids.append(identity)
        self.bodies.append(json.loads(body)["data"])
        if self.holding.is_set():
            self.holding.clear()
            self.held.set()
            self.release.wait(20)

    def came_again(self, identity: str) -> bool:
        """Whether a message came more than once."""
        return self.ids.count(identity) > 1


@contextmanager
def receiving(hook: Hook, port: int) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.take(self.headers["webhook-id"], body)
            try:
                self.send_response(204)
                self.end_headers()
            except OSError:
                return  # whoever called was killed

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def publish(broker: Broker, device: str, value: float) -> None:
    message = json.dumps({"temperature": value})
    to = ["-p", str(broker.port), "-q", "1", "-t", f"cargo/a/{device}/readings", "-m", message]
    subprocess.run(["mosquitto_pub", *to], check=True)


def test_killed_between_sending_and_the_record_nothing_is_lost_and_ids_stay(
    tmp_path: Path,
) -> None:
    hook, port = Hook(), free_port()
    settings = tmp_path / "holdwatch.toml"
    with Broker(tmp_path) as broker, receiving(hook, port):
        data = tmp_path / "data"
        settings.write_text(SETTINGS.format(data=data, broker=broker.port, port=port, key="A" * 32))
        settings.chmod(0o600)
        gateway = RunningGateway(settings)
        gateway.start()
        for kill in range(KILLS):
            hook.held.clear()
            hook.release.clear()
            hook.holding.set()
            for device in range(DEVICES):
                publish(broker, f"d{kill}-{device}", 12.5)
            assert hook.held.wait(20), gateway.log.read_text()
            gateway.kill()
            cut = hook.ids[-1]
            hook.release.set()
            gateway.start()
            until(partial(hook.came_again, cut), "it is sent again with its id")
        # Those of one round may be one message; this one is not cut.
        publish(broker, "last", 12.5)
        wanted = {f"d{kill}-{device}" for kill in range(KILLS) for device in range(DEVICES)}
        wanted.add("last")
        until(
            lambda: {one["device"] for body in hook.bodies for one in body["alerts"]} >= wanted,
            "every alert is told",
        )
        until(lambda: not waiting(data), "all is on record")
        gateway.stop()
    state = State(data / "state.db", looking=True)
    kept = Outbox(state).page(None, 1000)
    assert {one.state for one in kept} == {"sent"}
    assert {one.message.id for one in kept} == set(hook.ids)
    # One that was cut came twice, the others once, and what came twice said the same.
    assert sorted(Counter(hook.ids).values(), reverse=True)[: KILLS + 1] == [2] * KILLS + [1]
    said = {identity: [b for b in hook.bodies if b["id"] == identity] for identity in hook.ids}
    assert all(bodies[0] == bodies[-1] for bodies in said.values())
    # No alert has two messages about its beginning.
    began = Counter(
        line.alert.id for one in kept for line in one.message.lines if line.occasion == "fired"
    )
    assert set(began.values()) == {1}
    assert len(began) == len(wanted)
    state.close()


def waiting(data: Path) -> dict[str, int]:
    state = State(data / "state.db", looking=True)
    try:
        return Outbox(state).count_waiting()
    finally:
        state.close()
