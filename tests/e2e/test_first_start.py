"""The first start: a password for the page, shown once, and to a person alone."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.broker import free_port
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, WITHIN, holdwatch_json
from tests.gateway.web.running import RunningPage


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "holdwatch.toml"
    path.write_text(f'[gateway]\ndata = "{tmp_path}/data"\n[web]\nport = {free_port()}\n')
    return path


def printed_on_a_terminal(config: Path, enough: str) -> str:
    """Run the gateway on a terminal until it has printed something; return all it printed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*HOLDWATCH, "run", "-c", str(config)], stdout=theirs, stderr=theirs, env=ENVIRONMENT
    )
    os.close(theirs)
    text = ""
    end = time.monotonic() + WITHIN
    try:
        while enough not in text and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                text += os.read(ours, 65536).decode(errors="replace")
        url = re.search(r"http://127\.0\.0\.1:\d+", text)
        password = re.search(r"\b[a-z0-9]{5}(?:-[a-z0-9]{5}){3}\b", text)
        if url and password:
            answer = httpx.post(
                f"{url[0]}/login",
                data={"name": "admin", "password": password[0]},
                headers={"Origin": url[0]},
                timeout=WITHIN,
            )
            assert answer.status_code == HTTPStatus.SEE_OTHER
    finally:
        process.terminate()
        process.wait(WITHIN)
        os.close(ours)
    return text


def test_the_first_start_shows_a_password_that_lets_in_and_the_second_none(config: Path) -> None:
    first = printed_on_a_terminal(config, "never again")
    assert "never again" in first, first
    assert [one["role"] for one in holdwatch_json("user", "list", "-c", str(config))] == [
        "administrator"
    ]
    second = printed_on_a_terminal(config, "The page: http://127.0.0.1:")
    assert "The page: http://127.0.0.1:" in second
    assert "password" not in second


def test_a_service_puts_no_password_into_its_log(tmp_path: Path) -> None:
    with RunningPage(tmp_path) as page:
        log = page.log.read_text()
        assert "holdwatch user add NAME --role administrator" in log
        assert page.command("user", "list") == []
