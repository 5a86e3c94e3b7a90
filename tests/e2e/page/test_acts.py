"""What people do about alerts, lived through in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.page.conftest import OpenPage
    from tests.gateway.web.running import RunningPage

PHONE = {"width": 390, "height": 844}
GLOVED = 56
"""Pixels that a thumb in a glove hits."""


def test_an_alert_is_taken_by_one_tap_on_a_phone_and_another_browser_sees_it(
    running: RunningPage, open_page: OpenPage
) -> None:
    alert = running.alert("fridge-1")
    phone = open_page("operator", name="olga", path="/alerts", **PHONE)
    desk = open_page("viewer", path=f"/alerts/{alert['id']}")
    expect(desk.locator(".chief .holder")).to_have_text("nobody")
    phone.locator("#acts-" + alert["id"]).click()
    sheet = phone.locator("dialog[open]")
    for button in sheet.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= GLOVED
        assert box["width"] >= GLOVED
    sheet.get_by_role("button", name="Door was open, now closed").click()
    expect(phone.locator("dialog[open]")).to_have_count(0)
    expect(phone.locator("[data-toast]")).to_contain_text("Door was open, now closed")
    expect(desk.locator(".chief .holder")).to_have_text("olga")
    expect(desk.locator(".steps")).to_contain_text("Door was open, now closed")


def test_an_alert_is_handed_over_with_one_tap_on_a_name(
    running: RunningPage, open_page: OpenPage
) -> None:
    alert = running.alert("fridge-2")
    running.add_user("karl")
    phone = open_page("operator", path=f"/alerts/{alert['id']}", **PHONE)
    phone.locator("#act").click()
    phone.locator("dialog[open]").get_by_role("button", name="karl").click()
    expect(phone.locator(".chief .holder")).to_have_text("karl")


def test_what_the_gateway_refuses_is_said_in_the_sheet(
    running: RunningPage, open_page: OpenPage
) -> None:
    alert = running.alert("fridge-3")
    page = open_page("operator", path=f"/alerts/{alert['id']}")
    page.locator("#act").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_label("In your own words").fill("   ")
    sheet.get_by_role("button", name="Keep as a note").click()
    expect(sheet.locator("[data-problem]")).to_contain_text("there is no note")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_a_viewer_may_not_acknowledge(running: RunningPage, open_page: OpenPage) -> None:
    alert = running.alert("fridge-4")
    page = open_page("viewer", path="/alerts")
    expect(page.locator(f"#to-{alert['id']}")).to_be_visible()
    expect(page.get_by_role("button", name="I have it")).to_have_count(0)
    page.goto(f"{running.url}/alerts/{alert['id']}/acts")
    expect(page.locator("#acts")).to_contain_text("You are viewer")
    expect(page.locator("#acts form")).to_have_count(0)
    # Nor with a request that our page would not make.
    status = page.evaluate(
        """async (id) => (await fetch(`/alerts/${id}/acknowledge`, { method: "POST",
            headers: { "X-CSRF-Token": document.body.dataset.csrf },
            body: new URLSearchParams({ reason: "mine" }) })).status""",
        alert["id"],
    )
    assert status == 403


def log_in(page: Page, name: str, password: str) -> None:
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.get_by_role("button", name="Log in").click()


def test_a_login_that_ends_is_told_and_leads_back_after_logging_in(
    running: RunningPage, open_page: OpenPage
) -> None:
    page = open_page("operator", name="rosa", path="/alerts?state=all")
    password = running.command("user", "reset", "rosa")["password"]
    # Whichever is first: the list that looks again by itself, or the stream that was told.
    with page.expect_response("**/alerts/open*") as answered:
        page.evaluate("htmx.trigger('#open', 'acted')")
    assert answered.value.headers["hx-redirect"].startswith("/login")
    banner = page.locator("[data-lost]")
    expect(banner).to_contain_text("You are logged out")
    banner.get_by_role("link").click()
    log_in(page, "rosa", password)
    page.wait_for_url(f"{running.url}/alerts?state=all")


def test_whoever_acts_with_a_login_that_has_ended_is_asked_to_log_in(
    running: RunningPage, open_page: OpenPage
) -> None:
    alert = running.alert("fridge-5")
    page = open_page("operator", name="tara", path=f"/alerts/{alert['id']}/acts")
    password = running.command("user", "reset", "tara")["password"]
    page.get_by_role("button", name="Goods moved").click()
    page.wait_for_url(re.compile(r"/login\?to="))
    log_in(page, "tara", password)
    page.wait_for_url(f"{running.url}/alerts/{alert['id']}/acts")
    expect(page.locator("#acts-now")).to_contain_text("nobody")
