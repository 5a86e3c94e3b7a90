"""By what was judged, and how the figures are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportlab.platypus import Spacer

from gateway.consignments.report import WORDS, short
from gateway.consignments.report_pdf.look import (
    BODY,
    MONOSPACED,
    Column,
    bold_first,
    paragraph,
    section,
    table,
)
from gateway.consignments.wording import NONE, channel_words, minus, unit_of, with_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportlab.platypus import Flowable

    from gateway.consignments.report import Report, Version
    from gateway.consignments.wording import Times

SPACED = BODY.clone("note", spaceAfter=3)
METHODS = (
    (
        "Means",
        (
            "are weighted by time: a value holds until the next one, and no longer than "
            "values of its sensor do. Of several sensors that count together it is the mean "
            "of those that were heard. A gap has no part in it."
        ),
    ),
    (
        "Mean kinetic temperature",
        (
            "is that of Haynes: the one temperature at which as much would have happened to "
            "the goods as at all those that were measured, with the activation energy that "
            "stands beside it, weighted by time; from one value to the next the rate goes "
            "straight (trapezoid). With a gap it is told at best, as if the goods had what is "
            "aimed at meanwhile, and at worst, as if they had the highest value of the whole "
            "voyage, or the upper limit where that is higher. That is an assumption, and by "
            "it alone nothing is proposed. It excuses no excursion."
        ),
    ),
    (
        "Gaps.",
        (
            "A reading speaks for two and a half of the intervals that are stated for its "
            "sensor, in the settings, the registry or by its model, and of 12 min where nobody "
            "states one; which it was stands in the table of sensors. After that nobody knows "
            "until the next one. Such time is told by itself, and is never counted as well or as "
            "unwell: at worst all of it is out of range, at best none. Where only some of several "
            "sensors told, of which any counts, it is known in part."
        ),
    ),
    (
        "Excursions",
        (
            "are as long as anything may have been out of range: a gap does not end them, "
            "only a value that is well does. Their time is given to whoever had custody then; "
            "before a handover is confirmed, to the one before."
        ),
    ),
    (
        "Corrections.",
        (
            "Values are as corrected by the calibrations that are stated of each sensor; the "
            "readings themselves are kept as they came."
        ),
    ),
    (
        "The digest",
        (
            "is the SHA-256 of all that this report is made of, as canonical JSON, with the "
            "moment at which it was made. Whoever has the gateway can make this document again "
            "from that, byte by byte, and see that neither was changed. The digest of the figures "
            "is of what the verdict says alone: two reports with the same figures have the same."
        ),
    ),
)
"""What is said of how figures are made: bold words, and how they go on."""


def criteria(report: Report, _times: Times) -> Iterator[Flowable]:
    """Yield the criteria and the rules of the profile, with where they come from."""
    profile = report.profile
    yield from section("Criteria and rules")
    yield bold_first(str(profile.get("title", "")), report.verdict.version, SPACED)
    basis, measures = profile.get("basis", ""), profile.get("measures", "")
    source = f"{profile.get('source', '')} ({basis}). Its limits are limits of the {measures}."
    yield bold_first("Source:", source, SPACED)
    for one in report.verdict.reasons:
        yield bold_first(
            f"{report.verdict.proposal.capitalize()} was proposed:", minus(one), SPACED
        )
    given = profile.get("criteria", {})
    for name, what in (("reject", "Lost by an alert of:"), ("accept", "Not held by an alert of:")):
        if given.get(name):
            yield bold_first(what, ", ".join(given[name]), SPACED)
    if given.get("unknown"):
        yield bold_first("Not known at most:", str(given["unknown"]), SPACED)
    ranges = [
        [
            channel_words(one["channel"]),
            *(with_unit(one.get(key), unit_of(one["channel"])) for key in ("low", "aim", "high")),
        ]
        for one in profile.get("ranges", ())
    ]
    if ranges:
        columns = [
            *(Column("Channel", 40), Column("Lowest", 20, number=True)),
            *(Column("Aim", 20, number=True), Column("Highest", 20, number=True)),
        ]
        yield table(columns, ranges)
    if report.rules:
        columns = [
            *(Column("Rule", 24), Column("Severity", 9), Column("Alerts when", 34)),
            *(Column("Which sensor counts", 11), Column("What to do", 26)),
        ]
        yield table(
            columns,
            [
                [
                    f"{one.name}\n{one.version}",
                    one.severity,
                    minus(one.limit),
                    one.counts,
                    one.note or NONE,
                ]
                for one in report.rules
            ],
        )
    if profile.get("instructions"):
        yield bold_first("Instructions:", str(profile["instructions"]), SPACED)


def methods(version: Version, times: Times) -> Iterator[Flowable]:
    """Yield how the figures are made, and what identifies this report."""
    report = version.report
    yield from section("How this report is made")
    for name, text in METHODS:
        yield bold_first(name, text, SPACED)
    yield bold_first(
        "Made",
        f"{times.second(report.made)} by Holdwatch {report.software} on {report.box}, of what had "
        f"arrived up to position {report.head:,} of its journal. {times.note}.",
        SPACED,
    )
    for one in report.earlier:
        decision = one.decision
        reason = f": {decision.reason}" if decision.reason else ""
        yield bold_first(
            f"Version {one.version}",
            f"was {WORDS[decision.meaning]} by {decision.name} ({decision.login}) "
            f"{times.second(decision.at)}{reason}. Its digest begins with "
            f"{short(decision.digest)}.",
            SPACED,
        )
    yield Spacer(0, 2)
    yield bold_first("Digest of this report:", "", BODY)
    yield paragraph(version.digest, MONOSPACED)
    yield bold_first("Digest of its figures:", "", BODY)
    yield paragraph(version.substance, MONOSPACED)
