"""The process that makes a backup, seen from the gateway."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.backup.errors import BackupError
from gateway.backup.making import Made, Order

if TYPE_CHECKING:
    from collections.abc import Callable

_line = msgspec.json.Decoder(dict[str, Any])
PATIENCE = 5.0
"""Seconds."""
LONGEST_LINE = 16 * 2**20
"""Bytes: it names every file that was left out."""
_FROM_US = ("PATH", "HOME", "LANG", "PYTHONPATH", "TMPDIR")
"""What of the environment it is given: secrets may lie in others."""


async def run(order: Order, progress: Callable[[int, int], None]) -> Made:
    """Make a backup in a process of its own; cancelled, that process ends. Raises BackupError."""
    try:
        process = await asyncio.create_subprocess_exec(
            # -P: a folder called "gateway" where this was started must not be taken for ours.
            *(sys.executable, "-P", "-m", "gateway.backup"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env={name: os.environ[name] for name in _FROM_US if name in os.environ},
        )
    except OSError as error:
        # No memory, or too many processes: the gateway goes on without a backup.
        raise BackupError(
            f"the process that makes it cannot be started ({error.strerror})",
            "See what else runs on this machine, and how much memory is free",
        ) from error
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process was started with pipes")
    try:
        with suppress(ConnectionError):  # it has ended already: there is no answer, below
            # The pipe stays open: it ends when we do, however that comes.
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            await process.stdin.drain()
        while line := await process.stdout.readline():
            said = _line.decode(line)
            if "progress" in said:
                progress(*said["progress"])
            elif "made" in said:
                return msgspec.convert(said["made"], Made)
            else:
                raise BackupError(said["error"], said["cure"])
        raise BackupError(
            f"the process that makes it ended (exit {await process.wait()})", "The log says why"
        )
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        process.stdin.close()
        # One that waits for a dead disk cannot end: it is left to the kernel.
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await process.wait()
