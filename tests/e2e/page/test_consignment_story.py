"""From a sensor to a signed report, lived through in a browser: what the whole is for."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pypdfium2  # type: ignore[import-untyped] # it has no types
import pytest
from playwright.sync_api import expect

from tests.e2e.gateway_process import until
from tests.e2e.page.looked import complaints, fits
from tests.gateway.web.running import SETTINGS, RunningPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.e2e.page.conftest import OpenPage

MINUTE = 60_000
PHONE = {"width": 390, "height": 844}
LATE = "The driver told it by telephone"
PROFILE = """\
name = "clinic-vaccines"
title = "Vaccines of the clinic"
source = "The clinic's own standard, 2026"
basis = "practice"
measures = "air"
interval = "30 min"
energy = 83.144
instructions = "Set them apart and ask the maker."

[[ranges]]
channel = "temperature"
low = 2.0
high = 8.0

[[rules]]
name = "too-warm"
kind = "threshold"
channel = "temperature"
above = 8.0
severity = "critical"
note = "Close the door."
"""
VALUES = (5.0, 5.2, 5.1, 6.0, 9.5, 10.5, 9.0, 6.0, 5.0, 5.0, 5.0, 5.0)
"""Every five minutes, the last five minutes ago: three of them too warm."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    """A gateway with its page and goods of its own."""
    folder: Path = tmp_path_factory.mktemp("page")
    (folder / "goods").mkdir()
    (folder / "goods" / "clinic-vaccines.toml").write_text(PROFILE)
    goods = f'\n[goods]\nfolder = "{folder}/goods"\n'
    with RunningPage(folder, SETTINGS + goods.replace("{", "{{").replace("}", "}}")) as started:
        yield started


def typed(moment: int) -> str:
    """Return a time (ms) as a field for times takes it, by the gateway's clock."""
    local = dt.datetime.fromtimestamp(moment / 1000, ZoneInfo("Europe/Berlin"))
    return f"{local:%Y-%m-%dT%H:%M}"


def text_of(pdf: bytes) -> str:
    """Return all text of a PDF, with one space wherever there is any."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [document[place].get_textpage().get_text_range() for place in range(len(document))]
    return " ".join(" ".join(pages).split())


def listed(page: Page, path: str, text: str) -> None:
    """Look at a view until it shows something: it tells nothing of it by itself."""
    for _ in range(100):
        page.goto(path)
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{text} did not come")


def enter(phone: Page, url: str, began: int) -> None:
    """Enter what travels, though it began an hour ago."""
    phone.goto(f"{url}/consignments")
    expect(phone.get_by_text("There is no consignment yet")).to_be_visible()
    listed(phone, f"{url}/consignments/new", "logger-1")
    phone.locator("input[name=id]").fill("V-2041")
    phone.locator("select[name=goods]").select_option("clinic-vaccines")
    phone.locator("input[name=quantity]").fill("100")
    phone.locator("input[name=unit]").fill("boxes")
    phone.get_by_label("logger-1").check()
    phone.locator("input[name=origin]").fill("Hamburg")
    phone.locator("input[name=destination]").fill("Clinic stores")
    phone.locator("input[name=custodian]").fill("Nord Trucks")
    phone.locator("select[name=mode]").select_option("road")
    phone.get_by_text("It began at another time").click()
    phone.get_by_label("When").fill(typed(began))
    phone.get_by_label("Why it is entered now").fill(LATE)
    assert fits(phone)
    phone.get_by_role("button", name="Enter it").click()
    phone.wait_for_url(f"{url}/consignment/V-2041")


def depart(phone: Page, when: int) -> None:
    """Let it depart in the past: what was more than five minutes ago needs a reason."""
    act = phone.locator("form.chief-act")
    act.get_by_text("It was at another time").click()
    act.get_by_label("When").fill(typed(when))
    act.get_by_role("button", name="Depart").click()
    expect(act.locator("input[name=reason]:invalid")).to_have_count(1)
    act.get_by_label("Why it is entered now").fill(LATE)
    act.get_by_role("button", name="Depart").click()
    expect(phone.locator("[data-toast]")).to_contain_text("It departed")
    expect(phone.locator(".chief .stages")).to_contain_text("in transit")


def be_alerted(desk: Page, url: str) -> None:
    """See what is wrong on the board, in the list, in the alert, and from there the consignment."""
    row = desk.locator("li.row", has_text="Consignment V-2041")
    expect(row).to_contain_text("critical")
    expect(row).to_contain_text("worst 11.5")
    expect(desk.locator("[data-well]")).to_be_hidden()
    desk.goto(f"{url}/alerts")
    desk.get_by_role("link", name="Consignment V-2041").first.click()
    expect(desk.locator(".todo")).to_contain_text("Close the door")
    expect(desk.locator("#alert")).to_contain_text("clinic-vaccines@")
    desk.locator("#device").click()
    desk.wait_for_url(f"{url}/consignment/V-2041")
    expect(desk.locator(".open")).to_contain_text("too-warm")


def until_all_over(running: RunningPage) -> list[dict[str, Any]]:
    """Wait until no alert is open; return all."""
    alerts: list[dict[str, Any]] = until(
        lambda: (
            (found := running.command("alerts"))
            and all(one["state"] == "resolved" for one in found)
            and found
        ),
        "all alerts are over",
    )
    return alerts


def deliver(phone: Page) -> None:
    """Deliver it into the receiver's hands."""
    phone.reload()
    act = phone.locator("form.chief-act")
    act.get_by_label("Into whose hands").fill("Clinic")
    act.get_by_text("Both sides have signed it").click()
    act.get_by_role("button", name="Delivered").click()
    expect(phone.locator(".chief .stages")).to_contain_text("delivered")
    expect(phone.locator(".chief .facts").first).to_contain_text("Clinic")
    expect(phone.locator("#sign")).to_have_count(0)
    assert fits(phone)


def look(desk: Page) -> None:
    """Look at the verdict, and at the readings that an excursion rests on."""
    assert complaints(desk) == []
    expect(desk.locator(".proposal .word")).to_contain_text("hold")
    expect(desk.locator(".excursions > li")).to_have_count(2)
    first = desk.locator("#excursion-1")
    expect(first).to_contain_text("Nord Trucks")
    expect(first).to_contain_text("10.5")
    expect(desk.locator(".flags a")).to_have_count(2)
    expect(desk.locator(".strip span").first).to_have_text("Nord Trucks")
    first.get_by_role("link", name="Its readings").click()
    expect(desk.locator("#summary")).to_contain_text("highest 10.5 °C")
    desk.go_back()


def sign(desk: Page, password: str) -> str:
    """Sign, by name and password; return the digest that was signed, in short."""
    form = desk.locator("#sign")
    problem = form.locator("[data-problem]")
    button = form.get_by_role("button", name="Sign")
    form.get_by_label("Release it").check()
    form.get_by_label("Your name").fill("Quinn Example")
    form.get_by_label("Your password").fill("not the password")
    button.click()
    expect(problem).to_contain_text("password is wrong")
    form.get_by_label("Your password").fill(password)
    button.click()
    expect(problem).to_contain_text("Say why")
    form.get_by_label("Reason").fill("Ten minutes in all: the maker allows it")
    button.click()
    expect(desk.locator("[data-toast]")).to_contain_text("Signed as version 1: released")
    expect(desk.locator(".decision .word")).to_contain_text("released")
    return desk.locator(".decision code").first.inner_text()


def test_from_a_sensor_to_a_signed_report(running: RunningPage, open_page: OpenPage) -> None:
    now = int(time.time() * 1000) // MINUTE * MINUTE
    running.publish(
        "logger-1",
        *(
            {"temperature": value, "time": now - 5 * MINUTE * (len(VALUES) - place)}
            for place, value in enumerate(VALUES)
        ),
    )
    phone = open_page("operator", name="otto", path="/account", **PHONE)
    enter(phone, running.url, now - 70 * MINUTE)
    depart(phone, now - 69 * MINUTE)

    password = running.add_user("quinn", "quality")
    desk = open_page(name="quinn", password=password)
    running.publish("logger-1", {"temperature": 11.5})
    be_alerted(desk, running.url)
    # It takes two: what jumps as nothing real does waits for the next.
    running.publish("logger-1", {"temperature": 5.0}, {"temperature": 5.1})
    over = until_all_over(running)
    assert {tuple(one["device"]) for one in over} == {("", "consignment/V-2041"), ("", "logger-1")}

    deliver(phone)
    desk.reload()
    look(desk)
    digest = sign(desk, password)

    link = desk.get_by_role("link", name="Report version 1 (PDF)").get_attribute("href")
    answer = desk.request.get(f"{running.url}{link}")
    assert answer.headers["content-type"] == "application/pdf"
    text = text_of(answer.body())
    for told in (
        *("V-2041", "Vaccines of the clinic", "RELEASED", "Quinn Example", "(quinn)", digest),
        *("10.5", "11.5", "Nord Trucks", "the maker allows it", LATE),
    ):
        assert told in text
    assert "DRAFT" not in text
    phone.goto(f"{running.url}/consignments?kind=decided")
    expect(phone.locator(".consignments")).to_contain_text("released")


def test_what_has_changed_meanwhile_is_not_signed(
    running: RunningPage, open_page: OpenPage
) -> None:
    now = int(time.time() * 1000)
    running.publish("logger-2", {"temperature": 5.0, "time": now - 10 * MINUTE})
    late = ("--at", typed(now - 15 * MINUTE).replace("T", " "), "--reason", LATE)
    running.command(
        *("consignment", "add", "V-2042", "--goods", "clinic-vaccines"),
        *("--sensor", "logger-2", *late),
    )
    running.command("consignment", "deliver", "V-2042")
    password = running.add_user("quentin", "quality")
    desk = open_page(name="quentin", password=password, path="/consignment/V-2042")
    sign = desk.locator("#sign")
    running.command("consignment", "change", "V-2042", "--note", "opened")
    sign.get_by_label("Hold it for review").check()
    sign.get_by_label("Your name").fill("Quentin Example")
    sign.get_by_label("Reason").fill("I want to see it")
    sign.get_by_label("Your password").fill(password)
    sign.get_by_role("button", name="Sign").click()
    expect(sign.locator("[data-problem]")).to_contain_text("changed since you looked")
    sign.get_by_role("link", name="Look again").click()
    expect(desk.locator(".chief .note")).to_have_text("opened")
