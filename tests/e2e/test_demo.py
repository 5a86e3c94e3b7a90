"""The demo as a newcomer starts it: two alerts within a minute or so, and nothing left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALERT_WITHIN = 180.0
"""Seconds to both alerts: 90 are promised, and a machine that runs other tests too is slower."""
READY_WITHIN = 30.0
END_WITHIN = 20.0
LINE = re.compile(r"\d\d:\d\d:\d\d CRITICAL ([\w-]+): (.*)")
PAGE = re.compile(r"The page: (http://127\.0\.0\.1:\d+)/enter#([0-9a-f]{32})")
LEAVES = "\x1b[?1049l"
"""Puts back what was on the screen before."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def lines(process: subprocess.Popen[str], within: float) -> Iterator[str]:
    """Yield what it prints, as it comes, for so many seconds."""
    assert process.stdout is not None
    end = time.monotonic() + within
    while (left := end - time.monotonic()) > 0:
        if select.select([process.stdout], [], [], left)[0]:
            line = process.stdout.readline()
            if not line:
                return
            yield line.rstrip("\n")


def folder_in(text: str) -> Path:
    found = re.search(r"status -c (\S+)/holdwatch.toml", text)
    assert found, text
    return Path(found[1])


def enter(url: str, token: str) -> int:
    """Show the page the token of its link, as a browser does; return what it answers."""
    answer = httpx.post(
        f"{url}/enter", data={"token": token}, headers={"Origin": url}, timeout=ALERT_WITHIN
    )
    return answer.status_code


def assert_nothing_is_left(process: subprocess.Popen[str], folder: Path) -> None:
    assert not folder.exists()
    # It was the first of its session; nobody is left in it.
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_two_alerts_come_live_and_nothing_is_left(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [ROOT / "scripts" / "demo"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=ENVIRONMENT,
            cwd=tmp_path,
            start_new_session=True,
        )
    said: list[str] = []
    let_in = 0
    try:
        for line in lines(process, ALERT_WITHIN):
            said.append(line)
            if found := PAGE.search(line):
                let_in = enter(*found.groups())
            if len([one for one in said if LINE.match(one)]) == 2:
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=END_WITHIN)
    finally:
        process.kill()
        process.wait()
    text = "\n".join(said) + errors.read_text()
    alerts = [found for line in said if (found := LINE.match(line))]
    assert {found[1]: found[2] for found in alerts}.keys() == {"cold-room", "reefer-1"}, text
    limits = {found[1]: found[2] for found in alerts}
    assert re.fullmatch(r"temperature [\d.]+ °C, above 8.0 °C for 30 min", limits["cold-room"])
    assert re.fullmatch(r"return air [\d.]+ °C, above 4.0 °C for 60 min", limits["reefer-1"])
    assert let_in == HTTPStatus.OK, "the link on the board needs no password"
    # Nothing was told while the past was taken in.
    (ready,) = [number for number, line in enumerate(said) if " ready: " in line]
    assert not [line for line in said[:ready] if LINE.match(line)], text
    assert process.returncode == 0, text
    assert "Nothing is left of it" in rest
    assert_nothing_is_left(process, folder_in(text))


@pytest.mark.parametrize(
    ("number", "when"),
    [
        (signal.SIGINT, "illuminance"),  # the foot of the first board, before anything is connected
        (signal.SIGINT, "strong-room "),  # devices are there, and the past is being taken in
        (signal.SIGTERM, "strong-room "),
        (signal.SIGHUP, "strong-room "),
    ],
)
def test_the_board_is_there_at_once_and_goes_without_a_trace(
    number: signal.Signals, when: str
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: ENVIRONMENT[name] for name in ENVIRONMENT.keys() - {"COLUMNS"}}
    environment |= {"TERM": "xterm", "TZ": "Asia/Kolkata"}
    process = subprocess.Popen(
        [*HOLDWATCH, "demo"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True, text=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        screen = seen(ours, lambda text: when in text and "illuminance" in text)
        process.send_signal(number)
        screen += seen(ours, lambda text: "The demo is over" in text)
        assert process.wait(END_WITHIN) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    text = CONTROL.sub("", screen)
    assert "Taking in the last 24 hours" in text
    assert " IST" in text, "it tells local time"
    assert LEAVES in screen
    assert_nothing_is_left(process, folder_in(text))


def seen(terminal: int, enough: Callable[[str], bool]) -> str:
    """Return what comes on a terminal until it is enough."""
    data = b""
    end = time.monotonic() + READY_WITHIN
    while not enough(CONTROL.sub("", data.decode(errors="ignore"))):
        left = end - time.monotonic()
        assert left > 0, data
        if select.select([terminal], [], [], left)[0]:
            data += os.read(terminal, 65_536)
    return data.decode(errors="ignore")
