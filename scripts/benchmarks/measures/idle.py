"""What the gateway holds for connections on which nothing happens.

`python -m scripts.benchmarks.measures.idle PORT COUNT [AUTHORITY]` is the clients: it connects
COUNT of them, by TLS if it is given whom to trust, says `up`, waits for a line, and says how
many are still there.
"""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.listener.authority import Authority
from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.kernel import allow_files, resident
from scripts.benchmarks.measures.under_test import GatewayProcess, by_listener
from simulators.load import connect
from tests.broker import free_port

SPARE = 200
"""Files that a process has open besides its connections."""
KEEP_ALIVE = 600
"""Seconds."""
PATIENCE = 30.0
"""Seconds for an answer."""
CONNACK = b"\x20\x02\x00\x00"


def by_tls(bench: Bench) -> Group:
    """kb_per_connection."""
    return _measured(bench, "kb_per_connection", tls=True, at_most=40)


def by_tcp(bench: Bench) -> Group:
    """kb_per_connection_plain."""
    return _measured(bench, "kb_per_connection_plain", tls=False)


def _measured(bench: Bench, name: str, *, tls: bool, at_most: float | None = None) -> Group:
    count = bench.size.idle
    allow_files(count + SPARE)
    each = []
    for number in range(bench.size.idle_runs):
        bench.tell(f"{name}: run {number + 1} of {bench.size.idle_runs}")
        each.append(_kilobytes(bench, count, tls=tls))
    return Group([figure(name, each, at_most=at_most)], {})


def _kilobytes(bench: Bench, count: int, *, tls: bool) -> float:
    """Return the memory of the gateway for each of `count` connections, in 1,000 bytes."""
    folder, port = bench.fresh("gateway"), free_port()
    now = datetime.now(UTC)
    issued = authority = None
    if tls:
        authority = Authority.make(folder / "tls", now, "bench")
        issued = authority.server(["localhost", "127.0.0.1"], now)
    with GatewayProcess(folder, by_listener(port, issued), 0) as gateway:
        gateway.drain()
        time.sleep(bench.size.idle_settled)
        before = resident(gateway.pid)
        trusted = [] if authority is None else [str(authority.folder / "authority.pem")]
        program = "scripts.benchmarks.measures.idle"
        with subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-m", program, str(port), str(count), *trusted],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as clients:
            if clients.stdout is None or clients.stdin is None:
                raise RuntimeError("the clients were started without pipes")
            if clients.stdout.readline() != b"up\n":
                raise RuntimeError("the clients did not all connect; they say above why")
            time.sleep(bench.size.idle_settled)
            after = resident(gateway.pid)
            clients.stdin.write(b"still there?\n")
            clients.stdin.flush()
            left = int(clients.stdout.readline())
        if left != count:
            raise RuntimeError(f"only {left} of {count} connections were still there")
        gateway.leave()
    shutil.rmtree(folder)
    return (after - before) * 1024 * 1.024 / count


def _join(port: int, number: int, context: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    # Or each CONNECT would wait 40 ms for the gateway's system to confirm the handshake's end.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        connection = context.wrap_socket(connection, server_hostname="localhost")
    connection.sendall(connect(f"idle-{number}", keep_alive=KEEP_ALIVE))
    answer = connection.recv(4)
    if answer != CONNACK:
        raise ConnectionError(f"the answer to CONNECT {number} is {answer.hex() or 'the end'}")
    return connection


def main(port: int, count: int, authority: Path | None) -> None:
    """Be the clients."""
    context = None if authority is None else ssl.create_default_context(cafile=authority)
    connections = [_join(port, number, context) for number in range(count)]
    print("up", flush=True)
    sys.stdin.readline()
    # Nobody says anything to an idle client: what can be read is the end of its connection.
    waiting = select.poll()
    for connection in connections:
        waiting.register(connection, select.POLLIN)
    print(count - len(waiting.poll(0)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None)
