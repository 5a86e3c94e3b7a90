"""Our scripts alone in a browser, told by hand what a stream would tell, at moments that matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

STATIC = Path(__file__).parents[3] / "gateway" / "web" / "static"
ADDRESS = "http://page.invalid"
DAY = 24 * 3600 * 1000

ROWS = '<section data-rows="board"><ol class="group">{rows}</ol></section>'
WALL = """
<time data-clock data-zone="UTC" data-now="0"></time><p data-words></p><p data-turn hidden></p>
<p data-well></p><p data-sound></p><button data-silent></button>
<section data-rows="wall" data-sounding="0"><ol class="group">{rows}</ol></section>
<script src="/static/wall.js" type="module"></script>
"""
TAKE = """async (told) => {
  const {Rows} = await import('/static/rows.js');
  const list = document.querySelector('[data-rows]');
  window.rows ??= new Rows(list);
  for (const [kind, detail] of told) {
    if (kind === 'move') rows.moved = Date.now();
    if (kind === 'rest') { rows.moved = 0; rows.place(); }
    if (kind === 'told') rows.take({patches: [], frames: [], gone: [], ...detail});
    if (kind === 'fetch') {
      window.fetch = async () => {
        rows.take({patches: [], frames: [], gone: [], ...detail.meanwhile});
        return {ok: true, json: async () => ({frames: detail.frames, next: null})};
      };
      await rows.fetch('board');
    }
  }
  const texts = ({item}) => [...item.querySelectorAll("b, i")].map((one) => one.textContent);
  const shown = (line) => [line.number, [...texts(line), line.at]];
  return Object.fromEntries(rows.order.map(shown));
}"""


def row(number: int, value: str, at: int | str, beyond: str = "") -> str:
    return (
        f'<li class="row ok" data-number="{number}" data-sign="{number} a" data-state="ok" '
        f'data-at="{at}"><b data-value>{value}</b><i data-beyond>{beyond}</i></li>'
    )


def frame(number: int, value: str, at: int | str, sign: str = "0 a") -> list[Any]:
    return [number, sign, row(number, value, at)]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which only our own scripts are to be had."""
    context = browser.new_context()
    page = context.new_page()

    def serve(route: Route) -> None:
        route.fulfill(path=STATIC / Path(route.request.url).name)

    page.route(f"{ADDRESS}/static/*", serve)
    yield page
    context.close()


def open_with(page: Page, body: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=f"<!doctype html><body>{body}</body>", content_type="text/html")

    page.route(f"{ADDRESS}/", answer)
    page.goto(f"{ADDRESS}/")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        # While a finger is near, rows wait to be moved, and values are told on.
        ([{"frames": [frame(1, "8.5", 1000)]}], ["8.5", "", 1000]),
        (
            [{"frames": [frame(1, "8.5", 1000)]}, {"patches": [[1, 2000, "12.0"]]}],
            ["12.0", "", 2000],
        ),
        (
            [
                {"frames": [frame(1, "8.5", 1000)]},
                {"patches": [[1, 2000, "12.0", "4.0 °C too warm"]]},
                {"patches": [[1, 3000, "12.5"]]},
            ],
            ["12.5", "4.0 °C too warm", 3000],
        ),
        # What came before the frame is in it already.
        (
            [{"patches": [[1, 500, "7.0"]]}, {"frames": [frame(1, "8.5", 1000)]}],
            ["8.5", "", 1000],
        ),
        (
            [
                {"frames": [frame(1, "8.5", 1000)]},
                {"patches": [[1, 2000, "12.0"]]},
                {"frames": [frame(1, "9.0", 3000)]},
            ],
            ["9.0", "", 3000],
        ),
    ],
)
def test_what_is_told_while_a_row_waits_is_not_lost(
    page: Page, told: list[dict[str, Any]], shown: list[object]
) -> None:
    open_with(page, ROWS.format(rows=row(1, "4.0", 1)))
    steps = [["move", None], *(["told", one] for one in told), ["rest", None]]
    assert page.evaluate(TAKE, steps) == {"1": shown}


def test_a_new_row_that_waits_is_told_on_too(page: Page) -> None:
    open_with(page, ROWS.format(rows=row(1, "4.0", 1)))
    told = [{"frames": [frame(2, "8.5", 1000)]}, {"patches": [[2, 2000, "12.0"]]}]
    steps = [["move", None], *(["told", one] for one in told), ["rest", None]]
    assert page.evaluate(TAKE, steps)["2"] == ["12.0", "", 2000]


@pytest.mark.parametrize(
    ("meanwhile", "shown"),
    [
        ({}, ["5.0", "", 1000]),
        ({"patches": [[2, 2000, "12.0"]]}, ["12.0", "", 2000]),
        ({"patches": [[2, 500, "3.0"]]}, ["5.0", "", 1000]),
        ({"frames": [frame(2, "9.0", 3000)]}, ["9.0", "", 3000]),
    ],
)
def test_what_is_told_while_rows_are_fetched_is_not_lost(
    page: Page, meanwhile: dict[str, Any], shown: list[object]
) -> None:
    open_with(page, ROWS.format(rows=row(1, "4.0", 1)))
    detail = {"meanwhile": meanwhile, "frames": [frame(2, "5.0", 1000)]}
    assert page.evaluate(TAKE, [["fetch", detail]])["2"] == shown


@pytest.mark.parametrize("rows", [1, 100])
def test_a_wall_screen_loads_again_only_when_somebody_answers(page: Page, rows: int) -> None:
    page.clock.install()
    lines = "".join(row(number, "4.0", 1) for number in range(rows))
    open_with(page, WALL.format(rows=lines))  # of 100 rows the rest is asked for, and refused
    expect(page.locator("[data-sound]")).not_to_be_empty()
    page.evaluate("window.same = true")
    beat = "document.body.dispatchEvent(new CustomEvent('live:beat', {detail: {}}))"
    page.evaluate(beat)
    page.clock.fast_forward(DAY + 60_000)
    # Nobody is there, or the gateway behind the page is not.
    page.evaluate("document.documentElement.classList.add('stale')")
    page.evaluate(beat)
    page.clock.fast_forward(60_000)
    assert page.evaluate("window.same")
    page.evaluate("document.documentElement.classList.remove('stale')")
    with page.expect_navigation():
        page.evaluate(beat)
    assert page.evaluate("window.same === undefined")


def test_what_is_new_and_grave_is_seen_at_once_on_whatever_page_it_stands(page: Page) -> None:
    page.clock.install()
    style = "<style>[data-rows] {height: 500px; overflow: hidden} .off {display: none}</style>"
    rows = "".join(row(number, "9.0", 1) for number in range(80))
    open_with(page, style + WALL.format(rows=rows))
    expect(page.locator("[data-turn]")).to_contain_text("Page 1 of")
    page.clock.fast_forward(11_000)  # and a turn is about to end
    html = row(99, "12.0", 1).replace("row ok", "row critical").replace('"ok"', '"critical"')
    told = {"patches": [], "gone": [], "states": {}, "frames": [[99, "99 a", html]]}
    say = "(detail) => document.body.dispatchEvent(new CustomEvent('live:rows', {detail}))"
    page.evaluate(say, told)
    grave = page.locator("[data-number='99']")
    expect(grave).to_be_visible()
    page.clock.fast_forward(11_000)
    expect(grave).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(grave).to_be_hidden()
