"""What takes a while is read in pages, and what is damaged does not hold up the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices.reading import DeviceKey
from gateway.history import DamagedHistoryError
from gateway.web import files
from gateway.web.files import Archive, Files
from tests.gateway.parts import NOW, said
from tests.gateway.web.told import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.reading import Reading

DEVICES = [DeviceKey("", f"d-{number}") for number in range(7)]


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    told = Told(tmp_path)
    told.journal.append([said(at=NOW + number, value=number) for number in range(10)])
    await told.journal.commit_aside()
    made = Archive(tmp_path)
    yield made
    made.close()
    told.close()


async def test_devices_are_looked_up_a_few_at_a_time_without_the_damaged(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "DEVICES", 3)

    def look(_files: Files, device: DeviceKey) -> str | None:
        if device == DEVICES[1]:
            raise DamagedHistoryError(tmp_path, "a block is damaged", "Restore it")
        return None if device == DEVICES[4] else device.id

    pages = [page async for page in archive.of_each(DEVICES, look)]
    assert [[found for _, found in page] for page in pages] == [
        ["d-0", "d-2"],
        ["d-3", "d-5"],
        ["d-6"],
    ]


async def test_what_the_history_has_not_is_read_in_pages(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PAGE", 4)

    def times(readings: Sequence[Reading]) -> list[int]:
        return [one.when - NOW for one in readings]

    assert [page async for page in archive.newer(times)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
