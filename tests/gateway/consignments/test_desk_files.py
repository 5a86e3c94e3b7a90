"""The desk over a gateway's real files, and beside it whoever only reads them, as the page does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devices.reading import Reading
from gateway.app import Gateway
from gateway.consignments.book import Book
from gateway.consignments.desk import Desk
from gateway.consignments.report import Version
from gateway.consignments.report_pdf.document import make_pdf
from gateway.consignments.reports import Place
from gateway.consignments.signing import Asked
from gateway.consignments.verdicts import Verdicts
from gateway.goods import Goods
from gateway.people.audit import Who
from gateway.registry.known import Known
from gateway.web.files import Files
from rules.duration import HOUR, MINUTE
from tests.gateway.asked import Asked as Commands
from tests.gateway.parts import NOW, said

ROOT = Who("root", "command line")
BEGAN = NOW - 30 * HOUR
PLACE = Place("here", "UTC")


def readings(*, warm: bool = False) -> list[Reading]:
    return [
        said(
            "logger-1", BEGAN + n * 10 * MINUTE, 12.0 if warm and 60 < n < 70 else 5.0, owner="acme"
        )
        for n in range(170)
        if warm or not 60 < n < 70
    ]


async def arrive(gateway: Gateway, found: list[Reading]) -> None:
    """Let readings come to the journal."""
    running = asyncio.create_task(gateway.ingest.run())
    await gateway.ingest.store(found)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def desk(ask: Commands) -> Desk:
    """A desk over a gateway with one delivered consignment."""
    gateway = ask.gateway
    await arrive(gateway, readings())
    late = {"at": BEGAN, "reason": "no network in the port"}
    await ask("consignment-add", id="vac-1", goods="vaccines", custodian="Kühne", **late)
    await ask("consignment-assign", id="vac-1", sensors=["logger-1"], **late)
    later = {"at": NOW - HOUR, "reason": "read at the door"}
    await ask("consignment-unassign", id="vac-1", sensors=["logger-1"], **later)
    await ask("consignment-deliver", id="vac-1", to="clinic", confirmed=True, **later)
    verdicts = Verdicts(
        gateway.state,
        gateway.monitor.past,
        gateway.registry.corrections,
        gateway.book,
        gateway.goods,
        gateway.known.intervals,
        lambda: gateway.journal.head,
    )
    return Desk(
        gateway.state,
        gateway.clock,
        book=gateway.book,
        verdicts=verdicts,
        registry=gateway.registry,
        card=gateway.known.card,
        head=lambda: gateway.journal.head,
        place=PLACE,
    )


def looked_at(folder: Path, ask: Commands, seen: Version) -> Version:
    """Return the same draft as another process makes it, which only reads."""
    files = Files(folder)
    files.look()
    book = Book(files.state, "acme")
    known = Known(files.registry, ask.gateway.settings)
    goods = Goods(files.state, None)
    verdicts = Verdicts(
        files.state,
        files.past,
        files.registry.corrections,
        book,
        goods,
        known.intervals,
        lambda: files.journal.head,
    )
    reading = Desk(
        files.state,
        ask.gateway.clock,
        book=book,
        verdicts=verdicts,
        registry=files.registry,
        card=known.card,
        head=lambda: files.journal.head,
        place=PLACE,
    )
    found = reading.reports.draft("vac-1", seen.report.made)
    files.close()
    return found


async def test_whoever_only_reads_makes_the_same_draft_and_pdf(
    desk: Desk, ask: Commands, tmp_path: Path
) -> None:
    seen = desk.reports.draft("vac-1", NOW)
    other = looked_at(tmp_path, ask, seen)
    assert other == seen
    assert make_pdf(other) == make_pdf(seen)
    assert seen.report.sensors[0].readings == 161
    assert seen.report.verdict.unknown > 0


async def test_a_loggers_memory_that_is_read_later_sets_a_release_under_review(
    desk: Desk, ask: Commands
) -> None:
    password = await ask.gateway.people.add("anna", "quality", ROOT)
    seen = desk.reports.draft("vac-1", NOW)
    asked = Asked(
        consignment="vac-1",
        login="anna",
        password=password,
        meaning="released",
        name="Quality Desk",
        reason="as the maker says",
        made=NOW,
        head=seen.report.head,
        digest=seen.digest,
    )
    signed = await desk.signing.sign(asked, ROOT)
    await arrive(ask.gateway, readings(warm=True))
    assert await desk.review.look("vac-1")
    (alert,) = desk.review.open_alerts
    assert "excursions were 0 and are 1" in alert.reason
    assert "clinic, who has the goods now" in alert.note
    assert desk.reports.of("vac-1") == [signed]
