"""When a backup is due by the clock on the wall, and which ones are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.backup.schedule import Kept, due, kept, newest, too_many
from gateway.settings import SettingsError, parse
from gateway.settings.backup import Backup
from rules.duration import DAY, HOUR
from tests.gateway.parts import NOW

KEY = "age1qvw5d5n8afx40254j8t582akcgwlltww46348pzrpf2muvhsw4cq07522j"


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def _section(**said: Any) -> Backup:  # noqa: ANN401 - fields of a section
    return Backup(folder=Path("/b"), **said)


@pytest.mark.parametrize(
    ("said", "last", "next_"),
    [
        ({}, "2026-03-01 10:00", "2026-03-02 10:00"),
        ({"every": "6 h"}, "2026-03-01 10:00", "2026-03-01 16:00"),
        ({"at": "02:00"}, "2026-03-01 00:59", "2026-03-01 01:00"),
        ({"at": "02:00"}, "2026-03-01 01:00", "2026-03-02 01:00"),
        # In Berlin there is no 02:30 on 29 March, and there are two on 25 October.
        ({"at": "02:30"}, "2026-03-28 12:00", "2026-03-29 01:30"),
        ({"at": "02:30"}, "2026-03-29 01:30", "2026-03-30 00:30"),
        ({"at": "02:30"}, "2026-10-24 12:00", "2026-10-25 00:30"),
        ({"at": "02:30"}, "2026-10-25 00:30", "2026-10-26 01:30"),
    ],
)
def test_the_next_one_is_due(said: dict[str, Any], last: str, next_: str) -> None:
    assert due(_section(**said), _ms(last), "Europe/Berlin") == _ms(next_)


def test_the_first_one_is_due_at_once() -> None:
    assert due(_section(at="02:00"), None, "UTC") == 0


def test_the_newest_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    for name in (
        "a-20260101T000000Z",
        "a-20260103T000000Z",
        "a-20260102T000000Z",
        "b-20260101T000000Z",
    ):
        (tmp_path / f"{name}.holdwatch").write_bytes(b"123")
    (tmp_path / "a.txt").touch()
    found = kept(tmp_path, "a")
    assert [one.made for one in found] == [_ms(f"2026-01-0{day}") for day in (3, 2, 1)]
    assert {one.size for one in found} == {3}
    assert [one.path.name for one in too_many(found, 2, NOW)] == ["a-20260101T000000Z.holdwatch"]
    assert too_many(found, 3, NOW) == []


def test_two_of_one_moment_are_told_apart() -> None:
    one, other = Kept(1, Path("a"), 1), Kept(1, Path("b"), 1)
    assert len(too_many([one, other], 1, NOW)) == 1


def _parsed(text: str) -> Backup:
    section = parse(f"[backup]\n{text}").backup
    assert section is not None
    return section


def test_what_is_not_said_is_a_day_and_a_week(tmp_path: Path) -> None:
    section = _parsed(f'folder = "{tmp_path}"')
    assert (section.interval, section.at, section.keep, section.keys) == (DAY, None, 7, ())
    assert _parsed(f'folder = "b"\nevery = "6 h"\nkeys = ["{KEY}"]').interval == 6 * HOUR


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('folder = "b"\nat = "2:00"', "is no time of day"),
        ('folder = "b"\nat = "24:00"', "is no time of day"),
        ('folder = "b"\nevery = "10 min"', "copies everything again"),
        ('folder = "b"\nevery = "6 h"\nat = "02:00"', "there is every, and at too"),
        ('folder = "b"\nkeep = 0', "keep"),
        ('folder = "b"\nkeys = ["age1abc"]', "is no public key"),
        ('every = "6 h"', "folder"),
    ],
)
def test_mistakes_are_told(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        _parsed(text)


def test_a_secret_key_in_the_settings_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="this is a secret key") as found:
        _parsed('folder = "b"\nkeys = ["AGE-SECRET-KEY-1ABCDEF"]')
    assert "ABCDEF" not in str(found.value)


def test_a_folder_that_is_not_there_or_on_the_wrong_disk_is_told(tmp_path: Path) -> None:
    section = _section()
    assert "is not there (No such file" in (section.is_there() or "")
    (tmp_path / "file").touch()
    there = section.model_copy(update={"folder": tmp_path / "file"})
    assert "is no folder" in (there.is_there() or "")
    system = section.model_copy(update={"folder": Path("/"), "needs_mount": True})
    assert "the disk of / is not there" in (system.is_there() or "")
    other = section.model_copy(update={"folder": Path("/proc"), "needs_mount": True})
    assert other.is_there() is None


def test_one_from_a_clock_that_was_ahead_is_neither_the_newest_nor_kept_for_it() -> None:
    ahead, old, new = (Kept(NOW + at, Path("a"), 1) for at in (900 * DAY, -DAY, 0))
    assert newest([ahead, old, new], NOW) == new
    assert newest([ahead], NOW) is None
    assert too_many([ahead, old, new], 1, NOW) == [old, ahead]
    assert too_many([ahead, old, new], 2, NOW) == [ahead]
