"""The bare loop: `python -m …poster PORT DATABASE FILE CONNECTIONS` posts ready-made lines.

It is what copying is held against: a process of its own that does nothing but send the lines of
FILE to the InfluxDB on a port of this machine, 5,000 at a time, over connections that are kept,
uncompressed, and waits for each answer before it sends the next over that connection. It prints
the seconds that took; the lines were read and the batches made before.
"""

from __future__ import annotations

import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

BATCH = 5_000
"""Lines in a request, as the gateway sends them."""
PATIENCE = 60.0
"""Seconds for an answer."""


def batches(lines: list[bytes]) -> list[bytes]:
    """Return the bodies of the requests."""
    return [b"\n".join(lines[begin : begin + BATCH]) for begin in range(0, len(lines), BATCH)]


def post(port: int, database: str, bodies: list[bytes]) -> None:
    """Send one after the other over one connection. Raises RuntimeError if one is refused."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for body in bodies:
        connection.request("POST", f"/write?db={database}&precision=ns", body)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"InfluxDB answers {answer.status}: {said.decode()}")
    connection.close()


def main(port: int, database: str, file: Path, connections: int) -> float:
    """Send all; return the seconds. Raises RuntimeError if a request is refused."""
    bodies = batches(file.read_bytes().split(b"\n"))
    shares = [bodies[number::connections] for number in range(connections)]
    failed: list[Exception] = []

    def send(share: list[bytes]) -> None:
        try:
            post(port, database, share)
        except Exception as error:  # noqa: BLE001 - it is raised where the thread is waited for
            failed.append(error)

    threads = [threading.Thread(target=send, args=(share,)) for share in shares]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.monotonic() - began
    if failed:
        raise failed[0]
    return taken


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
