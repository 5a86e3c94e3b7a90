"""The report as a PDF: it has all of the verdict, nothing cut off, the same bytes each time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pypdfium2 as pdfium  # type: ignore[import-untyped] # it has no types
import pytest

from devices.reading import DeviceKey
from gateway.consignments.report import Came, Earlier, Interval, Since, Version, short
from gateway.consignments.report_pdf.axes import Scale, time_ticks, value_ticks
from gateway.consignments.report_pdf.document import make_pdf
from gateway.consignments.wording import (
    NONE,
    Times,
    length,
    lengths,
    mean_words,
    minus,
    number,
    numbers,
    out_words,
)
from rules.cargo.verdict import Band, Cases, Extreme
from rules.duration import DAY, HOUR, MINUTE, SECOND
from tests.gateway.consignments import voyages

EDGE = 16 * 72 / 25.4 - 1
"""Points from a page's edge in which nothing may stand, apart from the foot."""


def pages(pdf: bytes) -> list[str]:
    """Return the text of each page, with single spaces."""
    with pdfium.PdfDocument(pdf) as document:
        return [re.sub(r"\s+", " ", page.get_textpage().get_text_range()) for page in document]


def squeezed(text: str) -> str:
    """Return text without spaces: a column may break it anywhere."""
    return re.sub(r"[\s\ufffe\u00ad]+", "", text)


def boxes(pdf: bytes) -> list[tuple[int, float, float, float, float, str]]:
    """Return page, left, bottom, right, top of each piece of text, and the page's size last."""
    found = []
    with pdfium.PdfDocument(pdf) as document:
        for place, page in enumerate(document):
            text = page.get_textpage()
            for index in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(index)
                words = text.get_text_bounded(left, bottom, right, top)
                found.append((place, left, bottom, right, top, words))
    return found


ALL = [voyages.draft, voyages.signed, voyages.crowded, voyages.empty, voyages.odd]


@pytest.mark.parametrize("voyage", ALL)
def test_the_same_report_makes_the_same_bytes(voyage: Callable[[], Version]) -> None:
    assert make_pdf(voyage()) == make_pdf(voyage())


def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    there = tmp_path / "there.pdf"
    program = (
        "import sys; from pathlib import Path\n"
        "from gateway.consignments.report_pdf.document import make_pdf\n"
        "from tests.gateway.consignments.voyages import signed\n"
        "Path(sys.argv[1]).write_bytes(make_pdf(signed()))"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program, there], cwd=root, check=True)
    assert there.read_bytes() == make_pdf(voyages.signed())


def test_every_figure_of_the_verdict_is_on_the_report() -> None:
    version = voyages.signed()
    text = squeezed(" ".join(pages(make_pdf(version))))
    verdict = version.report.verdict
    told = [verdict.proposal.upper(), verdict.version, *verdict.reasons, length(verdict.unknown)]
    for statistic in verdict.statistics:
        told += [f"{statistic.readings:,}", mean_words(statistic.mean, ""), length(statistic.known)]
        told += [length(statistic.partly)]
        told += [number(one.value) for one in (statistic.lowest, statistic.highest) if one]
        if statistic.mkt:
            told += [mean_words(one, "") for one in (statistic.mkt.known, statistic.mkt.worst)]
    for band in verdict.bands:
        told += [band.label, *map(length, (band.time.known, band.time.best, band.time.worst))]
    for excursion in verdict.excursions:
        told += [number(excursion.worst), length(excursion.out), excursion.place]
        told += [excursion.explanation, *excursion.alerts]
        told += [f"{share.custodian}: {length(share.time)}" for share in excursion.shares]
    for excluded in verdict.excluded:
        told += [f"{excluded.readings:,}", excluded.reason]
    told += [lengths(verdict.budgets[0].used), lengths(verdict.budgets[0].left)]
    assert [one for one in told if squeezed(one) not in text] == []


def test_the_signature_says_who_when_what_and_of_which_report() -> None:
    version = voyages.signed()
    first = pages(make_pdf(version))[0]
    for words in ("RELEASED", "Quality Desk Łódź (anna)", "2026-05-15 10:00:00 +02:00", "Mean and"):
        assert words in first
    assert short(version.digest) in first
    assert "DRAFT" not in first


@pytest.mark.parametrize("voyage", ALL)
def test_each_page_has_its_number_and_the_digest(voyage: Callable[[], Version]) -> None:
    version = voyage()
    found = pages(make_pdf(version))
    for place, text in enumerate(found, 1):
        assert f"page {place} of {len(found)}" in text
        assert version.digest in text
        assert ("DRAFT" in text) == (version.decision is None)


@pytest.mark.parametrize("voyage", ALL)
def test_no_text_leaves_the_page(voyage: Callable[[], Version]) -> None:
    pdf = make_pdf(voyage())
    with pdfium.PdfDocument(pdf) as document:
        wide, high = document.get_page_size(0)
    outside = [
        (page, words)
        for page, left, bottom, right, top, words in boxes(pdf)
        if left < EDGE or right > wide - EDGE or bottom < 15 or top > high - EDGE
    ]
    assert outside == []


def test_all_of_what_is_long_is_there_to_the_last_word() -> None:
    version = voyages.crowded()
    text = squeezed(" ".join(pages(make_pdf(version))))
    assert text.count("wordword") + text.count("word") >= 1200
    assert [one for one in version.report.sensors if squeezed(str(one.key)) not in text] == []
    assert [one for one in version.report.alerts if one.alert.id not in text] == []
    assert [one for one in version.report.verdict.reasons if squeezed(one) not in text] == []
    assert voyages.LONG in text


def test_a_sign_that_the_font_lacks_is_written_as_its_number_and_markup_stays_text() -> None:
    text = squeezed(" ".join(pages(make_pdf(voyages.odd()))))
    assert "[U+51B7][U+94FE]-<b>&amp;</b>-[U+0007]" in text
    assert "</para><fontsize=99>big</font>&<imgsrc='x'/>" in text
    assert "a<b&c>d" in text


def test_a_night_of_changed_clocks_is_told_with_offsets() -> None:
    text = " ".join(pages(make_pdf(voyages.odd())))
    assert "2026-10-25 00:00 +02:00 to 2026-10-25 07:00 +01:00" in text
    assert "each with its difference from UTC" in text


def test_names_of_many_alphabets_are_on_it() -> None:
    first = pages(make_pdf(voyages.signed()))[0]
    for name in ("Łódź", "Türkiye", "Вакцины", "°C"):
        assert name in first
    assert "Ηράκλειο" in " ".join(pages(make_pdf(voyages.signed())))


def test_what_is_released_and_under_review_says_both() -> None:
    assert "released, under review" in pages(make_pdf(voyages.crowded()))[0]


def test_software_claims_no_standard_for_recorders() -> None:
    assert not re.search(
        r"EN ?12830|EN ?13485|certified", " ".join(pages(make_pdf(voyages.signed())))
    )


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [
        (0, "0 s"),
        (400, "0 s"),
        (90 * SECOND, "1 min 30 s"),
        (10 * MINUTE + 29 * SECOND, "10 min"),
        (26 * HOUR, "1 day 2 h"),
        (-3 * DAY, "\u22123 days"),
    ],
)
def test_lengths_are_told_as_exactly_as_they_matter(milliseconds: int, told: str) -> None:
    assert length(milliseconds).replace("\u00a0", " ") == told


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        (Cases(HOUR, HOUR, HOUR), "1 h"),
        (Cases(HOUR, HOUR, 2 * HOUR), "1 h, at worst 2 h"),
        (Cases(HOUR, 0, 2 * HOUR), "1 h, at best 0 s, at worst 2 h"),
    ],
)
def test_what_nobody_knows_is_told_as_best_and_worst(cases: Cases, told: str) -> None:
    assert lengths(cases).replace("\u00a0", " ") == told


def test_what_was_worked_out_has_two_decimals_always() -> None:
    told = [mean_words(one, "°C") for one in (7, 7.0149, -0.001, -1234.5, None)]
    assert told == ["7.00\u00a0°C", "7.01\u00a0°C", "0.00\u00a0°C", "\u22121,234.50\u00a0°C", NONE]
    assert numbers(Cases(7, 7, 7.5)) == "7.00, at worst 7.50"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("-0.5 °C or below", "\u22120.5 °C or below"),
        ("Fell to -1.1 °C (-0.5 °C allowed)", "Fell to \u22121.1 °C (\u22120.5 °C allowed)"),
        ("vac-2026-0512 at 2026-05-12, t-101", "vac-2026-0512 at 2026-05-12, t-101"),
    ],
)
def test_numbers_below_0_have_a_minus_sign_and_ids_and_dates_their_hyphens(
    said: str, told: str
) -> None:
    assert minus(said) == told


def test_no_number_on_the_report_begins_with_a_hyphen() -> None:
    cold = voyages.excursion(
        side="below", worst=-1.1, explanation="Fell to -1.1 °C, 3.1 °C below 2 °C"
    )
    frozen = Band("temperature", "-0.5 °C or below", None, -0.5, Cases(0, 0, 0), inside=False)
    told = voyages.verdict(excursions=(cold,), bands=(frozen,), reasons=("down to -1.1 °C",))
    text = " ".join(pages(make_pdf(voyages.signed(verdict=told))))
    assert re.findall(r"(?:^| )-\d[\d.]*", text) == []
    assert text.count("\u22121.1 °C") >= 3
    assert "at or below \u22120.5 °C for 60 min" in text


def test_an_excursion_says_what_nobody_knows_and_what_only_some_told() -> None:
    one = voyages.excursion(unknown=23 * MINUTE, partly=50 * MINUTE)
    said = "2 h 20 min and 23 min not known and 50 min known in part"
    assert out_words(one).replace("\u00a0", " ") == said
    told = voyages.verdict(excursions=(one,))
    assert squeezed(said) in squeezed(" ".join(pages(make_pdf(voyages.signed(verdict=told)))))


def test_each_sensor_has_the_intervals_by_which_its_readings_speak() -> None:
    stated = (
        Interval(voyages.SINCE, 12 * MINUTE),
        Interval(voyages.SINCE + DAY, 5 * MINUTE),
    )
    one = voyages.sensor(voyages.SENSORS[0], intervals=stated)
    text = squeezed(" ".join(pages(make_pdf(voyages.draft(sensors=(one,))))))
    assert squeezed("interval 12 min, 5 min since 2026-05-13 08:00") in text
    assert squeezed("two and a half of the intervals that are stated for its sensor") in text


def test_the_same_figures_have_the_same_digest_whenever_the_report_was_made() -> None:
    first, second = voyages.draft(), voyages.draft(made=voyages.UNTIL + 2 * HOUR)
    other = voyages.draft(verdict=voyages.verdict(proposal="reject"))
    assert first.digest != second.digest
    assert first.substance == second.substance != other.substance
    told = pages(make_pdf(second))
    assert short(second.substance) in told[0]
    assert second.substance in squeezed(told[-1])


def test_a_second_version_says_what_is_new_since_the_first() -> None:
    late = Came(
        sensor=voyages.SENSORS[0],
        readings=59,
        imported=59,
        first=voyages.SINCE + 10 * HOUR,
        last=voyages.SINCE + 15 * HOUR,
        received=voyages.UNTIL + DAY,
        until=voyages.UNTIL + DAY,
    )
    one = Since(
        version=1,
        made=voyages.UNTIL + HOUR,
        verdict=voyages.verdict(),
        sensors=(voyages.sensor(voyages.SENSORS[0], readings=766),),
        came=(late,),
        facts=(12,),
    )
    frozen = voyages.verdict().statistics[0]
    frozen = msgspec.structs.replace(
        frozen, lowest=Extreme(-1.1, voyages.SINCE + 11 * HOUR, voyages.SENSORS[0])
    )
    told = voyages.verdict(proposal="reject", statistics=(frozen, voyages.verdict().statistics[1]))
    second = voyages.signed(
        2,
        since=one,
        verdict=told,
        earlier=(Earlier(1, voyages.decision("0" * 64)),),
    )
    page = pages(make_pdf(second))[1]
    text = squeezed(page)
    for words in (
        "Since version 1",
        "released by Quality Desk Łódź",
        "Proposal HOLD REJECT",
        "Temperature, lowest 2.91 °C \u22121.1 °C",
        "766 825 59, imported from a logger 2026-05-12 18:00 to 2026-05-12 23:00 2026-05-16 08:00",
        "12 handed over: to Aegean Cargo",
    ):
        assert squeezed(words) in text, words
    assert "Temperature, highest" not in page
    assert "Since version" not in " ".join(pages(make_pdf(voyages.signed())))


@pytest.mark.parametrize("span", [1, MINUTE, HOUR, DAY, 9 * DAY, 60 * DAY, 900 * DAY])
def test_times_beside_a_chart_are_few_and_in_order(span: int) -> None:
    since = voyages.SINCE + 7 * MINUTE
    found = [one for one, _, _ in time_ticks(Times(voyages.report()), since, since + span)]
    assert found == sorted(set(found))
    assert len(found) <= 11
    assert all(since <= one <= since + span for one in found)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-25.3, 11.0), (4.1, 4.9), (-1e4, 1e5)])
def test_values_beside_a_chart_are_round_and_few(low: float, high: float) -> None:
    found = value_ticks(Scale(low, high, 0, 100))
    assert 2 <= len(found) <= 9
    assert all(low <= one <= high for one in found)


def test_the_key_of_a_sensor_without_owner_is_its_id() -> None:
    bare = voyages.sensor(DeviceKey("", "solo"))
    assert "solo" in " ".join(pages(make_pdf(voyages.draft(sensors=(bare,)))))
