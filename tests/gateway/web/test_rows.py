"""What a row says of a device."""

from __future__ import annotations

from typing import Any

import pytest

from devices.reading import CLOCK_AHEAD, RETAINED, DeviceKey
from gateway.live import Seen
from gateway.people.acts import Act, Kind, facts
from gateway.web.look import render
from gateway.web.now.open_alerts import Open
from gateway.web.now.rows import Row, make_own_row, make_row
from gateway.web.now.trends import Trends
from gateway.web.now.watched import Limits, Watched
from tests.gateway.web.told import MINUTE, NOW, SETTINGS, about, alert, seen, settings, status


def watched(text: str = SETTINGS) -> Watched:
    return Watched(settings(text), lambda device: (device,))


def row_of(told: Seen, *alerts: Open, **more: Any) -> Row:  # noqa: ANN401 - fields of Registered
    device = DeviceKey(told.owner, told.id)
    return make_row(told, watched().of(device), about(device, **more), alerts, Trends())


def act(kind: Kind, *, to: str = "", until: int | None = None) -> Act:
    return Act("a1", kind, "olga", NOW, "On my way", to, until)


@pytest.mark.parametrize(
    ("told", "state", "channel", "limit", "beyond"),
    [
        (seen(temperature=4.5), "ok", "temperature", "2 to 7 °C", ""),
        (seen(humidity=50.0, temperature=4.5), "ok", "temperature", "2 to 7 °C", ""),
        (seen("room-1", humidity=50.0), "ok", "humidity", "at most 80 %RH", ""),
        (seen("kitchen", humidity=50.0, temperature=4.5), "ok", "temperature", "no limit", ""),
        (seen("kitchen", voltage=24.0), "ok", "voltage", "no limit", ""),
        (seen("kitchen", when=None), "ok", "", "no limit", ""),
        (
            seen(temperature=11.5, rules=(status(),)),
            *("critical", "temperature", "2 to 8 °C", "3.5 °C too warm"),
        ),
        (
            seen(temperature=-1.0, rules=(status(),)),
            *("critical", "temperature", "2 to 8 °C", "3.0 °C too cold"),
        ),
        (
            seen(temperature=5.0, rules=(status(),)),
            *("critical", "temperature", "2 to 8 °C", "within its limits again"),
        ),
        (
            seen(temperature=None, rules=(status(state="unknown", begin=None),)),
            *("unknown", "temperature", "2 to 8 °C", "no usable value"),
        ),
        (
            # It jumped: the rule has not looked at it yet, but the one before.
            seen(temperature=31.5, rules=(status(state="ok", begin=None, since=NOW - MINUTE),)),
            *(
                "pending",
                "temperature",
                "2 to 7 °C",
                "23.5 °C too warm: waits for the next reading",
            ),
        ),
        (
            seen(temperature=5.0, rules=(status(state="ok", begin=None, since=NOW - MINUTE),)),
            *("ok", "temperature", "2 to 7 °C", ""),
        ),
        (
            seen(
                temperature=4.0,
                humidity=85.0,
                rules=(
                    status(state="ok", begin=None),
                    status("damp", "pending", channel="humidity", severity="warning"),
                ),
            ),
            *("pending", "humidity", "at most 80 %RH", "5 %RH too humid"),
        ),
        (
            seen(
                temperature=4.0,
                rules=(status("silent", kind="lost_contact", channel="", severity="warning"),),
            ),
            *("warning", "temperature", "not heard for 60 min", "not heard"),
        ),
    ],
)
def test_a_row_tells_the_worst_and_how_bad_it_is(
    told: Seen, state: str, channel: str, limit: str, beyond: str
) -> None:
    row = row_of(told)
    assert (row.state, row.channel, row.limit, row.beyond) == (state, channel, limit, beyond)


def test_names_places_and_zones_come_from_the_settings() -> None:
    row = row_of(seen(temperature=4.0, flags=CLOCK_AHEAD), stand="unconfirmed")
    assert (row.name, row.site, row.zone) == ("Vaccine fridge", "Warehouse 2", "Europe/Berlin")
    assert row.wrong_clock
    assert row.unconfirmed
    other = row_of(seen("reefer-1", temperature=4.0))
    assert (other.name, other.site, other.zone) == ("reefer-1", "", "Asia/Bangkok")


@pytest.mark.parametrize(
    ("acts", "holder", "acknowledged", "muted"),
    [
        ([], "", False, None),
        ([act("acknowledged")], "olga", True, None),
        ([act("assigned", to="bert")], "bert", False, None),
        ([act("acknowledged"), act("assigned", to="bert")], "bert", True, None),
        ([act("muted", until=NOW + MINUTE)], "", False, NOW + MINUTE),
        ([act("muted", until=NOW - MINUTE)], "", False, None),
    ],
)
def test_a_row_tells_who_has_it(
    acts: list[Act], *, holder: str, acknowledged: bool, muted: int | None
) -> None:
    told = seen(temperature=11.5, rules=(status(),))
    row = row_of(told, Open(alert(), facts(acts, NOW)))
    # By rule and channel: late data has moved the beginning, and the alert keeps its id.
    assert row.alert == "a1"
    assert (row.holder, row.acknowledged, row.muted_until) == (holder, acknowledged, muted)


def test_an_alert_that_the_rules_no_longer_tell_of_is_still_open() -> None:
    row = row_of(seen(temperature=4.0), Open(alert(severity="warning"), facts([], NOW)))
    assert (row.state, row.alert, row.alerts) == ("warning", "a1", 1)
    assert row.since == NOW - 5 * MINUTE


def test_of_two_alerts_the_one_that_nobody_has_counts() -> None:
    known = Open(alert("a1"), facts([act("acknowledged")], NOW))
    other = Open(alert("a2", rule="warm", severity="critical"), facts([], NOW))
    row = row_of(seen(temperature=11.5), known, other)
    assert (row.alert, row.alerts, row.holder) == ("a2", 2, "")


def test_rows_sort_worst_first_and_what_somebody_has_behind_what_nobody_has() -> None:
    fire = (status(),)
    olga = facts([act("acknowledged")], NOW)
    rows = [
        row_of(seen("fridge-1", temperature=4.0)),
        row_of(seen("fridge-2", temperature=9.0, rules=fire), Open(alert(device="fridge-2"), olga)),
        row_of(seen("fridge-3", temperature=9.0, rules=(status(begin=NOW),))),
        row_of(seen("fridge-4", temperature=9.0, rules=fire)),
        row_of(seen("fridge-5", temperature=9.0, rules=(status(state="unknown"),))),
        row_of(seen("fridge-6", temperature=9.0, rules=(status(severity="warning"),))),
        row_of(seen("fridge-7", temperature=9.0, rules=(status(state="pending"),))),
    ]
    expected = ["4", "3", "2", "6", "7", "5", "1"]
    assert [one.key[-1] for one in sorted(rows, key=Row.rank)] == expected
    # Browsers sort by the sign.
    assert [one.key[-1] for one in sorted(rows, key=Row.sign)] == expected


def test_of_equally_grave_ones_the_one_farthest_out_is_the_worst() -> None:
    rows = [
        row_of(seen("fridge-1", temperature=9.0, rules=(status(),))),
        row_of(seen("fridge-2", temperature=30.0, rules=(status(begin=NOW),))),
        row_of(seen("fridge-3", temperature=-9.0, rules=(status(begin=NOW),))),
    ]
    assert [one.key[-1] for one in sorted(rows, key=Row.rank)] == ["2", "3", "1"]
    assert [one.key[-1] for one in sorted(rows, key=Row.sign)] == ["2", "3", "1"]
    # A little more or less moves no row.
    nearly = row_of(seen("fridge-2", temperature=30.1, rules=(status(begin=NOW),)))
    assert nearly.sign() == rows[1].sign()


def test_a_graver_alarm_that_is_coming_is_told_beside_the_one_that_is_there() -> None:
    coming = status(state="pending", severity="critical", pending_until=NOW + MINUTE)
    there = status("warm", severity="warning")
    row = row_of(seen(temperature=11.5, rules=(there, coming)))
    assert (row.state, row.graver, row.fires) == ("warning", "critical", NOW + MINUTE)
    alone = row_of(seen(temperature=11.5, rules=(coming,)))
    assert (alone.state, alone.graver, alone.fires) == ("pending", "", NOW + MINUTE)
    worse_is_there = row_of(seen(temperature=11.5, rules=(status(severity="critical"), there)))
    assert (worse_is_there.graver, worse_is_there.fires) == ("", None)


def test_what_is_wrong_with_the_gateway_is_a_row_too() -> None:
    own = alert("a9", "dock", "gateway", kind="gateway", channel="disk", reason="The disk is full")
    row = make_own_row(Open(own, facts([], NOW)), "dock", "UTC")
    assert (row.state, row.name, row.site) == ("critical", "This gateway, dock", "disk")
    assert row.beyond == "The disk is full"
    assert row.own
    assert row.key != "dock"


@pytest.mark.parametrize(
    ("limits", "channel", "words"),
    [
        (Limits(2.0, 8.0), "temperature", "2 to 8 °C"),
        (Limits(high=-18.5), "temperature", "at most \N{MINUS SIGN}18.5 °C"),
        (Limits(low=0.5), "battery", "at least 0.5 V"),
        (Limits(high=0.0), "door", "at most 0"),
        (Limits(2.0, 8.0, True, True), "temperature", "above 2, below 8 °C"),  # noqa: FBT003 - as the fields stand
        (Limits(2.0, 8.0, bad_at_low=True), "temperature", "above 2, at most 8 °C"),
        (Limits(high=8.0, bad_at_high=True), "temperature", "below 8 °C"),
        (Limits(low=0.5, bad_at_low=True), "battery", "above 0.5 V"),
        (Limits(), "temperature", ""),
    ],
)
def test_limits_are_told_in_words(limits: Limits, channel: str, words: str) -> None:
    assert limits.words(channel) == words


@pytest.mark.parametrize(
    ("value", "channel", "words"),
    [
        (8.0, "temperature", ""),
        (2.0, "temperature", ""),
        (8.5, "temperature.return_air", "0.5 °C too warm"),
        (1.0, "temperature", "1.0 °C too cold"),
        (9.0, "humidity", "1 %RH too humid"),
        (9.0, "pressure", "1 hPa too high"),
        (1.5, "battery", "0.5 V too low"),
        (None, "temperature", ""),
    ],
)
def test_how_bad_it_is_is_told_in_words(value: float | None, channel: str, words: str) -> None:
    assert Limits(2.0, 8.0).beyond(value, channel) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (8.0, "at its limit"),
        (2.0, "at its limit"),
        (8.1, "0.1 °C too warm"),
        (7.9, "within its limits again"),
    ],
)
def test_a_value_at_a_limit_that_counts_is_not_within_its_limits(value: float, words: str) -> None:
    known = watched(SETTINGS.replace("[2.0, 8.0]", "[2.0, 8.0]\ninclusive = true"))
    told = seen(temperature=value, rules=(status(),))
    device = DeviceKey("", "fridge-1")
    row = make_row(told, known.of(device), about(device), [], Trends())
    assert (row.beyond, row.limit) == (words, "above 2, below 8 °C")


def test_of_two_limits_the_one_that_allows_less_counts() -> None:
    strict, counts = Limits(2.0, 8.0), Limits(2.0, 8.0, bad_at_low=True, bad_at_high=True)
    assert strict.narrowed(counts) == counts.narrowed(strict) == counts
    wide = Limits(high=9.0, bad_at_high=True)
    assert strict.narrowed(wide) == wide.narrowed(strict) == strict


@pytest.mark.parametrize(("flags", "retained"), [(0, False), (RETAINED, True)])
@pytest.mark.parametrize("template", ["board_row.html", "wall_row.html"])
def test_what_a_broker_had_kept_is_marked(template: str, flags: int, *, retained: bool) -> None:
    row = row_of(seen(temperature=4.0, flags=flags))
    html = render(template, row=row, number=1)
    assert ("kept by the broker" in html) == retained
    # A fresh reading takes the mark away: no patch tells that.
    fresh = row_of(seen(temperature=4.0))
    assert (row.frame() != fresh.frame()) == retained


@pytest.mark.parametrize(("flags", "retained"), [(0, False), (RETAINED, True)])
def test_the_head_of_a_sensor_marks_it_too(flags: int, *, retained: bool) -> None:
    row = row_of(seen(temperature=4.0, flags=flags))
    told = {"row": row, "key": row.key, "name": row.name, "where": row.site, "place": row.zone}
    told |= {
        "about": about(row.device),
        "at": row.at,
        "now": NOW,
        "newest": {"temperature": 4.0},
        "limits": {},
    }
    html = render("sensor_head.html", channel="temperature", **told)
    assert ("kept by the broker" in html) == retained
