"""`holdwatch consignment …`, as a person types it while no gateway runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal
from gateway.screen.consignment_words import standing
from tests.e2e.gateway_process import holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS
from tests.gateway.parts import NOW, said

PAST = "--at", "2026-01-01 00:00", "--reason", "told later"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a gateway that has heard d-1 and has a consignment."""
    data = tmp_path / "data"
    data.mkdir()
    journal = Journal(data / "journal.db")
    journal.append([said(owner="acme", at=NOW)])
    journal.commit()
    journal.close()
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS.format(folder=data), encoding="utf-8")
    typed(file, "add", "C-1", "--goods", "vaccines", "--quantity", "10", "--custodian", "Nord")
    return file


def typed(settings: Path, *words: str, code: int = 0) -> str:
    return holdwatch("consignment", *words, "-c", str(settings), code=code)


def answered(settings: Path, *words: str) -> Any:  # noqa: ANN401 - whatever is answered
    return holdwatch_json("consignment", *words, "-c", str(settings))


def test_what_is_missing_must_be_known_before_it_departs(settings: Path) -> None:
    typed(
        settings, "leg", "C-1", "--mode", "air", "--from", "A", "--to", "B", "--custodian", "Nord"
    )
    told = typed(settings, "assign", "C-1", "d-9")
    assert "Nothing of the name acme/d-9 was ever heard" in told
    typed(settings, "check", "C-1", code=1)
    assert "--anyway" in typed(settings, "depart", "C-1", code=1)
    assert "d-9 was never heard" in typed(settings, "depart", "C-1", "--anyway")
    assert answered(settings, "show", "C-1")["stage"] == "in_transit"


def test_a_sensor_is_moved_and_taken_off_and_a_field_is_corrected(settings: Path) -> None:
    typed(settings, "add", "C-2", "--goods", "vaccines", "--sensor", "d-1")
    assert "It left C-2" in typed(settings, "move", "d-1", "C-1", "--where", "door")
    told = typed(settings, "change", "C-1", "--quantity", "8", "--carried", "3 h", "--note", "a")
    for words in ("quantity    8 (before: 10)", "carried     3 h", "note        a"):
        assert words in told
    assert "nothing is changed" in typed(settings, "change", "C-1", "--quantity", "8")
    assert "no sensor speaks" in typed(settings, "unassign", "C-1", "d-1")
    assert "door" in typed(settings, "show", "C-1")
    assert "Did you mean vaccines?" in typed(settings, "change", "C-1", "--goods", "vacc", code=1)


def test_it_comes_apart_and_together_and_is_reviewed(settings: Path) -> None:
    told = typed(settings, "split", "C-1", "A:4", "B:3")
    assert "No sensor speaks for it from now on" in told
    assert "Of C-1 3  is left".replace("  ", " ") in told.replace("  ", " ")
    assert "M is made of A, B: 7" in typed(settings, "merge", "M", "A", "B")
    assert "under review" in typed(settings, "review", "M", "--reason", "wet boxes")
    listed = typed(settings, "list")
    assert "under review" in listed
    assert {one["id"] for one in answered(settings, "list")} == {"C-1", "M"}
    assert {one["id"] for one in answered(settings, "list", "--all")} == {"C-1", "M", "A", "B"}
    typed(settings, "split", "C-1", "X:99", code=1)
    typed(settings, "split", "C-1", "X:1", "--unit", "kg")


def test_a_handover_waits_for_the_other_side(settings: Path) -> None:
    told = typed(settings, "hand-over", "C-1", "--to", "Sea")
    assert "Until the other side confirms it, Nord has it" in told
    assert "! unconfirmed" in typed(settings, "list")
    assert "confirm C-1 --number" in typed(settings, "show", "C-1")
    assert "in the custody of Sea" in typed(settings, "confirm", "C-1")
    assert "Clinic has yet to confirm" in typed(settings, "deliver", "C-1", "--to", "Clinic")
    typed(settings, "hand-over", "C-1", "--to", "X", "--confirmed", "--at", "2026-01-01", code=1)


def test_legs_are_planned_otherwise_and_taken_out(settings: Path) -> None:
    way = ("--from", "A", "--to", "B", "--custodian", "Nord")
    typed(settings, "leg", "C-1", "--mode", "road", *way, "--departs", "2099-01-02 08:00")
    typed(settings, "leg", "C-1", "--mode", "sea", *way, "--unheard", "--via", "X @ 1, 2")
    typed(settings, "leg", "C-1", "--number", "2", "--margin", "2 h", "--vehicle", "ship")
    legs = answered(settings, "show", "C-1")["consignment"]["legs"]
    assert [(leg["mode"], leg["heard"], leg["margin"]) for leg in legs][1] == (
        "sea",
        False,
        7200000,
    )
    assert legs[1]["via"] == [{"name": "X", "position": [1.0, 2.0]}]
    typed(settings, "leg", "C-1", "--number", "1", "--remove")
    (left,) = answered(settings, "show", "C-1")["consignment"]["legs"]
    assert (left["number"], left["vehicle"]) == (1, "ship")
    typed(settings, "leg", "C-1", "--mode", "sea", code=1)
    typed(settings, "leg", "C-1", "--number", "9", "--mode", "sea", code=1)


def test_a_table_with_a_wrong_line_says_so_and_takes_the_rest(
    settings: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,goods,sensor\nC-8,vaccines,d-1\nC-9,stones,\n", encoding="utf-8")
    holdwatch("consignment", "import", str(table), "-c", str(settings), code=1)
    assert {one["id"] for one in answered(settings, "list")} == {"C-1", "C-8"}
    out = tmp_path / "out.csv"
    assert "Wrote 2 consignments to" in typed(settings, "export", str(out))
    assert out.read_text(encoding="utf-8").startswith("id,goods,")
    assert typed(settings, "export").startswith("id,goods,")
    holdwatch("consignment", "import", str(tmp_path / "no.csv"), "-c", str(settings), code=1)


def test_a_file_says_what_the_rules_of_goods_find_in_it(settings: Path, tmp_path: Path) -> None:
    typed(settings, "add", "C-2", "--goods", "vaccines", "--sensor", "d-9", *PAST)
    file = tmp_path / "logger.csv"
    frozen = "".join(
        f"2026-01-01T{hour:02}:{minute}:00Z,-2.5\n" for hour in range(3) for minute in (10, 30, 50)
    )
    file.write_text(f"time,temperature °C\n{frozen}", encoding="utf-8")
    told = holdwatch("import", str(file), "--device", "d-9", "-c", str(settings))
    (line,) = [one for one in told.splitlines() if " frozen " in one]
    assert "CRITICAL" in line
    assert "consignment/C-2" in line


def test_a_sensor_without_an_owner_is_shown_with_what_it_said(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(SETTINGS.format(folder=tmp_path).replace('owner = "acme"\n', ""))
    file = tmp_path / "logger.csv"
    file.write_text("time,temperature °C\n2026-01-01T00:10:00Z,4.5\n", encoding="utf-8")
    holdwatch("import", str(file), "--device", "d-9", "-c", str(settings))
    typed(settings, "add", "C-1", "--goods", "vaccines", "--sensor", "d-9", *PAST)
    (line,) = [one for one in typed(settings, "show", "C-1").splitlines() if "temperature" in one]
    assert line.startswith("d-9 ")
    assert "temperature 4.5" in line


@pytest.mark.parametrize(
    ("stage", "words", "shown"),
    [
        ("delivered", "delivered", "delivered"),
        ("released", "released", "[green]✓ released[/]"),
        ("under_review", "under review", "[yellow]! under review[/]"),
        (
            "under_review",
            "rejected, under review",
            "[red]✗ rejected[/], [yellow]! under review[/]",
        ),
    ],
)
def test_what_is_decided_and_under_review_is_said_as_both(
    stage: str, words: str, shown: str
) -> None:
    assert standing({"stage": stage, "standing": words}) == shown
