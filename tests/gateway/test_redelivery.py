"""Messages without times that are sent again are recognised, for so many senders."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import redelivery
from gateway.journal import Arrival, Journal
from gateway.mqtt.packets import Publish
from gateway.redelivery import Redelivery
from tests.gateway.parts import Line, publish

ONE = publish('{"temperature": 5}', 7, topic="blind/b-1")
AGAIN = Publish(ONE.topic, ONE.payload, 7, 1, dup=True)


def small(name: str) -> Line:
    line = Line(name)
    line.window = 4
    return line


@pytest.mark.parametrize(
    ("sender", "again", "new"),
    [
        ("a", AGAIN, False),
        ("a", ONE, True),
        ("b", AGAIN, True),
        ("a", Publish(ONE.topic, b"other", 7, 1, dup=True), True),
        ("a", Publish(b"blind/b-2", ONE.payload, 7, 1, dup=True), True),
        ("a", Publish(ONE.topic, ONE.payload, 3, 1, dup=True), True),
    ],
    ids=["again", "without dup", "another sender", "value", "topic", "another id of its place"],
)
def test_only_the_same_of_the_same_sender_is_a_repetition(
    sender: str, again: Publish, *, new: bool
) -> None:
    known = Redelivery([])
    assert known.arrived(small("a"), ONE) is not None
    assert (known.arrived(small(sender), again) is not None) == new


def test_what_has_left_the_window_is_not_recognised() -> None:
    known = Redelivery([])
    line = small("a")
    for packet_id in (7, 8, 9, 10, 11):
        known.arrived(line, Publish(ONE.topic, ONE.payload, packet_id, 1))
    assert known.arrived(line, Publish(ONE.topic, ONE.payload, 8, 1, dup=True)) is None
    assert known.arrived(line, AGAIN) is not None


def test_of_too_many_senders_the_first_is_forgotten_on_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "SENDERS", 2)
    journal = Journal(tmp_path / "journal.db")
    known = Redelivery([])
    for name in ("a", "b", "c"):
        arrival = known.arrived(small(name), ONE)
        assert arrival is not None
        journal.keep_arrivals([arrival])
    gone = known.forget()
    journal.forget_arrivals(gone)
    journal.commit()
    assert gone == ["a"]
    kept: list[Arrival] = journal.arrivals()
    assert {one.source for one in kept} == {"b", "c"}
    restarted = Redelivery(kept)
    assert restarted.arrived(small("c"), AGAIN) is None
    assert restarted.arrived(small("a"), AGAIN) is not None
    journal.close()
