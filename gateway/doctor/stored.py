"""What must be there when it is needed: backups, and codecs that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.codecs.folder import CodecFolder
from gateway.doctor.case import Case, Finding, advice, ok, problem
from rules.duration import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = 8 * DAY
"""ms after which a backup says little."""


def backup(case: Case) -> Iterator[Finding]:
    """Look when a backup was made last."""
    if case.settings.backup is None:
        yield advice(
            "no backups are made: a broken SD card takes all of it",
            "Add a [backup] section with a folder on another disk: see docs/backup.md",
        )
        return
    known = case.running["backup"] if case.running is not None else None
    if known is None:
        return
    if known["problem"]:
        yield problem(f"backups fail: {known['problem']}", "Then: holdwatch backup")
    elif known["last"] is None:
        yield advice("no backup was made yet", "holdwatch backup")
    elif case.now - known["last"] > max(OLD, case.now - known["next"] + OLD):
        yield problem("the last backup is old", "holdwatch backup")
    else:
        yield ok(f"the last backup is {(case.now - known['last']) // DAY} days old")


def codecs(case: Case) -> Iterator[Finding]:
    """Look whether vendors' codecs can be read, and run."""
    folder = CodecFolder(
        case.settings.codec_folder, expected=case.settings.codecs.folder is not None
    )
    for one in folder.problems:
        yield problem(one, "holdwatch check says more")
    if case.running is not None and case.running["codecs"]["problem"]:
        yield problem(case.running["codecs"]["problem"], "holdwatch check says more")
    if folder.codecs and not folder.problems:
        yield ok(f"codecs of vendors can be read: {', '.join(sorted(folder.codecs))}")
