"""Stories of the board and of the wall screen, lived in a browser."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from rules.duration import MINUTE
from tests.gateway.web.running import RunningPage, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.e2e.page.conftest import OpenPage

SOON = 10_000
"""ms in which what is told must be on the screen; a loaded machine takes a while."""


def row(page: Page, device: str) -> Locator:
    """The row of a device."""
    return page.locator("li.row", has=page.locator(f'a[href="/sensor/{device}"]'))


def test_an_alert_appears_without_reload(running: RunningPage, open_page: OpenPage) -> None:
    running.publish("fridge-calm", {"temperature": 4.0})
    page = open_page()
    page.evaluate("window.same = true")
    expect(row(page, "fridge-calm")).to_be_visible()
    running.publish("fridge-hot", {"temperature": 11.5})
    hot = row(page, "fridge-hot")
    expect(hot.get_by_text("3.5 °C too warm")).to_be_visible(timeout=SOON)
    expect(hot.get_by_text("nobody has it")).to_be_visible()
    expect(hot.get_by_text("limit 2 to 8 °C")).to_be_visible()
    expect(page.locator("[data-announce]")).to_contain_text("critical: Vaccine fridge")
    # The worst stands above what is well.
    keys = page.locator("li.row .key").all_text_contents()
    assert keys.index("fridge-hot") < keys.index("fridge-calm")
    running.publish("fridge-hot", {"temperature": 12.5})
    expect(hot.locator("[data-value]")).to_have_text("12.5", timeout=SOON)
    expect(hot.get_by_text("4.5 °C too warm")).to_be_visible()
    assert page.evaluate("window.same")


def test_a_value_that_jumped_waits_for_the_next_reading_to_be_judged(
    running: RunningPage, open_page: OpenPage
) -> None:
    now = int(time.time() * 1000)
    values = ({"time": now - 2 * MINUTE, "temperature": 4.0}, {"time": now, "temperature": 31.5})
    running.publish("fridge-jump", *values)
    page = open_page()
    jumped = row(page, "fridge-jump")
    expect(jumped).to_contain_text("23.5 °C too warm: waits for the next reading")
    expect(jumped.locator(".state")).to_have_text("pending")
    running.publish("fridge-jump", {"temperature": 4.0})
    expect(jumped).not_to_contain_text("waits for the next reading", timeout=SOON)
    expect(jumped).to_have_attribute("data-state", "ok")


@pytest.mark.parametrize("width", [390, 1100, 1280])
def test_nothing_of_a_row_is_cut_off(running: RunningPage, open_page: OpenPage, width: int) -> None:
    device = f"fridge-of-the-hall-behind-the-second-gate-{width}"
    now = int(time.time() * 1000)
    running.publish(device, {"time": now - 57 * MINUTE, "temperature": 5.0}, {"flavour": 1})
    running.command("device", "maintenance", device, "--for", "2 h", "--reason", "Cleaning")
    page = open_page(width=width, height=844)
    one = row(page, device)
    expect(one.locator(".age.old")).to_contain_text("57 min ago")
    expect(one).to_contain_text("maintenance until")
    cut = (
        "cells => cells.filter(one => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    )
    assert one.locator("> div, .badge").evaluate_all(cut) == []


def test_one_tap_on_a_phone_takes_an_alert_and_another_browser_sees_it(
    running: RunningPage, open_page: OpenPage
) -> None:
    running.alert("fridge-tap")
    watching = open_page("viewer")
    phone = open_page("operator", name="olga-taps", width=390, height=844)
    button = row(phone, "fridge-tap").get_by_role("button", name="I have it")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["width"] >= 48
    button.click()
    expect(row(phone, "fridge-tap").get_by_text("olga-taps has it")).to_be_visible(timeout=SOON)
    expect(row(watching, "fridge-tap").get_by_text("olga-taps has it")).to_be_visible(timeout=SOON)
    expect(row(phone, "fridge-tap").get_by_role("button", name="I have it")).to_have_count(0)


def test_a_viewer_is_offered_nothing_to_do_and_may_do_nothing(
    running: RunningPage, open_page: OpenPage
) -> None:
    alert = running.alert("fridge-viewed")
    page = open_page("viewer")
    expect(row(page, "fridge-viewed")).to_be_visible()
    expect(row(page, "fridge-viewed").get_by_role("button")).to_have_count(0)
    status = page.evaluate(
        """async (id) => (await fetch(`/rows/${id}/have`, {method: "POST",
            headers: {"X-CSRF-Token": document.body.dataset.csrf}})).status""",
        alert["id"],
    )
    assert status == 403


def test_the_network_drops_and_returns(running: RunningPage, open_page: OpenPage) -> None:
    running.publish("fridge-net", {"temperature": 4.0})
    page = open_page()
    expect(row(page, "fridge-net")).to_be_visible()
    page.context.set_offline(True)
    banner = page.locator("[data-lost]")
    expect(banner).to_contain_text("Connection lost at", timeout=20_000)
    expect(banner).to_contain_text(re.compile(r"what you see is \d+ s old"))
    expect(page.locator("html.stale")).to_have_count(1)
    running.publish("fridge-net", {"temperature": 11.5})
    page.context.set_offline(False)
    expect(banner).to_be_hidden(timeout=20_000)
    expect(page.locator("html.stale")).to_have_count(0)
    expect(row(page, "fridge-net").get_by_text("3.5 °C too warm")).to_be_visible(timeout=SOON)


def test_rows_are_found_by_state_site_and_name(running: RunningPage, open_page: OpenPage) -> None:
    running.publish("fridge-found", {"temperature": 4.0})
    running.publish("kitchen-7", {"voltage": 24.0})
    running.alert("fridge-grave")
    page = open_page()
    page.keyboard.press("/")
    page.keyboard.type("KITCHEN")
    expect(row(page, "kitchen-7")).to_be_visible()
    expect(row(page, "kitchen-7").get_by_text("no limit")).to_be_visible()
    expect(row(page, "fridge-found")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(row(page, "fridge-found")).to_be_visible()
    page.locator("[data-only=critical]").click()
    expect(page.locator("[data-only=critical]")).to_have_attribute("aria-pressed", "true")
    expect(row(page, "fridge-found")).to_be_hidden()
    expect(row(page, "fridge-grave")).to_be_visible()
    page.locator("[data-search]").fill("nothing is called so")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(row(page, "fridge-found")).to_be_visible()


def test_rows_are_walked_by_keys(running: RunningPage, open_page: OpenPage) -> None:
    page = open_page()
    for name in ("fridge-keys", "fridge-next"):
        running.publish(name, {"temperature": 4.0})
        expect(row(page, name)).to_be_visible(timeout=SOON)
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.dataset.number")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.number") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.dataset.number") == first
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/(sensor/|gateway)"))


def test_hostile_names_are_shown_as_they_are(running: RunningPage, open_page: OpenPage) -> None:
    name = "<b\"'&lt;${1}{{2}}"
    page = open_page()
    running.publish(name, {"temperature": 4.0})
    expect(page.locator("li.row", has_text=name)).to_be_visible(timeout=SOON)
    page.reload()
    expect(page.locator("li.row", has_text=name)).to_be_visible(timeout=SOON)
    page.get_by_role("searchbox").fill(name)
    expect(page.locator("li.row:visible")).to_have_count(1)


def test_a_login_that_is_ended_elsewhere_ends_the_page(
    running: RunningPage, open_page: OpenPage
) -> None:
    page = open_page(name="leaver")
    running.command("user", "remove", "leaver")
    expect(page.locator("[data-lost]")).to_contain_text("You are logged out", timeout=SOON)
    page.get_by_role("link", name="Log in again").click()
    page.wait_for_url("**/login?to=%2F")


def test_a_newcomer_is_told_how_to_send_and_sees_it_come(tmp_path: Path, browser: Browser) -> None:
    with RunningPage(tmp_path) as fresh:
        password = fresh.add_user("nina")
        page = browser.new_page()
        page.goto(fresh.url)
        page.fill("input[name=name]", "nina")
        page.fill("input[name=password]", password)
        page.click("text=Log in >> visible=true")
        line = page.locator("pre code")
        expect(line).to_contain_text(f"mosquitto_pub -p {fresh.mqtt} ")
        subprocess.run(["sh", "-c", line.text_content() or ""], check=True)
        expect(row(page, "fridge-1")).to_be_visible(timeout=SOON)
        expect(page.get_by_text("No sensor has spoken yet")).to_be_hidden()
        expect(page.get_by_text("All is well")).to_be_visible()
        page.close()


def enter(running: RunningPage, page: Page, name: str) -> None:
    """Let a browser be a wall screen, by the link that is printed once."""
    token = running.command("screen", "add", name)["token"]
    page.goto(f"{running.url}/enter#{token}")
    page.wait_for_url("**/wall")


def test_a_wall_screen_shows_what_is_wrong(running: RunningPage, browser: Browser) -> None:
    running.publish("fridge-well", {"temperature": 4.0})
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    enter(running, page, "gate")
    running.publish("fridge-wall", {"temperature": 11.5})
    wrong = page.locator("li.row", has_text="fridge-wall")
    expect(wrong.get_by_text("3.5 °C too warm")).to_be_visible(timeout=SOON)
    expect(wrong.get_by_text("nobody")).to_be_visible()
    expect(page.locator("li.row", has_text="fridge-well")).to_have_count(0)
    running.publish("fridge-wall", {"temperature": 5.0})
    expect(wrong).to_have_count(0, timeout=SOON)
    # The board of a screen is the wall.
    page.goto(running.url)
    page.wait_for_url("**/wall")
    page.close()


def test_a_screen_that_may_not_sound_says_so_until_it_is_tapped(
    running: RunningPage, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    enter(running, page, "silent")
    bar = page.get_by_role("button", name="Sound is off: tap once to turn it on")
    expect(bar).to_be_visible(timeout=SOON)
    bar.click()
    expect(bar).to_be_hidden(timeout=SOON)
    expect(page.locator("[data-sound]")).to_contain_text("tested at")
    page.close()


def test_a_screen_that_is_revoked_shows_so(running: RunningPage, browser: Browser) -> None:
    page = browser.new_page()
    enter(running, page, "stolen")
    running.command("screen", "revoke", "stolen")
    expect(page.locator("[data-lost]")).to_contain_text("You are logged out", timeout=SOON)
    page.close()


def test_the_gateway_knows_which_screens_are_connected(
    running: RunningPage, browser: Browser
) -> None:
    page = browser.new_page()
    enter(running, page, "known")
    until(lambda: connected(running, "known"), "the screen is connected")
    page.close()
    until(lambda: not connected(running, "known"), "the screen is not connected")


def connected(running: RunningPage, name: str) -> bool:
    """Whether the gateway takes a screen for connected."""
    return any(
        one["name"] == name and one["connected"] for one in running.command("screen", "list")
    )
