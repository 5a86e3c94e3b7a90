"""Sends a load over many connections to a broker on this machine: at once, or at a pace.

It is bounded in number and time and speaks to 127.0.0.1 alone, so that it can flood nobody. It
must never be what a measurement waits for: every packet is made before the first is sent, and
as many as the window allows are written in one call.

    with Fleet(port, split(messages(...), 500)) as fleet:
        sent = fleet.send()
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple, Self

from simulators.load import (
    DISCONNECT,
    Load,
    Login,
    Message,
    Share,
    connect,
    pubacks,
    split,
)

LONGEST = 900.0
"""Seconds that one call may take."""
WINDOW = 1_000
"""Messages of one connection that may be unacknowledged, unless told otherwise."""
PART = 4
"""A connection writes again when this part of its window is free: a quarter."""
CHUNK = 64 * 1024
"""Bytes read at a time."""
WIDEST = CHUNK // 4
"""The widest window: its PUBACKs, of four bytes each, are read in one call."""
PATIENCE = 10.0
"""Seconds for a broker's answer to CONNECT."""

_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
# Edge by edge: one call takes all PUBACKs of a window, and a socket that was full tells when it
# has room again. An end that comes right behind data is told only in the event, not by reading.
_LOOPBACK = "127.0.0.1"
_PUBACK = 4
"""Bytes of a PUBACK."""
_CONNACK = b"\x20\x02"
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not take this client id",
    3: "it is not available",
    4: "user name or password are wrong",
    5: "it must let anonymous clients in, or be given a user name and a password it knows",
}


class BrokerError(Exception):
    """The broker does not take the load: why, and what to do."""


class Sent(NamedTuple):
    """What came of a load; times are seconds of `time.monotonic()`.

    `latencies` are in seconds, in the order of the PUBACKs, and only there with a pace: from the
    sending of a message to its PUBACK; from when it was due, if the broker held it back.
    """

    acknowledged: int
    began: float
    ended: float
    latencies: list[float]


def send(
    port: int,
    load: Iterable[Message],
    *,
    connections: int = 1,
    rate: float | None = None,
    login: Login | None = None,
) -> Sent:
    """Send messages to the broker on this machine's `port`; return when all are acknowledged.

    `rate` is in messages per second, None for as fast as the broker takes them. Raises
    BrokerError, ValueError beyond MOST, TimeoutError beyond LONGEST.
    """
    with Fleet(port, split(load, connections), login=login) as fleet:
        return fleet.send(rate)


class Fleet:
    """The connections that send one load. They are open inside `with`."""

    def __init__(
        self, port: int, load: Load, *, window: int = WINDOW, login: Login | None = None
    ) -> None:
        """Take the load. `window`: messages of one connection that may be unacknowledged."""
        if not 1 <= window <= WIDEST:
            raise ValueError(f"a window of {window} messages: it must be 1 to {WIDEST}")
        self._port = port
        self._load = load
        self._window = window
        self._login = login
        self._expected = pubacks(max(len(share.ends) for share in load.shares))
        self._connections: list[_Connection] = []
        self._by_descriptor: dict[int, _Connection] = {}
        self._open = ExitStack()

    def send(self, rate: float | None = None) -> Sent:
        """Send all, and return once all are acknowledged. Once for a fleet.

        `rate` is in messages per second, None for as fast as they are taken. Raises BrokerError,
        ValueError for a pace that takes longer than LONGEST, TimeoutError beyond LONGEST.
        """
        total = len(self._load.turns)
        if rate is not None and total / rate > LONGEST:
            raise ValueError(f"{total} messages at {rate:g}/s take more than {LONGEST:.0f} s")
        due = 0
        done = 0
        latencies: list[float] = []
        began = time.monotonic()
        if rate is None:
            due = total
            self._release_all()
        while done < total:
            if rate is not None:
                due = self._release(due, began, rate)
            rest = LONGEST if rate is None or due == total else due / rate
            for descriptor, event in self._events.poll(self._left(began, rest)):
                connection = self._by_descriptor[descriptor]
                if event & ~select.EPOLLOUT:
                    before = connection.acknowledged
                    connection.read(self._expected)
                    done += connection.acknowledged - before
                    now = time.monotonic()
                    moments = connection.moments[before : connection.acknowledged]
                    latencies.extend(now - moment for moment in moments)
                if event & _GONE and done < total:
                    raise connection.closed()
                connection.write()
        return Sent(done, began, time.monotonic(), latencies)

    def _release_all(self) -> None:
        for connection in self._connections:
            connection.released = len(connection.share.ends)
            connection.write()

    def _release(self, due: int, began: float, rate: float) -> int:
        """Send what is due by now, from message number `due` on; return the next number."""
        total = len(self._load.turns)
        while due < total and (moment := began + due / rate) <= (now := time.monotonic()):
            connection = self._connections[self._load.turns[due]]
            connection.moments.append(moment if connection.held else now)
            connection.released += 1
            connection.write()
            due += 1
        return due

    @staticmethod
    def _left(began: float, rest: float) -> float:
        """Return the seconds to wait for what is due `rest` seconds after the beginning."""
        passed = time.monotonic() - began
        if passed > LONGEST:
            raise TimeoutError(f"the broker did not take the load within {LONGEST:.0f} s")
        return max(0.0, rest - passed)

    def __enter__(self) -> Self:
        """Connect all. Raises BrokerError."""
        with ExitStack() as opened:
            self._events = opened.enter_context(select.epoll())
            for share in self._load.shares:
                broker = opened.enter_context(join(self._port, share.client_id, self._login))
                connection = _Connection(broker, share, self._window)
                self._connections.append(connection)
                self._by_descriptor[broker.fileno()] = connection
                self._events.register(broker, _EVENTS)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave; the broker is told, unless the load failed."""
        with self._open:
            if error is None:
                for connection in self._connections:
                    connection.leave()


def join(port: int, client_id: str, login: Login | None = None) -> socket.socket:
    """Return a connection to the broker on this machine that it has let in.

    Raises BrokerError.
    """
    try:
        broker = socket.create_connection((_LOOPBACK, port), PATIENCE)
    except OSError as error:
        raise BrokerError(f"nothing answers on port {port} of this machine: {error}") from error
    try:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broker.sendall(connect(client_id, login))
        answer = broker.recv(4)
    except OSError as error:
        broker.close()
        raise BrokerError(f"no answer to the CONNECT of {client_id}: {error}") from error
    code = answer[3] if len(answer) == 4 and answer[:2] == _CONNACK else None
    if code != 0:
        broker.close()
        why = f"it answers {answer.hex()}" if code is None else _REFUSALS.get(code, f"code {code}")
        raise BrokerError(f"the broker refuses {client_id}: {why}")
    broker.setblocking(False)  # noqa: FBT003 - the name of the call says what it sets
    return broker


class _Connection:
    """One connection: how far it has got with its share."""

    def __init__(self, broker: socket.socket, share: Share, window: int) -> None:
        self.acknowledged = 0
        self.released = 0
        """Messages that may be sent by now, as far as the window allows."""
        self.moments: list[float] = []
        """When each was sent, with a pace."""
        self.share = share
        self._broker = broker
        self._view = memoryview(share.packets)
        self._window = window
        self._written = 0
        """Bytes."""
        self._upto = 0
        """Messages that are written, or the next that will be."""
        self._allowed = 0
        """Bytes of those."""
        self._read = 0
        """Bytes."""

    @property
    def held(self) -> bool:
        """Whether the next message cannot be sent at once."""
        return self.released - self.acknowledged >= self._window or self._written < self._allowed

    def write(self) -> None:
        """Write what may be sent and the broker takes."""
        upto = min(self.released, self.acknowledged + self._window)
        room = upto - self._upto
        # A few at a time would cost a call for each.
        if room >= self._window // PART or upto == self.released:
            self._upto = upto
            self._allowed = self.share.ends[upto - 1] if upto else 0
        if self._written == self._allowed:
            return
        try:
            self._written += self._broker.send(self._view[self._written : self._allowed])
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise self.closed() from error

    def read(self, expected: bytes) -> None:
        """Take the PUBACKs that have come. `expected` are those of all its messages, or more."""
        try:
            data = self._broker.recv(CHUNK)
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise self.closed() from error
        if not data:
            raise self.closed()
        # Nothing but PUBACKs comes here, since nothing is subscribed.
        if expected[self._read : self._read + len(data)] != data:
            raise BrokerError(
                f"the broker sent {self.share.client_id} something else than the PUBACKs of its "
                "messages in their order"
            )
        self._read += len(data)
        self.acknowledged = self._read // _PUBACK

    def leave(self) -> None:
        """Tell the broker that it leaves."""
        self._broker.setblocking(True)  # noqa: FBT003 - the name of the call says what it sets
        try:
            self._broker.sendall(DISCONNECT)
        except ConnectionError as error:
            raise self.closed() from error

    def closed(self) -> BrokerError:
        """Return what is to be said when the broker has closed this connection."""
        return BrokerError(
            f"the broker closed the connection of {self.share.client_id} in the middle of the "
            f"load, after {self.acknowledged} of {len(self.share.ends)} PUBACKs. Its log says why"
        )
