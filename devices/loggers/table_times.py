"""How a table writes its times: found from all of its rows, since 03/04/2026 alone does not say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from devices.device import DecodeError
from devices.envelopes.document import EPOCH

_CLOCK = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp])?(?:\.?[Mm]\.?)?\s*(?P<offset>Z|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _CLOCK, re.ASCII
)
_YEAR_LAST = re.compile(
    r"(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _CLOCK,
    re.ASCII,
)
_EPOCH = re.compile(r"\d{9,10}(?:\d{3})?", re.ASCII)


def read_times(texts: list[tuple[int, str]]) -> list[datetime]:
    """Return the times of (line number, text), naive where the text says no offset from UTC.

    Raises DecodeError with the line, and where day and month cannot be told apart.
    """
    matches = [(line, text, _match(line, text)) for line, text in texts]
    month_first = _month_first([(line, match) for line, _, match in matches if match is not None])
    return [
        EPOCH + timedelta(milliseconds=_epoch(text))
        if match is None
        else _time(line, match, swap=month_first)
        for line, text, match in matches
    ]


def _match(line: int, text: str) -> re.Match[str] | None:
    """Return the parts of a time, None for a number of seconds or milliseconds since 1970."""
    match = _YEAR_FIRST.fullmatch(text) or _YEAR_LAST.fullmatch(text)
    if match is None and not _EPOCH.fullmatch(text):
        raise _bad_time(line, text)
    return match


def _epoch(text: str) -> int:
    return int(text) * (1 if len(text) > 10 else 1000)


def _month_first(matches: list[tuple[int, re.Match[str]]]) -> bool:
    unclear = [(line, match) for line, match in matches if match.re is _YEAR_LAST]
    # Nobody writes 5.2.2026 and means the second of May.
    unclear = [(line, match) for line, match in unclear if match["mark"] != "."]
    if not unclear:
        return False
    if any(int(match["day"]) > 12 for _, match in unclear):
        return False
    if any(int(match["month"]) > 12 for _, match in unclear):
        return True
    line, match = unclear[0]
    raise DecodeError(
        "ambiguous-date",
        f"line {line}: {match[0]!r} may be day/month or month/day, and no row tells which",
        "Export with dates such as 2026-11-22, or a period that goes beyond the 12th of a month",
    )


def _time(line: int, match: re.Match[str], *, swap: bool) -> datetime:
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if swap and match.re is _YEAR_LAST and match["mark"] != ".":
        month, day = day, month
    hour = int(match["hour"] or 0)
    half = (match["half"] or "").lower()
    if half:
        # 12 AM is midnight; 0 and 13 have no half.
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24
    try:
        return datetime(
            year + (2000 if len(match["year"]) == 2 else 0),
            month,
            day,
            hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["part"] or "").ljust(6, "0")[:6]),
            tzinfo=_offset(match["offset"]),
        )
    except ValueError:
        raise _bad_time(line, match[0]) from None


def _offset(text: str | None) -> timezone | None:
    return None if text is None else offset(text)


def offset(text: str) -> timezone:
    """Return `Z`, `+02:00` or `-0730` as a time zone. ValueError beyond a day."""
    if text == "Z":
        return UTC
    away = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-away if text[0] == "-" else away)


def _bad_time(line: int, text: str) -> DecodeError:
    return DecodeError(
        "bad-time",
        f"line {line}: {text[:40]!r} is not a time",
        "Export with times such as 2026-11-22 10:00:00, or remove the row",
    )
