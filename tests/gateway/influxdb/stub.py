"""A server that answers as a test says: errors, resets, silence.

    with Stub(Say(503, {"Retry-After": "7"})) as stub:          # always the same
    with Stub([Say(400), RESET, HANG, Say(204)]) as stub:       # in turn; the last one stays
    with Stub(lambda asked: Say(400) if b"bad" in asked.body else Say(204)) as stub:

It listens on loopback, in threads of its own, and waits for no time: what hangs does so until the
client gives up, or the test calls `release()`. What it was asked is in `asked`; `/ping` is
answered apart, by `ping`, and not counted.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    """By names in small letters."""
    body: bytes
    """Unpacked, where it came packed."""


class Say(NamedTuple):
    """One answer."""

    status: int = 204
    headers: Mapping[str, str] = {}
    body: bytes | dict[str, Any] | list[Any] = b""
    """A dict or a list is sent as JSON."""
    then: str = ""
    """`close` the connection afterwards without having said so; or instead of an answer `reset`
    it or `hang`; or send `body` `raw`, as it is."""


RESET = Say(then="reset")
HANG = Say(then="hang")

Script = Say | Sequence[Say] | Callable[[Asked], Say]


class Stub:
    """A scripted server; see above. `version` is what `/ping` tells, "" for none."""

    def __init__(
        self,
        script: Script = Say(),  # noqa: B008 - it cannot be changed
        *,
        version: str = "1.6.7",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.ping = Say(204, {"X-Influxdb-Version": version} if version else {})
        self.asked: list[Asked] = []
        self.pings: list[Asked] = []
        self.connections: set[socket.socket] = set()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(self, port, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def count(self) -> int:
        """How often it was asked."""
        return len(self.asked)

    @property
    def bodies(self) -> list[bytes]:
        """What it was sent."""
        return [one.body for one in self.asked]

    def release(self) -> None:
        """Close the connections that hang, now and from now on."""
        self.released.set()

    def answer(self, asked: Asked) -> Say:
        """Note what is asked, and return what to say."""
        with self.lock:
            if asked.path == "/ping":
                self.pings.append(asked)
                return self.ping
            self.asked.append(asked)
            number = len(self.asked) - 1
        if isinstance(self.script, Say):
            return self.script
        if callable(self.script):
            return self.script(asked)
        return self.script[min(number, len(self.script) - 1)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        with self.lock:
            for one in self.connections:
                _end(one)
        self._server.server_close()  # waits for the threads of all connections


def _end(connection: socket.socket) -> None:
    """Let whoever reads from it see the end."""
    with suppress(OSError):  # the client was faster
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, stub: Stub, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.stub = stub
        self._tls = tls

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake is made by the connection's own thread.
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self.stub.lock:
            self.stub.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the library has it
        # Without a farewell first, which would make an end of a reset.
        with self.stub.lock:
            self.stub.connections.discard(request)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the same
        """A client that hangs up, or does not trust our certificate, is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        say = self.server.stub.answer(self._read())
        if say.then == "hang":
            self.close_connection = True
            self.server.stub.released.wait()
        elif say.then == "reset":
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            self._say(say)

    def _read(self) -> Asked:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        if headers.get("content-encoding") == "gzip":
            body = zlib.decompress(body, 16 + zlib.MAX_WBITS)
        fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Asked(self.command, parts.path, fields, headers, body)

    def _say(self, say: Say) -> None:
        body, headers = say.body, dict(say.headers)
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        self.close_connection = bool(say.then)
        if say.then == "raw":
            self.wfile.write(body)
            return
        self.send_response_only(say.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if say.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if say.status != 204 else b"")

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the library has it
        """Tests look at `asked`."""
