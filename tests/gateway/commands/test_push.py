"""Pushed messages within the gateway: who may, what is answered, and while the disk takes none."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devices.envelopes import envelopes
from gateway.admission import Admission
from gateway.commands import push as push_commands
from gateway.commands.push import LARGEST, PushCommands, Pushers
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.people.api_keys import ApiKey, ApiKeys
from gateway.people.audit import Who
from gateway.refusal import ControlError
from gateway.state import State
from rules.duration import DAY
from tests.gateway.parts import NOW, ToldClock

ANNA = Who("anna", "command line")
TOPIC = "cargo/http/fridge-1/readings"


class Parts(NamedTuple):
    ingest: Ingest
    keys: ApiKeys
    commands: PushCommands
    admission: Admission
    clock: ToldClock


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    clock = ToldClock()
    journal, state = Journal(tmp_path / "journal.db"), State(tmp_path / "state.db")
    keys = ApiKeys(state, clock)
    admission = Admission(state, {}, "unconfirmed", clock)
    ingest = Ingest(journal, envelopes(), clock, admit=admission.check, interval=0)
    pushers = Pushers(keys, admission, ingest.routes.forget_admitted, "acme")
    running = asyncio.create_task(ingest.run())
    yield Parts(ingest, keys, PushCommands(ingest, pushers, clock), admission, clock)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    journal.close()
    state.close()


async def key(parts: Parts, name: str = "loggers", *, owner: str | None = None) -> None:
    asked = ApiKey(
        name, ("push",), speaks_for=("fridge-*",), expires=parts.clock.now() + DAY, owner=owner
    )
    await parts.keys.add(asked, ANNA)


async def push(
    parts: Parts, body: bytes, topic: str = TOPIC, name: str = "loggers"
) -> dict[str, Any]:
    request = {"key": name, "topic": topic, "body": b64encode(body).decode()}
    return await parts.commands.push(request, None)


async def test_a_message_is_answered_when_it_is_stored(parts: Parts) -> None:
    await key(parts)
    answer = await push(parts, b'{"temperature": 4}')
    assert answer == {"readings": 1, "later": 0, "quarantine": []}
    (reading,) = parts.ingest.journal.read(0, 10).readings
    assert (str(reading.device), reading.source) == ("acme/fridge-1", "http:loggers")


async def test_a_key_pushes_for_the_owner_that_it_names(parts: Parts) -> None:
    await key(parts, owner="other")
    await push(parts, b'{"temperature": 4}')
    (reading,) = parts.ingest.journal.read(0, 10).readings
    assert str(reading.device) == "other/fridge-1"


async def test_what_a_key_may_not_speak_for_lies_in_the_quarantine(parts: Parts) -> None:
    await key(parts)
    answer = await push(parts, b'{"temperature": 4}', "cargo/http/reefer-1/readings")
    assert answer["readings"] == 0
    assert [one["reason"] for one in answer["quarantine"]] == ["may-not-speak-for"]
    assert "holdwatch key add loggers --push" in answer["quarantine"][0]["cure"]


async def test_a_key_that_is_revoked_or_expired_or_none_pushes_nothing(parts: Parts) -> None:
    await key(parts)
    await key(parts, "short")
    await parts.keys.revoke("loggers", ANNA)
    parts.clock.passes(DAY)
    for name in ("loggers", "short", "nobody", ""):
        with pytest.raises(ControlError, match="may push nothing"):
            await push(parts, b"{}", name=name)


async def test_rights_that_change_count_at_once(parts: Parts) -> None:
    await key(parts)
    assert (await push(parts, b'{"temperature": 4}'))["readings"] == 1
    await parts.keys.revoke("loggers", ANNA)
    asked = ApiKey("loggers", ("push",), speaks_for=("reefer-*",), expires=NOW + DAY)
    await parts.keys.add(asked, ANNA)
    answer = await push(parts, b'{"temperature": 4}')
    assert [one["reason"] for one in answer["quarantine"]] == ["may-not-speak-for"]


async def test_keys_are_known_again_after_a_restart(parts: Parts) -> None:
    await key(parts)
    again = Pushers(parts.keys, parts.admission, parts.ingest.routes.forget_admitted, "acme")
    assert again.any
    assert again.origin("loggers", NOW).source == "http:loggers"


async def test_while_the_disk_takes_nothing_that_is_said_in_time(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_commands, "PATIENCE", 0.05)
    await key(parts)
    parts.ingest.hold("the disk is full")
    assert "busy" in await push(parts, b'{"temperature": 4}')
    parts.ingest.hold(None)
    assert (await push(parts, b'{"temperature": 4}'))["readings"] == 1
    assert len(parts.ingest.journal.read(0, 10).readings) == 1


async def test_what_waits_for_the_disk_is_bounded(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_commands, "PATIENCE", 0.2)
    await key(parts)
    parts.ingest.hold("the disk is full")
    large = b"[".ljust(LARGEST)
    answers = await asyncio.gather(*(push(parts, large) for _ in range(20)))
    refused = [one for one in answers if one == {"busy": "too much waits for the disk already"}]
    assert len(refused) == 4
    assert parts.commands._waiting == 0


@pytest.mark.parametrize(
    "request_",
    [
        {"key": "loggers"},
        {"key": "loggers", "topic": "x", "body": "no base64!"},
        {"key": "loggers", "topic": "", "body": ""},
        {"key": "loggers", "topic": "x" * 65_536, "body": ""},
        {"key": "loggers", "topic": "x", "body": b64encode(bytes(LARGEST + 1)).decode()},
    ],
)
async def test_what_is_no_message_is_refused(parts: Parts, request_: dict[str, Any]) -> None:
    await key(parts)
    with pytest.raises(ControlError):
        await parts.commands.push(request_, None)
