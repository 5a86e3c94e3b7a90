"""Files and the quarantine, as they are asked for: what is done is in the audit trail first."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.database import DiskError
from gateway.people.audit import Entry, page
from gateway.quarantine import Rejected
from gateway.refusal import ControlError
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW

CSV = b"time,temperature\n2026-01-01T00:00:00Z,4.5\n2026-01-01T00:10:00Z,5.5\n"


@pytest.fixture
async def running(ask: Asked) -> AsyncIterator[Asked]:
    """A gateway that runs, with three messages in the quarantine, one of another kind."""
    journal = ask.gateway.journal
    journal.append([], [message("secret 1"), message("secret 2"), message("x", "not-json")])
    journal.commit()
    task = asyncio.create_task(ask.gateway.run())
    yield ask
    ask.gateway.stop()
    await task


def message(payload: str, reason: str = "unknown-topic") -> Rejected:
    # What is wrong with it is true: a gateway tries it again when it starts.
    topic = b"a/b" if reason == "unknown-topic" else b"cargo/a/b/readings"
    return Rejected(
        NOW, topic, payload.encode(), 0, "acme", "listener/gate", reason, "detail", "cure"
    )


def entries(ask: Asked) -> list[Entry]:
    return page(ask.gateway.state, None, 100)[::-1]


async def give(ask: Asked, content: bytes = CSV, **request: Any) -> Any:  # noqa: ANN401 - whatever is answered
    return await ask(
        "import",
        name="d-1.csv",
        content=base64.b64encode(content).decode(),
        device="d-1",
        **request,
    )


async def test_a_file_that_is_taken_in_is_in_the_audit_trail(running: Asked) -> None:
    answer = await give(running, who={"name": "anna", "via": "page"})
    assert answer["stored"] == 2
    (entry,) = entries(running)
    assert (entry.at, entry.who.name, entry.what, entry.object) == (NOW, "anna", "import", "d-1")
    assert (entry.before, entry.after) == (None, {"file": "d-1.csv", "readings": 2})


async def test_a_file_that_is_refused_is_not(running: Asked) -> None:
    with pytest.raises(ControlError):
        await give(running, b"nothing that makes sense")
    assert entries(running) == []


async def test_dropping_by_number_keeps_on_record_which_and_not_what_was_in_them(
    running: Asked,
) -> None:
    assert await running("drop", numbers=[1, 99]) == {"dropped": 1, "unknown": 1}
    (entry,) = entries(running)
    assert (entry.what, entry.object) == ("quarantine-drop", "quarantine")
    assert entry.before == {
        "counts": {"unknown-topic": 2, "not-json": 1},
        "messages": [
            {
                "number": 1,
                "received": NOW,
                "topic": "a/b",
                "reason": "unknown-topic",
                "source": "listener/gate",
            }
        ],
    }
    assert "secret" not in str(entry)


async def test_dropping_all_and_decoding_again_keep_on_record_what_lay_there(
    running: Asked,
) -> None:
    assert await running("retry") == {"decoded": 0, "left": 3, "waiting": 0}
    assert await running("drop") == {"dropped": 3, "unknown": 0}
    retried, dropped = entries(running)
    assert (retried.what, dropped.what) == ("quarantine-retry", "quarantine-drop")
    assert retried.before == {"counts": {"unknown-topic": 2, "not-json": 1}}
    assert sum(dropped.before["counts"].values()) == 3


async def test_dropping_by_reason_leaves_the_others_and_keeps_the_reason_on_record(
    running: Asked,
) -> None:
    assert await running("drop", reason="unknown-topic") == {"dropped": 2, "unknown": 0}
    (left,) = running.gateway.journal.quarantine.page()
    assert left.reason == "not-json"
    (entry,) = entries(running)
    assert entry.before == {
        "counts": {"unknown-topic": 2, "not-json": 1},
        "reason": "unknown-topic",
    }


async def test_the_newest_of_the_quarantine_come_first_and_in_pages(running: Asked) -> None:
    newest = running.gateway.journal.quarantine.newest
    assert [one.number for one in newest(None, 2)] == [3, 2]
    assert [one.number for one in newest(2, 2)] == [1]
    assert [one.number for one in newest(None, 5, "unknown-topic")] == [2, 1]


async def test_dropping_what_is_not_there_is_refused_and_on_no_record(running: Asked) -> None:
    with pytest.raises(ControlError, match="holds no message with such a number"):
        await running("drop", numbers=[99, 0])
    assert entries(running) == []


@pytest.mark.parametrize(
    "do",
    [lambda ask: ask("drop"), lambda ask: ask("retry"), give],
    ids=["drop", "retry", "import"],
)
async def test_what_cannot_be_put_on_record_is_not_done(
    running: Asked, do: Callable[[Asked], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise DiskError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(running.gateway.state, "commit_aside", fail)
        with pytest.raises(DiskError):
            await do(running)
    assert (await running("quarantine"))["total"] == 3
    assert running.gateway.journal.devices() == []
