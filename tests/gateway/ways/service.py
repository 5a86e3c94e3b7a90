"""A real web service on loopback, whose answers a test chooses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple


class Reply(NamedTuple):
    """What it answers."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    drip: threading.Event | None = None
    """Send the body but for its last byte, which never comes, until this is set."""


class Asked(NamedTuple):
    """What it was asked."""

    path: str
    headers: dict[str, str]


class WebService:
    """Answers with `reply`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.reply: Callable[[Asked], Reply] = lambda _asked: Reply(b"[]")
        self.asked: list[Asked] = []
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: WebService

    def do_GET(self) -> None:
        asked = Asked(self.path, {name.lower(): text for name, text in self.headers.items()})
        self.service.asked.append(asked)
        reply = self.service.reply(asked)
        self.send_response(reply.status)
        for name, text in reply.headers:
            self.send_header(name, text)
        if reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.drip is None:
            self.wfile.write(reply.body)
            return
        self.wfile.write(reply.body[:-1])
        self.wfile.flush()
        reply.drip.wait(20)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service(certificate: Path | None = None, key: Path | None = None) -> Iterator[WebService]:
    """Run a service until the block ends; with a certificate over TLS."""
    made = WebService()
    handler = type("Handler", (_Handler,), {"service": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
