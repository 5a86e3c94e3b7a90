"""One InfluxDB over HTTP: which it is, lines to it, and rows from it.

InfluxDB 1 is written to at `/write`, 2 and 3 by influxdb-client at `/api/v2/write`. Retries and
batches are not made here: the journal is the buffer, and `delivery` decides.

What is sent goes to the address of the settings and nowhere else: redirects are not followed, and
proxies of the environment are not asked. All calls block; any number of threads may call.
"""

from __future__ import annotations

import re
import ssl
import threading
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from gateway.influxdb.answers import (
    Answer,
    NoAnswerInTime,
    NobodyListens,
    Reply,
    ResetByServer,
    ServerError,
    Verdict,
    basic,
    clean,
    complaint,
    document,
    on_fault,
    on_lines,
)
from gateway.settings.influxdb import InfluxDB

if TYPE_CHECKING:
    from gateway.influxdb.client import Client

__all__ = ["Answer", "Server", "ServerError", "Verdict"]

_GZIP = 16 + zlib.MAX_WBITS
"""What zlib calls a gzip header around it."""


class Server:
    """One InfluxDB. Nothing is sent before it is asked for."""

    def __init__(self, section: InfluxDB, *, timeout: float = 30.0, parallel: int = 4) -> None:
        """`timeout` in seconds, for each step of a request; `parallel` requests at a time."""
        self._section = section
        self._timeout = timeout
        self._parallel = parallel
        self._pinned = "" if section.version == "auto" else section.version
        self._version = ""
        self._lock = threading.Lock()
        self._closed = False
        self._pool: urllib3.PoolManager | None = None
        self._client: Client | None = None

    @property
    def known_version(self) -> str:
        """What the server said that it is; empty while it was not asked."""
        return self._version

    def version(self) -> str:
        """Return the server's version, such as 2.7.10. It is asked once.

        Where it says none, what the settings say. ServerError if neither does, or it cannot be
        asked.
        """
        if not self._version:
            self._version = self._ask_version()
        return self._version

    def _ask_version(self) -> str:
        reply = self.ask("GET", "/ping")
        fine = reply.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}
        if fine and (said := _version_in(reply)):
            return said
        if self._pinned:
            return self._pinned
        if not fine:
            raise complaint(reply, self._section, 0)
        raise ServerError(
            f"{self._section.url} does not say which InfluxDB it is",
            'Check url. If it is right, say in the settings what it is like: version = "2"',
        )

    @property
    def major(self) -> int:
        """1, 2 or 3: as the settings say, or else the server.

        ServerError as by `version`, and where the settings do not fit such a server.
        """
        major = self._pinned or self.version().partition(".")[0]
        if major not in {"1", "2", "3"}:
            raise ServerError(
                f"{self._section.url} says that it is InfluxDB {self._version}, which is not known",
                'Say in the settings which one it is like: version = "3"',
            )
        self._check_fits(major)
        return int(major)

    def _check_fits(self, major: str) -> None:
        """Raise ServerError where the settings give what such a server does not take."""
        section = self._section
        if section.secret is not None and (major == "1") != (section.username is not None):
            unfit, wanted = "username and password", "token_file"
            if major == "1":
                unfit, wanted = "a token", "username and password_file"
            raise ServerError(
                f"{section.url} is InfluxDB {major}, which does not take {unfit}",
                f"Give {wanted} instead",
            )
        if major == "2" and not section.organization:
            raise ServerError(
                f"{section.url} is InfluxDB 2, which wants to know the organization",
                "Add organization",
            )

    def write(self, lines: bytes) -> Answer:
        """Send lines of line protocol with times in ns, newlines between them.

        Whatever a server or a network does is told by the answer, never raised.
        """
        try:
            major = self.major
            reply = self._write_1(lines) if major == 1 else self._write_2(lines)
        except ResetByServer as error:
            return Answer(Verdict.RESET, error.reason, error.cure)
        except NoAnswerInTime as error:
            return Answer(Verdict.SLOW, error.reason, error.cure)
        except NobodyListens as error:
            return Answer(Verdict.GONE, error.reason, error.cure)
        except ServerError as error:
            return Answer(Verdict.LATER, error.reason, error.cure, error.after)
        # It may have been upgraded since it was asked, or another one is there now: ask again.
        if reply.status == HTTPStatus.NOT_FOUND:
            self._version = ""
        self._version = _version_in(reply) or self._version
        return on_lines(reply, self._section, major)

    def _write_1(self, lines: bytes) -> Reply:
        fields = {"db": self._section.database, "precision": "ns"}
        if self._section.retention_policy:
            fields["rp"] = self._section.retention_policy
        body, encoding = self._packed(lines)
        headers = {"Content-Type": "text/plain"}
        if encoding:
            headers["Content-Encoding"] = encoding
        return self.ask("POST", "/write", fields, body, headers)

    def _write_2(self, lines: bytes) -> Reply:
        client = self._open_client()
        body, encoding = self._packed(lines)
        try:
            return client.write(body, encoding)
        except HTTPError as error:
            raise on_fault(error, self._section, self._timeout) from None

    def _packed(self, lines: bytes) -> tuple[bytes, str]:
        """Return a body and its Content-Encoding. influxdb-client's own takes three times as long.

        Measured: 5,000 readings, 567 kB, become 71 kB in 5 ms, and 67 kB in 16 ms.
        """
        if not self._section.compressed:
            return lines, ""
        packer = zlib.compressobj(wbits=_GZIP)
        return packer.compress(lines) + packer.flush(), "gzip"

    def query(self, influxql: str) -> list[dict[str, Any]]:
        """Return the rows of an InfluxQL query: name, tags, time (ns), and its other columns.

        ServerError if the server refuses, or tells only a part.
        """
        major = self.major
        fields = {"db": self._section.database, "q": influxql, "epoch": "ns"}
        if major == 1 and self._section.retention_policy:
            fields["rp"] = self._section.retention_policy
        reply = self.ask("GET", "/query", fields)
        if reply.status != HTTPStatus.OK:
            raise complaint(reply, self._section, major)
        return self.rows(reply)

    def rows(self, reply: Reply) -> list[dict[str, Any]]:
        """Return the rows that a 200 from /query holds. ServerError if it is none, or a part."""
        rows = []
        try:
            for result in msgspec.json.decode(reply.body)["results"]:
                if "error" in result:
                    raise ServerError(clean(result["error"], self._section))
                for series in result.get("series", ()):
                    about = {"name": series.get("name", ""), "tags": series.get("tags", {})}
                    rows += [
                        about | dict(zip(series["columns"], values, strict=True))
                        for values in series.get("values", ())
                    ]
                    if series.get("partial"):
                        raise ServerError("the answer was cut short", "Ask for a shorter time")
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise ServerError(
                f"{self._section.url} does not answer as an InfluxDB does",
                "Check that url is the address of an InfluxDB",
            ) from error
        return rows

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return what the server answers, whatever its status. ServerError if there is no answer.

        `fields` go into the address.
        """
        address = self._section.url + path + (f"?{urlencode(fields)}" if fields else "")
        pool = self._open_pool()
        sent = {"User-Agent": "holdwatch", **self._login(), **(headers or {})}
        try:
            response = pool.request(
                method, address, body=body, headers=sent, retries=False, redirect=False
            )
        except HTTPError as error:
            raise on_fault(error, self._section, self._timeout) from None
        return Reply(response.status, response.headers, response.data)

    def _login(self) -> dict[str, str]:
        section = self._section
        if section.secret is None:
            return {}
        if section.username is None:
            # InfluxDB 2 and 3 take this on all their paths, those of InfluxDB 1 as well.
            return {"Authorization": f"Token {self._token()}"}
        login = basic(section.username, section.secret.get_secret_value())
        return {"Authorization": f"Basic {login}"}

    def _token(self) -> str:
        token = self._section.secret.get_secret_value() if self._section.secret else ""
        if not token.isascii() or not token.isprintable():
            # Were it sent, the error about it would tell it.
            raise ServerError("the token holds characters that no token has", "Check token_file")
        return token

    def _context(self) -> ssl.SSLContext | None:
        if not self._section.url.startswith("https:"):
            return None
        try:
            return ssl.create_default_context(cafile=self._section.ca)
        except OSError as error:
            raise ServerError(
                f"{self._section.ca} cannot be used as ca: {error.strerror or error}",
                "Give as ca the file (PEM) of the authority that signed the server's certificate",
            ) from None

    def _open_pool(self) -> urllib3.PoolManager:
        with self._lock:
            self._check_open()
            if self._pool is None:
                self._pool = urllib3.PoolManager(
                    maxsize=self._parallel,
                    timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout),
                    ssl_context=self._context(),
                )
            return self._pool

    def _open_client(self) -> Client:
        # Loaded here: a gateway without InfluxDB 2 and 3 need not spend what it takes.
        from gateway.influxdb.client import Client  # noqa: PLC0415 - see above

        with self._lock:
            self._check_open()
            if self._client is None:
                self._client = Client(
                    self._section, self._token(), self._timeout, self._parallel, self._context()
                )
            return self._client

    def _check_open(self) -> None:
        if self._closed:
            raise ServerError("the gateway is stopping")

    def close(self) -> None:
        """Close the connections. Nothing can be sent afterwards."""
        with self._lock:
            self._closed = True
            pool, client = self._pool, self._client
            self._pool = self._client = None
        if pool is not None:
            pool.clear()
        if client is not None:
            client.close()


def _version_in(reply: Reply) -> str:
    """Return the version that an answer tells, such as 2.7.10; empty if none."""
    said = reply.headers.get("X-Influxdb-Version") or document(reply).get("version")
    found = re.search(r"\d+(\.\d+)+", said) if isinstance(said, str) else None
    return found.group() if found else ""
