"""Signing in and signing in a real browser: with cookies, headers and redirects as it has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.page.test_axe import findings
from tests.gateway.oidc.provider import needs_provider
from tests.gateway.oidc.test_sign_in import OidcPage, start
from tests.gateway.web.test_consignments_view import LEG, enter
from tests.gateway.web.test_devices_view import act, heard

pytestmark = needs_provider


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcPage]:
    made = start(tmp_path_factory.mktemp("oidc"))
    try:
        with made:
            yield made
    finally:
        made.provider.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield made
    made.close()


def test_a_person_signs_in_and_signs(oidc: OidcPage, context: BrowserContext) -> None:
    client = oidc.signed_in("u-2")
    heard(oidc, client, "probe-b")
    enter(client, "B-1", sensor="/probe-b", **LEG)
    act(client, "/consignment/B-1/act/deliver")

    page = context.new_page()
    page.goto(f"{oidc.url}/consignment/B-1")
    page.get_by_role("link", name="Sign in with Example").click()
    page.locator('[name="login"]').fill("u-2")
    page.locator('[name="password"]').fill("whatever")
    page.locator('[type="submit"]').click()
    expect(page).to_have_url(f"{oidc.url}/consignment/B-1")
    expect(page.locator(".who")).to_contain_text("anna")

    page.get_by_text("Hold it for review").click()
    page.locator('textarea[name="reason"]').last.fill("to look at")
    page.get_by_role("button", name="Sign in again and sign").click()
    page.locator('[name="login"]').fill("u-2")
    page.locator('[name="password"]').fill("whatever")
    page.locator('[type="submit"]').click()
    expect(page).to_have_url(f"{oidc.url}/consignment/B-1")
    expect(page.get_by_text("Other Desk").first).to_be_visible()
    (version,) = oidc.command("consignment", "reports", "B-1")
    assert version["decision"]["login"] == "anna"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_login_page_can_be_used_by_everybody(
    oidc: OidcPage,
    browser: Browser,
    width: int,
    dark: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.goto(f"{oidc.url}/login")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"login-{width}-{'dark' if dark else 'light'}.png")
    context.close()
