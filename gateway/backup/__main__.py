"""The process that makes a backup: told what on its standard input, as one line of JSON.

A process of its own, and a patient one, so that reading and packing everything costs the intake
nothing, and a disk that hangs hangs nobody but it. What it says on its standard output, a JSON
object a line: {"progress": [done, all]}, and at the end {"made": …} or {"error": …, "cure": …}.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import msgspec

from gateway.backup.errors import BackupError
from gateway.backup.making import Order, make

PATIENT = 15
"""How much others go first: the kernel's niceness."""
STEP = 4 * 2**20
"""Bytes between two words of how far it is."""


def main() -> None:
    """Make one backup."""
    # Whoever ends the gateway at a terminal leaves it to the gateway to end us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(PATIENT)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told = 0

    def progress(done: int, all_: int) -> None:
        nonlocal told
        if done - told >= STEP:
            told = done
            _say({"progress": [done, all_]})

    try:
        _say({"made": make(order, progress)})
    except BackupError as error:
        _say({"error": error.problem, "cure": error.cure})
    except OSError as error:
        where = error.filename or order.folder
        _say(
            {
                "error": f"{where} cannot be read or written ({error.strerror})",
                "cure": "See to the disk, and to who may write there",
            }
        )


def _say(what: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    """Wait until whoever started us is gone: nobody wants the backup any more."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()
