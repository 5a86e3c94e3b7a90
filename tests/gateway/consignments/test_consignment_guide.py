"""The guide to consignments: what it tells people to type does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gateway.consignments.fields import LEG, READ
from gateway.consignments.table import COLUMNS
from gateway.journal import Journal
from tests.e2e.typed import typed as program_typed
from tests.gateway.asked import SETTINGS
from tests.gateway.parts import NOW, said

GUIDE = (Path(__file__).resolve().parents[3] / "docs/consignments.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def typed(line: str) -> str:
    program, *words = shlex.split(line)
    assert program == "holdwatch"
    done = program_typed(*words)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_what_the_guide_says_can_be_typed_from_creation_to_delivery_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.append([said(one, owner="acme", at=NOW) for one in ("t-101", "t-102")])
    journal.commit()
    journal.close()
    (tmp_path / "holdwatch.toml").write_text(SETTINGS.format(folder=tmp_path), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    story, *others = (block.splitlines() for block in BLOCKS)
    told = [typed(line) for line in story]
    assert "has all that vaccines@" in told[4]
    shown = told[-1]
    for words in ("100 boxes, worth 250,000.00 EUR", "Nord Trucks", "HH-AB 123", "pallet 3, top"):
        assert words in shown
    for words in ("planned", "in transit", "delivered", "Clinic stores", "(nobody hears)"):
        assert words in shown
    assert len(others) == 3
    told = [typed(line) for lines in others for line in lines]
    assert "Withdrawn, and kept on record: assigned 5" in told[0]
    assert "V-2041-A: 80 boxes" in told[1]
    assert "3 consignments to" in told[2]
    assert "3 consignments known already" in told[-1]


def test_the_table_of_the_guide_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [line for line in GUIDE.splitlines() if line.startswith(("| id |", "| V-3"))]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    (tmp_path / "t.csv").write_text(
        "\n".join(";".join(row) for row in cells) + "\n", encoding="utf-8"
    )
    (tmp_path / "holdwatch.toml").write_text(SETTINGS.format(folder=tmp_path), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "2 consignments entered" in typed("holdwatch consignment import t.csv")
    listed = typed("holdwatch consignment list")
    assert "V-3000" in listed
    assert "bananas 900 boxes" in listed


def test_every_field_and_column_is_in_the_guide() -> None:
    told = {
        word
        for line in GUIDE.splitlines()
        if line.startswith("|")
        for word in re.findall(r"`(?:--)?([a-z_]+)`", line)
    }
    options = {"origin": "from", "destination": "to", "heard": "unheard"}
    assert {*READ, *COLUMNS, "counts", *(options.get(one, one) for one in LEG)} <= told
