"""A gateway with its page, and Debian's Chromium logged in to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Page, sync_playwright

from tests.gateway.web.running import RunningPage

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
SETTINGS = """\
[gateway]
box = "bench"
data = "{folder}/data"

[[listeners]]
port = {mqtt}
anonymous = true

[clients]
rate = 1000000
unacknowledged = 65535

[web]
port = {web}
rate = 100000
{more_web}

[[rules]]
name = "too-warm"
kind = "threshold"
devices = ["dev-*"]
channel = "temperature"
above = 60.0
for = "10 min"

# What is looked for on the screen stands on top of it.
[[rules]]
name = "probe"
kind = "threshold"
devices = ["probe-*"]
channel = "temperature"
above = 10.0
severity = "critical"
"""


@contextmanager
def gateway(folder: Path) -> Iterator[RunningPage]:
    """Run a gateway with its page."""
    with RunningPage(folder, SETTINGS) as running:
        yield running


@contextmanager
def browser(running: RunningPage) -> Iterator[Page]:
    """Open the board in a browser that knows nothing yet, as an operator."""
    password = running.add_user("bench")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{running.url}/login")
        page.fill("input[name=name]", "bench")
        page.fill("input[name=password]", password)
        page.click("button.primary")
        page.wait_for_url(f"{running.url}/")
        yield page
        chromium.close()
