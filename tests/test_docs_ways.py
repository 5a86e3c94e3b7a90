"""Holds the guide to other ways in to the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from devices.device import Origin
from devices.envelopes.plain import PlainJson
from gateway.settings import parse
from gateway.ways.poll import split

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "ways-in.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store-token").write_text("a-token")
    return tmp_path


def test_the_settings_in_the_guide_are_right(folder: Path) -> None:
    read = parse("\n".join(blocks("toml")), folder=folder)
    assert (len(read.polls), len(read.modbus), read.bluetooth is not None) == (1, 1, True)
    assert read.warnings == ()


def test_the_answer_in_the_guide_is_decoded_by_the_settings_beside_it(folder: Path) -> None:
    (poll,) = parse("\n".join(blocks("toml")), folder=folder).polls
    (answer,) = blocks("json")
    (item,) = split(answer.encode(), poll.items)
    decode = PlainJson(poll.mapping()).bind(poll.topic, Origin("", poll.source))
    assert decode is not None
    (reading,) = decode(bytes(item), 1_800_000_000_000, 0)
    assert str(reading.device) == "c-1"
    assert reading.value("temperature") == pytest.approx((39.7 - 32) / 1.8)
    assert reading.value("humidity") == json.loads(bytes(item))["values"]["rh"]
