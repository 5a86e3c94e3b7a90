"""What people do about devices, lived through in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.page.looked import barriers, complaints, fits

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.page.conftest import OpenPage
    from tests.gateway.web.running import RunningPage

PHONE = {"width": 390, "height": 844}


def in_list(page: Page, device: str) -> None:
    """Wait until a device is in the list of devices: it tells nothing by itself."""
    for _ in range(100):
        page.goto(page.url)
        if page.locator(f"a[href='/device/{device}']").count():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{device} did not come into the list")


def test_a_new_device_is_confirmed_and_named_on_a_phone(
    running: RunningPage, open_page: OpenPage
) -> None:
    phone = open_page("operator", name="otto", path="/devices", **PHONE)
    desk = open_page("viewer")
    running.publish("probe-1", {"temperature": 4.5})
    in_list(phone, "probe-1")
    phone.locator("a[href='/device/probe-1']").click()
    phone.get_by_role("button", name="It is ours: confirm").click()
    expect(phone.locator("[data-toast]")).to_contain_text("It is confirmed")
    expect(phone.locator(".chief")).to_contain_text("confirmed")
    phone.get_by_label("Name", exact=True).fill("Back shelf")
    phone.get_by_label("Container number").fill("MSKU 907032 4")
    phone.get_by_role("button", name="Save").click()
    problem = phone.locator(".fields [data-problem]")
    expect(problem).to_contain_text("check digit")
    phone.get_by_label("Container number").fill("MSKU 907032 3")
    phone.get_by_role("button", name="Save").click()
    expect(phone.locator("h1")).to_have_text("Back shelf")
    expect(phone.locator("#device")).to_contain_text("MSKU9070323")
    assert fits(phone)
    row = desk.locator("li.row", has_text="Back shelf")
    expect(row).to_contain_text("MSKU9070323")
    expect(row).not_to_contain_text("not confirmed")


def test_maintenance_shows_on_the_board_of_another_browser(
    running: RunningPage, open_page: OpenPage
) -> None:
    running.publish("probe-2", {"temperature": 4.5})
    desk = open_page("viewer")
    row = desk.locator("li.row", has_text="probe-2")
    expect(row).to_be_visible()
    phone = open_page("operator", path="/device/probe-2", **PHONE)
    phone.get_by_label("What is done").fill("Cleaning")
    phone.get_by_role("button", name="2 h", exact=True).click()
    expect(phone.locator("[data-toast]")).to_contain_text("in maintenance until")
    expect(row).to_contain_text("maintenance until")
    phone.get_by_role("button", name="End it now").click()
    expect(row).not_to_contain_text("maintenance")


def test_several_are_ticked_and_confirmed_at_once(
    running: RunningPage, open_page: OpenPage
) -> None:
    for number in (1, 2, 3):
        running.publish(f"crowd-{number}", {"temperature": 4.5})
    page = open_page("operator", path="/devices?find=crowd")
    in_list(page, "crowd-3")
    page.get_by_label("Tick crowd-1").check()
    page.get_by_label("Tick crowd-2").check()
    page.get_by_role("button", name="Confirm 2", exact=True).click()
    expect(page.locator("[data-toast]")).to_contain_text("2 devices are confirmed")
    expect(page.locator("input[name=device]")).to_have_count(1)


def test_a_viewer_sees_a_device_and_may_change_nothing(
    running: RunningPage, open_page: OpenPage
) -> None:
    running.publish("probe-3", {"temperature": 4.5})
    page = open_page("viewer", path="/devices")
    in_list(page, "probe-3")
    expect(page.locator("input[type=checkbox]")).to_have_count(0)
    page.goto(f"{running.url}/device/probe-3")
    expect(page.locator(".chief")).to_contain_text("An operator can confirm it")
    expect(page.locator("main form")).to_have_count(0)
    status = page.evaluate(
        """async () => (await fetch("/device-confirm/probe-3", { method: "POST",
            headers: { "X-CSRF-Token": document.body.dataset.csrf } })).status"""
    )
    assert status == 403


def test_a_calibration_shows_what_the_sensor_said_beside_what_counts(
    running: RunningPage, open_page: OpenPage
) -> None:
    running.publish("probe-4", {"temperature": 4.0})
    page = open_page("quality", path="/devices?find=probe-4")
    in_list(page, "probe-4")
    page.goto(f"{running.url}/device/probe-4")
    page.get_by_label("Correction, added to what it says").fill("0.5")
    page.get_by_label("Certificate number").fill("K-77")
    page.get_by_label("Good until the end of").fill("2090-01-01")
    page.locator("input[name=since]").fill("2026-01-01T00:00")
    page.get_by_role("button", name="Enter it").click()
    expect(page.get_by_role("region", name="Calibrations")).to_contain_text("K-77")
    page.goto(f"{running.url}/sensor/probe-4")
    page.get_by_text("The chart as a table").click()
    cells = page.locator("[data-rows] tr").first.locator("td")
    expect(cells.nth(1)).to_have_text("4.5")
    expect(cells.nth(2)).to_have_text("4")


def test_the_browser_has_nothing_to_complain_of(running: RunningPage, open_page: OpenPage) -> None:
    running.publish("probe-5", {"temperature": 4.5})
    page = open_page("administrator", path="/devices?find=probe-5", **PHONE)
    in_list(page, "probe-5")
    for path in ("/devices", "/device/probe-5", "/sensor/probe-5"):
        page.goto(f"{running.url}{path}")
        assert complaints(page) == []
        page.wait_for_timeout(300)
        assert fits(page), path
        assert barriers(page) == []
