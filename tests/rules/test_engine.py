"""The engine: absence, late readings, changing rules, restarts, and what it shows."""

from __future__ import annotations

import msgspec
import pytest

from devices.reading import IMPORTED, RETAINED, UNUSABLE, DeviceKey
from rules.duration import DAY
from rules.plan import CHANGED
from rules.rule import RuleVersion
from rules.subject import order
from rules.transition import alert_id
from tests.rules.series import (
    REEFER,
    START,
    at,
    engine,
    readings,
    rule,
    several,
    temperature,
    told,
)

LOST = rule(name="lost", kind="lost_contact", after="30 min")
HOT = rule(name="hot", above=8, duration="60 min", hold="10 min")
AT_ONCE = rule(name="hot", above=8)


def heard(minutes: float) -> int:
    """Return when a reading of so many minutes after START was received."""
    return at(minutes) + 2000


class TestLostContact:
    def test_it_fires_at_its_exact_time_and_once(self) -> None:
        judging = engine([LOST])
        judging.fold([temperature(0, 4)])
        assert judging.tick(heard(30) - 1, START) == []
        (fired,) = judging.tick(heard(31), START)
        assert (fired.kind, fired.begin, fired.at) == ("firing", heard(0), heard(30))
        assert fired.id == alert_id("lost", REEFER, "", heard(0))
        assert judging.tick(heard(500), START) == []

    def test_the_first_fresh_reading_ends_it_and_it_may_fire_again(self) -> None:
        judging = engine([LOST])
        judging.fold([temperature(0, 4)])
        judging.tick(heard(40), START)
        (resolved,) = judging.fold([temperature(50, 4)]).transitions
        assert (resolved.kind, resolved.begin, resolved.at) == ("resolved", heard(0), heard(50))
        (again,) = judging.tick(heard(80), START)
        assert again.begin == heard(50)

    def test_readings_push_it_back(self) -> None:
        judging = engine([LOST])
        for minutes in range(0, 300, 10):
            judging.fold([temperature(minutes, 4)])
            assert judging.tick(heard(minutes + 9), START) == []
        assert len(judging.tick(heard(320), START)) == 1

    def test_nobody_is_missed_while_we_did_not_listen(self) -> None:
        judging = engine([LOST])
        judging.fold([temperature(0, 4)])
        assert judging.tick(at(100), listening_since=at(90)) == []
        (fired,) = judging.tick(at(120), listening_since=at(90))
        assert (fired.begin, fired.at) == (heard(0), at(120))

    @pytest.mark.parametrize("flags", [RETAINED, IMPORTED])
    def test_what_is_not_fresh_was_not_heard(self, flags: int) -> None:
        judging = engine([LOST])
        judging.fold([temperature(0, 4, flags=flags)])
        assert judging.tick(at(500), START) == []
        judging.fold([temperature(5, 4)])
        assert len(judging.tick(at(500), START)) == 1
        assert judging.fold([temperature(505, 4, flags=flags)]).transitions == []

    def test_a_late_reading_is_heard(self) -> None:
        judging = engine([LOST, HOT])
        judging.fold([temperature(20, 4)])
        folded = judging.fold([temperature(10, 4, received=heard(40))])
        assert folded.late == {REEFER: at(10)}
        assert judging.tick(heard(69), START) == []

    def test_a_repeated_reading_is_not_heard_again(self) -> None:
        judging = engine([LOST])
        judging.fold([temperature(0, 4)])
        judging.tick(at(40), START)
        assert judging.fold([temperature(0, 4)]).transitions == []

    def test_two_waits_each_keep_their_own_time(self) -> None:
        day = rule(name="lost-long", kind="lost_contact", after="1 day")
        judging = engine([LOST, day])
        judging.fold([temperature(0, 4)])
        assert told(judging.tick(heard(30), START)) == [f"lost firing {30 + 2 / 60:g}"]
        judging.fold([temperature(60, 4)])
        assert [t.rule for t in judging.tick(heard(90), START)] == ["lost"]
        assert [t.rule for t in judging.tick(heard(60 + 24 * 60), START)] == ["lost-long"]

    def test_a_restart_neither_forgets_nor_repeats_it(self) -> None:
        judging = engine([LOST, HOT])
        other = DeviceKey("acme", "reefer-2")
        judging.fold([temperature(0, 4), temperature(20, 4, device=other)])
        judging.tick(heard(35), START)
        again = engine([LOST, HOT])
        for device in judging.devices():
            assert again.load(device, judging.dump(device)) == []
        assert [t.device for t in again.tick(heard(60), START)] == [other]
        (resolved,) = again.fold([temperature(61, 4)]).transitions
        assert (resolved.kind, resolved.begin) == ("resolved", heard(0))

    def test_judging_again_leaves_it_alone(self) -> None:
        judging = engine([LOST, HOT])
        judging.fold([temperature(0, 4)])
        judging.tick(heard(35), START)
        judging.rejudge(REEFER, None, [temperature(0, 4), temperature(10, 4)])
        assert judging.tick(heard(99), START) == []
        (resolved,) = judging.fold([temperature(100, 4)]).transitions
        assert resolved.kind == "resolved"


class TestLateReadings:
    def test_a_late_reading_is_reported_and_not_applied(self) -> None:
        judging = engine([AT_ONCE])
        judging.fold(readings("4x3"))
        folded = judging.fold([temperature(7, 9), temperature(3, 9)])
        assert folded.transitions == []
        assert folded.late == {REEFER: at(3)}

    def test_judging_again_finds_what_was_missed(self) -> None:
        judging = engine([AT_ONCE])
        judging.fold(readings("4x3"))
        late = temperature(7, 9)
        judging.fold([late])
        series = sorted([*readings("4x3"), late], key=order)
        assert told(judging.rejudge(REEFER, None, series).episodes) == ["7 fired 7 resolved 10"]
        assert judging.fold(readings("4x3")[2:]).late == {}

    def test_a_moment_told_in_parts_is_not_late(self) -> None:
        damp = rule(name="damp", channel="humidity", above=80)
        judging = engine([HOT, damp])
        folded = judging.fold([several(0, temperature=4.0), several(0, humidity=90.0)])
        assert folded.late == {}
        assert [t.rule for t in folded.transitions] == ["damp"]

    def test_a_channel_behind_the_newest_key_frame_is_late(self) -> None:
        damp = rule(name="damp", channel="humidity", above=80)
        judging = engine([HOT, damp])
        night = 24 * 60
        first = [several(night - 60, temperature=4.0), several(night - 60, humidity=50.0)]
        judging.fold([*first, several(night + 10, temperature=4.0)])
        behind = several(night - 5, humidity=50.0)
        assert judging.fold([behind]).late == {REEFER: at(night - 5)}

    def test_each_new_day_begins_with_a_key_frame(self) -> None:
        judging = engine([HOT])
        before = judging.fold([temperature(23 * 60, 9)])
        imported = engine([HOT])
        imported.fold([temperature(23 * 60, 9, flags=IMPORTED)])
        after = judging.fold([temperature(24 * 60 + 5, 9), temperature(24 * 60 + 10, 9)])
        assert before.frames == []
        (frame,) = after.frames
        assert (frame.device, frame.at) == (REEFER, START + DAY)
        # It holds what rules about values need, and nothing of when the device was heard.
        assert frame.state == imported.dump(REEFER)

    def test_an_alarm_that_rings_in_the_frame_is_told_again(self) -> None:
        judging = engine([AT_ONCE])
        night = 24 * 60
        (frame,) = judging.fold([temperature(night - 5, 9), temperature(night + 5, 9)]).frames
        again = judging.rejudge(
            REEFER, frame.state, [temperature(night + 2, 4), temperature(night + 5, 9)]
        )
        assert told(again.episodes) == [
            f"{night - 5} fired {night - 5} resolved {night + 2}",
            f"{night + 5} fired {night + 5} open",
        ]

    def test_an_unsorted_past_is_refused(self) -> None:
        judging = engine([HOT])
        with pytest.raises(ValueError, match="sorted"):
            judging.rejudge(REEFER, None, [temperature(5, 4), temperature(0, 4)])


class TestChangingRules:
    OLD = rule(name="hot", above=8)
    NEW = rule(name="hot", above=6)

    def versions(self, change: int) -> list[RuleVersion]:
        return [
            RuleVersion(self.OLD, self.OLD.version(), 0, at(change)),
            RuleVersion(self.NEW, self.NEW.version(), at(change)),
        ]

    def test_a_version_judges_only_its_own_time(self) -> None:
        found = engine(self.versions(20)).judge(readings("7x4 7 4"))
        assert told(found) == ["20 fired 20 resolved 25"]
        assert found[0].version == self.NEW.version()

    def test_what_an_ended_version_left_open_is_indeterminate(self) -> None:
        found = engine(self.versions(20)).judge(readings("9x6 4"))
        assert told(found) == ["0 fired 0 indeterminate 20", "20 fired 20 resolved 30"]

    def test_a_silent_device_is_closed_by_retire(self) -> None:
        judging = engine(self.versions(20))
        judging.fold(readings("9x2"))
        closed = judging.retire()
        assert told(closed) == ["hot indeterminate 20", "hot firing 20"]
        assert [one.reason for one in closed] == [CHANGED, ""]
        assert judging.retire() == []

    @pytest.mark.parametrize(
        ("change", "folded", "open_now"),
        [
            (20, "9x2", ["firing"]),
            (20, "7x2", ["firing"]),
            (20, "4x2", ["ok"]),
            # By our clock, of which the device's is a little ahead.
            (5, "9x2", ["firing"]),
            (4, "7x2", ["firing"]),
            # It speaks for half an hour: from then on nobody knows.
            (34, "9x2", ["firing"]),
            (35, "9x2", ["unknown"]),
            (20, "9 ?", ["unknown"]),
        ],
    )
    def test_the_last_value_is_judged_at_once_by_the_version_that_follows(
        self, change: int, folded: str, open_now: list[str]
    ) -> None:
        judging = engine(self.versions(change))
        judging.fold(readings(folded))
        judging.retire()
        found = judging.state(REEFER)
        assert [one.state for one in found] == open_now
        assert judging.calm(REEFER) == (open_now == ["ok"])

    def test_a_value_speaks_no_longer_than_it_would_have_without_a_change(self) -> None:
        slow = rule(name="hot", above=6, duration="20 min")
        versions = [
            RuleVersion(self.OLD, self.OLD.version(), 0, at(30)),
            RuleVersion(slow, slow.version(), at(30)),
        ]
        # It was measured at 5, and speaks until 35: 5 of the 20 minutes.
        assert told(engine(versions).judge([*readings("9x2"), temperature(100, 9)])) == [
            "0 fired 0 indeterminate 30"
        ]

    def test_what_changed_is_the_same_after_a_restart_and_with_late_data(self) -> None:
        past, late, after = readings("7x2"), temperature(15, 4), readings("- - - - - 7 4")
        whole = engine(self.versions(20)).judge([*past, *after])
        judging = engine([RuleVersion(self.OLD, self.OLD.version(), 0)])
        judging.fold(past)
        restarted = engine(self.versions(20))
        restarted.load(REEFER, judging.dump(REEFER))
        told_then = restarted.retire()
        again = engine(self.versions(20))
        again.load(REEFER, restarted.dump(REEFER))
        assert again.retire() == []
        ended = again.fold(after).transitions
        assert [one.id for one in (*told_then, *ended)] == [whole[0].id, whole[0].id]
        assert told(whole) == ["20 fired 20 resolved 30"]
        # That it had cooled before the change is known only now: there was nothing to tell.
        assert again.fold([late]).late == {REEFER: at(15)}
        revised = again.rejudge(REEFER, None, [*past, late, *after])
        assert told(revised.episodes) == ["25 fired 25 resolved 30"]
        assert revised.episodes == engine(self.versions(20)).judge([*past, late, *after])

    def test_what_needs_more_than_a_value_is_not_judged_yet(self) -> None:
        mean = rule(name="hot", kind="mkt", above=6.0)
        versions = [
            RuleVersion(self.OLD, self.OLD.version(), 0, at(20)),
            RuleVersion(mean, mean.version(), at(20)),
        ]
        judging = engine(versions)
        judging.fold(readings("9x2"))
        assert told(judging.retire()) == ["hot indeterminate 20"]
        (found,) = judging.state(REEFER)
        assert (found.rule, found.version, found.state, found.since) == (
            *("hot", mean.version(), "unknown"),
            None,
        )

    def test_after_retire_the_time_before_is_late(self) -> None:
        judging = engine(self.versions(20))
        judging.fold(readings("9x2"))
        judging.retire()
        assert judging.fold([temperature(15, 4)]).late == {REEFER: at(15)}
        assert judging.fold([temperature(20, 4)]).late == {}

    def test_an_alarm_of_an_unknown_version_is_closed_on_loading(self) -> None:
        judging = engine([AT_ONCE, LOST])
        judging.fold(readings("9x2"))
        judging.tick(at(100), START)
        closed = engine([HOT]).load(REEFER, judging.dump(REEFER))
        assert [(t.rule, t.kind, t.channel) for t in closed] == [
            ("hot", "indeterminate", "temperature"),
            ("lost", "indeterminate", ""),
        ]
        assert closed[0].id == alert_id("hot", REEFER, "temperature", at(0))

    def test_a_new_rule_begins_by_knowing_nothing(self) -> None:
        judging = engine([AT_ONCE])
        judging.fold(readings("7x2"))
        again = engine([AT_ONCE, rule(name="warm", above=6, duration="10 min")])
        again.load(REEFER, judging.dump(REEFER))
        folded = again.fold([temperature(10, 7), temperature(15, 7), temperature(20, 7)])
        assert told(folded.transitions) == ["warm firing 20"]
        assert folded.transitions[0].begin == at(10)

    def test_a_state_that_cannot_be_read_says_what_to_do(self) -> None:
        with pytest.raises(ValueError, match="judge its readings again"):
            engine([HOT]).load(REEFER, b"\x00 nonsense")


def test_only_matching_devices_are_judged() -> None:
    judging = engine([rule(name="hot", above=8, devices=["acme/truck-*"])])
    truck = DeviceKey("acme", "truck-1")
    folded = judging.fold([temperature(0, 9), temperature(0, 9, device=truck)])
    assert [t.device for t in folded.transitions] == [truck]


def test_a_sensor_that_says_only_what_cannot_be_true_is_alarming() -> None:
    dead = rule(name="dead", kind="no_usable_data", duration="30 min")
    judging = engine([dead, HOT])
    series = readings("4 ?x7 4")
    folded = judging.fold(series)
    assert told(folded.transitions) == ["dead firing 35", "dead resolved 40"]
    # One bad value among good ones is no alarm.
    assert engine([dead]).judge(readings("4 ? 4 ? 4 ? 4 ? 4")) == []


def test_what_a_person_withholds_is_no_fault_of_the_sensor() -> None:
    """A device that is worked on: its values are flagged, though they could be true."""
    dead = rule(name="dead", kind="no_usable_data", duration="10 min")
    worked_on = [
        msgspec.structs.replace(one, flags=one.flags | UNUSABLE) for one in readings("9x20")
    ]
    assert engine([dead, AT_ONCE]).judge(worked_on) == []


def test_each_channel_is_watched_for_usable_data_by_itself() -> None:
    dead = rule(name="dead", kind="no_usable_data", duration="10 min")
    series = [several(m, temperature=4.0, humidity=500.0) for m in range(0, 20, 5)]
    assert [e.channel for e in engine([dead]).judge(series)] == ["humidity"]


def test_a_place_is_a_channel_of_its_own() -> None:
    hot = rule(name="hot", channel="temperature.return_air", above=8)
    judging = engine([hot])
    folded = judging.fold([several(0, temperature=30.0, temperature__return_air=9.0)])
    assert [t.channel for t in folded.transitions] == ["temperature.return_air"]


def test_status_tells_where_each_rule_stands() -> None:
    judging = engine([HOT, rule(name="cold", below=2), LOST])
    judging.fold(readings("4"))
    assert [(status.state, status.since) for status in judging.state(REEFER)[:2]] == [
        ("ok", at(0)),
        ("ok", at(0)),
    ]
    judging.fold(readings("4 9x3")[1:])
    hot, cold, lost = judging.state(REEFER)
    assert (hot.state, hot.begin, hot.value) == ("pending", at(5), 9.0)
    assert hot.pending_until == at(65)
    assert (cold.state, cold.since) == ("ok", at(15))
    assert (lost.state, lost.since) == ("ok", heard(15))
    judging.tick(at(100), START)
    assert judging.state(REEFER)[2].state == "firing"
    assert judging.state(DeviceKey("acme", "nobody")) == []


def test_a_clock_that_is_wrong_is_judged_on_arrival() -> None:
    judging = engine([AT_ONCE])
    wrong = temperature(5 * 24 * 60, 9, received=at(30))
    (fired,) = judging.fold([wrong]).transitions
    assert fired.at == at(30)


def test_many_quiet_devices_share_their_plan() -> None:
    judging = engine([HOT, LOST])
    fleet = [DeviceKey("acme", f"reefer-{number}") for number in range(1000)]
    folded = judging.fold([temperature(0, 4, device=device) for device in fleet])
    assert (folded.transitions, folded.late, folded.frames) == ([], {}, [])
    assert len(judging.tick(heard(30), START)) == 1000
