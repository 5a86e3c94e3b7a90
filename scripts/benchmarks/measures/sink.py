"""A sink: `python -m scripts.benchmarks.measures.sink SIZE` acknowledges packets unread.

It takes every packet to be a PUBLISH of SIZE bytes and only counts them, so that it shows how
fast a publisher is by itself. It prints its port and serves until it is ended.
"""

from __future__ import annotations

import select
import socket
import sys

from simulators.load import MOST, pubacks

LARGEST = 1 << 20
CONNACK = b"\x20\x02\x00\x00"


class Peer:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._joined = False
        self._bytes = 0
        self._acknowledged = 0

    def serve(self, size: int, answers: bytes) -> bool:
        """Answer what has come; return False when the other side has left."""
        data = self._connection.recv(LARGEST)
        if not data:
            self._connection.close()
            return False
        if not self._joined:
            # A CONNECT comes alone, since its answer is waited for.
            self._connection.sendall(CONNACK)
            self._joined = True
            return True
        self._bytes += len(data)
        before, self._acknowledged = self._acknowledged, self._bytes // size
        self._connection.sendall(answers[before * 4 : self._acknowledged * 4])
        return True


def main(size: int) -> None:
    """Serve."""
    answers = pubacks(MOST)
    peers: dict[int, Peer] = {}
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server, select.epoll() as events:
        events.register(server, select.EPOLLIN)
        print(server.getsockname()[1], flush=True)
        while True:
            for descriptor, _ in events.poll():
                if descriptor == server.fileno():
                    connection, _ = server.accept()
                    peers[connection.fileno()] = Peer(connection)
                    events.register(connection, select.EPOLLIN)
                elif not peers[descriptor].serve(size, answers):
                    del peers[descriptor]


if __name__ == "__main__":
    main(int(sys.argv[1]))
