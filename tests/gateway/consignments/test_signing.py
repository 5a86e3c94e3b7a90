"""Decisions: who may sign what, bound to which report, and all of it kept together."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import msgspec
import pytest

from gateway.consignments.facts import Decided, Review, Withdrawn
from gateway.consignments.report import Interval, Report, canonical, short, standing
from gateway.people import audit
from gateway.refusal import ControlError
from gateway.registry.cards import Calibration
from gateway.state import State
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.consignments.desk import (
    BEGAN,
    ID,
    ROOT,
    SENSOR,
    STEP,
    Desk,
    Via,
    open_desk,
    reading,
)
from tests.gateway.parts import NOW


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = await open_desk(tmp_path)
    yield made
    made.state.close()


async def raised(desk: Desk) -> None:
    """Wait until an alert says that a decision is under review."""
    async with asyncio.timeout(20):
        while not desk.review.open_alerts:  # noqa: ASYNC110 - the disk gives no sign
            await asyncio.sleep(0.01)


# --- drafts


async def test_the_same_draft_has_the_same_digest_and_another_reading_another(desk: Desk) -> None:
    first = desk.look()
    assert desk.reports.draft(ID, first.report.made, first.report.head) == first
    desk.readings.said[SENSOR].append(reading(BEGAN + 5 * HOUR + MINUTE, 5.0))
    assert desk.reports.draft(ID, first.report.made, first.report.head).digest != first.digest


async def test_looked_at_later_it_has_another_digest_and_the_same_of_its_figures(
    desk: Desk,
) -> None:
    first = desk.look()
    desk.clock.passes(MINUTE)
    second = desk.look()
    assert second.digest != first.digest
    assert second.substance == first.substance
    desk.late()
    assert desk.look().substance != first.substance


async def test_a_draft_says_by_which_interval_each_sensor_speaks(desk: Desk) -> None:
    (one,) = desk.look().report.sensors
    assert one.intervals == (Interval(BEGAN, STEP),)


async def test_a_reading_from_after_it_was_taken_off_changes_nothing(desk: Desk) -> None:
    before = desk.look()
    desk.readings.said[SENSOR].append(reading(NOW - 30 * MINUTE, 25.0))
    assert desk.look() == before
    assert before.report.sensors[0].readings == 54


async def test_the_digest_is_that_of_the_canonical_json(desk: Desk) -> None:
    version = desk.look()
    body = canonical(version.report)
    assert hashlib.sha256(body).hexdigest() == version.digest == version.report.digest()
    plain = msgspec.json.decode(body)
    assert msgspec.json.decode(canonical(plain), type=Report) == version.report
    assert list(plain) == sorted(plain)
    assert b'": ' not in body
    assert "Łódź".encode() in body


async def test_a_draft_holds_profile_facts_calibrations_and_what_the_chart_draws(
    desk: Desk,
) -> None:
    async with desk.registry.changing() as change:
        for since, certificate in ((-200, "old"), (-100, "DAkkS 17"), (200, "after it")):
            change.state(
                SENSOR,
                Calibration(
                    since=BEGAN + since * DAY, channel="temperature", certificate=certificate
                ),
            )
    report = desk.look().report
    assert report.profile["source"].startswith("Range and aim: AAP")
    assert [one.kind for one in report.facts][:2] == ["created", "planned"]
    assert [one.late for one in report.facts] == [True] * 5
    assert [one.certificate for one in report.sensors[0].calibrations] == ["DAkkS 17"]
    assert {one.name for one in report.rules} >= {"frozen", "too-warm"}
    (chart,) = report.charts
    assert (chart.channel, chart.unit) == ("temperature", "°C")
    assert len(chart.lines[0].times) == 54


async def test_where_nobody_spoke_the_chart_says_unknown(desk: Desk) -> None:
    desk.readings.said[SENSOR][10:20] = []
    (chart,) = desk.look().report.charts
    assert chart.unknown == ((BEGAN + 90 * MINUTE + 25 * MINUTE, BEGAN + 200 * MINUTE),)
    assert None in chart.lines[0].values


async def test_what_nobody_ever_measured_is_drafted_too(desk: Desk) -> None:
    desk.readings.said.clear()
    report = desk.look().report
    assert report.charts[0].lines == ()
    assert report.verdict.proposal != "release"


async def test_a_consignment_that_is_not_there_has_no_draft(desk: Desk) -> None:
    with pytest.raises(ControlError, match="there is no consignment vac-9"):
        desk.reports.draft("vac-9", NOW)


# --- signing


async def test_what_is_signed_is_kept_with_fact_and_audit_entry(desk: Desk, tmp_path: Path) -> None:
    seen = desk.look()
    signed = await desk.sign("released", seen, "page", person="anna", from_="192.0.2.7")
    assert (signed.number, signed.digest) == (1, seen.digest)
    assert signed.decision is not None
    assert (signed.decision.name, signed.decision.login) == ("Quality Desk Łódź", "anna")

    again = await open_desk(tmp_path, password="x")
    assert again.reports.of(ID) == [signed]
    facts = [one for one in again.book.facts(ID) if isinstance(one.fact, Decided)]
    assert [(one.fact.report, one.fact.digest) for one in facts] == [(1, seen.digest)]  # type: ignore[union-attr]
    consignment = again.book.consignment(ID)
    assert consignment is not None
    assert consignment.stage == "released"
    entry = audit.page(again.state, None, 1)[0]
    assert (entry.what, entry.object, entry.who.address) == ("consignment-sign", ID, "192.0.2.7")
    assert entry.after["digest"] == seen.digest
    assert desk.password not in str(entry)
    again.state.close()


@pytest.mark.parametrize(
    "moved",
    ["a reading", "a fact", "a note about an alert"],
)
async def test_what_has_changed_since_it_was_looked_at_is_not_signed(
    desk: Desk, moved: str
) -> None:
    seen = desk.look()
    if moved == "a reading":
        desk.late()
    elif moved == "a fact":
        await desk.state_fact(Review(why="second thoughts"), NOW)
    else:
        seen = msgspec.structs.replace(seen, digest="0" * 64)
    with pytest.raises(ControlError, match="changed since you looked"):
        await desk.sign("released", seen)
    assert desk.reports.signed(ID) == []


async def test_a_fact_that_comes_first_refuses_the_signature(desk: Desk) -> None:
    seen = desk.look()
    async with desk.state._lock:
        signing = asyncio.ensure_future(desk.sign("released", seen))
        other = asyncio.ensure_future(desk.state_fact(Review(why="look"), NOW))
        await asyncio.sleep(0)
    await other
    with pytest.raises(ControlError, match="changed since you looked"):
        await signing
    assert desk.reports.signed(ID) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"password": "wrong"}, "name or password is wrong"),
        ({"login": "nobody"}, "name or password is wrong"),
        ({"name": ""}, "nobody knows yet how anna is to be printed"),
        ({"name": "A" * 81}, "the name has 81 characters"),
        ({"reason": "bell \x07"}, "control character"),
    ],
)
async def test_what_is_missing_or_wrong_is_not_signed(
    desk: Desk, more: dict[str, str], told: str
) -> None:
    with pytest.raises(ControlError, match=told):
        await desk.sign("released", None, "command line", **more)
    assert desk.reports.signed(ID) == []
    assert audit.page(desk.state, None, 1)[0].what != "consignment-sign"


@pytest.mark.parametrize(
    ("meaning", "told"),
    [
        ("blessed", "nothing that can be signed"),
        ("rejected", "the proposal is release, and you sign rejected"),
        ("held", "you sign held for review"),
    ],
)
async def test_what_nobody_proposed_is_not_signed_without_a_reason(
    desk: Desk, meaning: str, told: str
) -> None:
    with pytest.raises(ControlError, match=told):
        await desk.sign(meaning)


@pytest.mark.parametrize(
    ("via", "told"), [("page", "you are logged in as piotr"), ("api", "a key cannot sign")]
)
async def test_nobody_signs_for_somebody_else(desk: Desk, via: Via, told: str) -> None:
    with pytest.raises(ControlError, match=told):
        await desk.sign(via=via, person="piotr")


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", False), ("operator", False), ("quality", True), ("administrator", True)],
)
async def test_quality_and_administrators_sign(desk: Desk, role: str, may: bool) -> None:  # noqa: FBT001 - a row of the table
    password = await desk.people.add("eva", role, ROOT)
    if may:
        assert (await desk.sign(login="eva", password=password)).number == 1
    else:
        with pytest.raises(ControlError, match=f"eva is {role}"):
            await desk.sign(login="eva", password=password)


async def test_whoever_was_removed_signs_no_more(desk: Desk) -> None:
    await desk.people.remove("anna", ROOT)
    with pytest.raises(ControlError, match="name or password is wrong"):
        await desk.sign()


async def test_guesses_are_held_back_and_the_right_password_too_until_a_while_has_passed(
    desk: Desk,
) -> None:
    seen = desk.look()
    for _ in range(20):
        with pytest.raises(ControlError, match="name or password is wrong"):
            await desk.sign(seen=seen, password="guess", from_="192.0.2.9")
    for origin in ("192.0.2.9", "198.51.100.4"):
        with pytest.raises(ControlError, match="too many wrong passwords"):
            await desk.sign(seen=seen, from_=origin)
    desk.clock.passes(10 * MINUTE)
    assert (await desk.sign(seen=seen, from_="192.0.2.9")).number == 1


async def test_a_password_that_is_changed_meanwhile_signs_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.consignments.signing_in.find_person", lambda *_: None)
    with pytest.raises(ControlError, match="name or password is wrong"):
        await desk.sign()
    monkeypatch.undo()
    check = desk.signing._signing_in.check

    async def slow(*words: object) -> object:
        found = await check(*words)  # type: ignore[arg-type]
        await desk.people.reset("anna", ROOT)
        return found

    monkeypatch.setattr(desk.signing._signing_in, "check", slow)
    with pytest.raises(ControlError, match="the password was changed meanwhile"):
        await desk.sign()


async def test_a_reason_is_needed_unless_the_proposal_is_followed(desk: Desk) -> None:
    desk.late(-5.0)
    desk.readings.said[SENSOR][20:30] = []
    assert desk.look().report.verdict.proposal != "release"
    with pytest.raises(ControlError, match="Say why"):
        await desk.sign("released")
    signed = await desk.sign("released", reason="the maker  allows it\n")
    assert signed.decision is not None
    assert signed.decision.reason == "the maker allows it"


async def test_a_name_is_asked_for_once(desk: Desk) -> None:
    await desk.sign()
    desk.clock.passes(MINUTE)
    await desk.state_fact(Review(why="second thoughts"), desk.clock.now())
    again = await desk.sign(name="")
    assert again.decision is not None
    assert again.decision.name == "Quality Desk Łódź"
    assert again.number == 2
    assert [one.version for one in again.report.earlier] == [1]


async def test_nothing_is_released_before_it_is_delivered_but_may_be_rejected(desk: Desk) -> None:
    async with desk.book.changing() as change:
        delivered = next(one for one in desk.book.facts(ID) if one.fact.kind == "delivered")
        change.state(
            ID, Withdrawn(fact=delivered.number), at=NOW, entered=NOW, who="anna", reason="not yet"
        )
    with pytest.raises(ControlError, match="vac-1 is not delivered, but in transit"):
        await desk.sign("released")
    assert (await desk.sign("rejected", reason="dropped from the truck")).number == 1


async def test_nothing_is_kept_of_a_signature_whose_commit_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, state = desk.look(), desk.state
    stage = state.stage

    def failing(statement: str, rows: object) -> int:
        if "INTO report" in statement:
            raise ControlError("the disk is full", "Make room")
        return stage(statement, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(state, "stage", failing)
    with pytest.raises(ControlError, match="full"):
        await desk.sign("released", seen)
    monkeypatch.undo()
    assert desk.reports.signed(ID) == []
    assert not [one for one in desk.book.facts(ID) if isinstance(one.fact, Decided)]
    assert (await desk.sign("released", seen)).number == 1


async def test_a_report_that_was_altered_on_the_disk_is_refused(desk: Desk, tmp_path: Path) -> None:
    await desk.sign()
    connection = apsw.Connection(str(tmp_path / "state.db"))
    connection.execute("UPDATE report SET body = CAST(replace(body, 'vac-1', 'vac-2') AS BLOB)")
    connection.close()
    with pytest.raises(ControlError, match="is not what was signed"):
        desk.reports.version(ID, 1)


# --- what comes late


async def test_late_data_sets_it_under_review_and_tells_signer_and_custodian(desk: Desk) -> None:
    signed = await desk.sign()
    desk.late()
    desk.clock.passes(HOUR)
    assert await desk.review.look(ID)
    consignment = desk.book.consignment(ID)
    assert consignment is not None
    assert standing(consignment) == "released, under review"
    (alert,) = desk.review.open_alerts
    assert (alert.kind, alert.severity, alert.device) == ("review", "critical", consignment.subject)
    for words in ("released by Quality Desk Łódź (anna)", "excursions were 0 and are 1"):
        assert words in alert.reason
    assert "Kühne, who has the goods now" in alert.note
    entries = [one.what for one in audit.page(desk.state, None, 2)]
    assert sorted(entries) == ["alert-assign", "consignment-review"]
    assert desk.reports.of(ID) == [signed]


async def test_the_same_change_is_told_once_and_another_one_again(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.sign()
    desk.late()
    await desk.review.look(ID)
    told = desk.state.head
    await desk.review.look(ID)
    again = await open_desk(tmp_path, password=desk.password)
    again.late()
    await again.review.look(ID)
    assert desk.state._newest() == told
    again.late(hours=5)
    await again.review.look(ID)
    (alert,) = again.review.open_alerts
    assert alert.revision == 1
    assert len([one for one in again.book.facts(ID) if isinstance(one.fact, Review)]) == 1
    again.state.close()


async def test_a_new_signature_ends_the_review_and_names_the_one_before(desk: Desk) -> None:
    first = await desk.sign()
    desk.late()
    await desk.review.look(ID)
    desk.clock.passes(MINUTE)
    second = await desk.sign("rejected", reason="three hours above 8 °C")
    assert desk.review.open_alerts == []
    assert second.report.earlier[0].decision == first.decision
    consignment = desk.book.consignment(ID)
    assert consignment is not None
    assert consignment.stage == "rejected"
    assert not await desk.review.look(ID)
    assert desk.reports.version(ID, 1) == first


async def test_what_still_stands_stays_as_it_was_signed(desk: Desk) -> None:
    await desk.sign()
    desk.clock.passes(DAY)
    desk.readings.said[SENSOR].append(reading(NOW + HOUR, 30.0))
    assert not await desk.review.look(ID)
    assert desk.review.open_alerts == []


async def test_who_is_not_decided_or_is_held_anyway_is_not_looked_at(desk: Desk) -> None:
    assert not await desk.review.look(ID)
    assert not await desk.review.look("vac-9")
    await desk.sign("held", reason="waiting for the maker")
    desk.readings.said.clear()
    assert not await desk.review.look(ID)


async def test_a_signer_who_is_gone_is_named_still(desk: Desk) -> None:
    await desk.sign()
    await desk.people.remove("anna", ROOT)
    desk.late()
    assert await desk.review.look(ID)
    assert "Quality Desk Łódź" in desk.review.open_alerts[0].note


async def test_what_was_judged_again_is_looked_at_and_devices_are_not(desk: Desk) -> None:
    await desk.sign()
    running = asyncio.create_task(desk.review.run())
    consignment = desk.book.consignment(ID)
    assert consignment is not None
    desk.late()
    desk.review.heed(SENSOR)
    desk.review.heed(consignment.subject)
    await raised(desk)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_decided_lately_is_looked_at_at_the_start(desk: Desk) -> None:
    await desk.sign()
    desk.late()
    running = asyncio.create_task(desk.review.run())
    await raised(desk)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_whoever_only_looks_drafts_and_reads_too(desk: Desk, tmp_path: Path) -> None:
    signed = await desk.sign()
    looking = State(tmp_path / "state.db", looking=True)
    desk.reports._state = looking
    assert desk.reports.of(ID) == [signed]
    assert desk.look().report.earlier[0].version == 1
    looking.close()


def test_a_digest_in_short_is_its_beginning() -> None:
    assert short("0123456789abcdef" * 4) == "0123 4567 89ab cdef"
