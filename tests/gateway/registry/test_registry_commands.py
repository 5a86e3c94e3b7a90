"""What is asked of the registry and done to it: of a gateway with its files, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from devices.reading import DeviceKey, Reading
from gateway.people import audit
from gateway.refusal import ControlError
from gateway.registry.cards import Card
from gateway.settings import parse
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.asked import Asked, alarm, recorded
from tests.gateway.parts import NOW, ToldClock, said

D1, D2 = DeviceKey("acme", "d-1"), DeviceKey("acme", "d-2")
LATER = "2030-01-31"
END_OF_IT = 1_896_134_400_000
"""The end of that day, UTC."""


def sent(ask: Asked, readings: Sequence[Reading]) -> None:
    """Have readings in the journal, judged, and their devices met."""
    for one in readings:
        ask.gateway.admission.check("import", one.device)
    ask.gateway.journal.append(readings)
    ask.gateway.journal.commit()
    ask.gateway.journal.publish()
    ask.gateway.monitor.cursor = ask.gateway.journal.head


def heard(ask: Asked, *devices: str) -> None:
    sent(ask, [said(one, owner="acme") for one in devices])


def passes(ask: Asked, length: int) -> None:
    """Let so many ms pass."""
    clock = ask.gateway.clock
    assert isinstance(clock, ToldClock)
    clock.passes(length)


async def refused(ask: Asked, do: str, **request: Any) -> ControlError:  # noqa: ANN401 - as it is asked
    with pytest.raises(ControlError) as error:
        await ask(do, **request)
    return error.value


def trail(ask: Asked) -> list[audit.Entry]:
    return audit.page(ask.gateway.state, None, 100)[::-1]


# --- names and places


async def test_fields_are_taken_as_people_write_them(ask: Asked) -> None:
    heard(ask, "d-1")
    answer = await ask(
        "device-set",
        device="d-1",
        name="  Left ",
        container="msku907032 3",
        position="53.54, 9.98",
        interval="10 min",
        zone=None,
    )
    assert answer == {
        "device": "acme/d-1",
        "since": NOW,
        "before": {"name": "", "container": "", "position": None, "interval": None},
        "after": {
            "name": "Left",
            "container": "MSKU9070323",
            "position": (53.54, 9.98),
            "interval": 10 * MINUTE,
        },
        "known": True,
        "hint": "",
    }
    answer = await ask("device-set", device="d-1", name="", position="", interval="", zone="")
    assert set(answer["after"]) == {"name", "position", "interval"}, "the zone was empty already"
    assert ask.gateway.registry.card(D1) == Card(container="MSKU9070323")
    answer = await ask("device-set", device="d-1", container="MSKU 907032-3")
    assert answer["after"] == {}
    assert len(trail(ask)) == 2, "what changes nothing is no change"


async def test_a_card_may_be_stated_of_the_past(ask: Asked) -> None:
    await ask("device-set", device="d-1", site="Clinic")
    answer = await ask("device-set", device="d-1", site="Depot", since="2020-01-01 12:00")
    assert answer["since"] == 1_577_880_000_000
    assert ask.gateway.registry.card(D1, NOW - 1).site == "Depot"
    assert ask.gateway.registry.card(D1).site == "Clinic"
    assert answer["known"] is False


async def test_what_was_before_is_in_the_audit_trail(ask: Asked) -> None:
    anna = {"name": "anna", "via": "page", "address": "192.0.2.7"}
    await ask("device-set", device="d-1", site="Clinic", who=anna)
    await ask("device-set", device="d-1", site="Depot", name="Left", who=anna)
    found = trail(ask)
    assert {(one.what, one.object, one.who.name) for one in found} == {
        ("device-set", "acme/d-1", "anna")
    }
    assert found[1].before == {"site": "Clinic", "name": ""}
    assert found[1].after == {"since": NOW, "site": "Depot", "name": "Left"}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"name": "x" * 101}, "Use at most 100"),
        ({"name": "a\u202eb"}, "control character U+202E"),
        ({"site": "a\nb"}, "control character"),
        ({"container": "MSKU 907032-4"}, "3 would fit the rest"),
        ({"position": "53.54"}, "no position"),
        ({"position": "north, 3"}, "is no number"),
        ({"position": "1, nan"}, "is no number"),
        ({"position": "91, 3"}, "no place on Earth"),
        ({"interval": "10"}, "lacks a unit"),
        ({"interval": "0 s"}, "no device sends every"),
        ({"interval": "5 years"}, "unknown unit"),
        ({"name": 3}, "is missing, or no text"),
        ({"name": "x", "since": "yesterday"}, "is no time"),
        ({"name": "x", "since": NOW + 1}, "still to come"),
        ({"device": "a b", "name": "x"}, "device id"),
        ({}, "nothing was said"),
    ],
)
async def test_what_makes_no_sense_of_a_card_is_refused(
    ask: Asked, request_: dict[str, Any], words: str
) -> None:
    error = await refused(ask, "device-set", **({"device": "d-1"} | request_))
    assert words in f"{error.problem} {error.cure}"
    assert error.cure
    assert trail(ask) == []


# --- calibration


async def test_a_calibration_corrects_what_is_said_from_its_time_on(ask: Asked) -> None:
    heard(ask, "d-1")
    answer = await ask(
        "device-calibrate",
        device="d-1",
        channel="temperature",
        offset="-0.3",
        certificate="C-1",
        expires=LATER,
        since=NOW - HOUR,
    )
    assert answer["calibration"] == {
        "number": answer["calibration"]["number"],
        "since": NOW - HOUR,
        "channel": "temperature",
        "offset": -0.3,
        "as_found": None,
        "tolerance": None,
        "certificate": "C-1",
        "expires": END_OF_IT,
        "good": True,
        "note": "",
    }
    assert (answer["doubt"], answer["known"], answer["sent"]) == (None, True, True)
    shown = await ask("device-show", device="d-1")
    assert (shown["said"], shown["values"]) == ({"temperature": 5.0}, {"temperature": 4.7})
    number = answer["calibration"]["number"]
    await ask("device-withdraw", device="d-1", number=number)
    assert (await ask("device-show", device="d-1"))["values"] == {"temperature": 5.0}
    assert (
        "no calibration" in (await refused(ask, "device-withdraw", device="d-1", number=1)).problem
    )
    assert [one.what for one in trail(ask)] == ["device-calibrate", "device-withdraw"]


async def test_a_calibration_that_found_the_sensor_wrong_lists_what_was_judged_on_it(
    ask: Asked,
) -> None:
    sent(ask, [said("d-1", NOW - days * DAY, 5.0 + days, owner="acme") for days in range(9, 0, -1)])
    await recorded(
        ask.gateway.state,
        alarm("before", began=NOW - 8 * DAY, ended=NOW - 7 * DAY),
        alarm("within", began=NOW - 4 * DAY, ended=NOW - 3 * DAY),
        alarm("open", began=NOW - 2 * DAY),
        alarm("other", began=NOW - 2 * DAY, channel="humidity"),
        alarm("late", began=NOW - HOUR),
    )

    async def calibrate(since: int, **found: Any) -> Any:  # noqa: ANN401 - as it is answered
        return await ask(
            "device-calibrate",
            device="d-1",
            channel="temperature",
            certificate="C",
            since=since,
            **found,
        )

    good = await calibrate(NOW - 6 * DAY, offset=-0.2, as_found=0.2)
    assert good["doubt"] is None
    # It says still what it said then: what was judged was right.
    assert (await calibrate(NOW - 5 * DAY, offset=-0.2, as_found=0.6))["doubt"] is None
    bad = await calibrate(NOW - DAY, offset=-0.9, as_found=0.9, tolerance="0.6")
    assert not bad["calibration"]["good"]
    assert [one["id"] for one in bad["doubt"].pop("alerts")] == ["within", "open"]
    assert bad["doubt"] == {
        "since": NOW - 5 * DAY,
        "until": NOW - DAY,
        "readings": 4,
        "first": NOW - 5 * DAY,
        "last": NOW - 2 * DAY,
    }
    # The one before was bad itself: what is in doubt goes back to the last good one.
    worse = await calibrate(NOW, offset=0, as_found=2)
    assert worse["doubt"]["since"] == NOW - 5 * DAY
    assert [one["id"] for one in worse["doubt"]["alerts"]] == ["within", "open", "late"]


async def test_what_was_never_known_to_be_right_is_in_doubt_from_the_beginning(ask: Asked) -> None:
    sent(ask, [said("d-1", NOW - DAY, owner="acme")])
    answer = await ask(
        "device-calibrate", device="d-1", channel="temperature", as_found=1, certificate="C"
    )
    assert (answer["doubt"]["since"], answer["doubt"]["readings"]) == (None, 1)


async def test_calibrations_are_listed_with_which_count_and_which_are_over(ask: Asked) -> None:
    heard(ask, "d-1", "d-2")
    day = 24 * HOUR
    for device, channel, since, expires in (
        ("d-1", "temperature", NOW - 9 * day, NOW - 8 * day),
        ("d-1", "temperature", NOW - 7 * day, NOW - 1),
        ("d-1", "humidity", NOW - 7 * day, NOW + 1),
        ("d-2", "temperature", NOW - 7 * day, None),
    ):
        await ask(
            "device-calibrate",
            device=device,
            channel=channel,
            certificate="C",
            expires=expires,
            since=since,
        )
    listed = (await ask("device-calibration"))["calibrations"]
    assert [(one["device"], one["channel"], one["in_force"], one["expired"]) for one in listed] == [
        ("acme/d-1", "temperature", False, False),
        ("acme/d-1", "temperature", True, True),
        ("acme/d-1", "humidity", True, False),
        ("acme/d-2", "temperature", True, False),
    ]
    assert len((await ask("device-calibration", device="d-2"))["calibrations"]) == 1
    assert [one["expired"] for one in await ask("devices")] == [["temperature"], []]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"channel": "temprature"}, "is no channel"),
        ({"channel": "temperature."}, "is no channel"),
        ({"channel": None}, "is missing"),
        ({"offset": "a little"}, "is no number"),
        ({"offset": float("inf")}, "is no number"),
        ({"as_found": 1, "tolerance": 0}, "allows nothing"),
        ({"expires": "soon"}, "is no day"),
        ({"expires": "2020-01-01"}, "over before it began"),
        ({"since": NOW + DAY}, "still to come"),
    ],
)
async def test_what_makes_no_sense_of_a_calibration_is_refused(
    ask: Asked, request_: dict[str, Any], words: str
) -> None:
    usual = {"device": "d-1", "channel": "temperature", "offset": 0.1, "certificate": "C"}
    error = await refused(ask, "device-calibrate", **(usual | request_))
    assert words in error.problem
    assert not ask.gateway.registry.corrections.any


# --- maintenance


async def test_maintenance_ends_by_itself_and_is_shown_meanwhile(ask: Asked) -> None:
    heard(ask, "d-1")
    answer = await ask("device-maintain", device="d-1", reason="Defrosting", **{"for": "2h"})
    assert (answer["since"], answer["until"], answer["ended"]) == (NOW, NOW + 2 * HOUR, None)
    (listed,) = await ask("devices")
    assert listed["maintenance"]["reason"] == "Defrosting"
    passes(ask, 2 * HOUR)
    (listed,) = await ask("devices")
    assert listed["maintenance"] is None
    assert len((await ask("device-show", device="d-1"))["maintenances"]) == 1


async def test_another_maintenance_takes_the_place_of_the_first_from_its_beginning(
    ask: Asked,
) -> None:
    await ask("device-maintain", device="d-1", reason="Long", until=NOW + 9 * HOUR)
    passes(ask, HOUR)
    await ask("device-maintain", device="d-1", reason="Short", until=NOW + 2 * HOUR)
    spans = [
        (one.since - NOW, one.until - NOW, one.reason)
        for one in ask.gateway.registry.maintenances(D1)
    ]
    assert spans == [(0, HOUR, "Long"), (HOUR, 2 * HOUR, "Short")]
    ended = await ask("device-maintain", device="d-1", end=True)
    assert ended["ended"] == NOW + HOUR
    assert [one.reason for one in ask.gateway.registry.maintenances(D1)] == ["Long"]
    assert (
        "not in maintenance"
        in (await refused(ask, "device-maintain", device="d-1", end=True)).problem
    )
    assert [one.what for one in trail(ask)] == ["device-maintain"] * 3
    assert trail(ask)[1].before["reason"] == "Long"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "not said when"),
        ({"for": "1 h", "until": NOW + HOUR}, "not said when"),
        ({"for": "32 days"}, "cannot last"),
        ({"for": "1 s"}, "cannot last"),
        ({"for": "soon"}, "no length of time"),
        ({"until": NOW}, "over already"),
        ({"for": "1 h", "reason": " "}, "no reason"),
        ({"for": "1 h", "since": NOW + 1}, "still to come"),
    ],
)
async def test_what_makes_no_sense_of_a_maintenance_is_refused(
    ask: Asked, request_: dict[str, Any], words: str
) -> None:
    error = await refused(ask, "device-maintain", **({"device": "d-1", "reason": "r"} | request_))
    assert words in error.problem
    assert ask.gateway.registry.maintenances(D1) == []


# --- one for another


async def test_a_new_device_takes_over_the_place_and_is_confirmed(ask: Asked) -> None:
    heard(ask, "d-1")
    await ask("device-set", device="d-1", name="Left", site="Clinic", interval="5 min", note="n")
    answer = await ask("device-replace", old="d-1", new="d-2")
    assert answer == {
        "old": "acme/d-1",
        "new": "acme/d-2",
        "since": NOW,
        "undone": False,
        "taken": {"name": "Left", "site": "Clinic"},
        "known": False,
    }
    assert ask.gateway.registry.card(D2) == Card(name="Left", site="Clinic")
    assert D2 in ask.gateway.admission.confirmed
    shown = await ask("device-show", device="d-2")
    assert [one["device"] for one in shown["line"]] == ["acme/d-2", "acme/d-1"]
    assert (await ask("device-show", device="d-1"))["replaced_by"] == {
        "device": "acme/d-2",
        "since": NOW,
    }
    await ask("device-replace", old="d-1", new="d-2", undo=True)
    assert ask.gateway.registry.card(D2) == Card()
    assert ask.gateway.registry.replaced_by(D1) is None
    assert [one.what for one in trail(ask)][1:] == [
        "device-replace",
        "device-confirm",
        "device-replace",
        "device-unconfirm",
    ]


async def test_where_a_device_was_before_counts_no_more_when_it_takes_a_place(ask: Asked) -> None:
    heard(ask, "d-1", "d-2")
    await ask("device-set", device="d-2", name="Spare 7", site="Store", zone="Shelf 3", model="TH2")
    await ask("device-set", device="d-1", site="Clinic")
    await ask("device-replace", old="d-1", new="d-2")
    assert ask.gateway.registry.card(D2) == Card(name="Spare 7", site="Clinic", model="TH2")
    await ask("device-replace", old="d-1", new="d-2", undo=True)
    assert ask.gateway.registry.card(D2).zone == "Shelf 3"


async def test_what_the_settings_say_of_the_old_one_goes_on_for_the_new_one(ask: Asked) -> None:
    heard(ask, "d-1")
    ask.gateway.known._settings = parse(
        '[[devices]]\nmatch = "acme/d-1"\nname = "From the settings"'
    )
    await ask("device-replace", old="d-1", new="d-2")
    assert ask.gateway.registry.card(D2).name == "From the settings"


async def test_a_device_that_was_away_comes_back_into_its_place(ask: Asked) -> None:
    heard(ask, "d-1", "d-2")
    await ask("device-set", device="d-1", name="Left")
    await ask("device-replace", old="d-1", new="d-2", at=NOW - 10)
    await ask("device-set", device="d-2", name="Left door")
    passes(ask, 10)
    await ask("device-replace", old="d-2", new="d-1")
    assert ask.gateway.registry.card(D1).name == "Left door"
    assert ask.gateway.registry.replaced_by(D1) is None
    assert ask.gateway.registry.replaced_by(D2) == (D1, NOW + 10)


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("d-1", "d-1", NOW, "for itself"),
        ("d-9", "d-1", NOW, "nothing is known of acme/d-9"),
        ("d-1", "d-2", NOW + 1, "still to come"),
        ("old", "d-1", NOW, "is replaced by acme/new already"),
        ("new", "d-1", NOW - 10, "has its place since a later time"),
        ("d-1", "new", NOW - 11, "has its place since a later time"),
    ],
)
async def test_what_makes_no_sense_of_a_replacement_is_refused(
    ask: Asked, old: str, new: str, at: int, words: str
) -> None:
    heard(ask, "d-1", "old", "new")
    await ask("device-replace", old="old", new="new", at=NOW - 10)
    before = len(trail(ask))
    assert words in (await refused(ask, "device-replace", old=old, new=new, at=at)).problem
    assert len(trail(ask)) == before
    error = await refused(ask, "device-replace", old="d-1", new="d-2", undo=True)
    assert "does not stand in" in error.problem


# --- seeing


async def test_devices_are_listed_with_what_is_known_of_them(ask: Asked) -> None:
    gateway = ask.gateway
    heard(ask, "d-1")
    gateway.admission.grant("push/x", ("*",))
    gateway.admission.recognised(D2, "dragino-lht65", "so it says")
    gateway.admission.check("push/x", D2)
    await ask("device-set", device="d-3", name="Third", zone="Room 2")
    found = {one.pop("device"): one for one in await ask("devices")}
    assert list(found) == ["acme/d-1", "acme/d-2", "acme/d-3"]
    facts = ("name", "zone", "recognised", "heard", "unconfirmed", "values")
    assert [tuple(one[fact] for fact in facts) for one in found.values()] == [
        (None, "", "", True, False, {"temperature": 5.0}),
        (None, "", "dragino-lht65", False, True, {}),
        ("Third", "Room 2", "", False, False, {}),
    ]


async def test_all_that_is_known_of_a_device_is_shown(ask: Asked) -> None:
    gateway = ask.gateway
    heard(ask, "d-1")
    gateway.admission.grant("push/x", ("*",))
    gateway.admission.recognised(D1, "dragino-lht65", "so it says")
    gateway.admission.check("push/x", D1)
    await gateway.inspector.handle([said("d-1", owner="acme")], gateway.journal.head)
    shown = await ask("device-show", device="d-1")
    assert (shown["recognised"], shown["why"]) == ("dragino-lht65", "so it says")
    assert (shown["confirmed"], shown["unconfirmed"], shown["source"]) == (False, True, "push/x")
    assert (shown["met"], shown["first"], shown["at"]) == (NOW, NOW, NOW)
    assert (shown["quality"]["readings"], shown["missing"]) == (1, [])
    assert shown["card"]["interval"] == gateway.known.interval(D1)
    assert shown["stated"]["interval"] is None
    assert shown["line"] == [{"device": "acme/d-1", "since": None, "until": None}]
    assert (await refused(ask, "device-show", device="d-2")).cure == "Did you mean acme/d-1?"


# --- confirming


async def test_what_was_never_understood_or_is_replaced_is_not_confirmed_with_all_others(
    ask: Asked,
) -> None:
    ask.gateway.admission.grant("push/x", ("*",))
    for name in ("d-1", "d-2", "rubbish"):
        ask.gateway.admission.check("push/x", DeviceKey("acme", name))
    heard(ask, "d-1", "d-2")
    await ask("device-replace", old="d-1", new="d-3")
    answer = await ask("device-confirm", all=True)
    assert [one["device"] for one in answer["devices"]] == ["acme/d-2"]
    assert answer["left_out"] == [
        {"device": "acme/d-1", "why": "acme/d-3 stands in for it"},
        {"device": "acme/rubbish", "why": "nothing that it sent was understood"},
    ]
    answer = await ask("device-confirm", devices=["rubbish"])
    assert [one["device"] for one in answer["devices"]] == ["acme/rubbish"]


async def test_several_or_all_are_confirmed_at_once(ask: Asked) -> None:
    ask.gateway.admission.grant("push/x", ("*",))
    names = [f"d-{number}" for number in range(4)]
    for name in names:
        ask.gateway.admission.check("push/x", DeviceKey("acme", name))
    heard(ask, *names)
    answer = await ask("device-confirm", devices=["d-1", "d-2", "d-1"])
    assert [one["device"] for one in answer["devices"]] == ["acme/d-1", "acme/d-2"]
    answer = await ask("device-confirm", all=True)
    assert [one["device"] for one in answer["devices"]] == ["acme/d-0", "acme/d-3"]
    assert (await ask("device-confirm", all=True))["devices"] == []
    assert len(trail(ask)) == 4
    for request in ({}, {"all": True, "devices": ["d-1"]}):
        assert "say which" in (await refused(ask, "device-confirm", **request)).problem


# --- the table


async def test_a_table_that_was_exported_changes_nothing_when_it_is_taken_in(ask: Asked) -> None:
    heard(ask, "d-1", "d-2")
    ask.gateway.admission.grant("push/x", ("*",))
    ask.gateway.admission.check("push/x", DeviceKey("acme", "d-4"))
    await ask("device-set", device="d-1", name="=1+1", position="-1.5,9", interval="90 s")
    await ask("device-confirm", devices=["d-1", "other/d-3"])
    before = trail(ask)
    table = await ask("device-export")
    assert table["devices"] == 4
    answer = await ask("device-import", content=table["content"], name="t.csv")
    assert (answer["devices"], answer["mistakes"], answer["changes"]) == (4, [], [])
    assert [one["device"] for one in answer["unheard"]] == ["other/d-3"]
    assert trail(ask) == before


async def test_a_table_is_taken_in_whole_and_tried_before(ask: Asked) -> None:
    heard(ask, "d-1")
    await ask("device-confirm", devices=["d-1"])
    await ask("device-set", device="d-1", site="Clinic")
    table = "device,name,site,confirmed\nd-1,Left,,no\nd-2,Right,Depot,yes\nd-3,,,\n"
    for dry in (True, False):
        answer = await ask("device-import", content=table, name="t.csv", dry=dry)
        assert answer["changes"] == [
            {
                "line": 2,
                "device": "acme/d-1",
                "before": {"name": "", "site": "Clinic", "confirmed": "yes"},
                "after": {"name": "Left", "site": "", "confirmed": "no"},
            },
            {
                "line": 3,
                "device": "acme/d-2",
                "before": {"name": "", "site": "", "confirmed": "no"},
                "after": {"name": "Right", "site": "Depot", "confirmed": "yes"},
            },
        ]
        assert len(trail(ask)) == (2 if dry else 6)
    assert ask.gateway.registry.card(D1) == Card(name="Left")
    assert set(ask.gateway.admission.confirmed) == {D2}
    assert {one.reason for one in trail(ask)[2:]} == {"from t.csv"}


async def test_one_wrong_line_keeps_all_others_out(ask: Asked) -> None:
    table = "device,interval\nd-1,10 min\nd-2,often\n"
    answer = await ask("device-import", content=table)
    assert [one["line"] for one in answer["mistakes"]] == [3]
    assert answer["changes"] == []
    assert ask.gateway.registry.devices() == []
    assert trail(ask) == []


@pytest.mark.parametrize("position", ["53,54, 9,98", "53.54", "53,54 9,98"])
async def test_a_position_that_is_not_understood_is_answered_with_an_example(
    ask: Asked, position: str
) -> None:
    error = await refused(ask, "device-set", device="d-1", position=position)
    assert "53.54, 9.98" in error.cure


async def test_an_interval_that_nobody_has_stated_is_told_as_assumed(ask: Asked) -> None:
    heard(ask, "d-1")
    assert (await ask("device-show", device="d-1"))["assumed"] is True
    await ask("device-set", device="d-1", interval="5 min")
    assert (await ask("device-show", device="d-1"))["assumed"] is False
