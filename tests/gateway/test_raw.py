"""The last messages of each device: newest first, as they came, no more than there is room."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import DeviceKey
from gateway.mqtt.packets import Publish
from gateway.raw import ALL, EACH, LONGEST, Raw, RawMessage
from tests.gateway.parts import NOW, publish


def key(number: int) -> DeviceKey:
    return DeviceKey("acme", f"d-{number}")


def told(raw: Raw, device: DeviceKey) -> list[int]:
    return [one.received for one in raw.of(device)]


def test_the_last_messages_of_a_device_are_returned_as_they_came_newest_first() -> None:
    raw = Raw()
    first = publish('{"temperature": 5}', retain=True)
    raw.note(key(1), "listener/gate", first, NOW)
    raw.note(key(1), "main", Publish(b"a/b", b"\xff\x00", 0, 0), NOW + 1)
    raw.note(key(2), "main", publish("other"), NOW + 2)
    assert raw.of(key(1)) == [
        RawMessage(NOW + 1, "a/b", b"\xff\x00", 0, retained=False, source="main", whole=True),
        RawMessage(
            NOW,
            "cargo/site/d-1/readings",
            b'{"temperature": 5}',
            1,
            retained=True,
            source="listener/gate",
            whole=True,
        ),
    ]
    assert raw.of(key(3)) == []
    assert raw.of(DeviceKey("", "d-1")) == [], "another owner's device is another one"


def test_of_each_device_the_last_twenty_are_kept() -> None:
    raw = Raw()
    for number in range(3 * EACH):
        raw.note(key(1), "main", publish(str(number)), number)
    assert told(raw, key(1)) == list(range(3 * EACH - 1, 2 * EACH - 1, -1))
    assert EACH == 20


@pytest.mark.parametrize(
    ("change", "whole"),
    [
        ({"payload": b"x" * (LONGEST - 1)}, True),
        ({"payload": b"x" * LONGEST}, False),
        ({"topic": b"t" * (LONGEST + 1)}, False),
    ],
)
def test_of_a_long_message_the_beginning_is_kept_and_that_is_told(
    change: dict[str, Any], *, whole: bool
) -> None:
    raw = Raw()
    raw.note(key(1), "main", Publish(**{"topic": b"a", "payload": b"x", **change}), NOW)
    (found,) = raw.of(key(1))
    assert found.whole is whole
    assert len(found.payload) + len(found.topic) <= LONGEST


def test_with_more_devices_fewer_messages_of_each_are_kept_the_newest() -> None:
    raw = Raw(each=4, all_=8)
    for device in (1, 2):
        for number in range(4):
            raw.note(key(device), "main", publish(""), number)
    assert [told(raw, key(one)) for one in (1, 2)] == [[3, 2, 1, 0]] * 2
    raw.note(key(3), "main", publish(""), 9)
    assert [told(raw, key(one)) for one in (1, 2, 3)] == [[3, 2], [3, 2], [9]]
    raw.note(key(1), "main", publish(""), 4)
    assert told(raw, key(1)) == [4, 3]


def test_with_too_many_devices_those_heard_first_are_kept_until_somebody_asks_for_another() -> None:
    raw = Raw(each=2, all_=6)
    for device in (1, 2, 3, 4, 1):
        raw.note(key(device), "main", publish(""), NOW)
    assert raw.of(key(4)) == []
    raw.note(key(4), "main", publish(""), NOW + 1)
    assert [told(raw, key(one)) for one in (2, 3, 4)] == [[NOW], [NOW], [NOW + 1]]
    assert list(raw._rings) == [key(2), key(3), key(4)]


def test_asking_for_a_device_costs_no_other_its_place_while_there_is_room() -> None:
    raw = Raw(each=2, all_=6)
    for device in (1, 2):
        raw.note(key(device), "main", publish(""), NOW)
    assert raw.of(key(9)) == []
    assert [told(raw, key(one)) for one in (1, 2)] == [[NOW], [NOW]]


@given(
    st.integers(2, 6),
    st.integers(12, 30),
    st.lists(st.tuples(st.booleans(), st.integers(0, 25)), max_size=200),
)
def test_there_are_never_more_messages_than_there_is_room_for(
    each: int, room: int, happened: list[tuple[bool, int]]
) -> None:
    raw = Raw(each=each, all_=room)
    heard: dict[int, list[int]] = {}
    for moment, (asked, device) in enumerate(happened):
        if asked:
            raw.of(key(device))
            continue
        heard.setdefault(device, []).insert(0, moment)
        raw.note(key(device), "main", publish(""), moment)
    kept = {one.id: [moment for moment, *_ in ring] for one, ring in raw._rings.items()}
    assert sum(map(len, kept.values())) <= room
    for device, times in heard.items():
        found = kept.get(f"d-{device}", [])[::-1]
        assert found == times[: len(found)], "none is left out between those that are kept"


def test_the_room_is_for_twenty_messages_of_two_thousand_devices() -> None:
    assert ALL == EACH * 2_000
