"""Who is told, lived through in a browser: a test, an alarm, its steps, a mute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.page.looked import barriers, complaints, fits
from tests.gateway.web.telling import Telling, telling_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.page.conftest import OpenPage

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    """A gateway that tells people: stories of this file share it."""
    with telling_page(tmp_path_factory.mktemp("page")) as started:
        yield started


def test_from_the_first_test_to_an_alarm_that_somebody_has(
    running: Telling, open_page: OpenPage
) -> None:
    phone = open_page("operator", name="olga", path="/alerts", **PHONE)
    phone.get_by_role("link", name="Notifications").click()
    office = phone.locator(".channel", has=phone.get_by_role("heading", name="office"))
    expect(office).to_contain_text("nothing sent yet")
    phone.get_by_role("button", name="Send a test by office").click()
    expect(phone.locator("[data-toast]")).to_contain_text("office has taken the test")
    expect(office).to_contain_text("by olga: sent")
    expect(office).to_contain_text("well")
    expect(phone.locator(".message").first).to_contain_text("TEST of the channel office")
    assert "TEST" in str(running.mail.letters[-1]["subject"])

    alert = running.alert("fridge-1")
    # By itself, without a reload.
    expect(phone.locator(".message").first).to_contain_text("CRITICAL Vaccine fridge")
    assert "CRITICAL Vaccine fridge" in str(running.mail.letters[-1]["subject"])
    phone.locator(".message").first.get_by_role("link").first.click()
    phone.wait_for_url(f"{running.url}/alerts/{alert['id']}")
    told = phone.locator("section", has=phone.get_by_role("heading", name="Who was told"))
    expect(told).to_contain_text("office sent")
    expect(told).to_contain_text("nobody has it: goes on")
    take, other = phone.locator("#take").bounding_box(), phone.locator("#act").bounding_box()
    assert take is not None
    assert other is not None
    assert take["width"] > 2 * other["width"], "the main button has a line of its own"
    phone.get_by_role("button", name="I have it").click()
    expect(told).to_contain_text("olga has it until")
    assert fits(phone)


def test_a_channel_that_fails_says_so_and_why(open_page: OpenPage) -> None:
    page = open_page("operator", path="/notifications")
    page.get_by_role("button", name="Send a test by duty").click()
    expect(page.locator("[data-toast]")).to_contain_text("duty has not taken the test")
    expect(page.locator("#channels .sentence")).to_contain_text("duty reaches nobody")
    duty = page.locator(".channel", has=page.get_by_role("heading", name="duty"))
    expect(duty).to_contain_text("nobody listens there")
    page.get_by_role("link", name="Failed").click()
    expect(page.locator(".message")).to_have_count(1)
    expect(page.locator(".message")).to_contain_text("tried again")


def test_quality_mutes_what_is_expected_and_ends_it(running: Telling, open_page: OpenPage) -> None:
    page = open_page("quality", name="quentin", path="/notifications")
    mutes = page.locator("#mutes")
    mutes.get_by_text("Mute alerts for a while").click()
    mutes.get_by_label("Why").fill("Defrosting")
    mutes.get_by_role("button", name="4 h").click()
    expect(mutes.locator("[data-problem]")).to_contain_text("does not say what is muted")
    mutes.get_by_label("Devices").fill("cold-room-*")
    mutes.get_by_role("button", name="4 h").click()
    expect(mutes.locator(".mutes")).to_contain_text("Alerts of cold-room-*")
    expect(mutes.locator(".mutes")).to_contain_text("Defrosting")
    (mute,) = running.command("mute", "list")
    assert mute["who"] == "quentin"
    # An operator sees it, and cannot end it.
    other = open_page("operator", path="/notifications")
    expect(other.locator(".mutes")).to_contain_text("by quentin")
    expect(other.get_by_role("button", name="End the mute")).to_have_count(0)
    mutes.get_by_role("button", name="End the mute of alerts of cold-room-*").click()
    expect(mutes).to_contain_text("Nothing is.")
    assert running.command("mute", "list") == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1920, 1440, 390], ids=["wall", "desk", "phone"])
def test_the_views_fit_and_hinder_nobody(
    running: Telling, open_page: OpenPage, width: int, *, dark: bool
) -> None:
    alert = running.alert("fridge-2")
    running.command("mute", "add", "--device", "x-*", "--for", "1 h", "--reason", "Moving")
    page = open_page("quality", width=width, dark=dark, path="/notifications")
    expect(page.locator(".message").first).to_be_visible()
    look(page)
    page.goto(f"{running.url}/alerts/{alert['id']}")
    expect(page.get_by_role("heading", name="Who was told")).to_be_visible()
    look(page)


def look(page: Page) -> None:
    """Expect that nothing sticks out, hinders, or makes the browser complain."""
    assert complaints(page) == []
    assert fits(page)
    assert barriers(page) == []
