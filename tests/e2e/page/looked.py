"""What is wrong with a page that a browser shows: for its makers, and for people who see badly."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.sync_api import Page

GRAVE = {"serious", "critical"}


def complaints(page: Page) -> list[str]:
    """Load the page again; return a list that fills with whatever the browser complains of."""
    found: list[str] = []
    page.on(
        "console",
        lambda said: found.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    page.reload()
    return found


def barriers(page: Page) -> list[str]:
    """Return what axe finds that is serious or critical: rule, and the first element."""
    told: dict[str, Any] = Axe().run(page).response
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in told["violations"]
        if one["impact"] in GRAVE
    ]


def fits(page: Page) -> bool:
    """Whether nothing sticks out to the side."""
    fitting: bool = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return fitting


def becomes(page: Page, script: str) -> None:
    """Return once an expression is true: Playwright's own way needs what our policy forbids."""
    for _ in range(200):
        if page.evaluate(script):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not become true: {script}")
