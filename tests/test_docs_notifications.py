"""What docs/notifications.md says of webhooks holds."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from gateway.notify.document import document
from gateway.notify.webhook import sign
from gateway.notify.wording import Wording
from gateway.settings import parse
from tests.gateway.notify.told import alert, line, message

PAGE = (Path(__file__).parent.parent / "docs" / "notifications.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_document_of_a_webhook_is_described_in_full() -> None:
    described = json.loads(block("json"))
    wording = Wording("roof-pi", "UTC", lambda _device: "UTC", "https://holdwatch.example.org")
    real = json.loads(document(message("desk", line(alert("a"))), wording))
    assert described.keys() == real.keys()
    assert described["data"].keys() == real["data"].keys()
    assert described["data"]["alerts"][0].keys() == real["data"]["alerts"][0].keys()
    assert re.fullmatch(r"msg_[0-9a-f]{24}", described["data"]["id"])


def test_the_example_tells_our_signature_from_a_forged_one() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 - the page's own example
    body, now = b'{"type": "alerts.told"}', int(time.time())
    key = b"k" * 32
    secret = f"whsec_{base64.b64encode(key).decode()}"
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(now)}
    ours = signed | {"webhook-signature": sign([b"x" * 32, key], "msg_1", now, body)}
    assert names["is_ours"](secret, ours, body)
    assert not names["is_ours"](secret, ours, body + b" ")
    old = signed | {"webhook-timestamp": str(now - 3600)}
    old["webhook-signature"] = sign([key], "msg_1", now - 3600, body)
    assert not names["is_ours"](secret, old, body)


def test_channels_that_the_page_shows_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "desk.key").write_text("whsec_" + "A" * 32)
    for name in ("duty.url", "manager.url"):
        (tmp_path / name).write_text("ntfys://holdwatch-4711")
    (tmp_path / "mail.password").write_text("sesame")
    shown = re.findall(r"^ *```toml\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    whole = [text for text in shown if "[[channels]]" in text]
    assert len(whole) >= 4
    for text in whole:
        assert parse(text, "the page", folder=tmp_path).channels
