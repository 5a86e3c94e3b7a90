"""`holdwatch notify test`: whether it was sent is told by the exit code as well."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from gateway.cli import notify
from gateway.cli.asking import HERE, REFUSED
from gateway.settings import parse

FAILED = {"at": 0, "took": 5, "outcome": "failed", "detail": "450 the mailbox is busy"}


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize(
    ("state", "attempts", "sent"),
    [
        ("sent", [], True),
        ("waiting", [FAILED], False),
        ("waiting", [], False),
        ("refused", [FAILED], False),
    ],
)
def test_a_test_that_was_not_sent_ends_with_1(
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    attempts: list[dict[str, Any]],
    *,
    sent: bool,
    json: bool,
) -> None:
    answer = {"channel": "office", "state": state, "attempts": attempts, "problem": "", "due": 0}
    monkeypatch.setattr(notify, "ask_by", lambda _config, _request: (parse(""), answer))
    if sent:
        notify.send_test("office", HERE, json)
        return
    with pytest.raises(typer.Exit) as ended:
        notify.send_test("office", HERE, json)
    assert ended.value.exit_code == REFUSED
