"""The inspector: it counts what there is to remark, and lists what never came."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.model import Model
from devices.reading import ARRIVAL, DeviceKey, Reading, layout, reading
from gateway.database import DiskError
from gateway.inspector import Inspector
from gateway.journal import Journal
from gateway.ledger import MOST, Gap, Ledger
from gateway.pace import Pace
from gateway.quality_store import missing_of, quality_of
from gateway.state import State
from rules.duration import DAY, HOUR, MINUTE
from tests.gateway.parts import NOW, ToldClock, said

D1 = DeviceKey("", "d-1")


class Bench:
    """A journal that is followed by an inspector alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.models: dict[DeviceKey, Model] = {}
        self.maintained: tuple[int, int] = (0, 0)
        self.opened = False
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.folder / "journal.db")
        self.state = State(self.folder / "state.db")
        self.opened = True
        self.inspector = Inspector(
            self.state,
            self.journal,
            self.clock,
            Pace(lambda: self.journal.head),
            model=self.models.get,
            maintained=lambda _, when: self.maintained[0] <= when < self.maintained[1],
            linger=0.0,
        )

    def close(self) -> None:
        if self.opened:
            self.journal.close()
            self.state.close()
        self.opened = False

    async def crash(self) -> None:
        self.close()
        self.start()
        await self.catch_up()

    async def take(self, *readings: Reading) -> None:
        self.journal.append(readings)
        self.journal.commit()
        self.journal.publish()
        await self.catch_up()

    async def catch_up(self) -> None:
        while self.inspector.cursor != self.journal.head:
            batch = self.journal.read(self.inspector.cursor, 50)
            await self.inspector.handle(batch.readings, batch.cursor)

    def totals(self) -> dict[str, int]:
        found = self.inspector.of(D1)
        return {} if found is None else {name: one.total for name, one in found.remarks.items()}

    def gaps(self) -> list[tuple[int, int]]:
        return [(gap.first, gap.last) for gap in self.inspector.missing(D1)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def numbered(*numbers: int, received: int | None = None) -> list[Reading]:
    """Return one reading a minute, by its number: 100 is that of NOW."""
    return [
        said(at=NOW + (n - 100) * MINUTE, value=4 + n % 7 / 10, sequence=n, received=received)
        for n in numbers
    ]


async def counted(bench: Bench) -> None:
    """Let it be known that the device counts its messages."""
    await bench.take(*numbered(*range(90, 101)))


async def test_each_remark_is_counted_with_its_last_words(bench: Bench) -> None:
    await bench.take(
        said(at=NOW, value=4.0),
        said(at=NOW + MINUTE, value=math.nan),
        said(at=NOW + 2 * MINUTE, value=-300.0),
        said(at=NOW + 3 * MINUTE, value=-299.0),
    )
    found = bench.inspector.of(D1)
    assert found is not None
    assert (found.readings, found.newest, found.sequence) == (4, NOW + 3 * MINUTE, None)
    assert bench.totals() == {"missing": 1, "out-of-range": 2}
    worst = found.remarks["out-of-range"]
    assert (worst.last, worst.channel) == (NOW + 3 * MINUTE, "temperature")
    assert "-299 °C" in worst.text


async def test_nothing_is_known_of_a_device_never_heard(bench: Bench) -> None:
    assert bench.inspector.of(D1) is None
    assert bench.inspector.missing(D1) == []


async def test_the_last_day_is_told_by_itself(bench: Bench) -> None:
    for hours in (0, 10, 30, 40):
        await bench.take(said(at=NOW + hours * HOUR, value=math.nan))
    bench.clock.passes(41 * HOUR)
    found = bench.inspector.of(D1)
    assert found is not None
    assert (found.remarks["missing"].total, found.remarks["missing"].last_day) == (4, 2)


async def test_a_stuck_sensor_is_shown_with_since_when(bench: Bench) -> None:
    await bench.take(*[said(at=NOW + n * HOUR, value=4.13) for n in range(30)])
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.frozen == {"temperature": NOW}
    await bench.take(said(at=NOW + 31 * HOUR, value=4.14))
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.frozen == {}


async def test_what_never_came_is_in_the_ledger(bench: Bench) -> None:
    await counted(bench)
    await bench.take(*numbered(104, 105, 107))
    assert bench.inspector.missing(D1) == [
        Gap(101, 103, NOW, NOW + 4 * MINUTE),
        Gap(106, 106, NOW + 5 * MINUTE, NOW + 7 * MINUTE),
    ]
    found = bench.inspector.of(D1)
    assert found is not None
    assert (found.missing, found.gaps, found.sequence) == (4, 2, 107)


@pytest.mark.parametrize(
    ("late", "left"),
    [
        ((101,), [(102, 105)]),
        ((105,), [(101, 104)]),
        ((103,), [(101, 102), (104, 105)]),
        ((103, 102), [(101, 101), (104, 105)]),
        ((101, 102, 103, 104, 105), []),
        ((105, 103, 101, 102, 104), []),
    ],
)
async def test_late_data_fills_it_in(
    bench: Bench, late: tuple[int, ...], left: list[tuple[int, int]]
) -> None:
    await counted(bench)
    await bench.take(*numbered(106))
    assert bench.gaps() == [(101, 105)]
    await bench.take(*numbered(*late, received=NOW + 7 * MINUTE))
    assert bench.gaps() == left
    await bench.inspector.save()
    assert [(one.first, one.last) for one in missing_of(bench.state, D1)] == left


async def test_a_crash_neither_forgets_nor_counts_twice(bench: Bench) -> None:
    await counted(bench)
    await bench.take(*numbered(104), said(at=NOW + 5 * MINUTE, value=math.nan, sequence=105))
    await bench.inspector.save()
    await bench.take(*numbered(108), said(at=NOW + 9 * MINUTE, value=math.nan, sequence=109))
    before, gaps = bench.inspector.of(D1), bench.gaps()
    await bench.crash()
    assert (bench.inspector.of(D1), bench.gaps()) == (before, gaps)
    assert gaps == [(101, 103), (106, 107)]
    await bench.take(*numbered(102, received=NOW + 10 * MINUTE))
    assert bench.gaps() == [(101, 101), (103, 103), (106, 107)]


async def test_the_page_reads_what_was_saved(bench: Bench) -> None:
    await counted(bench)
    await bench.take(*numbered(104))
    bench.inspector.warned(D1, "battery not read")
    await bench.inspector.save()
    looking = State(bench.folder / "state.db", looking=True)
    assert quality_of(looking, D1, NOW) == bench.inspector.of(D1)
    assert missing_of(looking, D1) == bench.inspector.missing(D1)
    assert quality_of(looking, DeviceKey("", "nobody"), NOW) is None
    looking.close()


async def test_it_is_saved_now_and_then(bench: Bench) -> None:
    await counted(bench)
    assert bench.state.cursor("inspector") == 0
    bench.clock.passes(61_000)
    await bench.take(*numbered(101))
    assert bench.state.cursor("inspector") == bench.journal.head


async def test_a_disk_that_takes_nothing_holds_up_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counted(bench)

    def full(*_args: object) -> int:
        raise DiskError("full")

    with monkeypatch.context() as patch:
        patch.setattr(bench.state, "stage", full)
        await bench.inspector.save()
    assert bench.state.cursor("inspector") == 0
    await bench.inspector.save()
    assert quality_of(bench.state, D1, NOW) == bench.inspector.of(D1)


async def test_a_warning_while_it_is_saved_is_saved_the_next_time(bench: Bench) -> None:
    await counted(bench)
    saving = asyncio.create_task(bench.inspector.save())
    await asyncio.sleep(0)
    bench.inspector.warned(D1, "odd port")
    await saving
    await bench.inspector.save()
    found = quality_of(bench.state, D1, NOW)
    assert found is not None
    assert (found.warnings, found.warning) == (1, "odd port")


async def test_in_maintenance_that_alone_is_counted(bench: Bench) -> None:
    bench.maintained = (NOW + MINUTE, NOW + 3 * MINUTE)
    await bench.take(
        said(at=NOW, value=4.0),
        said(at=NOW + MINUTE, value=-300.0),
        said(at=NOW + 2 * MINUTE, value=4.1),
        said(at=NOW + 3 * MINUTE, value=-300.0),
    )
    assert bench.totals() == {"maintenance": 1, "out-of-range": 1}


async def test_another_model_has_other_limits(bench: Bench) -> None:
    weak = [_signal(n) for n in range(3)]
    await bench.take(weak[0])
    assert bench.totals() == {"weak-signal": 1}
    bench.models[D1] = Model(
        id="acme-probe",
        maker="Acme",
        name="Probe",
        data_sheet="none",
        decode=lambda _data, _port: [],
        channels=("signal",),
        interval=MINUTE,
        weak_signal=-125.0,
    )
    bench.inspector.renew(D1)
    await bench.take(weak[1])
    assert bench.totals() == {"weak-signal": 1}
    await bench.inspector.save()
    await bench.crash()
    await bench.take(weak[2])
    assert bench.totals() == {"weak-signal": 1}


def _signal(minute: int) -> Reading:
    when = NOW + minute * MINUTE
    return reading(
        device=D1,
        at=when,
        received=when,
        layout=layout(("signal",)),
        values=(-120.0 - minute,),
        sequence=None,
    )


async def test_a_journal_that_was_lost_is_followed_from_its_beginning(bench: Bench) -> None:
    await counted(bench)
    await bench.inspector.save()
    bench.close()
    for one in bench.folder.glob("journal.db*"):
        one.unlink()
    bench.start()
    await bench.take(*numbered(101))
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.readings == 12


async def test_where_the_journal_has_dropped_some_it_goes_on(bench: Bench) -> None:
    many = numbered(*range(90, 130), received=NOW)
    bench.journal.append(many)
    bench.journal.commit()
    bench.journal.publish()
    bench.journal.prune(20, NOW + DAY, 1 << 40)
    bench.journal.commit()
    bench.journal.reopen()
    await bench.catch_up()
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.readings == 20


async def test_what_is_stored_and_cannot_be_read_is_counted_anew(bench: Bench) -> None:
    async with bench.state.writing():
        bench.state.stage("INSERT INTO quality VALUES (?,?,?)", [(*D1, b"nonsense")])
    await bench.take(said(at=NOW, value=math.nan))
    assert bench.totals() == {"missing": 1}


def test_a_device_has_so_many_rows_and_the_rest_is_summed_up() -> None:
    ledger = Ledger()
    for n in range(MOST + 10):
        ledger.add(Gap(10 * n, 10 * n + 2, n, n + 1))
    assert (len(ledger.gaps), ledger.forgotten) == (MOST, 30)
    assert ledger.count == 3 * (MOST + 10)


async def test_all_devices_together_have_so_many_rows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inspector.GAPS", 2)
    await counted(bench)
    await bench.take(*numbered(102, 104, 106, 108))
    assert bench.gaps() == [(105, 105), (107, 107)]
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.missing == 4


def test_what_comes_late_makes_no_more_rows_than_a_device_has() -> None:
    last = 4 * MOST
    ledger = Ledger([Gap(1, last, NOW - 100 * MINUTE, NOW + last * MINUTE)])
    came = numbered(*range(2, last, 2))
    assert all(ledger.fill(one) for one in came)
    assert len(ledger.gaps) == MOST
    assert ledger.gaps[-1].last == last, "the newest are kept"
    assert ledger.count == last - len(came)


async def test_what_comes_late_makes_no_more_rows_than_all_have(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inspector.GAPS", 2)
    await counted(bench)
    await bench.take(*numbered(120))
    await bench.take(*numbered(105, 110, 115))
    assert bench.gaps() == [(111, 114), (116, 119)]
    found = bench.inspector.of(D1)
    assert found is not None
    assert found.missing == 16


async def test_ledgers_are_saved_in_slices(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("d-1", "d-2", "d-3", "d-4"):
        numbers = (*range(90, 101), 102, 104)
        await bench.take(*(said(device, NOW + n * MINUTE, sequence=n) for n in numbers))
    monkeypatch.setattr("gateway.inspector.SLICE", 4)
    staged: list[list[int]] = [[]]
    staging = bench.state.stage

    def noted(sql: str, rows: Sequence[tuple[object, ...]]) -> int:
        if sql.startswith("INSERT OR REPLACE INTO missing"):
            staged[-1].append(len(rows))
        return staging(sql, rows)

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            staged.append([])

    monkeypatch.setattr(bench.state, "stage", noted)
    other = asyncio.create_task(others())
    await bench.inspector.save()
    other.cancel()
    assert [one for one in staged if one] == [[2, 2], [2, 2]]


def test_a_number_without_a_time_of_its_own_is_looked_for_in_the_newest_row() -> None:
    ledger = Ledger([Gap(5, 9, 0, 10), Gap(5, 9, 100, 110)])
    one = said(at=NOW, sequence=7, flags=ARRIVAL)
    assert ledger.fill(one)
    assert ledger.gaps == [Gap(5, 9, 0, 10), Gap(5, 6, 100, 110), Gap(8, 9, 100, 110)]


@given(st.lists(st.integers(1, 30), unique=True))
def test_what_came_is_never_missing(came: list[int]) -> None:
    ledger = Ledger([Gap(1, 10, 0, NOW + 100 * MINUTE), Gap(12, 25, 0, NOW + 100 * MINUTE)])
    missing = {*range(1, 11), *range(12, 26)}
    for one in numbered(*came):
        assert ledger.fill(one) == (one.identity in missing)
    left = [n for gap in ledger.gaps for n in range(gap.first, gap.last + 1)]
    assert sorted(left) == sorted(missing - set(came))
    assert ledger.count == len(left)
