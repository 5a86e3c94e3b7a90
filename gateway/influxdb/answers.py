"""What a server's answer, or none, means for the lines that were sent.

A verdict on lines may cost lines: what is refused alone becomes a dead letter. So only an answer
that speaks of the lines themselves is one. A proxy's page, a redirect, a limit of the whole server
or a port that speaks another protocol are not: the lines wait until somebody has looked.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import NamedTuple

from urllib3.exceptions import (
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as TimedOut,
)

from gateway.settings.influxdb import InfluxDB

LONGEST = 300
"""Characters of a server's words that are kept."""
LONGEST_WAIT = 3600.0
"""Seconds: whatever Retry-After says, a server is tried again after that."""

_ITS_OWN = {400, 413, 422, 429}
"""Errors that InfluxDB itself answers, and the settings cannot cure."""

_NOT_MADE = re.compile(r"(database|bucket|retention policy)\b.*\bnot (found|exist)", re.IGNORECASE)
"""What InfluxDBs say where there is no such database or bucket."""


class Verdict(Enum):
    """What became of lines that were sent."""

    WRITTEN = "written"
    REFUSED = "refused"
    """At least one line is bad; others may have been stored."""
    TOO_LARGE = "too large"
    RESET = "reset"
    """The connection was closed in the middle of it. A smaller body may go through."""
    SLOW = "slow"
    """There was no answer in time. Send them all again; fewer at a time may be quicker."""
    GONE = "gone"
    """Nobody listens there: the server is down. Send them all again."""
    LATER = "later"
    """None can be said to be stored; send them all again."""


class Answer(NamedTuple):
    """What a server says to lines that were sent."""

    verdict: Verdict
    reason: str = ""
    """Status and the server's own words: one line, no secret. Empty where all is well."""
    cure: str = ""
    """What a person can do, if anything."""
    after: float = 0.0
    """Seconds that the server asks to be left alone; 0 where it does not say."""


class ServerError(Exception):
    """A server did not do what it was asked. The text is the reason."""

    def __init__(self, reason: str, cure: str = "", after: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cure = cure
        self.after = after
        self.status = status
        """Status that it answered; 0 where it answered none."""


class ResetByServer(ServerError):  # noqa: N818 - it is told apart from other errors by its name
    """The connection was closed before there was an answer."""


class NobodyListens(ServerError):  # noqa: N818 - as above
    """The machine is there, and no server on it."""


class NoAnswerInTime(ServerError):  # noqa: N818 - as above
    """There was no answer, or no connection, within the time."""


class Reply(NamedTuple):
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def on_lines(reply: Reply, section: InfluxDB, major: int) -> Answer:
    """Return what the answer to a write means for its lines."""
    status = reply.status
    if status == HTTPStatus.NO_CONTENT:
        return Answer(Verdict.WRITTEN)
    error = complaint(reply, section, major)
    verdict = Verdict.LATER
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        verdict = Verdict.TOO_LARGE
    elif status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY} and _speaks_of_lines(
        reply
    ):
        verdict = Verdict.REFUSED
    return Answer(verdict, error.reason, error.cure, error.after)


def complaint(reply: Reply, section: InfluxDB, major: int) -> ServerError:
    """Return the error that an answer is, with what a person can do about it."""
    words = _words(reply)
    if not re.match(rf"{reply.status}\b", words):  # Go says "404 page not found" by itself
        words = f"{reply.status} {words}"
    words = clean(words, section)
    return ServerError(words, _cure(reply, section, major), retry_after(reply), reply.status)


def on_fault(error: BaseException, section: InfluxDB, timeout: float) -> ServerError:
    """Return what it means that there was no answer at all. `timeout` in seconds."""
    url = section.url
    if isinstance(error, NameResolutionError):
        return ServerError(f"no such host: {url}", "Check url, and the name server")
    if isinstance(error, NewConnectionError):
        cause = error.__cause__ or error.__context__ or error
        why = str(cause).rpartition("] ")[2]
        kind = NobodyListens if isinstance(cause, ConnectionRefusedError) else ServerError
        return kind(
            clean(f"cannot connect to {url}: {why}", section),
            "Is the server running, and is url its address?",
        )
    inner = error.args[-1] if isinstance(error, ProtocolError | SSLError) and error.args else error
    if isinstance(error, TimedOut) or isinstance(inner, TimeoutError):
        return NoAnswerInTime(f"no answer from {url} within {timeout:g} s")
    if isinstance(inner, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError):
        # Over TLS, a connection that is cut looks like an end without a farewell.
        return ResetByServer(f"{url} closed the connection")
    if isinstance(inner, ssl.SSLError):
        return _tls_fault(inner, section)
    return ServerError(
        clean(f"no answer from {url} that is HTTP: {inner}", section),
        "Check that url is the address of an InfluxDB",
    )


def _tls_fault(error: ssl.SSLError, section: InfluxDB) -> ServerError:
    reason = clean(f"no trusted connection to {section.url}: {error.reason or error}", section)
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        reason = clean(f"the certificate of {section.url} is not trusted: {said}", section)
        if "mismatch" in said or "not valid for" in said:
            return ServerError(reason, "Write url with a name that is in the server's certificate")
        if "expired" in said or "not yet valid" in said:
            return ServerError(reason, "Renew the server's certificate, or set this clock")
        return ServerError(reason, "Give as ca the file of the authority that signed it")
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return ServerError(reason, "If the server speaks no TLS, write url with http:")
    return ServerError(reason, "Check the server's TLS settings")


def retry_after(reply: Reply) -> float:
    """Return the seconds that Retry-After asks for, which may be a number or a date (RFC 9110)."""
    text = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return min(float(text), LONGEST_WAIT)
    until = _date(text)
    if until is None:
        return 0.0
    # By the server's own clock where it tells it: ours may differ.
    now = _date(reply.headers.get("Date", ""))
    return min(max(until - (time.time() if now is None else now), 0.0), LONGEST_WAIT)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def clean(text: str, section: InfluxDB) -> str:
    """Return text as one line of a bearable length, without the secret."""
    if section.secret is not None and (secret := section.secret.get_secret_value()):
        text = text.replace(secret, "***").replace(basic(section.username or "", secret), "***")
    text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def basic(username: str, password: str) -> str:
    """Return what a Basic authorization (RFC 7617) sends for a name and a password."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _words(reply: Reply) -> str:
    """Return what the server says about an error, in its words."""
    told = document(reply)
    words = told.get("error") or told.get("message")
    if isinstance(words, str) and words:
        # InfluxDB 3 tells of each line apart; the first says enough.
        data = told.get("data")
        first = data[0] if isinstance(data, list) and data else data
        more = first.get("error_message") if isinstance(first, dict) else None
        return f"{words}: {more}" if isinstance(more, str) else words
    header = reply.headers.get("X-Influxdb-Error")
    if header:
        return header
    text = reply.body.decode(errors="replace").strip()
    if text and not _is_page(reply) and not told:
        return text
    try:
        return HTTPStatus(reply.status).phrase
    except ValueError:
        return "(no words)"


def document(reply: Reply) -> dict[str, object]:
    """Return the JSON object that an answer holds; an empty one where it holds none."""
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_page(reply: Reply) -> bool:
    kind = reply.headers.get("Content-Type", "")
    return "html" in kind.lower() or reply.body.lstrip()[:1] == b"<"


def _is_nowhere(reply: Reply) -> bool:
    """Whether a 404 speaks of the path alone."""
    return _is_page(reply) or "page not found" in _words(reply)


def _speaks_of_lines(reply: Reply) -> bool:
    """Whether a 400 or 422 is about the lines, and not about where or how they were sent."""
    if _is_page(reply):
        return False  # a proxy's: no InfluxDB answers a page
    # Go's and nginx's answer to http: on a port that speaks TLS, and InfluxDB 3's to one database
    # more than it allows.
    return not re.search(r"HTTPS (server|port)|number of databases", _words(reply))


def _cure(reply: Reply, section: InfluxDB, major: int) -> str:  # noqa: PLR0911 - one for each
    status, words = reply.status, _words(reply)
    if status == HTTPStatus.UNAUTHORIZED:
        return _login(section, major)
    if status == HTTPStatus.FORBIDDEN:
        who = "the user of this username" if section.username else "the token"
        return f"Give {who} the right to read and write {section.database}"
    if major and status == HTTPStatus.NOT_FOUND and _is_nowhere(reply):
        return f"Check url and version: nothing there takes what InfluxDB {major} takes"
    if status == HTTPStatus.NOT_FOUND and words.startswith("organization"):
        return "Check organization"
    # InfluxDB 1 answers a missing retention policy with 500.
    if words.startswith("retention policy not found") or (
        status == HTTPStatus.NOT_FOUND and _NOT_MADE.search(words)
    ):
        return f"Make it: holdwatch influx init {section.name}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        to = clean(reply.headers.get("Location", "elsewhere"), section)
        return (
            f"It sends us to {to}, and nothing is sent there unasked. If it is right, make it url"
        )
    if status == HTTPStatus.BAD_REQUEST and "HTTPS" in words:
        return "Write url with https:"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or (status in _ITS_OWN and not _is_page(reply)):
        return ""
    return "Check that url is the address of an InfluxDB, with nothing else in between"


def _login(section: InfluxDB, major: int) -> str:
    if major == 1:
        given = section.username is not None
        return "Check username and password_file" if given else "Give username and password_file"
    if major in {2, 3}:
        return "Check token_file" if section.secret else "Give token_file"
    do = "Check" if section.secret else "Give"
    return f"{do} token_file, or for InfluxDB 1 username and password_file"
