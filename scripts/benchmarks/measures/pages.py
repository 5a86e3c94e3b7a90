"""What a page costs: kilobytes to fetch, frames while it is scrolled, requests a second."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec

from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.browsing import browser, gateway
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.screens import percentile
from simulators.fleet import send
from simulators.load import messages

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.gateway.web.running import RunningPage

VIEWS = ("/", "/alerts", "/quarantine", "/gateway", "/account", "/wall")
DEVICES = 100
"""Of which last values are asked, unless told otherwise."""

PATIENCE = 60.0
"""Seconds until a board has all its rows."""

# Scrolls from top to end in so many seconds, and returns the ms between frames.
_SCROLL = """async (seconds) => {
  const frames = [];
  const length = document.documentElement.scrollHeight - innerHeight;
  const began = await new Promise(requestAnimationFrame);
  let last = began;
  while (last - began < seconds * 1000) {
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
    scrollTo(0, length * (now - began) / (seconds * 1000));
  }
  return frames;
}"""


def _fill(running: RunningPage, devices: int) -> None:
    """Let each device be heard once."""
    now = time.time_ns() // 1_000_000
    send(running.mqtt, messages(devices, devices, now, 0.0))


def kilobytes(bench: Bench) -> Group:
    """page_kb: the most that any view but the map fetches, by a browser that knows nothing."""
    bench.tell("page_kb")
    with gateway(bench.fresh("page")) as running:
        _fill(running, DEVICES)
        alert = running.alert("probe-1", 30.0)["id"]
        with browser(running) as page:
            views = (*VIEWS, "/sensor/dev-000001", f"/alerts/{alert}")
            each = {view: _fetched(page, running.url + view) for view in views}
    return Group([figure("page_kb", [max(each.values())], at_most=300)], {"kb_by_view": each})


def _fetched(page: Page, url: str) -> float:
    """Return the kilobytes (1,000 bytes) that come over the network for a view, heads and all."""
    session = page.context.new_cdp_session(page)
    total = 0.0

    def count(event: dict[str, Any]) -> None:
        nonlocal total
        total += event["encodedDataLength"]

    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", count)
    page.goto(url, wait_until="load")
    page.wait_for_timeout(2_000)
    session.detach()
    return total / 1_000


def scrolling(bench: Bench) -> Group:
    """frame_p95_ms: a board with many sensors is scrolled from top to end."""
    size = bench.size
    bench.tell(f"frame_p95_ms: {size.board_devices} sensors")
    with gateway(bench.fresh("page")) as running:
        _fill(running, size.board_devices)
        with browser(running) as page:
            page.goto(running.url)
            _wait_for_rows(page, size.board_devices)
            runs = []
            for _ in range(size.scroll_runs):
                page.evaluate("scrollTo(0, 0)")
                runs.append(percentile(page.evaluate(_SCROLL, size.scroll_seconds), 95))
    return Group([figure("frame_p95_ms", runs, at_most=33)], {})


def _wait_for_rows(page: Page, count: int) -> None:
    """Return once the board has all its rows. Raises RuntimeError."""
    end = time.monotonic() + PATIENCE
    while page.locator("li[data-number]").count() < count:
        if time.monotonic() > end:
            raise RuntimeError(f"the board has not got {count} rows in {PATIENCE:.0f} s")
        page.wait_for_timeout(100)


def requests(bench: Bench) -> Group:
    """api_rate and api_rate_one: requests a second for last values, of all devices and of one."""
    size = bench.size
    with gateway(bench.fresh("page")) as running:
        _fill(running, DEVICES)
        key = running.command("key", "add", "bench", "--scope", "read")["token"]
        rates: dict[str, list[float]] = {}
        for name, path in (
            ("api_rate", "/api/v1/devices"),
            ("api_rate_one", "/api/v1/devices/dev-000001"),
        ):
            bench.tell(name)
            rates[name] = [
                _asked(running.web, path, key, size.api_requests) for _ in range(size.api_runs)
            ]
    return Group([figure(name, runs, at_least=500) for name, runs in rates.items()], {})


def _asked(port: int, path: str, key: str, count: int) -> float:
    """Return how many requests a second were answered, to a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.measures.asking"],
        cwd=ROOT,
        input=msgspec.json.encode([port, path, key, count]),
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(done.stdout)
