"""The guide to the registry: what it tells people to type does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.registry.cards import FIELDS
from gateway.registry.table import COLUMNS
from tests.e2e.typed import typed
from tests.gateway.asked import SETTINGS
from tests.gateway.parts import NOW, said

GUIDE = (Path(__file__).resolve().parents[3] / "docs/registry.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_what_the_guide_says_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.db")
    names = ("fridge-1", "reefer-7", "a84041b2e1c5d30f")
    journal.append([said(one, owner="acme", at=NOW) for one in names])
    journal.commit()
    journal.close()
    (tmp_path / "holdwatch.toml").write_text(SETTINGS.format(folder=tmp_path), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    lines = "".join(BLOCKS).replace("\\\n", "").splitlines()
    assert len(lines) > 8
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "holdwatch"
        done = typed(*words)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_every_field_and_column_is_in_the_guide() -> None:
    told = {
        word
        for line in GUIDE.splitlines()
        if line.startswith("|")
        for word in re.findall(r"`(?:--)?([a-z]+)`", line.split("|")[1])
    }
    assert {*FIELDS, *COLUMNS} <= told
