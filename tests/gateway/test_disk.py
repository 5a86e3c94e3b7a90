"""The disk: room is told, and the ballast is kept, given up and loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.disk import Disk

MB = 10**6


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The free room of the disk; a list, so that a test can change it."""
    left = [1000 * MB]
    monkeypatch.setattr(Disk, "free", lambda _self: left[0])
    return left


def disk(folder: Path, *, ballast: int = 4 * MB, minimum_free: int = 64 * MB) -> Disk:
    return Disk(folder, ballast=ballast, minimum_free=minimum_free)


def test_the_free_room_is_that_of_the_folders_disk(tmp_path: Path) -> None:
    assert disk(tmp_path).free() > 0


def test_what_takes_how_much_is_told_with_what_belongs_to_each_file(tmp_path: Path) -> None:
    for name, size in {"journal.db": 40_000, "journal.db-wal": 20_000, "state.db": 4_096}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    sizes = disk(tmp_path).sizes()
    assert sizes["journal"] >= 60_000
    assert sizes["state"] >= 4_096
    assert sizes["history"] == sizes["ballast"] == 0


@pytest.mark.parametrize(("free", "loaded"), [(68 * MB, True), (68 * MB - 1, False)])
def test_ballast_is_loaded_only_where_enough_room_stays(
    tmp_path: Path, room: list[int], free: int, *, loaded: bool
) -> None:
    room[0] = free
    disk(tmp_path).load_ballast()
    assert (tmp_path / "ballast").exists() == loaded


def test_ballast_takes_real_room_is_private_and_can_be_given_up_and_loaded_again(
    tmp_path: Path, room: list[int]
) -> None:
    one = disk(tmp_path)
    one.load_ballast()
    status = (tmp_path / "ballast").stat()
    assert status.st_size == 4 * MB
    assert status.st_blocks * 512 >= 4 * MB, "not a file of holes"
    assert status.st_mode & 0o777 == 0o600
    one.drop_ballast()
    one.drop_ballast()
    assert not (tmp_path / "ballast").exists()
    room[0] = 900 * MB
    one.load_ballast()
    assert (tmp_path / "ballast").stat().st_size == 4 * MB


def test_half_a_ballast_is_filled_up(tmp_path: Path) -> None:
    (tmp_path / "ballast").write_bytes(b"\0" * 1000)
    disk(tmp_path).load_ballast()
    assert (tmp_path / "ballast").stat().st_size == 4 * MB


def test_a_disk_that_takes_no_ballast_does_without(tmp_path: Path, room: list[int]) -> None:
    assert room
    disk(tmp_path / "gone").load_ballast()
    assert not (tmp_path / "gone").exists()
