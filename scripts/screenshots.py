"""Takes pictures of every view, of a running demo.  Run it by scripts/screenshots."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path("build/screenshots")
ALERTS = 2
WITHIN = 240.0
"""Seconds until the demo's alarms have come."""
SETTLE = 1_500
"""Milliseconds until charts and maps are drawn."""
RUBBISH = (
    ("cargo/dock/forklift/readings", "temperature=4,5"),
    ("cargo/dock/<b>gate</b>/readings", '{"temperature": 4.5}'),
    ("zigbee/lamp/state", '{"on": true}'),
)
"""What the quarantine shows."""


class Size(NamedTuple):
    """A screen, in CSS pixels."""

    name: str
    width: int
    height: int
    scale: float = 1.0


SIZES = (Size("phone", 390, 844, 2.0), Size("desktop", 1440, 900), Size("wall", 1920, 1080))


class Demo(NamedTuple):
    """A demo that runs, with its alarms."""

    link: str
    broker: str
    """Port of its listener."""


@contextmanager
def demo() -> Iterator[Demo]:
    """Run the demo until its alarms have come, and while the pictures are taken."""
    with subprocess.Popen(
        [sys.executable, "-c", "from gateway.cli.main import main; main()", "demo", "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _ready(process)
        finally:
            process.terminate()


def _ready(process: subprocess.Popen[str]) -> Demo:
    if process.stdout is None:
        raise RuntimeError("the demo was started without a pipe")
    end = time.monotonic() + WITHIN
    text, alerts = "", 0
    for line in process.stdout:
        text += line
        alerts += " CRITICAL " in line
        if alerts == ALERTS or time.monotonic() > end:
            break
    link = re.search(r"The page: (\S+)", text)
    port = re.search(r"mosquitto_sub -p (\d+)", text)
    if alerts < ALERTS or not link or not port:
        raise RuntimeError(f"the demo's alarms did not come: {text}")
    return Demo(link[1], port[1])


def _throw_rubbish(running: Demo) -> None:
    for topic, payload in RUBBISH:
        subprocess.run(  # noqa: S603 - the broker's own client
            ["mosquitto_pub", "-p", running.broker, "-q", "1", "-t", topic, "-m", payload],  # noqa: S607 - from the path
            check=True,
        )


@contextmanager
def _entered(browser: Browser, running: Demo, size: Size, scheme: str) -> Iterator[Page]:
    """Open a browser that the demo's link has let in."""
    context = browser.new_context(
        viewport={"width": size.width, "height": size.height},
        device_scale_factor=size.scale,
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(running.link)
    page.wait_for_url(lambda url: "/enter" not in url)
    yield page
    context.close()


def _views(page: Page, url: str) -> dict[str, str]:
    """Return the paths of all views, by the name of their picture."""
    page.goto(f"{url}/alerts?state=open")
    alert = page.get_attribute("a[href^='/alerts/']", "href")
    if alert is None:
        raise RuntimeError("no alert is listed")
    return {
        "board": "/",
        "sensor": "/sensor/cold-room",
        "sensor-week": "/sensor/reefer-1?range=week",
        "map": "/map",
        "devices": "/devices",
        "device": "/device/cold-room",
        "alerts": "/alerts?state=all",
        "alert": alert,
        "acts": f"{alert}/acts",
        "quarantine": "/quarantine",
        "notifications": "/notifications",
        "gateway": "/gateway",
        "account": "/account",
        "audit": "/audit",
        "wall": "/wall",
    }


def main(arguments: Sequence[str]) -> int:
    """Write the pictures to the folder named, one file each."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as running, sync_playwright() as playwright:
        _throw_rubbish(running)
        url = running.link.partition("/enter")[0]
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for size in SIZES:
            for scheme in ("light", "dark"):
                with _entered(browser, running, size, scheme) as page:
                    for name, path in _views(page, url).items():
                        page.goto(url + path)
                        page.wait_for_timeout(SETTLE)
                        target = folder / f"{name}-{size.name}-{scheme}.png"
                        page.screenshot(path=target)
                        print(target)
                    page.context.clear_cookies()
                    page.goto(f"{url}/login")
                    page.screenshot(path=folder / f"login-{size.name}-{scheme}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
