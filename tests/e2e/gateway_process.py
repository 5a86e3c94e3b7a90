"""The real program as a child process, for stories that a user would live through."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.e2e.environment import ENVIRONMENT, HOLDWATCH, ROOT
from tests.e2e.typed import typed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ENVIRONMENT",
    "HOLDWATCH",
    "ROOT",
    "WITHIN",
    "RunningGateway",
    "holdwatch",
    "holdwatch_json",
    "typed",
    "until",
]

WITHIN = 20.0
"""Seconds in which anything that is waited for must come true."""


def until(condition: Callable[[], Any], what: str, within: float = WITHIN) -> Any:  # noqa: ANN401 - what the condition finds
    """Wait for something to come true, and return it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within} s: {what}")


def holdwatch(*arguments: str, code: int = 0) -> str:
    """Run a command to its end, expect its exit code, and return what it printed."""
    done = typed(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def holdwatch_json(*arguments: str) -> Any:  # noqa: ANN401 - whatever the command answers
    """Run a command with --json and return its answer."""
    return json.loads(holdwatch(*arguments, "--json"))


class RunningGateway:
    """`holdwatch run` over a settings file, until the block ends."""

    def __init__(self, settings: Path) -> None:
        self.settings = settings
        self.log = settings.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers and has joined its brokers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*HOLDWATCH, "run", "-c", str(self.settings)], stderr=log, env=ENVIRONMENT
            )
        until(self._joined, f"the gateway joins its brokers, see {self.log.read_text()}")

    def _joined(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        brokers = self.status().get("brokers", {}).values()
        return bool(brokers) and all(one["state"] == "connected" for one in brokers)

    def status(self) -> dict[str, Any]:
        """Return what `holdwatch status` says; nothing before it answers."""
        done = typed("status", "--json", "-c", self.settings)
        answer: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return {} if answer.get("running") is False else answer

    def stop(self) -> None:
        """End it as a service manager would."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(WITHIN) == 0, self.log.read_text()

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(WITHIN)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
