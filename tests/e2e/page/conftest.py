"""A real browser, and people who look at the page with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.gateway.web.running import RunningPage

CHROMIUM = "/usr/bin/chromium"

# A machine that runs other tests too is slower than people are patient.
expect.set_options(timeout=20_000)

OpenPage = Callable[..., Page]
"""`open_page(role="operator", width=1440, height=900, dark=False, path="/")`: logged in.

With a `name` and a `password` it is somebody who is there already."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    """A gateway with its page. Stories of one file share it: each uses devices of its own."""
    with RunningPage(tmp_path_factory.mktemp("page")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def open_page(running: RunningPage, browser: Browser) -> Iterator[OpenPage]:
    """Log a person in, each time with a browser profile of its own; return the page."""
    contexts: list[BrowserContext] = []

    def opened(
        role: str = "operator",
        *,
        name: str = "",
        password: str = "",
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        path: str = "/",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        contexts.append(context)
        name = name or f"{role}-{secrets.token_hex(3)}"
        password = password or running.add_user(name, role)
        page = context.new_page()
        page.goto(f"{running.url}{path}")
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", password)
        page.click("text=Log in >> visible=true")
        page.wait_for_url(f"{running.url}{path}")
        return page

    yield opened
    for one in contexts:
        with suppress(Error):  # the story may have closed it
            one.close()
