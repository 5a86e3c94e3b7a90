"""A past in pages, from the history and the journal behind it: nothing twice, nothing lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from devices.reading import ARRIVAL, RETAINED, DeviceKey, Reading, reading
from gateway.history import History
from gateway.journal import Journal
from gateway.registry.cards import Calibration, Maintenance
from gateway.state import State
from gateway.web.api import past
from gateway.web.files import Files
from tests.gateway.parts import CLIMATE, NOW, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Fill = Callable[[list[Reading], list[Reading]], Files]

DEVICE = DeviceKey("", "d-1")
DAY = 86_400_000
MIDNIGHT = NOW // DAY * DAY
MINUTE = 60_000


@pytest.fixture
def fill(tmp_path: Path) -> Iterator[Fill]:
    """Return what stores readings, the first ones in the history too, and opens the files."""
    opened: list[Files] = []

    def store(older: list[Reading], newer: list[Reading]) -> Files:
        State(tmp_path / "state.db").close()
        journal, history = Journal(tmp_path / "journal.db"), History(tmp_path / "history.db")
        for part in (older, newer):
            journal.append(part)
            journal.commit()
            journal.publish()
            if part is older and older:
                history.gather(older)
                history.stage_gathered(journal.head)
                history.commit()
        journal.close()
        history.close()
        opened.append(Files(tmp_path))
        return opened[-1]

    yield store
    for one in opened:
        one.close()


def climate(at: int, humidity: float, temperature: float, device: str = "d-1") -> Reading:
    return reading(
        device=DeviceKey("", device),
        at=at,
        received=at,
        layout=CLIMATE,
        values=(humidity, temperature),
        sequence=None,
    )


def all_readings(files: Files, limit: int, *channels: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        part = past.readings(files, DEVICE, channels, 0, NOW + 9 * DAY, after, limit)
        assert len(part.items) <= limit
        found += part.items
        if part.following is None:
            return found
        assert isinstance(part.following, tuple)
        after = part.following


def all_summaries(files: Files, width: int, limit: int, *channels: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start = 0
    while True:
        part = past.summaries(files, DEVICE, channels, start, NOW + 9 * DAY, width, limit)
        assert len(part.items) <= limit
        found += part.items
        if part.following is None:
            return found
        assert isinstance(part.following, int)
        start = part.following


@pytest.mark.parametrize("piece", [1, 1_000])
@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_readings_of_both_files_come_in_order_each_once(
    fill: Fill, limit: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "PIECE", piece)
    older = [said(at=NOW + i * 7 * 3_600_000, value=i) for i in range(20)]
    late = [said(at=NOW + i * 11 * 3_600_000 + 1, value=100 + i) for i in range(5)]
    again = [older[3], older[4]]
    found = all_readings(fill(older, late + again), limit)
    assert [one["when"] for one in found] == sorted(one.when for one in older + late)


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_readings_of_one_moment_are_told_apart_over_pages(fill: Fill, limit: int) -> None:
    same = [said(at=NOW, value=1.0, sequence=number) for number in range(5)]
    assert len(all_readings(fill(same[:2], same[2:]), limit)) == 5


def test_a_page_that_would_read_much_ends_early(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MUCH", 2)
    older = [said(at=NOW + i * DAY // 2, value=i) for i in range(12)]
    files = fill(older, [])
    part = past.readings(files, DEVICE, (), 0, NOW + 9 * DAY, None, 100)
    assert len(part.items) < 12
    assert len(all_readings(files, 100)) == 12
    assert past.summaries(files, DEVICE, (), 0, NOW + 9 * DAY, 1_000, 100).following is not None
    assert len(all_summaries(files, 1_000, 100)) == 12


def test_only_the_channels_that_were_asked_for_are_told(fill: Fill) -> None:
    files = fill([climate(NOW, 40, 4)], [said(at=NOW + 1, value=5)])
    assert [one["values"] for one in all_readings(files, 10)] == [
        {"humidity": 40, "temperature": 4},
        {"temperature": 5},
    ]
    assert [one["values"] for one in all_readings(files, 10, "humidity")] == [{"humidity": 40}]
    summary = all_summaries(files, DAY, 10, "humidity")
    assert [list(one["channels"]) for one in summary] == [["humidity"]]


def test_a_value_that_cannot_be_true_is_none(fill: Fill) -> None:
    (one,) = all_readings(fill([climate(NOW, 400, 4)], []), 10)
    assert one["values"] == {"humidity": None, "temperature": 4}


def test_what_nobody_knows_the_time_of_is_left_out(fill: Fill) -> None:
    kept = said(at=NOW, flags=ARRIVAL | RETAINED)
    assert all_readings(fill([], [kept]), 10) == []


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("stored", [0, 50, 300])
def test_buckets_that_last_longer_than_a_day_are_whole(fill: Fill, limit: int, stored: int) -> None:
    values = [float((i * 37) % 101) for i in range(300)]
    times = [MIDNIGHT + i * 31 * MINUTE for i in range(300)]
    series = [said(at=at, value=value) for at, value in zip(times, values, strict=True)]
    width = 50 * 3_600_000
    found = all_summaries(fill(series[:stored], series[stored:]), width, limit)
    for one in found:
        mine = [v for at, v in zip(times, values, strict=True) if one["start"] <= at < one["end"]]
        assert one["channels"]["temperature"] == {
            "readings": len(mine),
            "usable": len(mine),
            "min": min(mine),
            "max": max(mine),
            "first": mine[0],
            "last": mine[-1],
            "mean": pytest.approx(sum(mine) / len(mine)),
            "flags": (),
        }
    assert sum(one["channels"]["temperature"]["readings"] for one in found) == 300


def test_a_bucket_in_which_nothing_could_be_true_has_no_values(fill: Fill) -> None:
    files = fill([said(at=MIDNIGHT - 1, value=999)], [said(at=MIDNIGHT, value=7.0)])
    night, whole = all_summaries(files, MINUTE, 10), all_summaries(files, 2 * DAY, 10)
    assert night[0]["channels"]["temperature"]["usable"] == 0
    assert night[0]["channels"]["temperature"]["max"] is None
    usable = [
        one["channels"]["temperature"] for one in whole if one["channels"]["temperature"]["usable"]
    ]
    assert [(one["min"], one["first"], one["mean"]) for one in usable] == [(7.0, 7.0, 7.0)]


@pytest.mark.parametrize("read", ["series", "summaries", "readings"])
def test_what_is_archived_while_it_is_read_comes_once(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    older = [said(at=NOW + i * MINUTE, value=i) for i in range(3)]
    newer = [said(at=NOW + i * MINUTE, value=i) for i in range(3, 8)]
    files = fill(older, newer)
    with closing(History(tmp_path / "history.db")) as history:
        archive_before_reading(files, history, newer, monkeypatch)
        if read == "series":
            when = files.series(DEVICE, "temperature", 0, NOW + DAY).when.tolist()
            assert when == [one.when for one in older + newer]
        elif read == "readings":
            assert len(all_readings(files, 100)) == 8
        else:
            (whole,) = all_summaries(files, 2 * DAY, 10)
            assert whole["channels"]["temperature"]["readings"] == 8
        assert history.cursor == files.journal.head


def archive_before_reading(
    files: Files, history: History, newer: list[Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the archivist be done just before the history is read."""
    for name in ("series", "read"):
        read = getattr(files.history, name)

        def late(*asked: Any, read: Any = read) -> Any:  # noqa: ANN401 - passed on as it is
            if history.cursor < files.journal.head:
                history.gather(newer)
                history.stage_gathered(files.journal.head)
                history.commit()
            return read(*asked)

        monkeypatch.setattr(files.history, name, late)


def test_two_readings_of_one_moment_are_both_counted_wherever_they_lie(fill: Fill) -> None:
    same = [said(at=NOW, value=1.0, sequence=number) for number in range(5)]
    (day,) = all_summaries(fill(same[:2], same[2:]), 2 * DAY, 10)
    assert day["channels"]["temperature"]["readings"] == 5


def test_a_calibration_that_has_expired_is_no_maintenance(fill: Fill) -> None:
    files = fill([], [climate(NOW, 60.0, 4.5)])
    corrections = files.registry.corrections
    expired = Calibration(
        since=NOW - DAY, channel="temperature", offset=0.0, certificate="K-1", expires=NOW - 1
    )
    corrections.state(DEVICE, [expired], [])
    (told,) = all_readings(files, 9)
    assert (told["flags"], told["raw"]) == ((), {})
    corrections.state(DEVICE, [], [Maintenance(since=NOW, until=NOW + 1, reason="", who="")])
    (told,) = all_readings(files, 9)
    assert told["flags"] == ("maintenance",)


def test_other_devices_are_not_mixed_in(fill: Fill) -> None:
    files = fill([climate(NOW, 1, 1, "d-2")], [climate(NOW, 2, 2, "d-3")])
    assert all_readings(files, 10) == []
    assert all_summaries(files, DAY, 10) == []
