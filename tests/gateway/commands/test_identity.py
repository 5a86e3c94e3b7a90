"""Who a gateway is, as it is asked for; and what people decide where its data was copied."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.app import Gateway
from gateway.commands.commands import LOOKING
from gateway.refusal import ControlError
from gateway.service import identity
from gateway.settings import load
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW, ToldClock

HERE, THERE = "a" * 32, "b" * 32
TEXT = '[gateway]\ndata = "data"\n[[brokers]]\nname = "main"\nhost = "localhost"\n'


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "fingerprint", lambda: HERE)


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[Asked]:
    """A gateway whose data was made on another machine."""
    file = tmp_path / "holdwatch.toml"
    file.write_text(TEXT, encoding="utf-8")
    settings = identity.first_start(load(file), NOW, THERE)
    gateway = await asyncio.to_thread(Gateway, settings, join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    identity.tell(gateway.own_alerts, settings, HERE)
    yield Asked(gateway)
    gateway.close()


def open_alerts(asked: Asked) -> list[str]:
    return [one.channel for one in asked.gateway.own_alerts.open_alerts]


async def test_a_copy_is_told_in_an_alert_with_both_ways_out(copy: Asked) -> None:
    (alert,) = copy.gateway.own_alerts.open_alerts
    assert "was made on another machine" in alert.reason
    assert "holdwatch identity keep" in alert.note
    assert "holdwatch identity new" in alert.note
    shown = await copy("identity")
    assert shown["copied"]
    assert shown["clients"] == {"main": f"holdwatch-{shown['box']}-main"}
    assert "identity" in LOOKING


async def test_who_takes_the_place_of_the_other_keeps_the_name(copy: Asked) -> None:
    before = copy.gateway.settings.gateway.box
    answer = await copy("identity-keep")
    assert (answer["box"], answer["next"], answer["copied"]) == (before, before, False)
    assert open_alerts(copy) == []
    assert identity.read(copy.gateway.settings.gateway.data) == identity.Identity(before, NOW, HERE)


async def test_who_is_another_gets_another_name_at_its_next_start(
    copy: Asked, tmp_path: Path
) -> None:
    before = copy.gateway.settings.gateway.box
    answer = await copy("identity-new", who={"name": "anna", "via": "command line"})
    assert answer["box"] == before
    assert re.fullmatch(r".+-[0-9a-f]{6}", answer["next"])
    assert answer["next"] != before
    assert open_alerts(copy) == []
    assert load(tmp_path / "holdwatch.toml").gateway.box == answer["next"]
    (entry,) = await copy("audit")
    assert (entry["who"]["name"], entry["what"]) == ("anna", "identity-new")
    assert (entry["before"], entry["after"]) == (before, answer["next"])


async def test_a_name_in_the_settings_is_changed_there(copy: Asked) -> None:
    section = copy.gateway.settings.gateway
    section.model_fields_set.add("box")
    kept = msgspec.json.encode(identity.read(section.data))
    with pytest.raises(ControlError, match=r"Write another `box` into \[gateway\]"):
        await copy("identity-new")
    assert msgspec.json.encode(identity.read(section.data)) == kept
