"""The link of a wall screen, opened in somebody's own browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.page.conftest import OpenPage
    from tests.gateway.web.running import RunningPage


def test_a_link_asks_before_it_replaces_a_login(running: RunningPage, open_page: OpenPage) -> None:
    token = running.command("screen", "add", "hall")["token"]
    page = open_page(name="olga")
    page.goto(f"{running.url}/enter#{token}")
    told = page.locator("[data-state]")
    expect(told).to_contain_text("You are logged in here as olga, and this link is hall's.")
    page.goto(running.url)
    expect(page).to_have_url(f"{running.url}/")  # nothing has changed
    page.goto(f"{running.url}/enter#{token}")
    page.get_by_role("button", name="Enter as hall").click()
    page.wait_for_url("**/wall")
