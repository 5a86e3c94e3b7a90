"""How rules on the past are shown: on a terminal of any width, and as a picture."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import msgspec
import pytest
from rich.console import Console

from gateway.backtest.backtest import Trial
from gateway.backtest.braille import HEIGHT, legend, marks, plotted
from gateway.backtest.chart import Bar, Chart, Lane, Limit, Line
from gateway.backtest.picture import picture
from gateway.screen.backtest import show_backtest, show_diff
from gateway.settings import parse
from rules.backtest import backtest
from rules.duration import DAY, HOUR, MINUTE
from rules.plan import EVER
from tests.rules.series import REEFER, START, readings, rule

SVG = "{http://www.w3.org/2000/svg}"
YEAR = 365 * DAY


def chart(values: list[float | None], length: int = DAY, **more: Any) -> Chart:  # noqa: ANN401 - fields
    """Return a chart of evenly spaced values, with a limit of 8 °C that both have."""
    times = [START + n * length // len(values) for n in range(len(values))]
    told: dict[str, Any] = {
        "channel": "temperature",
        "unit": "°C",
        "start": START,
        "end": START + length,
        "lines": [Line("d-1", times, values)],
        "limits": [limit("warm", tried=True), limit("fridge", tried=False)],
        "lanes": [],
    }
    return Chart(**{**told, **more})


def limit(name: str, *, tried: bool) -> Limit:
    return Limit(value=8.0, upper=True, rule=name, tried=tried)


def lanes() -> list[Lane]:
    def lane(rule: str, first: int, length: int, *, tried: bool, same: bool = False) -> Lane:
        bar = Bar(START + first, START + first + length, "critical", same=same)
        return Lane(rule, tried=tried, bars=[bar])

    return [
        lane("warm", HOUR, 2 * HOUR, tried=True),
        lane("both", 0, MINUTE, tried=True, same=True),
        lane("fridge", 2 * HOUR, HOUR, tried=False),
    ]


def rows(drawn: Chart, width: int) -> list[str]:
    return [line.plain for line in plotted(drawn, width, "Europe/Berlin")]


@pytest.mark.parametrize("width", [40, 80, 131, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    drawn = chart([5.0, 9.0, None, 6.0] * 30, lanes=lanes(), length=40 * DAY)
    found = rows(drawn, width)
    assert len(found) == HEIGHT + 2 + 3
    assert max(map(len, found)) <= width


@pytest.mark.parametrize("place", [0, 1, 777, 1199])
def test_one_warm_value_of_a_year_is_seen(place: int) -> None:
    values: list[float | None] = [5.0] * 1200
    values[place] = 30.0
    top = rows(chart(values, YEAR), 60)[0]
    assert any("\u2800" < sign <= "\u28ff" for sign in top)


def test_where_nobody_knows_nothing_is_drawn() -> None:
    known = rows(chart([5.0] * 100), 80)
    gap = rows(chart([5.0] * 40 + [None] * 20 + [5.0] * 40), 80)

    def dots(lines: list[str]) -> int:
        return sum("\u2800" < sign <= "\u28ff" for line in lines for sign in line)

    assert dots(known) * 0.75 < dots(gap) < dots(known) * 0.85


def test_limits_stand_at_the_side_and_alerts_below_by_shape() -> None:
    drawn = chart([5.0, 9.0, 6.0], lanes=lanes())
    found = rows(drawn, 80)
    assert sum(line.strip().startswith("8 °C ┤") for line in found) == 1
    assert [line.split("│")[0].strip() for line in found[-3:]] == ["warm", "both", "fridge (now)"]
    assert [set(line.split("│")[1].strip()) for line in found[-3:]] == [{"█"}, {"▒"}, {"▄"}]
    assert all(sign in legend(drawn.lanes) for sign in "█▒▄")


@pytest.mark.parametrize(("start", "step"), [("2026-03-28", DAY), ("2026-10-24", 12 * HOUR)])
def test_days_begin_at_midnight_by_the_clock_on_the_wall(start: str, step: int) -> None:
    """On a day of 23 or 25 hours too."""
    zone = ZoneInfo("Europe/Berlin")
    from_ = {"2026-03-28": 1_774_652_400_000, "2026-10-24": 1_792_792_800_000}[start]
    found = list(marks(from_, from_ + 3 * DAY, step, zone))
    assert found == sorted(set(found))
    assert found[0] == from_
    if step == DAY:
        assert [(b - a) // HOUR for a, b in pairwise(found)] == [24, 23, 24]


def parsed(*charts: Chart) -> ET.Element:
    return ET.fromstring(picture("a <b> & c", "sub", charts, "Europe/Berlin"))  # noqa: S314 - our own text


def test_a_picture_is_xml_whatever_names_hold_and_has_a_bar_for_each_alert() -> None:
    line = Line("<script>", [START, START + HOUR], [5.0, 9.0])
    found = parsed(chart([5.0], lines=[line, line], lanes=lanes()))
    title = found.find(f"{SVG}title")
    assert title is not None
    assert title.text == "a <b> & c"
    legends = 1
    for shape in ("tried", "same", "standing"):
        bars = [one for one in found.iter(f"{SVG}rect") if one.get("class") == shape]
        assert len(bars) == 1 + legends, shape
    width, height = float(found.get("width", 0)), float(found.get("height", 0))
    for one in found.iter(f"{SVG}rect"):
        assert 0 <= float(one.get("x", 0)) <= width
        assert float(one.get("y", 0)) + float(one.get("height", 0)) <= height


def test_a_picture_breaks_its_line_where_nobody_knows() -> None:
    def pieces(values: list[float | None]) -> int:
        path = next(parsed(chart(values)).iter(f"{SVG}path")).get("d") or ""
        return path.count("M")

    assert (pieces([5.0] * 6), pieces([5.0, None, 5.0, 5.0, None, None])) == (1, 2)


def test_limits_of_one_value_are_one_line_with_all_names() -> None:
    found = parsed(chart([5.0, 9.0]))
    lines = [one for one in found.iter(f"{SVG}line") if "limit" in (one.get("class") or "")]
    assert len(lines) == 1
    assert "8 warm, fridge" in [one.text for one in found.iter(f"{SVG}text")]


# -- in words


def trial(series: str, new: list[dict[str, Any]], old: list[dict[str, Any]]) -> Trial:
    found = backtest(
        REEFER,
        readings(series),
        [rule(**one) for one in new],
        [rule(**one) for one in old],
        intervals=((EVER, 5 * MINUTE),),
        start=START,
        end=START + 3 * HOUR,
    )
    return Trial(name="reefer-1", against="the settings", found=found, charts=[])


def shown(*trials: Trial, width: int = 100, **more: Any) -> str:  # noqa: ANN401 - of an answer
    console = Console(file=io.StringIO(), width=width)
    answer = {"tried": "ours@1", "zone": "Europe/Berlin", **more}
    plain = msgspec.to_builtins(list(trials))
    show = show_diff if "changes" in more else show_backtest
    settings = parse('[gateway]\ndata = "/nowhere"\n[[listeners]]\nhost = "127.0.0.1"\n')
    show(console, settings, {**answer, "trials": plain})
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


WARM: dict[str, Any] = {"name": "warm", "above": 8.0, "duration": "10 min"}


@pytest.mark.parametrize("width", [80, 120])
def test_what_changes_is_told_with_a_sign_and_in_words(width: int) -> None:
    told = shown(
        trial(
            "5x3 9x6 5x3 1x3 5x3",
            [WARM, {"name": "cold", "below": 2.0}],
            [{**WARM, "name": "fridge", "duration": "15 min"}, {"name": "wet", "above": 8.7}],
        ),
        width=width,
    )
    assert "ours@1 on reefer-1, held against the settings" in told
    assert "+ new" in told
    assert "x gone" in told
    assert "~ changed" in told
    assert "was fridge; 5 min sooner" in " ".join(told.split())
    assert "1 new, 1 gone, 1 changed, 0 as before" in told
    assert "warm: temperature above 8.0 °C for 10 min (warning)" in told
    assert max(map(len, told.splitlines())) <= width


def test_an_alert_that_both_make_alike_is_the_same() -> None:
    told = shown(trial("5x3 9x6 5x3", [WARM], [WARM]))
    assert "= same" in told
    assert "0 new, 0 gone, 0 changed, 1 as before" in told


def test_where_nothing_would_have_fired_it_says_so() -> None:
    told = shown(trial("5x9", [WARM], []))
    assert "Nothing would have fired" in told
    assert "No rule of now judges it" in told


def test_a_rule_that_cannot_judge_says_why() -> None:
    told = shown(trial("5x9", [{**WARM, "channel": "humidity"}], []))
    assert "! warm: no humidity was heard, so it judges nothing" in told


def test_of_many_subjects_there_is_a_line_each_those_that_differ_most_first() -> None:
    same, other = trial("5x3 9x6 5x3", [WARM], [WARM]), trial("5x3 9x6 5x3", [WARM], [])
    named = [msgspec.structs.replace(same, name=f"same-{n}") for n in range(3)]
    told = shown(*named, msgspec.structs.replace(other, name="other"))
    lines = [line.split()[0] for line in told.splitlines() if line.startswith(("same", "other"))]
    assert lines == ["other", "same-0", "same-1", "same-2"]


def test_a_changed_profile_that_nobody_would_have_noticed_says_so() -> None:
    told = shown(
        trial("5x3 9x6 5x3", [WARM], [WARM]),
        changes=["~ warm: above 8.0 °C (note)"],
        against="ours@0",
        since=START,
    )
    assert "ours@1, held against ours@0" in told
    assert "~ warm: above 8.0 °C (note)" in told
    assert "Nobody would have noticed a difference." in told
    nothing = shown(changes=[], against="ours@0", since=START)
    assert "Nothing was measured of such goods since 02 May 2022" in nothing
    assert "its rules are the same" in nothing
