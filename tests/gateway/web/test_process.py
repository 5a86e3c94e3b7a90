"""The page's process: it comes and goes with the gateway, and its end is told."""

from __future__ import annotations

import os
import re
import signal
import socket
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from gateway.page import Page
from gateway.settings import parse
from tests.broker import free_port
from tests.e2e.gateway_process import ENVIRONMENT, holdwatch
from tests.gateway.web.running import SETTINGS, RunningPage, until


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "status").read_text()
        except OSError:
            continue  # it has ended meanwhile
        if f"\nPPid:\t{process}\n" in status and "\nState:\tZ" not in status:
            found.append(int(entry.name))
    return found


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status").read_text()
    return "\nState:\tZ" not in status


def served(page: RunningPage) -> bool:
    try:
        return httpx.get(f"{page.url}/login", timeout=5).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def test_a_page_that_dies_is_told_and_comes_back(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:
        assert page._process is not None
        (child,) = children_of(page._process.pid)
        os.kill(child, signal.SIGKILL)
        page.publish("d-1", {"temperature": 5.0})  # the intake goes on
        alerts = until(lambda: page.status()["alerts"], "an alert about the page")
        assert [(one["channel"], "process ended" in one["reason"]) for one in alerts] == [
            ("page", True)
        ]
        until(lambda: served(page), "the page is back")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_page_ends_with_the_gateway_however_that_ends(tmp_path: Path, how: str) -> None:
    with RunningPage(tmp_path) as page:
        assert page._process is not None
        (child,) = children_of(page._process.pid)
        # Somebody is in the middle of a stream.
        with socket.create_connection(("127.0.0.1", page.web)) as watching:
            watching.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            getattr(page, how)()
            until(lambda: not is_there(child), "the page's process ends")
        # The port is free again: another gateway may have it.
        socket.create_server(("127.0.0.1", page.web)).close()


def test_a_gateway_that_ends_while_boards_are_open_calls_nothing_a_failure(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:
        client = page.user()
        with client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            until(lambda: next(lines).startswith("event: beat"), "the stream tells something")
            page.stop()
        log = page.log.read_text()
    assert "Traceback" not in log
    assert "Cancel" not in log


def test_a_port_that_is_taken_ends_the_start_with_a_word_about_it(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:
        text = page.settings.read_text()
        other = tmp_path / "other.toml"
        other.write_text(
            text.replace(f"{tmp_path}/data", f"{tmp_path}/other").replace(
                f"port = {page.mqtt}\nanonymous = true", f"port = {page.mqtt + 1}"
            )
        )
        told = holdwatch("run", "-c", str(other), code=1)
    assert f"Cannot listen on 127.0.0.1:{page.web}" in told
    assert "in [web]" in told


BROKERS = """
[[brokers]]
name = "in-the-settings"
host = "127.0.0.1"
port = {port}
username = "dock"
password = "{password}-settings"

[[brokers]]
name = "in-a-file"
host = "127.0.0.1"
port = {port}
username = "dock"
password_file = "{file}"

[[brokers]]
name = "in-the-environment"
host = "127.0.0.1"
port = {port}
username = "dock"
password_env = "PASSWORD_OF_A_BROKER"
"""


def memory_of(process: int) -> bytes:
    """Return all that a process of ours can write, and so all that it was ever told."""
    found = []
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            parts = re.match(r"(\w+)-(\w+) rw", line)
            if parts is None:
                continue
            start, end = (int(one, 16) for one in parts.groups())
            memory.seek(start)
            found.append(memory.read(end - start))
    return b"".join(found)


def test_no_password_of_a_broker_reaches_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made of two, so that it stands whole nowhere but where it is told.
    password = "-".join(("kept", "from", "the", "page"))  # noqa: FLY002 - see above
    file = tmp_path / "password"
    file.write_text(f"{password}-file")
    file.chmod(0o600)
    monkeypatch.setitem(ENVIRONMENT, "PASSWORD_OF_A_BROKER", f"{password}-environment")
    brokers = BROKERS.format(port=free_port(), password=password, file=file)
    with RunningPage(tmp_path, SETTINGS + brokers) as page:
        assert page._process is not None
        (child,) = children_of(page._process.pid)
        places = [b"settings", b"file", b"environment"]
        words = [b"-".join((password.encode(), one)) for one in places]
        gateway, shown = memory_of(page._process.pid), memory_of(child)
        assert [one in gateway for one in words] == [True] * 3, "the gateway itself knows them"
        assert [one in shown for one in words] == [False] * 3


def test_a_variable_that_once_held_a_secret_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_PASSWORD", "old")
    monkeypatch.setenv("NEW_PASSWORD", "new")
    broker = '[web]\n[[brokers]]\nname = "a"\nhost = "b"\nusername = "c"\npassword_env = '
    before, after = (parse(f'{broker}"{one}_PASSWORD"\n') for one in ("OLD", "NEW"))
    assert before.web is not None
    assert after.web is not None
    page = Page(before, before.web)
    page.use(after, after.web)
    assert {"OLD_PASSWORD", "NEW_PASSWORD"} & set(page._environment()) == set()
    assert "PATH" in page._environment()
