"""One answer of a web service, held to a size and a time. It blocks: call it on a thread.

What is sent goes to the host of the settings and nowhere else: a redirect to another is not
followed, and proxies of the environment are not asked. Certificates are verified.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from gateway.influxdb.answers import Reply, basic, retry_after

if TYPE_CHECKING:
    from gateway.settings.ways import Poll

REDIRECTS = 3
PIECE = 64 * 1024
LONGEST = 200
"""Characters of a service's words that are shown."""

_MOVED = {301, 302, 303, 307, 308}


class FetchError(Exception):
    """There is no answer that can be used: why, what to do, and how long to wait (s)."""

    def __init__(self, problem: str, cure: str = "", after: float = 0.0) -> None:
        super().__init__(f"{problem}. {cure}")
        self.problem = problem
        self.cure = cure
        self.after = after


class Fetched(NamedTuple):
    """What a service answered; `body` is None where it says that nothing is new."""

    body: bytes | None
    etag: str


class Service:
    """One web service. One thread at a time may ask."""

    def __init__(self, section: Poll) -> None:
        self._section = section
        self._pool: urllib3.PoolManager | None = None

    def get(self, url: str, etag: str = "") -> Fetched:
        """Return what lies at an address of it. `etag`: of what we have. Raises FetchError."""
        deadline = time.monotonic() + self._section.timeout / 1000
        headers = self._headers() | ({"If-None-Match": etag} if etag else {})
        try:
            for _ in range(REDIRECTS + 1):
                reply = self._request(url, headers, deadline)
                if reply.status not in _MOVED:
                    return self._judge(reply)
                url = self._moved(url, reply)
        except HTTPError as error:
            raise self._fault(error) from None
        raise FetchError(
            "the service sends from one address to the next", "Write the last one as url"
        )

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _headers(self) -> dict[str, str]:
        section = self._section
        headers = {"User-Agent": "holdwatch", "Accept": "application/json", **section.headers}
        if section.login is not None:
            headers["Authorization"] = f"Basic {basic(*section.login)}"
        if section.secret is not None:
            token = section.secret.get_secret_value()
            if not token.isascii() or not token.isprintable():
                # Were it sent, the error about it would tell it.
                raise FetchError("the token holds signs that no token has", "Check token_file")
            bearer = section.token_header.lower() == "authorization"
            headers[section.token_header] = f"Bearer {token}" if bearer else token
        return headers

    def _request(self, url: str, headers: Mapping[str, str], deadline: float) -> Reply:
        left = max(deadline - time.monotonic(), 0.05)
        response = self._open().request(
            "GET",
            url,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=left, read=left),
        )
        try:
            body = self._read(response, deadline)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Reply(response.status, response.headers, body)

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        largest = self._section.largest
        parts: list[bytes] = []
        size = 0
        # Piece by piece: who sends a byte now and then would keep us for ever.
        while piece := response.read1(PIECE, decode_content=True):
            parts.append(piece)
            size += len(piece)
            if size > largest:
                raise FetchError(
                    f"its answer has more than {largest:,} bytes",
                    "Ask for less at a time, or set largest",
                )
            if time.monotonic() > deadline:
                raise self._late()
        return b"".join(parts)

    def _judge(self, reply: Reply) -> Fetched:
        etag = reply.headers.get("ETag", "")
        if reply.status == HTTPStatus.OK:
            return Fetched(reply.body, etag)
        if reply.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            return Fetched(None, etag)
        words = "" if "html" in reply.headers.get("Content-Type", "") else _words(reply.body)
        said = f"it answers {reply.status}{f': {words}' if words else ''}"
        raise FetchError(self._clean(said), _CURES.get(reply.status, ""), retry_after(reply))

    def _moved(self, url: str, reply: Reply) -> str:
        try:
            there = urljoin(url, reply.headers.get("Location", ""))
            same = _host(there) == _host(url)
        except ValueError:
            there, same = "", False
        if not same:
            raise FetchError(
                f"it answers {reply.status} and sends to another host, where we do not follow",
                "Write the address that is right as url",
            )
        return there

    def _fault(self, error: HTTPError) -> FetchError:
        host = urlsplit(self._section.url).netloc
        inner = error.args[-1] if error.args else error
        if isinstance(error, NameResolutionError):
            return FetchError(f"no such host: {host}", "Check url, and the name server")
        if isinstance(error, NewConnectionError):
            why = str(error.__cause__ or error.__context__ or error).rpartition("] ")[2]
            return FetchError(f"cannot connect to {host}: {why}", "Is the service running there?")
        if isinstance(error, TimedOut) or isinstance(inner, TimeoutError):
            return self._late()
        if isinstance(error, SSLError):
            return FetchError(
                self._clean(f"no trusted connection to {host}: {inner}"),
                "Give as ca the file of the authority that signed its certificate",
            )
        return FetchError(self._clean(f"no answer from {host}: {inner}"), "Check url")

    def _late(self) -> FetchError:
        return FetchError(f"no whole answer within {self._section.timeout / 1000:g} s")

    def _clean(self, text: str) -> str:
        """Return text as one line of a bearable length, without what is secret."""
        section = self._section
        secrets = [section.secret.get_secret_value()] if section.secret is not None else []
        secrets += [section.login[1], basic(*section.login)] if section.login is not None else []
        for one in secrets:
            text = text.replace(one, "***") if one else text
        text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def _open(self) -> urllib3.PoolManager:
        if self._pool is None:
            self._pool = urllib3.PoolManager(ssl_context=self._context())
        return self._pool

    def _context(self) -> ssl.SSLContext | None:
        if not self._section.url.startswith("https:"):
            return None
        try:
            return ssl.create_default_context(cafile=self._section.ca)
        except OSError as error:
            raise FetchError(
                f"{self._section.ca} cannot be used as ca: {error.strerror or error}",
                "Give the file (PEM) of the authority that signed the service's certificate",
            ) from None


_CURES = {
    401: "Check the token, or user name and password",
    403: "Whoever the token belongs to may not read this: ask for the right",
    404: "Check url",
    429: "It is asked too often: set every to more",
}


def _host(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _words(body: bytes) -> str:
    return body[: 4 * LONGEST].decode(errors="replace").strip()
