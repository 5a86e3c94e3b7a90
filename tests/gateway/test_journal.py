"""The journal: what is committed is there once, in order, for every follower, for ever."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import gateway.database
import gateway.journal
from devices.reading import ARRIVAL, DeviceKey, Reading
from gateway.journal import Arrival, Journal
from gateway.quarantine import Rejected
from gateway.scope import Scope
from tests.gateway.parts import CLIMATE, NOW, said

FAR = 2**40
"""Bytes: no limit."""


def store(journal: Journal, *readings: Reading) -> None:
    journal.append(readings)
    journal.commit()
    journal.publish()


def everything(journal: Journal, after: int = 0, limit: int = 100) -> list[Reading]:
    found: list[Reading] = []
    while after != journal.head:
        batch = journal.read(after, limit)
        found += batch.readings
        after = batch.cursor
    return found


def rejected(payload: bytes = b"x", reason: str = "no-json") -> Rejected:
    return Rejected(NOW, b"t", payload, 0, "", "main", reason, "it is not", "correct it")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.db")
    yield opened
    opened.close()


def test_a_reading_comes_back_as_it_went_in(journal: Journal) -> None:
    one = said(value=-0.5, owner="acme", flags=ARRIVAL, received=NOW + 5)
    two = Reading(DeviceKey("", "ü"), -1, NOW, CLIMATE, (55.5, 5.25), -1 << 16, -(2**63), "lørn")
    store(journal, one, two)
    assert everything(journal) == [one, two]
    journal._tail.clear()
    assert everything(journal) == [one, two], "from the file too"


def test_a_reading_that_is_stored_already_is_left_out(journal: Journal) -> None:
    store(journal, said(at=NOW), said(at=NOW + 1))
    store(journal, said(at=NOW), said(at=NOW + 2), said(at=NOW + 2), said("d-2"))
    assert [(one.device.id, one.at - NOW) for one in everything(journal)] == [
        *(("d-1", 0), ("d-1", 1), ("d-1", 2), ("d-2", 0))
    ]
    assert journal.duplicates == 2


@pytest.mark.parametrize(
    ("other", "stored"),
    [
        (said(), 1),
        (said(value=6.0), 2),
        (said("d-2"), 2),
        (said(owner="acme"), 2),
        (said(at=NOW + 1), 2),
        (said(sequence=7), 2),
        (said(source="other", received=NOW + 9), 1),
    ],
    ids=["same", "value", "device", "owner", "time", "sequence", "way it came"],
)
def test_what_makes_two_readings_one(journal: Journal, other: Reading, stored: int) -> None:
    store(journal, said())
    store(journal, other)
    assert len(everything(journal)) == stored


def test_a_follower_sees_nothing_before_it_is_durable(journal: Journal) -> None:
    journal.append([said()])
    assert journal.head == 0
    assert journal.read(0, 10).readings == []
    journal.commit()
    assert journal.read(0, 10) == ([], 0), "committed, and not yet told"
    journal.publish()
    assert len(journal.read(0, 10).readings) == 1


def test_what_is_rolled_back_is_appended_again_under_the_same_numbers(journal: Journal) -> None:
    store(journal, said())
    journal.append([said("new", sequence=1)])
    journal.rollback()
    journal.reopen()
    assert journal.devices() == [DeviceKey("", "d-1")]
    store(journal, said("other", sequence=1), said("new", sequence=1))
    assert [one.device.id for one in everything(journal)] == ["d-1", "other", "new"]


def test_a_number_is_never_given_twice_although_the_last_batch_held_only_duplicates(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal.db")
    store(journal, *(said(sequence=n) for n in range(5)))
    store(journal, *(said(sequence=n) for n in range(5)))
    cursor = journal.head
    journal.prune(cursor, NOW + 1, FAR)
    journal.commit()
    journal.close()
    journal = Journal(tmp_path / "journal.db")
    assert journal.head == cursor
    store(journal, said(sequence=9))
    assert [one.identity for one in everything(journal, cursor)] == [9]
    journal.close()


def test_an_empty_journal_goes_on_behind_followers_that_have_been_further(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.begin_after(1000)
    assert journal.head == 1000
    journal.reopen()
    store(journal, said())
    assert journal.read(1000, 10) == ([said()], 1001)
    journal.close()


def test_only_old_readings_that_all_have_handled_are_pruned(journal: Journal) -> None:
    store(journal, *(said(sequence=n, received=NOW + n) for n in range(10)))

    def prune(cursor: int, before: int, size: int = FAR) -> int:
        gone = journal.prune(cursor, before, size)
        journal.commit()
        return gone

    assert prune(0, NOW + 100) == 0, "nobody has handled any"
    assert prune(10, NOW) == 0, "none is old"
    assert prune(4, NOW + 100) == 4, "the first four were handled"
    assert prune(10, NOW + 6) == 2, "two more are old"
    assert prune(10, 0, size=0) == 3, "too large: all but the newest"
    journal._tail.clear()
    assert [one.identity for one in everything(journal)] == [9]


def test_pruning_goes_by_pages(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.journal, "PAGE", 3)
    store(journal, *(said(sequence=n) for n in range(10)))
    assert journal.prune(10, NOW + 1, FAR) == 3


def test_a_scope_shows_only_its_owners_and_moves_on(journal: Journal) -> None:
    store(journal, said(owner="a"), said(owner="b"), said("d-2", owner="a"))
    scope = Scope(frozenset({"b"}))
    assert journal.read(0, 10, scope) == ([said(owner="b")], 3)
    journal._tail.clear()
    assert journal.read(0, 10, scope) == ([said(owner="b")], 3)


def test_one_device_is_read_between_two_cursors(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.journal, "PAGE", 2)
    store(journal, *(said(f"d-{n % 2}", sequence=n) for n in range(20)))
    found = journal.read_device(DeviceKey("", "d-1"), 4, 16)
    assert [one.identity for one in found] == [5, 7, 9, 11, 13, 15]
    assert journal.read_device(DeviceKey("", "nobody"), 0, 20) == []


def test_the_quarantine_keeps_everything_until_it_is_released(journal: Journal) -> None:
    journal.append([said()], [rejected(b"\xff\0"), rejected(b"{", "cut-off")])
    journal.commit()
    first, second = journal.quarantine.page()
    assert (first.payload, first.reason, second.payload) == (b"\xff\0", "no-json", b"{")
    assert journal.quarantine.counts() == {"no-json": 1, "cut-off": 1}
    journal.quarantine.release([first.number])
    journal.commit()
    assert journal.quarantine.page() == [second]
    assert journal.quarantine.counts() == {"cut-off": 1}
    assert journal.quarantine.page(after=second.number) == []


@pytest.mark.parametrize(
    ("before", "size", "left"),
    [(0, FAR, [0, 1, 2]), (NOW + 1, FAR, [1, 2]), (0, 25, [1, 2]), (NOW + 2, 5, [])],
    ids=["within limits", "one too old", "the oldest too much", "all too much"],
)
def test_the_oldest_leave_a_quarantine_beyond_its_limits(
    journal: Journal, before: int, size: int, left: list[int]
) -> None:
    old = [
        Rejected(NOW + n, b"t", b"nine byte", 0, "", "main", "why", "where", "cure")
        for n in range(3)
    ]
    journal.append([], old)
    journal.commit()
    journal.quarantine.prune(before, size)
    journal.commit()
    assert [one.received - NOW for one in journal.quarantine.page()] == left


def test_of_each_packet_id_the_latest_arrival_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.keep_arrivals([Arrival("main", 1, b"a"), Arrival("main", 2, b"b")])
    journal.keep_arrivals([Arrival("main", 1, b"c"), Arrival("other", 1, b"d")])
    journal.commit()
    journal.close()
    journal = Journal(tmp_path / "journal.db")
    assert set(journal.arrivals()) == {("main", 1, b"c"), ("main", 2, b"b"), ("other", 1, b"d")}
    journal.close()


class Model(RuleBasedStateMachine):
    """The journal against a list. Followers stand at any cursor that it ever gave."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="journal-")
        self.journal = Journal(Path(self.folder.name) / "journal.db")
        self.rows: list[tuple[int, Reading]] = []
        self.pruned = 0
        self.followers = {0: 0}
        self.seen: dict[int, list[Reading]] = {0: []}
        self.given: set[int] = set()

    @rule(
        batches=st.lists(
            st.lists(
                st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 1)), max_size=8
            ),
            min_size=1,
            max_size=3,
        ),
        kept=st.booleans(),
    )
    def arrive(self, batches: list[list[tuple[int, int, int]]], *, kept: bool) -> None:
        staged: list[Reading] = []
        for batch in batches:
            made = [said(f"d-{d}", NOW + at, sequence=n) for d, at, n in batch]
            self.journal.append(made)
            staged += made
        if not kept:
            self.journal.rollback()
            self.journal.reopen()
            return
        self.journal.commit()
        before = self.journal.head
        fresh = self.journal.publish()
        known = {(one.device, one.at, one.identity) for _, one in self.rows}
        expected: list[Reading] = []
        for one in staged:
            name = (one.device, one.at, one.identity)
            if name not in known:
                known.add(name)
                expected.append(one)
        assert list(fresh.readings) == expected
        numbers = [
            row
            for (row,) in self.journal.rows(
                "SELECT seq FROM reading WHERE seq > ? ORDER BY seq", (before,)
            )
        ]
        assert not self.given & set(numbers), "a number was given twice"
        self.given.update(numbers)
        self.rows += zip(numbers, expected, strict=True)

    @rule(follower=st.integers(0, 3), limit=st.integers(1, 12))
    def follow(self, follower: int, limit: int) -> None:
        if follower not in self.followers:
            # A new one starts from the oldest that is there.
            self.followers[follower] = self.pruned
            self.seen[follower] = [one for number, one in self.rows if number <= self.pruned]
        batch = self.journal.read(self.followers[follower], limit)
        assert batch.cursor >= self.followers[follower]
        self.followers[follower] = batch.cursor
        self.seen[follower] += batch.readings

    @rule(old=st.integers(0, 12), large=st.booleans())
    def prune(self, old: int, *, large: bool) -> None:
        cursor = min(self.followers.values())
        self.journal.prune(cursor, NOW + old, 0 if large else FAR)
        self.journal.commit()
        left = {number for (number,) in self.journal.rows("SELECT seq FROM reading")}
        gone = [(number, one) for number, one in self.rows if number not in left]
        fresh = [(number, one) for number, one in gone if number > self.pruned]
        assert all(number <= cursor for number, _ in fresh), "somebody had not read it"
        assert all(large or one.received < NOW + old for _, one in fresh)
        self.pruned = max([self.pruned, *(number for number, _ in gone)])
        # What the file does not hold any more it cannot tell from something new.
        self.rows = [row for row in self.rows if row[0] in left]

    @rule(crash=st.booleans())
    def restart(self, *, crash: bool) -> None:
        path = self.journal.path
        if crash:
            self.journal.append([said("lost", sequence=99)])
        self.journal.close()
        self.journal = Journal(path)

    @rule()
    def forget_the_tail(self) -> None:
        self.journal._tail.clear()
        self.journal._tail_size = 0

    @invariant()
    def followers_have_seen_everything_up_to_their_cursor_once_and_in_order(self) -> None:
        for follower, cursor in self.followers.items():
            due = [one for number, one in self.rows if number <= cursor]
            seen = self.seen[follower]
            assert seen[len(seen) - len(due) :] == due

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
            self.folder.cleanup()


Model.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnySequence = Model.TestCase


def test_a_small_memory_shows_what_a_large_one_does(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.journal, "TAIL", 10)
    for batch in range(20):
        store(journal, *(said(sequence=batch * 5 + n) for n in range(5)))
    assert journal._tail_size <= 14
    assert [one.identity for one in everything(journal, limit=7)] == list(range(100))


def test_damage_found_while_reading_is_told_with_what_to_do(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    store(journal, *(said(sequence=n) for n in range(500)))
    journal.close()
    path = tmp_path / "journal.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(gateway.database.DamagedFileError, match="Restore it from a backup"):
        everything(Journal(path))
