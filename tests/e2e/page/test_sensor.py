"""Stories of people who look at one sensor."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from rules.duration import DAY, HOUR, MINUTE
from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.looked import barriers, complaints, fits
from tests.gateway.web.running import RunningPage

CRITICAL = (179, 22, 27)
UNKNOWN_SOFT = (230, 234, 238)
PAINTED = """([from, to, top, bottom, colour]) => {
    const canvas = document.querySelector("#plot canvas");
    const over = document.querySelector("#plot .u-over");
    const { left, top: y, width, height } = over.getBoundingClientRect();
    const outer = canvas.getBoundingClientRect();
    const scale = canvas.width / outer.width;
    const pixels = canvas.getContext("2d").getImageData(
        (left - outer.left + width * from) * scale, (y - outer.top + height * top) * scale,
        Math.max(1, width * (to - from) * scale), height * (bottom - top) * scale).data;
    let found = 0;
    for (let i = 0; i < pixels.length; i += 4)
        if (colour.every((part, j) => Math.abs(pixels[i + j] - part) < 12)) found += 1;
    return found;
}"""


def painted(page: Page, colour: tuple[int, int, int], box: tuple[float, ...] = (0, 1, 0, 1)) -> int:
    """Count the pixels of a colour in a part of the plot: shares from left, to, top, bottom."""
    found: int = page.evaluate(PAINTED, [*box, colour])
    return found


def now() -> int:
    return int(time.time() * 1000)


def drag(page: Page, start: float, end: float) -> None:
    """Drag over the chart, in shares of its width."""
    box = page.locator("#plot .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * start, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + 70, steps=4)
    page.mouse.up()


def readings(page: Page) -> int:
    """Return how many readings the chart says it shows, once it has been asked anew."""
    page.wait_for_timeout(300)  # the chart waits for people to stop zooming
    expect(page.locator("#plot:not([aria-busy])")).to_be_visible()
    told = re.match(r"([\d,]+) reading", page.locator("#summary").inner_text())
    assert told is not None
    return int(told[1].replace(",", ""))


def shown_between(page: Page) -> tuple[int, int]:
    """Return which time (ms) the chart shows, as the link to its values has it."""
    link = page.locator("[data-csv]").get_attribute("href") or ""
    asked = parse_qs(urlsplit(link).query)
    return int(asked["from"][0]), int(asked["to"][0])


@pytest.fixture(scope="module")
def ten_thousand(running: RunningPage, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return when one of ten thousand readings of fridge-many was far too warm."""
    start = (now() - 6 * DAY) // MINUTE * MINUTE
    lines = ["Date Time,Temperature (°C)"]
    for index in range(10_000):
        at = datetime.fromtimestamp((start + index * 50_000) / 1000, UTC)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{31.5 if index == 6_789 else 4 + index % 9 / 10}")
    file: Path = tmp_path_factory.mktemp("logger") / "many.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    running.command("import", str(file), "--device", "fridge-many", "--zone", "UTC")
    return start + 6_789 * 50_000


def test_one_warm_reading_among_ten_thousand_is_seen_at_every_zoom(
    open_page: OpenPage, ten_thousand: int
) -> None:
    page = open_page("viewer", path="/sensor/fridge-many?length=week&channel=temperature")
    expect(page.locator("#summary")).to_contain_text("highest 31.5 °C")
    shown = readings(page)
    assert shown == 10_000
    while shown > 20:
        assert painted(page, CRITICAL, (0, 1, 0.2, 0.6)) > 5
        # The mouse points by pixels: so where it stands is looked up each time.
        start, end = shown_between(page)
        share = (ten_thousand - start) / (end - start)
        drag(page, max(0.0, share - 0.12), min(1.0, share + 0.2))
        gone = re.compile(rf"from={start}&to={end}&")
        expect(page.locator("[data-csv]")).not_to_have_attribute("href", gone)
        expect(page.locator("#summary")).to_contain_text("highest 31.5 °C")
        fewer = readings(page)
        assert fewer < shown
        shown = fewer
    assert painted(page, CRITICAL, (0, 1, 0.2, 0.6)) > 5
    page.dblclick("#plot .u-over")
    assert readings(page) >= 9_990


def test_day_week_and_month_are_shown_and_the_time_before(
    open_page: OpenPage, ten_thousand: int
) -> None:
    assert ten_thousand
    page = open_page("viewer", path="/sensor/fridge-many")
    expect(page.locator("#past")).to_have_text("Last 24 hours")
    page.click("#length-month")
    expect(page.locator("#past")).to_have_text("Last 30 days")
    assert readings(page) == 10_000
    page.click("#length-week")
    expect(page.locator("#past")).to_have_text("Last 7 days")
    assert readings(page) == 10_000
    page.click("#length-day")
    expect(page.locator("#past")).to_have_text("Last 24 hours")
    page.click("#back")
    expect(page.locator("#past")).to_have_text(
        re.compile(r"^[A-Z][a-z]+day \d+ [A-Z][a-z]+ \d{4}$")
    )
    yesterday = page.locator("#past").inner_text()
    assert "on=" in page.url
    page.click("#back")
    expect(page.locator("#past")).not_to_have_text(yesterday)
    page.click("#forward")
    expect(page.locator("#past")).to_have_text(yesterday)
    page.click("#today")
    expect(page.locator("#past")).to_have_text("Last 24 hours")


def test_times_unknown_are_hatched_and_said(open_page: OpenPage, running: RunningPage) -> None:
    begin = now() - 20 * HOUR
    running.publish(
        "fridge-gap",
        *({"time": begin + index * 5 * MINUTE, "temperature": 5.0} for index in range(60)),
        *({"time": now() - index * 5 * MINUTE, "temperature": 5.0} for index in range(60)),
    )
    page = open_page("viewer", path="/sensor/fridge-gap")
    expect(page.locator("[data-legend]")).to_contain_text("unknown: nothing usable for more than")
    expect(page.locator("#summary")).to_contain_text("Unknown for 9 h")
    assert painted(page, UNKNOWN_SOFT, (0.5, 0.6, 0.2, 0.6)) > 500
    assert painted(page, UNKNOWN_SOFT, (0.2, 0.3, 0.2, 0.6)) == 0
    assert painted(page, UNKNOWN_SOFT, (0.9, 0.98, 0.2, 0.6)) == 0


def test_a_new_value_is_there_without_loading_the_page(
    open_page: OpenPage, running: RunningPage
) -> None:
    running.publish("fridge-live", {"temperature": 4.5})
    page = open_page("viewer", path="/sensor/fridge-live")
    page.click("text=The chart as a table")
    page.evaluate("window.same = true")
    running.publish("fridge-live", {"temperature": 4.75})
    expect(page.locator("#head .value b")).to_have_text("4.8", timeout=10_000)
    expect(page.locator("[data-of=temperature] [data-value]")).to_have_text("4.8")
    expect(page.locator("[data-rows]")).to_contain_text("4.75", timeout=20_000)
    assert page.evaluate("window.same")


def test_an_alert_is_shaded_named_and_led_to(open_page: OpenPage, running: RunningPage) -> None:
    alert = running.alert("fridge-warm", 12.5)
    page = open_page("operator", path="/sensor/fridge-warm")
    expect(page.locator("#head")).to_contain_text("critical")
    expect(page.locator("#head")).to_contain_text("nobody yet")
    expect(page.locator("[data-legend]")).to_contain_text("an alert was open")
    page.locator("section.late a").first.click()
    page.wait_for_url(f"**/alerts/{alert['id']}")


def test_an_alert_is_taken_where_the_sensor_is_looked_at(
    open_page: OpenPage, running: RunningPage
) -> None:
    running.alert("fridge-taken", 12.5)
    page = open_page("operator", name="otto", width=390, height=844, path="/sensor/fridge-taken")
    page.get_by_text("Acknowledge or hand over").click()
    page.locator("dialog").get_by_text("I have it", exact=False).first.click()
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("#head")).to_contain_text("otto", timeout=10_000)
    expect(page.locator("#head")).not_to_contain_text("nobody yet")


def test_a_viewer_is_not_offered_what_viewers_may_not_do(
    open_page: OpenPage, running: RunningPage
) -> None:
    running.alert("fridge-viewed", 12.5)
    page = open_page("viewer", path="/sensor/fridge-viewed")
    expect(page.get_by_role("link", name="The alert")).to_be_visible()
    expect(page.get_by_text("Acknowledge or hand over")).to_have_count(0)


def test_the_chart_is_moved_by_keys_and_by_buttons(open_page: OpenPage, ten_thousand: int) -> None:
    assert ten_thousand
    page = open_page("viewer", path="/sensor/fridge-many?length=week&channel=temperature")
    whole = readings(page)
    page.focus("#plot")
    page.keyboard.press("+")
    half = readings(page)
    assert half < whole
    said = page.locator("[data-said]").inner_text()
    assert said.startswith("Shown: ")
    page.keyboard.press("ArrowLeft")
    readings(page)
    assert page.locator("[data-said]").inner_text() != said
    page.keyboard.press("Escape")
    assert readings(page) == whole
    page.click("[data-zoom=in]")
    assert readings(page) < whole
    page.click("[data-zoom=reset]")
    assert readings(page) == whole
    expect(page.locator("[data-zoom=reset]")).to_be_hidden()


def test_two_fingers_zoom_one_moves_and_two_taps_show_all(
    open_page: OpenPage, ten_thousand: int
) -> None:
    assert ten_thousand
    path = "/sensor/fridge-many?length=week&channel=temperature"
    page = open_page("viewer", width=390, height=844, path=path)
    page.locator("#plot .u-over").scroll_into_view_if_needed()
    whole = readings(page)
    hand = page.context.new_cdp_session(page)
    hand.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    box = page.locator("#plot .u-over").bounding_box()
    assert box is not None
    left, width, y = box["x"], box["width"], box["y"] + 100

    def touch(kind: str, *shares: float) -> None:
        points = [{"x": left + width * at, "y": y, "id": i} for i, at in enumerate(shares)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.4)
    touch("touchStart", 0.4, 0.6)
    for step in range(1, 5):
        touch("touchMove", 0.4 - step * 0.05, 0.6 + step * 0.05)
    touch("touchEnd")
    near = readings(page)
    assert near < whole * 0.5
    said = page.locator("[data-said]").inner_text()
    touch("touchStart", 0.3)
    for step in range(1, 5):
        touch("touchMove", 0.3 + step * 0.1)
    touch("touchEnd")
    readings(page)
    assert page.locator("[data-said]").inner_text() != said
    for _ in range(2):
        touch("touchStart", 0.5)
        touch("touchEnd")
    assert readings(page) == whole


def test_hostile_names_are_text(open_page: OpenPage, running: RunningPage) -> None:
    name = """fridge-"onload="alert(1)"'&{{7-7}}<b"""
    running.publish(name, {"temperature": 4.0})
    page = open_page("viewer")
    page.goto(f"{running.url}/sensor/{quote(name)}")
    expect(page.locator("#summary")).to_contain_text("1 reading")
    assert name in page.locator("#head .where").inner_text()
    assert page.locator("[onload]").count() == 0


CLOCK = """async ([parts, from, to]) => {
    const { makeClock } = await import("/static/chart_clock.js");
    const clock = makeClock(parts);
    return clock.ticks(from, to, 12).map((t) => clock.label(t, from, to, 12) + " " + clock.sign(t));
}"""


@pytest.mark.parametrize("elsewhere", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_the_axis_is_by_the_clocks_of_the_place_also_when_they_change(
    browser: Browser, running: RunningPage, elsewhere: str
) -> None:
    context = browser.new_context(timezone_id=elsewhere)
    page = context.new_page()
    page.goto(running.url)
    at = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp() * 1000)
    parts: list[Any] = [[at - DAY, 2 * HOUR, "CEST"], [at, HOUR, "CET"]]
    told = page.evaluate(CLOCK, [parts, at - 4 * HOUR, at + 4 * HOUR])
    assert told == [
        *("23:00 CEST", "Sun 25 Oct CEST", "01:00 CEST", "02:00 CEST"),
        *("02:00 CET", "03:00 CET", "04:00 CET", "05:00 CET", "06:00 CET"),
    ]
    days = page.evaluate(CLOCK, [parts, at - 3 * HOUR, at + 3 * DAY])
    assert {one.rpartition(" ")[0] for one in days} >= {"Mon 26 Oct", "Tue 27 Oct"}
    context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440, 1920])
def test_nobody_is_shut_out_and_the_browser_has_nothing_to_complain_of(
    open_page: OpenPage, running: RunningPage, width: int, *, dark: bool
) -> None:
    running.alert("fridge-seen", 12.5)
    running.publish("fridge-seen", {"temperature": 999}, {"temperature": 5, "humidity": 50})
    page = open_page("operator", width=width, dark=dark, path="/sensor/fridge-seen")
    found = complaints(page)
    expect(page.locator("#summary")).to_contain_text("reading")
    page.click("text=The chart as a table")
    page.hover("#plot .u-over")
    assert barriers(page) == []
    assert fits(page)
    assert found == []
