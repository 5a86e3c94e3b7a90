"""Commands as a person types them, each in a process of its own, without the wait for a start.

A process that has loaded the gateway's parts, and done nothing yet, is copied for each command.
That leaves out a second of loading; what a start loads is tried by the tests that run the program
itself (`HOLDWATCH`).
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.environment import ENVIRONMENT, HOLDWATCH

PATIENCE = 120.0
"""Seconds that a command may take."""
LOADED = ["gateway.app", "gateway.commands.commands", "rich.progress", "rich.table"]
"""What is loaded beforehand: nothing that looks at the environment when it is loaded."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(LOADED)


def typed(
    *words: object,
    given: str = "",
    environment: Mapping[str, str] = ENVIRONMENT,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `holdwatch WORDS` to its end, `given` on its standard input; return what it printed."""
    command = list(map(str, words))
    with tempfile.TemporaryDirectory() as beside:
        streams = [Path(beside) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(given)
        arguments = (command, dict(environment), str(folder or Path.cwd()), list(map(str, streams)))
        process = _CONTEXT.Process(target=_run, args=arguments)
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{command} took more than {PATIENCE:.0f} s")
        out, err = (one.read_text() for one in streams[1:])
    return subprocess.CompletedProcess([*HOLDWATCH, *command], process.exitcode, out, err)


def _run(words: list[str], environment: dict[str, str], folder: str, streams: list[str]) -> None:
    """Become the command."""
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_WRONLY), strict=True)
    ):
        os.dup2(os.open(path, flags), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["holdwatch", *words]
    from gateway.cli.main import main  # noqa: PLC0415 - it looks at the environment, as a start does

    main()
