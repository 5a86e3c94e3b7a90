"""Debian's real InfluxDB 1.6.7 and VictoriaMetrics on free loopback ports.

    def test_something(influxdb):              # one server for all tests of a worker
        database = influxdb.database()         # a fresh one for this test
        ... influxdb.url ...
        assert influxdb.rows(database, "SELECT * FROM readings") == [...]

    with RunningInflux(folder) as server:      # one of your own
        server.kill()                          # kill -9
        server.start()                         # again, on the same port, with what it had stored

The fixtures `influxdb`, `victoria` and `another_server` are known to all tests. What reads and
writes here knows nothing of the gateway: it is what the gateway's own ways are held against.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Any, Self

START_WITHIN = 20.0
"""Seconds. A busy Raspberry Pi is slow."""
STOP_WITHIN = 20.0
FAR = 4_000_000_000
"""Seconds since 1970: behind every time that a test writes."""


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Running:
    """A server as a process of its own, over a folder and a port that it keeps."""

    program: str
    package: str

    def __init__(self, folder: Path) -> None:
        if shutil.which(self.program) is None:
            pytest.skip(f"{self.program} is not installed: apt-get install {self.package}")
        self.folder = folder
        self.host = "127.0.0.1"
        self.port, self._other_port = free_ports(2)
        self.log = folder / f"{self.program}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    def command(self) -> list[str]:
        """What is started."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id, to look at its memory."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=self.folder
            )
        end = time.monotonic() + START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"{self.program} did not start: {self.log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Let it end by itself."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9: what it has not stored is lost."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections open, and nobody answers. `thaw()` lets it go on."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
            process.wait(STOP_WITHIN)

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/ping")[0] == 204
        except (OSError, HTTPException):
            return False

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        user: str = "",
        parameters: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Ask it over HTTP; return status and body. `user` is `name:password`."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        headers = {"Connection": "close"}
        if path == "/query":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        connection = HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path + query, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


class RunningInflux(Running):
    """One InfluxDB 1.6.7. `folder` holds its settings, log and data.

    `http` are lines of the section [http] of its settings, such as `auth-enabled = true` or
    `max-body-size = 10000`.
    """

    program = "influxd"
    package = "influxdb"

    def __init__(self, folder: Path, http: str = "") -> None:
        super().__init__(folder)
        self._settings = folder / "influxdb.conf"
        self._settings.write_text(
            f"""reporting-disabled = true
bind-address = "{self.host}:{self._other_port}"
[meta]
dir = "{folder}/meta"
logging-enabled = false
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
max-concurrent-compactions = 1
[monitor]
store-enabled = false
[subscriber]
enabled = false
[shard-precreation]
enabled = false
[continuous_queries]
enabled = false
[logging]
level = "error"
suppress-logo = true
[http]
bind-address = "{self.host}:{self.port}"
log-enabled = false
pprof-enabled = false
{http}
"""
        )

    def command(self) -> list[str]:
        return ["influxd", "run", "-config", str(self._settings)]

    def database(self, name: str = "") -> str:
        """Create a database, and return its name: a fresh one where none is given."""
        name = name or f"test_{next(self._numbers)}"
        self.query("", f'CREATE DATABASE "{name}"')
        return name

    def write(self, database: str, lines: bytes) -> None:
        """Write lines of line protocol, times in ns. Raises RuntimeError if they are refused."""
        status, said = self.ask(
            "POST", "/write", lines, parameters={"db": database, "precision": "ns"}
        )
        if status != 204:
            raise RuntimeError(f"{status}: {said.decode()}")

    def query(self, database: str, text: str, *, user: str = "") -> list[dict[str, Any]]:
        """Run one statement of InfluxQL; return its series as the server tells them."""
        # A POST, since a GET may only read; and its body may be longer than an address.
        body = urlencode({"q": text, "db": database, "epoch": "ns"}).encode()
        status, said = self.ask("POST", "/query", body, user=user)
        told = json.loads(said)
        (result,) = told.get("results") or [told]
        if status != 200 or "error" in result:
            raise RuntimeError(f"{status}: {result}")
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def rows(self, database: str, text: str, *, user: str = "") -> list[dict[str, Any]]:
        """Run one statement of InfluxQL; return its rows, each with its series' name and tags."""
        return [
            {
                "name": series["name"],
                **series.get("tags", {}),
                **dict(zip(columns, row, strict=True)),
            }
            for series in self.query(database, text, user=user)
            for columns in [series["columns"]]
            for row in series["values"]
        ]


class RunningVictoria(Running):
    """One VictoriaMetrics: it takes what InfluxDB 2 takes, and keeps times to the ms.

    It knows no databases, and its names of series are measurement_field.
    """

    program = "victoria-metrics"
    package = "victoria-metrics"

    def command(self) -> list[str]:
        return [
            "victoria-metrics",
            f"-httpListenAddr={self.host}:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=64MB",
            "-loggerLevel=ERROR",
        ]

    def measurement(self) -> str:
        """Return the name of a measurement that no other test uses."""
        return f"test_{next(self._numbers)}"

    def series(self, match: str) -> list[dict[str, Any]]:
        """Return series as {"metric": labels, "values": [...], "timestamps": [ms, ...]}."""
        self.ask("GET", "/internal/force_flush")
        parameters = {"match[]": match, "start": "0", "end": str(FAR)}
        status, said = self.ask("GET", "/api/v1/export", parameters=parameters)
        if status != 200:
            raise RuntimeError(f"{status}: {said.decode()}")
        found = []
        for line in said.split(b"\n")[:-1]:
            # Its infinities are no JSON: texts that are taken for numbers give them.
            labels, begin, rest = line.rpartition(b',"values":[')
            infinite = rest.replace(b"+Inf", b"Infinity").replace(b"-Inf", b"-Infinity")
            found.append(json.loads(labels + begin + infinite))
        return found


class Influx(NamedTuple):
    """A server that is there already, and how to log in. Its bucket or database is to be made."""

    url: str
    token: str
    organization: str


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInflux]:
    with RunningInflux(tmp_path_factory.mktemp("influxdb")) as running:
        yield running


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVictoria]:
    with RunningVictoria(tmp_path_factory.mktemp("victoria")) as running:
        yield running


@pytest.fixture(scope="session")
def another_server() -> Influx:
    """The InfluxDB that the environment names: any version. Skips where it names none."""
    url = os.environ.get("HOLDWATCH_TEST_INFLUXDB_URL", "")
    if not url:
        pytest.skip("no other InfluxDB to try: set HOLDWATCH_TEST_INFLUXDB_URL, _TOKEN and _ORG")
    return Influx(
        url.rstrip("/"),
        os.environ.get("HOLDWATCH_TEST_INFLUXDB_TOKEN", ""),
        os.environ.get("HOLDWATCH_TEST_INFLUXDB_ORG", ""),
    )
