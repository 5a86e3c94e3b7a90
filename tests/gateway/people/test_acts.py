"""What people do about alerts: with who and when, the later of a kind counts, none is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.people.acts
from gateway.database import DiskError
from gateway.people import audit
from gateway.people.acts import (
    LONGEST_MUTE,
    REASONS,
    SHORTEST_MUTE,
    Act,
    Acts,
    Facts,
    Kind,
    acts_after,
    acts_of,
    acts_of_many,
    facts,
)
from gateway.people.audit import Who
from gateway.people.person import Person
from gateway.people.text import LONGEST_TEXT
from gateway.refusal import ControlError
from gateway.state import State
from tests.gateway.asked import alarm, recorded
from tests.gateway.parts import NOW, ToldClock

ANNA = Who("anna", "page", "192.0.2.7")
KINDS: tuple[Kind, ...] = ("acknowledged", "assigned", "noted", "muted", "unmuted")


def act(kind: Kind, who: str = "anna", **more: Any) -> Act:  # noqa: ANN401 - fields of an act
    to: dict[str, Any] = {"to": "ben"} if kind == "assigned" else {}
    until: dict[str, Any] = {"until": NOW + SHORTEST_MUTE} if kind == "muted" else {}
    return Act(
        **{
            "alert": "a1",
            "kind": kind,
            "who": who,
            "at": NOW,
            "reason": "so",
            **to,
            **until,
            **more,
        }
    )


# --- facts


def test_nothing_done_is_no_fact() -> None:
    assert facts([], NOW) == Facts()
    assert not Facts().holder


@pytest.mark.parametrize(
    ("acts", "holder"),
    [
        ([act("acknowledged")], "anna"),
        ([act("acknowledged"), act("acknowledged", "cleo")], "cleo"),
        ([act("acknowledged"), act("assigned", to="ben")], "ben"),
        ([act("assigned", to="ben"), act("acknowledged", "ben")], "ben"),
        ([act("assigned", to="ben"), act("acknowledged", "cleo")], "cleo"),
        ([act("assigned", to="ben"), act("acknowledged", "cleo"), act("noted", "ben")], "cleo"),
        ([act("assigned", to="ben"), act("assigned", "ben", to="cleo")], "cleo"),
        ([act("noted"), act("muted")], ""),
        ([act("acknowledged"), act("lapsed", "gateway")], ""),
        ([act("assigned", to="ben"), act("lapsed", "gateway"), act("noted")], ""),
        ([act("acknowledged"), act("lapsed", "gateway"), act("acknowledged", "cleo")], "cleo"),
    ],
)
def test_who_has_it(acts: list[Act], holder: str) -> None:
    assert facts(acts, NOW).holder == holder


@pytest.mark.parametrize(
    ("acts", "now", "muted"),
    [
        ([act("muted", until=NOW + 5)], NOW + 4, True),
        ([act("muted", until=NOW + 5)], NOW + 5, False),
        ([act("muted", until=NOW + 5), act("unmuted")], NOW, False),
        ([act("muted", until=NOW + 5), act("unmuted"), act("muted", until=NOW + 9)], NOW, True),
        ([act("muted", until=NOW + 9), act("muted", until=NOW + 5)], NOW + 5, False),
    ],
)
def test_muted_lasts_until_its_time_is_over_or_it_is_ended(
    acts: list[Act], now: int, *, muted: bool
) -> None:
    assert (facts(acts, now).muted is not None) is muted


def test_what_was_taken_before_it_lapsed_counts_no_more_and_its_mute_does() -> None:
    muted, lapsed = act("muted"), act("lapsed", "gateway", reason="the shift is over")
    assert facts([act("assigned"), muted, lapsed], NOW) == Facts(muted=muted, lapsed=lapsed)
    again = act("acknowledged", "cleo")
    assert facts([act("assigned"), lapsed, again], NOW) == Facts(acknowledged=again, taken=again)


ACTS = st.lists(
    st.builds(
        act,
        st.sampled_from(KINDS),
        st.sampled_from(["anna", "ben", "cleo"]),
        reason=st.text(max_size=5),
    ),
    max_size=12,
)


@given(ACTS, st.sampled_from(KINDS), st.integers(-10, 10))
def test_one_more_act_changes_its_own_fact_and_no_other(
    done: list[Act], kind: Kind, later: int
) -> None:
    now = NOW + later
    new = act(kind, reason="new")
    if kind == "muted":
        new = msgspec.structs.replace(new, until=now + 1)
    before, after = facts(done, now), facts([*done, new], now)
    changes: dict[Kind, dict[str, Any]] = {
        "acknowledged": {"acknowledged": new, "taken": new},
        "assigned": {"assigned": new, "taken": new},
        "noted": {"notes": (*before.notes, new)},
        "muted": {"muted": new},
        "unmuted": {"muted": None},
    }
    assert after == msgspec.structs.replace(before, **changes[kind])


@given(ACTS, st.integers(0, 2 * SHORTEST_MUTE))
def test_a_fact_is_the_last_act_of_its_kind_and_no_note_is_lost(
    done: list[Act], later: int
) -> None:
    numbered = [msgspec.structs.replace(one, number=n) for n, one in enumerate(done, 1)]
    known = facts(numbered, NOW + later)
    for kind in ("acknowledged", "assigned"):
        of_kind = [one for one in numbered if one.kind == kind]
        assert getattr(known, kind) == (of_kind[-1] if of_kind else None)
    assert list(known.notes) == [one for one in numbered if one.kind == "noted"]
    if known.muted is not None:
        assert known.muted.kind == "muted"
        assert known.muted.until is not None
        assert known.muted.until > NOW + later
        assert all(one.kind not in {"muted", "unmuted"} for one in numbered[known.muted.number :])
    taking = [one for one in numbered if one.kind in {"acknowledged", "assigned"}]
    assert known.taken == (taking[-1] if taking else None)
    last = {"acknowledged": "who", "assigned": "to"}
    assert known.holder == (getattr(taking[-1], last[taking[-1].kind]) if taking else "")


# --- recorded

PEOPLE = (
    Person("ben", "operator", NOW),
    Person("quinn", "quality", NOW),
    Person("vic", "viewer", NOW),
    Person("gone", "quality", NOW, removed=NOW),
    Person("wall", "viewer", NOW, screen=True),
)


class Desk:
    """The state with two alerts, one of them over, and some people."""

    def __init__(self, folder: Path) -> None:
        self.clock = ToldClock()
        self.state = State(folder / "state.db")
        self.acts = Acts(self.state)

    async def fill(self) -> None:
        await recorded(self.state, alarm("a1"), alarm("over", ended=NOW))
        async with self.state.writing():
            self.state.stage(
                "INSERT INTO person VALUES (?,?,?)",
                [(one.name, None, msgspec.json.encode(one)) for one in PEOPLE],
            )

    def entries(self) -> list[audit.Entry]:
        """The audit trail, newest first."""
        return audit.page(self.state, None, 100)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    await made.fill()
    yield made
    made.state.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_act_is_recorded_with_who_when_and_in_the_audit_trail(
    desk: Desk, kind: Kind
) -> None:
    if kind == "unmuted":
        await desk.acts.do(act("muted"), ANNA)
    asked = act(kind, "somebody else", reason="  On my way \r\n")
    done = await desk.acts.do(asked, ANNA)
    assert (done.who, done.at, done.reason) == ("anna", NOW, "On my way")
    assert acts_of(desk.state, "a1")[-1] == done
    entry = desk.entries()[0]
    assert (entry.at, entry.who, entry.object, entry.reason) == (NOW, ANNA, "a1", "On my way")
    assert entry.what == f"alert-{gateway.people.acts.VERBS[kind]}"


async def test_it_lapses_by_the_gateway_alone_and_only_where_somebody_has_it(desk: Desk) -> None:
    acts, ours = desk.acts, Who("gateway", "gateway")
    with pytest.raises(ControlError, match="lapses by itself"):
        await acts.do(act("lapsed"), ours)
    await acts.do(act("acknowledged"), ANNA)
    with pytest.raises(ControlError, match="lapses by itself"):
        await acts.do(act("lapsed"), ANNA)
    done = await acts.do(act("lapsed", reason="the shift is over"), ours)
    assert (done.who, done.severity) == ("gateway", alarm("a1").severity)
    assert [one.what for one in desk.entries()[:1]] == ["alert-lapse"]
    with pytest.raises(ControlError, match="lapses by itself"):
        await acts.do(act("lapsed"), ours)


async def test_the_audit_trail_has_what_counted_before_and_what_counts_now(desk: Desk) -> None:
    first = await desk.acts.do(act("acknowledged"), ANNA)
    assert desk.entries()[0].before is None
    assert desk.entries()[0].after == {"acknowledged": msgspec.to_builtins(first)}
    second = await desk.acts.do(act("assigned"), Who("cleo", "api"))
    assert desk.entries()[0].before == {"acknowledged": msgspec.to_builtins(first)}
    assert desk.entries()[0].after == {
        "acknowledged": msgspec.to_builtins(first),
        "assigned": msgspec.to_builtins(second),
    }


@pytest.mark.parametrize("name", ["ben", "quinn"])
async def test_an_alert_is_handed_to_whoever_may_do_something_about_it(
    desk: Desk, name: str
) -> None:
    done = await desk.acts.do(act("assigned", to=name), ANNA)
    assert facts([done], NOW).holder == name


async def test_acknowledging_twice_is_on_record_twice_and_the_later_counts(desk: Desk) -> None:
    await desk.acts.do(act("acknowledged"), ANNA)
    await desk.acts.do(act("acknowledged"), Who("ben", "page"))
    done = acts_of(desk.state, "a1")
    assert [one.who for one in done] == ["anna", "ben"]
    assert facts(done, NOW).holder == "ben"


async def test_an_alert_that_is_over_is_acknowledged_and_noted_and_nothing_else(
    desk: Desk,
) -> None:
    for kind in KINDS:
        asked = act(kind, alert="over")
        if kind in {"acknowledged", "noted"}:
            await desk.acts.do(asked, ANNA)
            continue
        with pytest.raises(ControlError, match="this alert is over"):
            await desk.acts.do(asked, ANNA)
    assert [one.kind for one in acts_of(desk.state, "over")] == ["acknowledged", "noted"]


REFUSED: list[tuple[Act, str]] = [
    (act("acknowledged", alert="nothing"), "there is no alert nothing"),
    (act("acknowledged", reason=" \n "), "there is no reason"),
    (act("noted", reason=""), "there is no note"),
    (act("acknowledged", reason="x" * (LONGEST_TEXT + 1)), "the reason has 501 characters"),
    (act("acknowledged", reason="a\nb"), "control character U.000A"),
    (act("noted", reason="a\tb"), "control character U.0009"),
    (act("noted", reason="a\x1b[2J"), "control character U.001B"),
    (act("noted", reason="a\x9bb"), "control character U.009B"),
    (act("assigned", to=""), '"to" is'),
    (act("acknowledged", to="ben"), '"to" is'),
    (act("assigned", to="nobody"), "there is no person nobody"),
    (act("assigned", to="gone"), "there is no person gone"),
    (act("assigned", to="wall"), "wall is a wall screen"),
    (act("assigned", to="vic"), "vic is a viewer"),
    (act("acknowledged", until=NOW + SHORTEST_MUTE), '"until" is'),
    (act("muted", until=None), '"until" is'),
    (act("muted", until=NOW + 50_000), "cannot be muted for 50 s"),
    (act("muted", until=NOW - 1), "cannot be muted for -1 ms"),
    (act("muted", until=NOW + LONGEST_MUTE + 1), "cannot be muted for 1 day 1 ms"),
    (act("unmuted"), "not muted"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED, ids=[words for _, words in REFUSED])
async def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    desk: Desk, asked: Act, words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        await desk.acts.do(asked, ANNA)
    assert acts_after(desk.state, 0, 10) == []
    assert desk.entries() == []


@pytest.mark.parametrize(
    "reason",
    [
        "x" * LONGEST_TEXT,
        "<script>alert(1)</script>",
        "=cmd()",
        "\u202ereversed",
        "冷\u200d🧊",
        *REASONS,
    ],
)
async def test_a_reason_may_be_any_text(desk: Desk, reason: str) -> None:
    done = await desk.acts.do(act("acknowledged", reason=reason), ANNA)
    assert acts_of(desk.state, "a1") == [done]
    assert done.reason == reason


async def test_a_note_may_have_lines(desk: Desk) -> None:
    done = await desk.acts.do(act("noted", reason="door:\r\nopen"), ANNA)
    assert done.reason == "door:\nopen"


@pytest.mark.parametrize("length", [SHORTEST_MUTE - 2_000, SHORTEST_MUTE, LONGEST_MUTE])
async def test_an_alert_is_muted_for_a_minute_to_a_day_though_the_command_takes_a_moment(
    desk: Desk, length: int
) -> None:
    done = await desk.acts.do(act("muted", until=NOW + length), ANNA)
    assert facts([done], NOW).muted == done


async def test_acts_are_read_by_alert_by_many_alerts_and_by_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.people.acts, "AT_ONCE", 2)
    done = [
        await desk.acts.do(act("noted", alert=alert, reason=f"note {n}"), ANNA)
        for n, alert in enumerate(["a1", "over", "a1"])
    ]
    assert [one.number for one in done] == [1, 2, 3]
    assert acts_of(desk.state, "a1") == [done[0], done[2]]
    assert acts_of_many(desk.state, ["x", "over", "y", "a1"]) == {
        "x": [],
        "over": [done[1]],
        "y": [],
        "a1": [done[0], done[2]],
    }
    assert acts_of_many(desk.state, []) == {}
    assert acts_after(desk.state, 1, 1) == [done[1]]
    assert acts_after(desk.state, 2, 10) == [done[2]]


async def test_there_is_an_end_to_what_is_done_about_one_alert(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.people.acts, "MOST", 2)
    for _ in range(2):
        await desk.acts.do(act("noted"), ANNA)
    with pytest.raises(ControlError, match="2 things were done"):
        await desk.acts.do(act("noted"), ANNA)
    await desk.acts.do(act("noted", alert="over"), ANNA)
    for kind in ("acknowledged", "assigned"):
        await desk.acts.do(act(kind), ANNA)
    assert facts(acts_of(desk.state, "a1"), NOW).holder == "ben", "who comes may always take it"


async def test_what_the_disk_does_not_take_is_neither_an_act_nor_in_the_audit_trail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def fail() -> None:
        raise DiskError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.state, "commit_aside", fail)
        with pytest.raises(DiskError):
            await desk.acts.do(act("acknowledged"), ANNA)
    assert acts_of(desk.state, "a1") == []
    assert desk.entries() == []
    assert (await desk.acts.do(act("acknowledged"), ANNA)).number == 1
