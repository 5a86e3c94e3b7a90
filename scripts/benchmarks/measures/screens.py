"""From a sensor to a screen, while many sensors send and fifty pages are open."""

from __future__ import annotations

import html
import math
import re
import statistics
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from scripts.benchmarks.measures.bench import ROOT, Bench
from scripts.benchmarks.measures.browsing import browser, gateway
from scripts.benchmarks.measures.figure import Group, figure
from scripts.benchmarks.measures.publisher import Order, Publisher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page

    from tests.gateway.web.running import RunningPage

PROBES = 10
"""Devices that are looked for on the screen; each sends a value of its own every second."""
FIRST, STEP = 20.0, 0.1
"""°C: what a probe sends, and by how much it rises each time, which tells the values apart."""
SETTLE = 3.0
"""Seconds before the load and after it."""

# Notes when each value of each probe was on the screen: after the frame that shows it was made.
_WATCH = """() => {
  window.shown = {};
  const look = () => {
    for (const link of document.querySelectorAll('a[href^="/sensor/probe-"]')) {
      const text = link.closest('li').querySelector('[data-value]')?.textContent ?? '';
      const name = link.textContent + ' ' + parseFloat(text).toFixed(1);
      if (!(name in window.shown)) window.shown[name] = performance.timeOrigin + performance.now();
    }
  };
  const watch = new MutationObserver(() => requestAnimationFrame(() => setTimeout(look, 0)));
  watch.observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def to_screen(bench: Bench) -> Group:
    """Return screen_p50_ms, screen_p99_ms and puback_p99_ms, pooled over runs."""
    screens: list[list[float]] = []
    acknowledged: list[list[float]] = []
    for number in range(bench.size.page_runs):
        bench.tell(f"screen: run {number + 1} of {bench.size.page_runs}")
        one = _run(bench)
        screens.append(one[0])
        acknowledged.append(one[1])
    pooled = [each for run in screens for each in run]
    sent = [each for run in acknowledged for each in run]
    return Group(
        [
            figure(
                "screen_p50_ms",
                [statistics.median(run) for run in screens],
                value=statistics.median(pooled),
            ),
            figure(
                "screen_p99_ms",
                [percentile(run, 99) for run in screens],
                value=percentile(pooled, 99),
                at_most=1_000,
            ),
            figure(
                "puback_p99_ms",
                [percentile(run, 99) for run in acknowledged],
                value=percentile(sent, 99),
                at_most=100,
            ),
        ],
        {"screen_ms": screens},
    )


def percentile(values: list[float], part: float) -> float:
    """Return the value that `part` percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part / 100) - 1)]


def _run(bench: Bench) -> tuple[list[float], list[float]]:
    size = bench.size
    order = Order(
        count=round(size.live_rate * size.page_seconds),
        devices=size.page_devices,
        connections=100,
        window=1_000,
        rate=size.live_rate,
    )
    with gateway(bench.fresh("page")) as running:
        probes = _Probes(running.mqtt)
        probes.send()
        with (
            _Streams(running, size.pages - 1),
            browser(running) as page,
            Publisher(running.mqtt, order) as publisher,
        ):
            page.wait_for_selector('a[href="/sensor/probe-0"]')
            page.evaluate(_WATCH)
            time.sleep(SETTLE)
            sending = threading.Thread(target=probes.run, args=(size.page_seconds,))
            sending.start()
            sent = publisher.go()
            sending.join()
            page.wait_for_timeout(SETTLE * 1_000)
            latencies = _latencies(probes.sent, page)
        probes.close()
    return latencies, [1_000 * one for one in sent.latencies]


def _latencies(sent: Mapping[str, float], page: Page) -> list[float]:
    """Return milliseconds from sending to screen. A value that a later one overtook counts as it.

    Raises RuntimeError where the newest of a probe was never seen.
    """
    shown: dict[str, float] = page.evaluate("() => window.shown")
    found = []
    for name, began in sent.items():
        device, _, value = name.partition(" ")
        later = [
            at
            for other, at in shown.items()
            if other.partition(" ")[0] == device
            and float(other.partition(" ")[2] or "nan") >= float(value)
        ]
        if not later:
            raise RuntimeError(f"{name} was never on the screen")
        found.append(min(later) - began)
    return found


class _Probes:
    """The devices that are looked for."""

    def __init__(self, port: int) -> None:
        self.sent: dict[str, float] = {}
        """When (ms since 1970) each value was sent."""
        self._number = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="probes")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self) -> None:
        """Let each probe send its next value."""
        value = FIRST + STEP * self._number
        self._number += 1
        for number in range(PROBES):
            self.sent[f"probe-{number} {value:.1f}"] = time.time() * 1_000
            topic = f"cargo/bench/probe-{number}/readings"
            self._client.publish(topic, f'{{"temperature": {value:.1f}}}', qos=1)

    def run(self, seconds: float) -> None:
        """Send every second, at another part of the second each time."""
        self.sent.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send()
            time.sleep(1.0 + 0.037)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


class _Streams:
    """Pages without a browser: as many event streams of the board, in a process of their own."""

    def __init__(self, running: RunningPage, count: int) -> None:
        client = running.user("streams", "viewer")
        # A stream goes on from the page that opens it.
        events = re.search(r'data-events="([^"]+)"', client.get("/").text)
        if events is None:
            raise RuntimeError("the board opens no stream")
        path = html.unescape(events[1])
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.benchmarks.measures.streams"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the streams were started without pipes")
        self._process.stdin.write(msgspec.json.encode([running.web, path, count, cookies]) + b"\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != b"open\n":
            raise RuntimeError("the streams could not be opened; it says above why")

    def __enter__(self) -> None:
        """They are open."""

    def __exit__(self, *error: object) -> None:
        """Close them. Raises RuntimeError if one ended early."""
        told, _rest = self._process.communicate(b"\n", timeout=30)
        if self._process.returncode or not told.strip().isdigit():
            raise RuntimeError("an event stream ended early")
