"""Every view, light and dark, at a desk and on a phone: axe finds nothing serious or critical."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.page.conftest import OpenPage
    from tests.gateway.web.running import RunningPage

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
VIEWS = (
    "/",
    "/sensor/fridge-1",
    "/alerts?state=all",
    "/alerts/{alert}",
    "/alerts/{alert}/acts",
    "/map",
    "/devices",
    "/device/fridge-1",
    "/device/fridge-4",
    "/consignments",
    "/consignments/new",
    "/consignment/V-1",
    "/goods",
    "/goods/vaccines",
    "/notifications",
    "/quarantine",
    "/gateway",
    "/account",
    "/people",
    "/audit",
    "/wall",
)
RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((n) => n.html).join(" ")}`);
}"""


def findings(page: Page) -> list[str]:
    """Return what axe finds that is serious or critical."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN)
    return found


def prepare(running: RunningPage) -> str:
    """Have something to show on each view; return an alert's id."""
    alert = running.alert("fridge-1")
    running.publish("fridge-2", {"temperature": 5.0}, {"temperature": 9.5}, {"temperature": 5.0})
    running.publish("fridge-3", {"temperature": "no number"})
    running.publish("fridge-4", {"temperature": 5.0, "seq": 1})
    told = ("--for", "2 h", "--reason", "Cleaning")
    running.command("device", "maintenance", "fridge-1", *told)
    running.command("alert", "acknowledge", alert["id"], "--reason", "On my way")
    running.command("alert", "mute", alert["id"], "--for", "2 h", "--reason", "Goods moved")
    running.command("screen", "add", "hall")
    consignment = ("consignment", "add", "V-1", "--goods", "vaccines", "--sensor", "fridge-2")
    running.command(*consignment, "--quantity", "100", "--unit", "boxes")
    way = ("--mode", "road", "--from", "Hamburg", "--to", "Rostock", "--custodian", "Nord Trucks")
    running.command("consignment", "leg", "V-1", *way)
    running.command("consignment", "hand-over", "V-1", "--to", "Sea Line")
    running.publish("fridge-2", {"temperature": 12.0}, {"temperature": 12.5})
    found: str = alert["id"]
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390], ids=["desk", "phone"])
def test_axe_finds_nothing_serious_on_any_view(
    running: RunningPage, open_page: OpenPage, width: int, *, dark: bool
) -> None:
    alerts = running.command("alerts")
    alert = alerts[0]["id"] if alerts else prepare(running)
    page = open_page("administrator", path="/account", width=width, dark=dark)
    wrong = {}
    for view in VIEWS:
        address = view.format(alert=alert)
        answer = page.goto(f"{running.url}{address}")
        assert answer is not None
        assert answer.ok, f"{address}: {answer.status}"
        found = findings(page)
        if found:
            wrong[address] = found
    assert wrong == {}


def test_axe_finds_nothing_serious_in_the_open_sheet_nor_on_the_login(
    running: RunningPage, open_page: OpenPage
) -> None:
    alerts = running.command("alerts")
    alert = alerts[0]["id"] if alerts else prepare(running)
    page = open_page("operator", path=f"/alerts/{alert}")
    page.locator("#act").click()
    page.locator("dialog[open]").wait_for()
    assert findings(page) == []
    page.context.clear_cookies()
    page.goto(f"{running.url}/login")
    assert findings(page) == []
