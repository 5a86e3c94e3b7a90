"""The verdict on a consignment, in series that a person can check."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices.reading import DeviceKey
from rules.cargo.budgets import _at_times
from rules.cargo.consignment import Leg, Place, Staged, Travelled
from rules.cargo.verdict import Band, Excluded, Excursion, Share, Statistic, Verdict
from rules.cargo.voices import JUMPED, NOT_ASSIGNED, START_UP, chorus
from rules.duration import DAY, MINUTE
from rules.grace import Grace, Graced
from tests.rules.cargo.voyages import (
    TOTAL,
    A,
    B,
    alert,
    assigned,
    consignment,
    custody,
    minutes,
    profile,
    said,
    sample,
    verdict,
)
from tests.rules.series import at

ZONE = "Europe/Berlin"


def only(found: Verdict) -> Statistic:
    (one,) = found.statistics
    return one


def outing(found: Verdict) -> Excursion:
    (one,) = found.excursions
    return one


def band(found: Verdict, label: str) -> Band:
    return next(one for one in found.bands if one.label == label)


# -- numbers -------------------------------------------------------------------------------------


def test_extremes_mean_and_times_of_a_voyage() -> None:
    found = verdict("4x6 6x6 9x3 5x9", until=120)
    one = only(found)
    assert one.lowest is not None
    assert one.highest is not None
    assert (one.lowest.value, one.lowest.when, one.lowest.sensor) == (4.0, at(0), A)
    assert (one.highest.value, one.highest.when) == (9.0, at(60))
    assert one.mean == pytest.approx((4 * 30 + 6 * 30 + 9 * 15 + 5 * 45) / 120)
    assert (minutes(one.known), one.unknown, one.readings) == (120, 0, 24)
    assert [(b.label, minutes(b.time.known), b.inside) for b in found.bands] == [
        ("below 2 °C", 0, False),
        ("2 to 8 °C", 105, True),
        ("above 8 °C", 15, False),
    ]


def test_a_gap_is_unknown_and_told_as_two_cases() -> None:
    # The last sample before the gap speaks for 12 min: of 35 min nobody knows 23.
    found = verdict("5x12 -x6 5x6", until=120)
    assert minutes(found.unknown) == pytest.approx(23)
    assert found.known + found.unknown == found.until - found.since
    inside, above = band(found, "2 to 8 °C").time, band(found, "above 8 °C").time
    assert (minutes(inside.known), minutes(inside.best), minutes(inside.worst)) == (97, 120, 97)
    assert (minutes(above.known), minutes(above.best), minutes(above.worst)) == (0, 0, 23)
    mkt = only(found).mkt
    assert mkt is not None
    assert mkt.best == pytest.approx(5.0)
    assert mkt.known == pytest.approx(5.0)
    assert 5.0 < mkt.worst < 8.0


def test_bands_are_those_of_the_range_and_of_the_rules_about_values() -> None:
    rules = (
        TOTAL,
        {"name": "spike", "kind": "threshold", "channel": "temperature", "above": 15.0},
        {
            "name": "frozen",
            "kind": "threshold",
            "channel": "temperature",
            "below": -0.5,
            "inclusive": True,
        },
    )
    found = verdict("-0.5 -0.4 1.9 2 8 8.1 15 15.1", profile(rules=rules), until=40)
    assert [(one.label, minutes(one.time.known)) for one in found.bands] == [
        ("-0.5 °C or below", 5),
        ("-0.5 to 2 °C", 10),
        ("2 to 8 °C", 10),
        ("8 to 15 °C", 10),
        ("above 15 °C", 5),
    ]


def test_goods_without_an_energy_have_no_mean_kinetic_temperature() -> None:
    assert only(verdict("-20x12", profile(energy=None), until=60)).mkt is None


def test_a_value_that_jumped_and_was_not_confirmed_is_unknown_and_told_as_left_out() -> None:
    found = verdict("5x6 90 5x5", until=60)
    one = only(found)
    assert one.highest is not None
    assert one.highest.value == 5.0
    assert minutes(one.unknown) == 5
    assert found.excluded == (Excluded(A, at(30), at(30) + 1, 1, f"temperature: {JUMPED}"),)


@pytest.mark.parametrize("missing", ["?x6", "-x6"])
def test_values_that_cannot_be_true_are_unknown(missing: str) -> None:
    assert only(verdict(f"5x6 {missing} 5x6", until=90)).unknown > 0


# -- who counts when -----------------------------------------------------------------------------


def test_the_start_up_is_left_out_and_told() -> None:
    whole = consignment(assignments=(assigned(ignore=30),))
    found = verdict("20x6 5x6", whole=whole, until=60)
    assert (found.since, found.excursions) == (at(30), ())
    assert found.excluded == (Excluded(A, at(0), at(25) + 1, 6, START_UP),)


def test_what_a_sensor_says_when_it_is_elsewhere_is_left_out_and_told() -> None:
    whole = consignment(
        assignments=(assigned(until=30), assigned(since=60), assigned(B, 30, 60)),
    )
    heard = {A: said("5x6 -20x6 5x6"), B: said("5x6", B, since=30)}
    found = verdict(heard, whole=whole, until=90)
    assert (found.excursions, found.unknown, found.partly) == ((), 0, 0)
    assert found.excluded == (Excluded(A, at(30), at(55) + 1, 6, NOT_ASSIGNED),)


def test_readings_of_a_sensor_that_was_never_assigned_are_told_as_left_out() -> None:
    found = verdict({A: said("5x12"), B: said("30x3", B)}, until=60)
    assert found.excluded == (Excluded(B, at(0), at(10) + 1, 3, NOT_ASSIGNED),)
    assert found.proposal == "release"


def test_a_voyage_begins_with_what_is_heard_first_if_that_does_not_keep_waiting() -> None:
    assert verdict({A: said("5x12", since=4)}, until=60).since == at(4)
    late = verdict({A: said("5x6", since=30)}, until=60)
    assert (late.since, minutes(late.unknown)) == (at(0), 30)


def test_before_a_sensor_is_assigned_nobody_knows_what_went_on() -> None:
    whole = consignment(assignments=(assigned(since=30),))
    found = verdict({A: said("5x6", since=30)}, whole=whole, until=60)
    assert (found.since, minutes(found.unknown)) == (at(0), 30)


@pytest.mark.parametrize(
    ("stages", "until", "end"),
    [
        (("delivered",), 60, 60),
        (("delivered",), None, 120),
        (("delivered", "released"), None, 90),
        (("delivered", "released", "under_review"), None, 90),
        ((), 60, 120),
    ],
)
def test_a_voyage_ends_with_the_decision_or_when_no_sensor_is_with_it_any_more(
    stages: tuple[Any, ...], until: float | None, end: float
) -> None:
    whole = consignment(
        assignments=(assigned(until=until),),
        stages=(
            Staged("in_transit", at(0)),
            *(Staged(stage, at(60 + 30 * place)) for place, stage in enumerate(stages)),
        ),
    )
    assert verdict("5x24", whole=whole, until=120).until == at(end)


def test_a_consignment_of_which_nothing_was_heard_is_unknown_throughout() -> None:
    found = verdict({}, until=60)
    assert (minutes(found.unknown), found.known) == (60, 0)
    assert found.proposal == "indeterminate"
    assert found.reasons[0] == "Nothing was heard of its temperature, which the profile needs"
    assert only(found).mean is None


# -- several sensors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "out", "highest"),
    [
        ("any", 30, 10.0),
        ("all", 0, 10.0),
        ("mean", 0, 10.0),
        ("probe-b", 30, 10.0),
        ("probe-a", 0, 5.0),
    ],
)
def test_which_sensor_counts(counts: str, out: float, highest: float) -> None:
    whole = consignment(assignments=(assigned(), assigned(B)), counts=counts)
    heard = {A: said("5x18"), B: said("5x6 10x6 5x6", B)}
    found = verdict(heard, whole=whole, until=90)
    assert minutes(sum(one.out for one in found.excursions)) == out
    extreme = only(found).highest
    assert extreme is not None
    assert extreme.value == highest


def test_of_any_sensor_the_worst_is_the_one_furthest_out_of_range() -> None:
    whole = consignment(assignments=(assigned(), assigned(B)))
    found = verdict({A: said("1x6 5x6"), B: said("12x6 5x6", B)}, whole=whole, until=60)
    one = outing(found)
    assert (one.side, one.worst, one.worst_sensor) == ("above", 12.0, B)


def test_where_only_some_sensors_are_heard_it_may_have_been_worse() -> None:
    whole = consignment(assignments=(assigned(), assigned(B)))
    found = verdict({A: said("5x24"), B: said("5x6", B)}, whole=whole, until=120)
    assert (found.unknown, minutes(found.partly)) == (0, 83)
    above = band(found, "above 8 °C").time
    assert (above.known, above.best, minutes(above.worst)) == (0, 0, 83)
    assert found.proposal == "indeterminate"
    assert "only some of its sensors" in found.reasons[0]


def test_a_sensor_that_was_assigned_and_never_heard_leaves_it_open() -> None:
    whole = consignment(assignments=(assigned(), assigned(B)))
    found = verdict({A: said("5x12")}, whole=whole, until=60)
    assert found.proposal == "indeterminate"
    assert "acme/probe-b was assigned to it and never heard" in found.reasons[0]


def test_a_sensor_in_place_of_another_leaves_no_gap() -> None:
    whole = consignment(assignments=(assigned(until=32), assigned(B, 32)))
    heard = {A: said("5x7"), B: said("5x5", B, since=36)}
    found = verdict(heard, whole=whole, until=60)
    assert (found.unknown, found.partly, found.proposal) == (0, 0, "release")


# -- excursions ----------------------------------------------------------------------------------


def test_a_gap_does_not_end_an_excursion_and_adds_to_what_nobody_knows() -> None:
    one = outing(verdict("5x6 9x3 -x6 9x3 5x6", until=120))
    assert (one.begin, one.end) == (at(30), at(90))
    assert (minutes(one.out), minutes(one.unknown)) == (10 + 12 + 15, 23)


def test_where_some_sensors_were_well_and_others_silent_an_excursion_is_known_in_part() -> None:
    whole = consignment(assignments=(assigned(), assigned(B)))
    found = verdict({A: said("9x6 5x18"), B: said("5x4 -x12 5x8", B)}, whole=whole, until=120)
    one = outing(found)
    # B speaks until minute 27, and again from 80 on; A was out until 30.
    assert (one.begin, one.end, minutes(one.out)) == (at(0), at(80), 30)
    assert (one.unknown, minutes(one.partly)) == (0, 50)
    assert "for 50 min only some of its sensors told, which were well" in one.explanation
    assert "nobody knows" not in one.explanation


def test_an_excursion_that_lasts_has_no_end() -> None:
    assert outing(verdict("5x6 9x6", until=60)).end is None


def test_out_of_the_other_side_of_the_range_is_another_excursion() -> None:
    found = verdict("5x6 1x3 9x3 5x6", until=90)
    assert [(one.number, one.side, one.worst) for one in found.excursions] == [
        (1, "below", 1.0),
        (2, "above", 9.0),
    ]


def test_every_minute_out_of_range_has_a_custodian() -> None:
    whole = consignment(
        custody=(
            custody("Alpha", -60, 40, leg=1),
            custody("Alpha", 40, 50, leg=1, confirmed=False),
            custody("Beta", 50, None, leg=2),
        )
    )
    one = outing(verdict("5x6 9x6 5x6", whole=whole, until=90))
    assert [(s.custodian, minutes(s.time), s.confirmed, s.leg) for s in one.shares] == [
        ("Alpha", 10, True, 1),
        ("Alpha", 10, False, 1),
        ("Beta", 10, True, 2),
    ]


def test_where_nobody_was_named_the_time_is_said_to_be_nobodys() -> None:
    whole = consignment(custody=(custody("Beta", 50, None),))
    one = outing(verdict("5x6 9x6 5x6", whole=whole, until=90))
    assert one.shares == (
        Share("Beta", 10 * 60_000, confirmed=True),
        Share("not stated", 20 * 60_000, confirmed=False),
    )


def test_an_excursion_says_what_happened_and_what_people_said_of_it() -> None:
    found = verdict(
        "5x6 9x3 11.25x3 5x6",
        profile(rules=(TOTAL,)),
        until=90,
        alerts=[alert(began=30, ended=60), alert("old", began=0, ended=30)],
        notes={"too-warm-30": ["Door was open, now closed."], "old-0": ["no matter"]},
    )
    one = outing(found)
    assert one.alerts == ("too-warm-30",)
    assert one.explanation == (
        "Rose to 11.25 °C, 3.25 °C above 8 °C; out of range for 30 min. "
        "Alerted by too-warm (warning). Said of it: Door was open, now closed."
    )
    assert (one.worst_at, one.worst_sensor) == (at(45), A)


LEGS = (
    Leg(number=1, custodian="Alpha", mode="road", origin=Place("Basel"), destination=Place("Köln")),
    Leg(number=2, custodian="Beta", mode="sea", origin=Place("Köln"), destination=Place("Hull")),
)


@pytest.mark.parametrize(
    ("travelled", "place"),
    [
        ((Travelled(1, at(0)),), "leg 1, Basel to Köln, by road"),
        ((Travelled(1, at(0), at(20)),), "at Köln, after leg 1"),
        (
            (Travelled(1, at(0), at(40)), Travelled(2, at(40))),
            "leg 1, Basel to Köln, by road; then leg 2, Köln to Hull, by sea",
        ),
        ((Travelled(1, at(0), at(10)), Travelled(2, at(10), at(20))), "at Hull, after arrival"),
        ((), "at Basel, before departure"),
    ],
)
def test_an_excursion_says_where_it_was(travelled: tuple[Travelled, ...], place: str) -> None:
    whole = consignment(legs=LEGS, travelled=travelled, origin=Place("Basel"))
    assert outing(verdict("5x6 9x6 5x6", whole=whole, until=90)).place == place


@pytest.mark.parametrize(
    ("position", "words"),
    [((47.56, 7.60), "Basel (47.5600, 7.6000)"), ((48.5, 7.75), "48.5000, 7.7500")],
)
def test_an_excursion_says_where_it_was_by_position(
    position: tuple[float, float], words: str
) -> None:
    latitude, longitude = position
    there = sample(29, temperature=5.0, latitude=latitude, longitude=longitude)
    one = outing(verdict({A: [*said("5x5 -x1 9x6 5x6"), there]}, until=90))
    assert one.place == f"leg 1, Basel to Rotterdam, by road, BS 1234, near {words}"


# -- budgets -------------------------------------------------------------------------------------


def test_a_total_is_a_budget_that_is_used_up() -> None:
    found = verdict("5x6 9x6 -x6 5x6", profile(rules=(TOTAL,)), until=120)
    (budget,) = found.budgets
    assert (budget.rule, minutes(budget.allowed), budget.carried) == ("too-warm", 60, 0)
    used, left = budget.used, budget.left
    assert [minutes(x) for x in (used.known, used.best, used.worst)] == [37, 37, 60]
    assert [minutes(x) for x in (left.known, left.best, left.worst)] == [23, 23, 0]


def test_what_was_used_up_before_counts() -> None:
    rule = {"name": "life", "kind": "stability_budget", "high": 8.0, "allowed": "2 h"}
    whole = consignment(carried=90 * 60_000)
    found = verdict("5x6 9x6 5x6", profile(rules=(rule,)), whole, until=90)
    (budget,) = found.budgets
    assert (minutes(budget.allowed), minutes(budget.carried)) == (120, 90)
    assert (minutes(budget.used.known), minutes(budget.left.known)) == (30, 0)
    assert found.proposal == "hold"
    assert found.reasons == (
        (
            "Above 8 °C for 2 h in all, 90 min of it before; 2 h are allowed (rule life): "
            "somebody must decide"
        ),
    )


def test_a_budget_by_temperature_is_used_up_faster_where_it_is_warmer() -> None:
    rule = {
        "name": "life",
        "kind": "stability_budget",
        "high": 8.0,
        "allowed": "10 h",
        "q10": 2.0,
        "reference": 8.0,
    }
    (budget,) = verdict("5x6 18x6 28x6 5x6", profile(rules=(rule,)), until=120).budgets
    assert minutes(budget.used.known) == pytest.approx(30 * 2 + 30 * 4)


def test_each_band_of_an_exposure_is_a_budget() -> None:
    rule = {
        "name": "warmth",
        "kind": "exposure",
        "channel": "temperature",
        "bands": [
            {"name": "cool", "above": 8.0, "for": "24 h"},
            {"name": "hot", "above": 25.0, "for": "20 min"},
        ],
    }
    found = verdict("5x6 18x6 28x6 5x6", profile(rules=(rule,)), until=120)
    assert [(one.rule, minutes(one.used.known)) for one in found.budgets] == [
        ("warmth-cool", 60),
        ("warmth-hot", 30),
    ]
    assert found.proposal == "hold"
    assert found.reasons[0].startswith("Above 25 °C for 30 min in all; 20 min are allowed")


def test_times_frozen_are_counted() -> None:
    rule = {"name": "thaws", "kind": "freeze_thaw", "freezes": -1.0, "thaws": 1.0, "allowed": 3}
    whole = consignment(cycles=1)
    found = verdict("5x3 -2x3 5x3 -2x3 5x6 -x6 5x3", profile(rules=(rule,)), whole, until=135)
    (budget,) = found.budgets
    assert (budget.unit, budget.allowed, budget.carried) == ("cycles", 3, 1)
    assert (budget.used.known, budget.used.worst, budget.left.known) == (2, 3, 0)


@pytest.mark.parametrize(("counts", "times"), [("any", 2), ("all", 0), ("mean", 0)])
def test_of_several_sensors_the_coldest_is_the_first_to_freeze(counts: str, times: int) -> None:
    rule = {"name": "thaws", "kind": "freeze_thaw", "freezes": -1.0, "thaws": 1.0, "allowed": 3}
    whole = consignment(assignments=(assigned(), assigned(B)), counts=counts)
    heard = {A: said("5x3 -2x3 5x3 -2x3 5x6"), B: said("5x18", B)}
    (budget,) = verdict(heard, profile(rules=(rule,)), whole, until=90).budgets
    assert budget.used.known == times


@pytest.mark.parametrize("sensor", [A, B])
def test_of_any_sensor_whichever_is_in_breach_uses_the_budget(sensor: DeviceKey) -> None:
    other = B if sensor == A else A
    whole = consignment(assignments=(assigned(), assigned(B)))
    # Furthest out of range is the cold one, and the warm one is in breach all the same.
    heard = {sensor: said("9x6 5x6", sensor), other: said("-10x6 5x6", other)}
    (budget,) = verdict(heard, profile(rules=(TOTAL,)), whole, until=60).budgets
    assert minutes(budget.used.known) == 30


def test_what_a_grace_excuses_uses_no_budget() -> None:
    rule = {**TOTAL, "grace": {"channel": "door", "for": "10 min"}}
    doors = [sample(30, temperature=9.0, door=1.0), sample(45, temperature=9.0, door=0.0)]
    heard = {A: [*said("5x6 - 9x2 - 9x2 5x6"), *doors]}
    (budget,) = verdict(heard, profile(rules=(rule,)), until=90).budgets
    assert minutes(budget.used.known) == 20


def test_a_door_that_stays_open_excuses_once_whatever_another_says_meanwhile() -> None:
    rule = {**TOTAL, "for": "10 h", "grace": {"channel": "door", "for": "10 min"}}
    whole = consignment(assignments=(assigned(), assigned(B)))
    heard = {
        A: [sample(t, A, temperature=9.0, door=float(t >= 10)) for t in range(0, 60, 5)],
        B: [sample(t, B, temperature=9.0, door=0.0) for t in range(2, 60, 5)],
    }
    (budget,) = verdict(heard, profile(rules=(rule,)), whole, until=60).budgets
    # As live: of the time from the first reading on, ten minutes.
    assert minutes(budget.used.known) == 50


def test_a_grace_at_times_of_day_excuses_what_the_engine_excuses_also_when_clocks_change() -> None:
    grace = Grace.model_validate({"at": ["02:30", "23:50"], "for": "40 min", "timezone": ZONE})
    changes = int(dt.datetime(2026, 3, 29, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
    edges = np.arange(changes, changes + 2 * DAY, 7 * MINUTE)
    sung = chorus("temperature", [], changes, int(edges[-1]), edges.tolist())
    found = _at_times(grace, sung)
    assert found.tolist() == [grace.excuses(Graced(), int(when)) for when in sung.edges[:-1]]
    assert 0 < found.sum() < len(found)


def test_a_grace_at_a_time_of_day_uses_no_budget() -> None:
    rule = {**TOTAL, "grace": {"at": ["00:30"], "for": "10 min"}}
    (budget,) = verdict("5x6 9x6 5x6", profile(rules=(rule,)), until=90).budgets
    assert minutes(budget.used.known) == 20


def test_a_rule_of_one_leg_uses_no_budget_on_another() -> None:
    rule = {**TOTAL, "only": {"legs": [2]}}
    travelled = (Travelled(1, at(0), at(45)), Travelled(2, at(45)))
    whole = consignment(legs=LEGS, travelled=travelled)
    (budget,) = verdict("5x6 9x6 5x6", profile(rules=(rule,)), whole, until=90).budgets
    assert minutes(budget.used.known) == 15


# -- what is proposed ----------------------------------------------------------------------------

FROZEN = {"name": "frozen", "kind": "threshold", "channel": "temperature", "below": -0.5}
NOTICE = {"name": "notice", "kind": "threshold", "channel": "temperature", "above": 8.0}


@pytest.mark.parametrize(
    ("series", "settings", "alerts", "proposal", "reason"),
    [
        ("5x12", {}, [], "release", "The temperature was always within 2 to 8 °C: 5 to 5 °C"),
        (
            "5x6 9x6",
            {},
            [],
            "hold",
            (
                "Once above 8 °C (temperature), for 30 min in all, up to 9 °C, first at "
                "2022-05-02 00:30 UTC, and nothing in the profile allows that"
            ),
        ),
        (
            "5x6 9x6",
            {"rules": (TOTAL,)},
            [],
            "release",
            "The temperature was 5 to 9 °C; what was out of 2 to 8 is allowed for",
        ),
        (
            "9x12",
            {"rules": (TOTAL,)},
            [],
            "hold",
            (
                "Above 8 °C for 60 min in all; 60 min are allowed (rule too-warm): "
                "somebody must decide"
            ),
        ),
        (
            "9x12",
            {"rules": (TOTAL,), "criteria": {"reject": ["too-warm"]}},
            [],
            "reject",
            (
                "Above 8 °C for 60 min in all; 60 min are allowed (rule too-warm): "
                "by this profile the goods are lost"
            ),
        ),
        (
            "5x12",
            {"rules": (FROZEN,), "criteria": {"reject": ["frozen"]}},
            [alert("frozen", 10, 20, limit="below -0.5 °C")],
            "reject",
            (
                "Rule frozen (below -0.5 °C) alerted from 2022-05-02 00:10 UTC: "
                "by this profile the goods are lost"
            ),
        ),
        (
            "5x12",
            {},
            [alert("not-heard", 10)],
            "hold",
            (
                "Rule not-heard alerted from 2022-05-02 00:10 UTC, and still does: "
                "somebody must decide"
            ),
        ),
        (
            "5x12",
            {"criteria": {"accept": ["not-heard"]}},
            [alert("not-heard", 10)],
            "release",
            "Only rules alerted that do not keep it back: not-heard",
        ),
        (
            "5x12",
            {},
            [alert("frozen", 10, 20, reason="withdrawn: late data shows that it was not")],
            "release",
            "No rule alerted",
        ),
        (
            "5x6 9x6",
            {"rules": (NOTICE,), "criteria": {"accept": ["notice"]}},
            [alert("notice", 30)],
            "release",
            "Only rules alerted that do not keep it back: notice",
        ),
        (
            "5x3 -x6 5x3",
            {},
            [],
            "indeterminate",
            "For 23 min nobody knows its temperature; none of it is tolerated",
        ),
        (
            "5x3 -x6 5x3",
            {"criteria": {"unknown": "30 min"}},
            [],
            "release",
            "For 23 min its temperature is not known for sure; 30 min are tolerated",
        ),
        (
            "5x3 -x6 9x3",
            {"rules": ({**TOTAL, "for": "30 min"},), "criteria": {"unknown": "30 min"}},
            [],
            "indeterminate",
            (
                "At worst, if all was wrong that nobody knows: above 8 °C for 38 min in all; "
                "30 min are allowed (rule too-warm)"
            ),
        ),
        (
            "5x12",
            {"needs": ("humidity",)},
            [],
            "indeterminate",
            "Nothing was heard of its humidity, which the profile needs",
        ),
    ],
)
def test_what_is_proposed_and_why(
    series: str, settings: dict[str, Any], alerts: list[Any], proposal: str, reason: str
) -> None:
    found = verdict(series, profile(**settings), until=60, alerts=alerts)
    assert (found.proposal, reason in found.reasons) == (proposal, True), found.reasons


def test_a_mean_kinetic_temperature_within_range_excuses_no_excursion() -> None:
    found = verdict("5x288 9 5x288", until=577 * 5)
    mkt = only(found).mkt
    assert mkt is not None
    assert 2.0 < mkt.known < 8.0
    assert found.proposal == "hold"
