"""history.db gives back every reading bit for bit, once, in order; and nothing else."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import struct
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import apsw
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.reading import (
    IMPORTED,
    OWN_CLOCK_UNTRUSTED,
    DeviceKey,
    Layout,
    Reading,
    layout,
    reading,
)
from gateway.database import DamagedFileError, DiskError, FileError
from gateway.history import DamagedHistoryError, History, HistoryReader
from gateway.history.damage import asking
from gateway.history.writer import FEW, LONG
from gateway.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TEMPERATURE = layout(("temperature",))
CLIMATE = layout(("battery", "humidity", "temperature"))
KITCHEN, CELLAR = DeviceKey("acme", "kitchen"), DeviceKey("acme", "cellar")
MIDNIGHT = 1_760_054_400_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EVER = 1 << 62


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path) as opened:
        yield opened


@contextmanager
def open_history(folder: Path) -> Iterator[History]:
    opened = History(folder / "history.db")
    try:
        yield opened
    finally:
        opened.close()


def one(  # noqa: PLR0917 - short, because the tests are tables of it
    at: int,
    value: float = 4.0,
    device: DeviceKey = KITCHEN,
    sequence: int | None = None,
    received: int | None = None,
    shape: Layout = TEMPERATURE,
) -> Reading:
    return reading(
        device=device,
        at=at,
        received=at + 250 if received is None else received,
        layout=shape,
        values=(value,) * len(shape.channels),
        sequence=sequence,
        source="mqtt:main",
    )


def add(history: History, readings: Sequence[Reading], cursor: int = 1) -> None:
    history.gather(readings)
    history.stage_gathered(cursor)
    history.commit()


def minutes(count: int, start: int = MIDNIGHT) -> list[Reading]:
    return [one(start + i * MINUTE, round(4 + i % 17 / 10, 1)) for i in range(count)]


def bits(readings: Sequence[Reading]) -> list[tuple[object, ...]]:
    """Everything of a reading, to the last bit: NaN equals itself, and -0.0 is not 0.0."""
    return [
        (
            *(one.device, one.at, one.received, one.layout.channels, one.flags, one.identity),
            struct.pack(f"<{len(one.values)}d", *one.values),
            one.source,
        )
        for one in readings
    ]


def expected(readings: Sequence[Reading], device: DeviceKey) -> list[tuple[object, ...]]:
    stored: dict[tuple[object, ...], Reading] = {}
    for it in readings:
        if it.device == device:
            stored.setdefault((it.layout.channels, it.when // DAY, it.at, it.identity), it)
    once: dict[tuple[object, ...], Reading] = {}
    for it in sorted(stored.values(), key=lambda it: (it.when, it.identity, it.at, it.received)):
        once.setdefault((it.at, it.identity), it)
    return bits(list(once.values()))


def as_the_journal_gives(batches: Sequence[Sequence[Reading]]) -> list[list[Reading]]:
    """Leave out what the journal never gives: one moment and number of a device, said otherwise."""
    shapes: dict[tuple[object, ...], Layout] = {}
    return [
        [
            it
            for it in batch
            if shapes.setdefault((it.device, it.at, it.identity), it.layout) is it.layout
        ]
        for batch in batches
    ]


VALUES = st.one_of(
    st.floats(width=64),
    st.sampled_from([math.nan, math.inf, -0.0, 0.0, 5e-324, 1e300, 0.1 + 0.2]),
    st.decimals(-400, 400, places=2, allow_nan=False).map(float),
    st.integers(-(10**15), 10**15).map(float),
)
TIMES = st.one_of(
    st.integers(MIDNIGHT, MIDNIGHT + 2 * DAY),
    st.integers(0, 50).map(lambda i: MIDNIGHT + i * MINUTE),
    st.integers(-(10**14), 10**14),
)


@st.composite
def any_reading(draw: st.DrawFn) -> Reading:
    shape = draw(st.sampled_from([TEMPERATURE, CLIMATE, layout(("door", "latitude", "longitude"))]))
    count = len(shape.channels)
    return reading(
        device=draw(st.sampled_from([KITCHEN, CELLAR])),
        at=draw(st.one_of(st.none(), TIMES)),
        received=draw(TIMES),
        layout=shape,
        values=tuple(draw(st.lists(VALUES, min_size=count, max_size=count))),
        sequence=draw(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))),
        flags=draw(st.sampled_from([0, IMPORTED, OWN_CLOCK_UNTRUSTED])),
        source=draw(st.sampled_from(["mqtt:main", "import:a.txt", ""])),
    )


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(any_reading(), max_size=30), min_size=1, max_size=5), st.data())
def test_whatever_is_given_comes_back_bit_for_bit_once_and_in_order(
    batches: list[list[Reading]], data: st.DataObject
) -> None:
    given_so_far: list[Reading] = []
    with TemporaryDirectory() as folder, open_history(Path(folder)) as history:
        for cursor, batch in enumerate(as_the_journal_gives(batches), 1):
            again = (
                data.draw(st.lists(st.sampled_from(given_so_far), max_size=5))
                if given_so_far
                else []
            )
            add(history, [*batch, *again], cursor)
            given_so_far += batch
        for device in (KITCHEN, CELLAR):
            assert bits(history.read(device, -EVER, EVER)) == expected(given_so_far, device)


@settings(deadline=None, max_examples=40)
@given(st.lists(VALUES, min_size=FEW, max_size=200), st.integers(0, 3))
def test_a_packed_column_keeps_every_bit_of_values_that_are_mostly_tidy(
    odd: list[float], spread: int
) -> None:
    values = [
        odd[i // 40] if i % 40 == spread else round(i % 90 / 7, 2) for i in range(len(odd) * 40)
    ]
    readings = [one(MIDNIGHT + i * 1000, value, sequence=i) for i, value in enumerate(values)]
    with TemporaryDirectory() as folder, open_history(Path(folder)) as history:
        add(history, readings)
        assert bits(history.read(KITCHEN, 0, EVER)) == bits(readings)


@pytest.mark.parametrize("batch", [1, 2, FEW - 1, FEW, 50, 100, 500])
def test_batches_of_any_size_make_the_same_history(history: History, batch: int) -> None:
    readings = minutes(1500)
    for begin in range(0, len(readings), batch):
        add(history, readings[begin : begin + batch], begin)
    assert history.read(KITCHEN, 0, EVER) == readings


def test_a_day_longer_than_a_block_is_several_blocks(history: History) -> None:
    readings = [one(MIDNIGHT + i * 1000, float(i % 7)) for i in range(2 * LONG + 5)]
    add(history, readings)
    assert history.read(KITCHEN, 0, EVER) == readings
    assert history._connection.execute("SELECT n FROM block").fetchall() == [(LONG,), (LONG,), (5,)]


@pytest.mark.parametrize("count", [3, 40, 300])
def test_what_is_given_again_is_absorbed(history: History, count: int) -> None:
    readings = minutes(count)
    add(history, readings, 1)
    add(history, readings, 2)
    add(history, list(reversed(readings)) + readings[:2], 3)
    assert history.read(KITCHEN, 0, EVER) == readings
    assert history.days(KITCHEN, 0, EVER)[0].readings == count
    assert history.cursor == 3


def test_what_is_given_again_after_a_restart_is_absorbed(tmp_path: Path) -> None:
    readings = minutes(300)
    for batch in (readings[:5], readings[:200], readings):
        with open_history(tmp_path) as history:
            add(history, batch)
    with open_history(tmp_path) as history:
        assert history.read(KITCHEN, 0, EVER) == readings


def test_a_redelivery_keeps_the_first_time_of_arrival(history: History) -> None:
    add(history, [one(MIDNIGHT, received=MIDNIGHT + 10), one(MIDNIGHT, received=MIDNIGHT + 90)])
    add(history, [one(MIDNIGHT, received=MIDNIGHT + 500)])
    assert [it.received for it in history.read(KITCHEN, 0, EVER)] == [MIDNIGHT + 10]


def test_late_readings_take_their_place_among_the_others(history: History) -> None:
    readings = minutes(600)
    add(history, readings[::2])
    add(history, readings[-100:])
    add(history, readings[1:401:2])
    add(history, readings[1::2])
    assert history.read(KITCHEN, 0, EVER) == readings


def test_two_readings_of_one_moment_with_different_values_are_both_kept(history: History) -> None:
    both = [one(MIDNIGHT, 4.0), one(MIDNIGHT, 5.0)]
    add(history, both[:1])
    add(history, both)
    assert sorted(it.values for it in history.read(KITCHEN, 0, EVER)) == [(4.0,), (5.0,)]


def test_layouts_of_one_device_are_merged_in_order_of_time(history: History) -> None:
    door = layout(("door",))
    readings = [
        one(MIDNIGHT + i * MINUTE, float(i % 2), shape=(TEMPERATURE, door)[i % 2])
        for i in range(40)
    ]
    add(history, readings)
    assert history.read(KITCHEN, 0, EVER) == readings


def test_a_span_includes_its_start_and_not_its_end(history: History) -> None:
    readings = minutes(10)
    add(history, readings)
    assert history.read(KITCHEN, readings[2].at, readings[5].at) == readings[2:5]


def test_a_reading_with_a_wrong_clock_is_found_when_it_was_heard(history: History) -> None:
    wrong = one(1000, received=MIDNIGHT + HOUR)
    add(history, [wrong, *minutes(5)])
    add(history, [wrong])
    assert history.read(KITCHEN, MIDNIGHT + HOUR, MIDNIGHT + HOUR + 1) == [wrong]
    assert len(history.read(KITCHEN, 0, EVER)) == 6


def test_the_cursor_moves_only_with_the_commit(tmp_path: Path) -> None:
    with open_history(tmp_path) as history:
        add(history, minutes(10), 10)
        history.gather(minutes(20))
        history.stage_gathered(20)
        assert history.cursor == 10
        # What a crash leaves: the file as it is on the disk, without our closing it.
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for file in tmp_path.glob("history.db*"):
            shutil.copy(file, crashed)
    with open_history(crashed) as history:
        assert history.cursor == 10
        assert history.read(KITCHEN, 0, EVER) == minutes(10)
        add(history, minutes(20), 20)
        assert history.read(KITCHEN, 0, EVER) == minutes(20)


def test_after_a_rollback_the_same_can_be_given_again(history: History) -> None:
    add(history, minutes(5), 5)
    history.gather([*minutes(30), one(MIDNIGHT, device=CELLAR)])
    history.stage_gathered(30)
    history.rollback()
    assert history.cursor == 5
    assert history.devices() == [KITCHEN]
    add(history, [*minutes(30), one(MIDNIGHT, device=CELLAR)], 30)
    assert history.read(KITCHEN, 0, EVER) == minutes(30)
    assert len(history.read(CELLAR, 0, EVER)) == 1


def test_an_empty_batch_moves_the_cursor(history: History) -> None:
    add(history, [], 7)
    assert history.cursor == 7


def test_pruning_takes_whole_days_only(history: History) -> None:
    readings = [one(MIDNIGHT + i * HOUR) for i in range(72)]
    add(history, readings)
    assert history.prune(MIDNIGHT + DAY + 12 * HOUR) == 24
    assert history.read(KITCHEN, 0, EVER) == readings[24:]
    assert history.prune(MIDNIGHT + DAY) == 0
    add(history, readings[70:])
    assert history.read(KITCHEN, 0, EVER) == readings[24:]


def test_days_tell_of_usable_values_alone(history: History) -> None:
    values = [4.0, 6.5, math.nan, 999.0, 3.5] + [5.0] * FEW
    add(history, [one(MIDNIGHT + i * HOUR, value) for i, value in enumerate(values)])
    add(history, [one(MIDNIGHT + i * HOUR + 1, 8.0) for i in range(24, 26)])
    first, second = history.days(KITCHEN, 0, EVER)
    temperature = first.channels["temperature"]
    assert (first.readings, temperature.usable) == (len(values), len(values) - 2)
    assert (temperature.lowest, temperature.highest) == (3.5, 6.5)
    assert temperature.mean == pytest.approx(sum([4, 6.5, 3.5] + [5] * FEW) / (len(values) - 2))
    assert (second.midnight, second.readings) == (MIDNIGHT + DAY, 2)
    assert second.channels["temperature"].mean == 8.0


def test_a_series_is_one_channel_of_all_layouts_by_time(history: History) -> None:
    readings = [
        *(one(MIDNIGHT + i * MINUTE, float(i)) for i in range(0, 40, 2)),
        *(one(MIDNIGHT + i * MINUTE, float(i), shape=CLIMATE) for i in range(1, 40, 2)),
        one(MIDNIGHT + 40 * MINUTE, 999.0),
        one(MIDNIGHT + 41 * MINUTE, 1.0, shape=layout(("door",))),
    ]
    add(history, readings)
    series = history.series(KITCHEN, "temperature", MIDNIGHT + MINUTE, EVER)
    assert series.values.tolist() == [*map(float, range(1, 40)), 999.0]
    assert series.when.tolist() == [MIDNIGHT + i * MINUTE for i in range(1, 41)]
    assert np.flatnonzero(~series.usable).tolist() == [39]
    assert len(history.series(KITCHEN, "pressure", 0, EVER).when) == 0


def test_the_span_and_the_devices(history: History) -> None:
    assert history.span(KITCHEN) is None
    add(history, [one(MIDNIGHT + i * 9 * HOUR) for i in range(10)])
    add(history, [one(MIDNIGHT, device=CELLAR)])
    assert history.span(KITCHEN) == (MIDNIGHT, MIDNIGHT + 81 * HOUR)
    assert history.devices() == [CELLAR, KITCHEN]


def test_who_may_not_see_an_owner_sees_nothing_of_it(history: History) -> None:
    add(history, minutes(3))
    nobody = Scope(frozenset({"other"}))
    assert history.devices(nobody) == []
    assert history.read(KITCHEN, 0, EVER, nobody) == []
    assert history.span(KITCHEN, nobody) is None


@pytest.mark.parametrize("count", [3, 200])
@pytest.mark.parametrize("place", [0, 1, 12, -1])
def test_a_damaged_block_is_named_and_the_others_stay_readable(
    history: History, count: int, place: int
) -> None:
    add(history, [*minutes(count), *minutes(count, MIDNIGHT + DAY)])
    (data,) = (
        history._connection.execute("SELECT data FROM block WHERE day=?", (MIDNIGHT // DAY,)).get,
    )
    spoilt = bytearray(data)
    spoilt[place] ^= 0x40
    history._connection.execute(
        "UPDATE block SET data=? WHERE day=?", (bytes(spoilt), MIDNIGHT // DAY)
    )
    with pytest.raises(DamagedHistoryError, match=r"acme/kitchen on 2025-10-10 \(UTC\)"):
        history.read(KITCHEN, 0, EVER)
    assert history.read(KITCHEN, MIDNIGHT + DAY, EVER) == minutes(count, MIDNIGHT + DAY)


def test_a_damaged_block_does_not_stop_new_readings(history: History) -> None:
    add(history, minutes(20))
    history._connection.execute("UPDATE block SET data=x'0102'")
    late = one(MIDNIGHT + 30_000)
    add(history, [late, *minutes(40)[20:]])
    assert history._connection.execute("SELECT data FROM block WHERE part=0").get == b"\x01\x02"
    assert history.series(KITCHEN, "temperature", MIDNIGHT + 30 * MINUTE, EVER).when.size == 10


def ask_everything(
    reader: HistoryReader | History, device: DeviceKey
) -> Iterator[Callable[[], object]]:
    yield reader.devices
    yield partial(reader.days, device, 0, EVER)
    yield partial(reader.read, device, 0, EVER)
    yield partial(reader.series, device, "temperature", 0, EVER)
    yield partial(reader.span, device)


@pytest.mark.parametrize("length", [512, 4096])
def test_whatever_part_of_the_file_is_overwritten_is_told_in_our_words(
    tmp_path: Path, length: int
) -> None:
    with open_history(tmp_path) as history:
        for name in "abc":
            add(history, [one(MIDNIGHT, i * 1.7, DeviceKey("acme", name), i) for i in range(900)])
        path = history.path
    whole = path.read_bytes()
    told = 0
    for place in range(0, len(whole), length):
        noise = Random(place).randbytes(length)  # noqa: S311 - the same noise each time
        path.write_bytes(whole[:place] + noise + whole[place + length :])
        try:
            with open_history(tmp_path) as history, history.opened() as reader:
                for question in ask_everything(reader, DeviceKey("acme", "b")):
                    try:
                        question()
                    except FileError:
                        told += 1
        except FileError:
            told += 1
    assert told > 5


@pytest.mark.parametrize(
    ("problem", "device", "told"),
    [
        (apsw.IOError, KITCHEN, DiskError),
        (apsw.IOError, None, DiskError),
        (apsw.BusyError, KITCHEN, DiskError),
        (apsw.CorruptError, KITCHEN, DamagedHistoryError),
        (apsw.CorruptError, None, DamagedFileError),
        (apsw.NotADBError, None, DamagedFileError),
    ],
)
def test_what_sqlite_says_of_the_disk_is_told_in_our_words(
    problem: type[Exception], device: DeviceKey | None, told: type[Exception]
) -> None:
    with pytest.raises(told, match=r"history\.db"), asking(Path("history.db"), device):
        raise problem("of this")


def test_a_file_that_is_gone_is_told_in_our_words(history: History) -> None:
    add(history, minutes(20))
    history.path.rename(history.path.with_suffix(".away"))
    for question in ask_everything(history, KITCHEN):
        with pytest.raises(DiskError, match="history"):
            question()


async def test_one_reader_answers_many_questions_on_any_thread(history: History) -> None:
    add(history, minutes(10))
    with history.opened() as reader:
        assert await asyncio.to_thread(reader.devices) == [KITCHEN]
        assert await asyncio.to_thread(reader.read, KITCHEN, 0, EVER) == minutes(10)
        add(history, minutes(20))
        assert reader.read(KITCHEN, 0, EVER) == minutes(20), "each question sees what is there"


def test_a_reader_that_met_damage_keeps_no_read_open(history: History) -> None:
    add(history, [*minutes(200), *minutes(200, MIDNIGHT + DAY)])
    history._connection.execute("UPDATE block SET data=x'0102' WHERE day=?", (MIDNIGHT // DAY,))
    with history.opened() as reader:
        with pytest.raises(DamagedHistoryError) as kept:
            reader.read(KITCHEN, 0, EVER)
        add(history, [one(MIDNIGHT + 2 * DAY)])
        assert history._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get[0] == 0
        assert reader.read(KITCHEN, MIDNIGHT + 2 * DAY, EVER) == [one(MIDNIGHT + 2 * DAY)]
        assert kept.value.path == history.path


def test_another_connection_that_only_reads_sees_what_is_committed(history: History) -> None:
    add(history, minutes(10))
    history.gather(minutes(20))
    history.stage_gathered(20)
    connection = apsw.Connection(str(history.path), flags=apsw.SQLITE_OPEN_READONLY)
    assert HistoryReader(history.path, connection).read(KITCHEN, 0, EVER) == minutes(10)
    connection.close()


def vectors() -> Path:
    root = Path(__file__).parents[2]
    return Path(os.environ.get("HOLDWATCH_TEST_VECTORS") or root / "../shared/vectors")


def test_a_real_refrigerators_month_takes_less_than_two_bytes_a_value(history: History) -> None:
    file = vectors() / "loggers" / "fridgetag-2l_130500109088.txt"
    if not file.exists():
        pytest.skip("the test vectors are not here: set HOLDWATCH_TEST_VECTORS")
    rows = [line.split("\t") for line in file.read_text().splitlines() if line.startswith("\t20")]
    readings = [
        reading(
            device=KITCHEN,
            at=int(datetime.fromisoformat(row[1]).replace(tzinfo=UTC).timestamp()) * 1000,
            received=MIDNIGHT,
            layout=TEMPERATURE,
            values=(float(row[2]),),
            sequence=None,
            flags=IMPORTED,
        )
        for row in rows
    ]
    add(history, readings)
    assert bits(history.read(KITCHEN, 0, EVER)) == expected(readings, KITCHEN)
    stored = history._connection.execute("SELECT sum(length(data)+length(summary)) FROM block").get
    assert stored / len(readings) < 2
