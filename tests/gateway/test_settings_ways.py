"""`[[polls]]`, `[[modbus]]` and `[bluetooth]`: what is right, and each mistake with its cure."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, ValidationError

from gateway.settings.ways import Bluetooth, Modbus, Poll

POLL = {"name": "store", "url": "https://example.org/api", "device_key": "id"}
REGISTER = {"channel": "temperature", "address": 0}
MODBUS = {"name": "room", "host": "10.0.0.7", "device": "room-1", "registers": [REGISTER]}


def read(kind: type[BaseModel], **given: object) -> BaseModel:
    return kind.model_validate_json(json.dumps(given))


def test_the_least_that_must_be_said_will_do() -> None:
    poll = read(Poll, **POLL)
    assert isinstance(poll, Poll)
    assert (poll.every, poll.source, poll.topic) == (60_000, "poll:store", "poll/store")
    room = read(Modbus, **MODBUS)
    assert isinstance(room, Modbus)
    assert (room.port, room.unit, room.source) == (502, 1, "modbus:room")
    assert read(Bluetooth) == Bluetooth()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "example.org"}, "no address of a service"),
        ({"url": "https://me:secret@example.org"}, "holds a user or a password"),
        ({"url": "https://{since}.example.org"}, "the host of the service would change"),
        ({"url": "https://example.org/{from}"}, "{from} means nothing"),
        ({"url": "https://store..example.org/"}, "no host can have that name"),
        ({"device": "x"}, "in exactly one way"),
        ({"device_key": ""}, "in exactly one way"),
        ({"device_key": "", "device": "a b"}, "device id"),
        ({"headers": {"X Y": "1"}}, "no name of a header"),
        ({"headers": {"X": "a\r\nHost: other"}}, "no text of a header"),
        ({"token": "t", "username": "u", "password": "p"}, "a token and a password"),
        ({"password": "p"}, "belong together"),
        ({"token_env": "HOLDWATCH_NOT_THERE"}, "not in the environment"),
        ({"every": "10 ms"}, "nothing is asked so"),
        ({"timeout": "1 h"}, "nobody waits so"),
        ({"channels": {"flavour": "x"}}, "not a channel"),
        ({"units": {"temperature": "lb"}}, "cannot have the unit"),
        ({"url": "http://example.org", "ca": __file__}, "no TLS"),
    ],
)
def test_a_mistake_in_a_poll_is_told(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as told:
        read(Poll, **{**POLL, **change})
    assert words in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "10.0.0.7:502"}, "more than the name"),
        ({"host": "tcp://10.0.0.7"}, "more than the name"),
        ({"host": "cold-room..plant.local"}, "no host can have that name"),
        ({"host": "a" * 64 + ".local"}, "no host can have that name"),
        ({"host": "é" * 80}, "no host can have that name"),
        ({"device": "a/b"}, "device id"),
        ({"registers": []}, "at least 1 item"),
        ({"registers": [REGISTER, {**REGISTER, "address": 4}]}, "two registers are the channel"),
        ({"registers": [{**REGISTER, "channel": "flavour"}]}, "is no channel"),
        ({"registers": [{**REGISTER, "kind": "coil", "type": "float32"}]}, "is one bit"),
        ({"registers": [{**REGISTER, "address": 65_535, "type": "int32"}]}, "no address"),
        ({"registers": [{**REGISTER, "scale": 0}]}, "every value would be the same"),
    ],
)
def test_a_mistake_in_a_modbus_section_is_told(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        read(Modbus, **{**MODBUS, **change})


@pytest.mark.parametrize("host", ["10.0.0.7", "::1", "room-7.local", "kühlraum.local."])
def test_a_host_may_be_a_name_or_an_address(host: str) -> None:
    room = read(Modbus, **{**MODBUS, "host": host})
    assert isinstance(room, Modbus)
    assert room.host == host


def test_an_adapter_is_named_as_the_system_does() -> None:
    with pytest.raises(ValidationError):
        read(Bluetooth, adapter="/dev/hci0")
