"""Stories of people who look for something on the map."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from rules.duration import HOUR, MINUTE
from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.looked import barriers, becomes, complaints, fits
from tests.gateway.web.running import RunningPage

CARD = (255, 255, 255)
LAND = """(colour) => {
    const canvas = document.querySelector(".leaflet-world-pane canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] > 250 && colour.every((part, j) => data[i + j] === part)) found += 1;
    return found / (data.length / 4);
}"""
LINE = """() => {
    const canvas = document.querySelector(".leaflet-overlay-pane canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 250) found += 1;
    return found;
}"""


def now() -> int:
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
def truck(running: RunningPage) -> str:
    """Return a device that drove from Hamburg to Lisbon, and was too warm on its way."""
    begin = now() - 8 * HOUR
    readings: list[dict[str, Any]] = [
        {
            "time": begin + index * 5 * MINUTE,
            "temperature": 12.0 if 40 <= index < 50 else 4.0,
            "position": {"lat": 53.5 - 14.8 * index / 95, "lon": 9.9 - 19 * index / 95},
        }
        for index in range(96)
        if not 60 <= index < 70
    ]
    running.publish("truck-1", *readings)
    return "truck-1"


def shown(page: Page, name: str) -> None:
    """Choose a device in the list."""
    page.locator("#list button", has_text=name).first.click()


def test_everything_is_found_on_outlines_that_need_no_internet(
    open_page: OpenPage, running: RunningPage, truck: str
) -> None:
    page = open_page("viewer", path="/map")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.reload()
    mark = page.locator(".spot", has_text="°C")
    expect(mark.first).to_be_visible()
    expect(page.locator(f"#list [data-key={truck}]")).to_contain_text("38.700° N")
    becomes(page, f"({LAND})({list(CARD)}) > 0.2")
    assert [url for url in asked if not url.startswith((running.url, "data:"))] == []


def test_the_way_is_drawn_and_told_in_words(open_page: OpenPage, truck: str) -> None:
    page = open_page("viewer", path="/map")
    shown(page, truck)
    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text("temperature: 4.0 °C")
    assert page.evaluate(LINE) == 0
    popup.get_by_text("Way of 24 h").click()
    expect(page.locator("[data-way]")).to_contain_text("86 positions")
    expect(page.locator("[data-way]")).to_contain_text("critical")
    expect(page.locator("[data-way]")).to_contain_text("not heard")
    becomes(page, f"({LINE})() > 500")
    shown(page, truck)
    expect(popup.locator("[aria-pressed=true]")).to_have_text("Way of 24 h")
    popup.get_by_text("No way").click()
    expect(page.locator("[data-way]")).to_be_empty()
    becomes(page, f"({LINE})() === 0")


def at_rest(page: Page, mark: Locator) -> float:
    """Return how far from the left a mark stands, once the map has come to rest."""
    last = -1.0
    for _ in range(50):
        box = mark.bounding_box()
        if box is not None and box["x"] == last:
            return last
        last = box["x"] if box is not None else -1.0
        page.wait_for_timeout(300)
    raise AssertionError("the map does not come to rest")


def test_a_device_moves_while_one_looks(open_page: OpenPage, running: RunningPage) -> None:
    running.publish("ship-1", {"temperature": 3.3, "position": {"lat": 50.0, "lon": -30.0}})
    page = open_page("viewer", path="/map")
    shown(page, "ship-1")
    expect(page.locator(".leaflet-popup")).to_contain_text("3.3 °C")
    page.keyboard.press("Escape")
    spot = page.locator(".spot", has_text="3.3 °C")
    before = at_rest(page, spot)
    running.publish("ship-1", {"temperature": 3.4, "position": {"lat": 50.0, "lon": -30.4}})
    moved = page.locator(".spot", has_text="3.4 °C")
    expect(moved).to_be_visible(timeout=15_000)
    assert at_rest(page, moved) < before - 20


def test_devices_at_one_place_are_one_mark_with_the_worst_state(
    open_page: OpenPage, running: RunningPage
) -> None:
    running.publish("fridge-a", {"temperature": 4.0})
    running.publish("fridge-b", {"temperature": 4.0})
    running.alert("fridge-c", 12.0)
    page = open_page("viewer", path="/map")
    mark = page.locator(".spot", has_text="critical (3)")
    expect(mark).to_be_visible()
    # By keyboard alone.
    mark.focus()
    page.keyboard.press("Enter")
    popup = page.locator(".leaflet-popup")
    expect(popup.locator(".about")).to_have_count(3)
    expect(popup.locator(".about").first).to_contain_text("nobody has it yet")
    popup.locator("a[href='/sensor/fridge-c']").click()
    page.wait_for_url("**/sensor/fridge-c")


def test_the_map_s_parts_are_loaded_on_the_map_alone(open_page: OpenPage) -> None:
    page = open_page("viewer")
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.reload()
    page.wait_for_load_state("load")
    assert not [url for url in asked if "leaflet" in url or "countries" in url or "uPlot" in url]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440, 1920])
def test_nobody_is_shut_out_and_the_browser_has_nothing_to_complain_of(
    open_page: OpenPage, truck: str, width: int, *, dark: bool
) -> None:
    page = open_page("operator", width=width, dark=dark, path="/map")
    found = complaints(page)
    expect(page.locator(".country").first).to_be_attached()
    shown(page, truck)
    page.locator(".leaflet-popup").get_by_text("Way of 7 days").click()
    expect(page.locator("[data-way]")).to_contain_text("positions")
    shown(page, truck)
    expect(page.locator(".leaflet-popup")).to_be_visible()
    assert barriers(page) == []
    assert fits(page)
    assert found == []
