"""`holdwatch device …`, as a person types it while no gateway runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.journal import Journal
from tests.e2e.gateway_process import ENVIRONMENT, holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS
from tests.gateway.parts import NOW, said


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a gateway that has heard d-1."""
    data = tmp_path / "data"
    data.mkdir()
    journal = Journal(data / "journal.db")
    journal.append([said(owner="acme", at=NOW)])
    journal.commit()
    journal.close()
    file = tmp_path / "holdwatch.toml"
    file.write_text(SETTINGS.format(folder=data), encoding="utf-8")
    return file


def typed(settings: Path, *words: str) -> str:
    return holdwatch("device", *words, "-c", str(settings))


def answered(settings: Path, *words: str) -> Any:  # noqa: ANN401 - whatever is answered
    return holdwatch_json("device", *words, "-c", str(settings))


def test_what_is_stated_is_shown(settings: Path) -> None:
    told = typed(
        settings,
        *("set", "d-1", "--name", "Left [1]", "--site", "Clinic", "--container", "MSKU 907032-3"),
        *("--position", "53.54321,9.98", "--interval", "10 min", "--since", "2024-01-01"),
    )
    assert "container  MSKU 907032-3" in told
    typed(
        settings,
        *("calibrate", "d-1", "temperature", "--offset", "-0.5", "--certificate", "C-1"),
        *("--expires", "2099-12-31", "--since", "2024-01-01"),
    )
    typed(settings, "maintenance", "d-1", "--for", "2h", "--reason", "Defrosting")
    shown = typed(settings, "show", "d-1")
    for words in (
        "acme/d-1 Left [1]",
        "Clinic · MSKU 907032-3",
        "53.54321, 9.98",
        "every 10 min",
        "temperature 4.5 (it said 5)",
        "certificate C-1, good until 2099-12-31",
        ": Defrosting",
    ):
        assert words in shown
    listed = typed(settings, "list")
    assert "Left [1]" in listed
    assert "in maintenance until" in listed
    typed(settings, "maintenance", "d-1", "--end")
    assert "in maintenance" not in typed(settings, "list")


def test_a_sensor_that_was_wrong_is_told_with_what_was_judged_on_it(settings: Path) -> None:
    told = typed(
        settings,
        *("calibrate", "d-1", "temperature", "--offset", "0.9", "--as-found", "-0.9"),
        *("--certificate", "C-2", "--expires", "2099-12-31"),
    )
    assert "The sensor was wrong by more than 0.5" in told
    assert "1 reading," in told
    (one,) = answered(settings, "calibration", "d-1")["calibrations"]
    assert "out of tolerance" in typed(settings, "calibration")
    typed(settings, "calibration", "d-1", "--withdraw", str(one["number"]))
    assert "Nothing was calibrated" in typed(settings, "calibration")


def test_a_device_is_put_in_another_s_place_and_back(settings: Path) -> None:
    typed(settings, "set", "d-1", "--name", "Left")
    assert "acme/d-2 was not heard yet" in typed(settings, "replace", "d-1", "d-2")
    assert "in place of  acme/d-1" in typed(settings, "show", "d-2")
    assert "replaced by acme/d-2" in typed(settings, "list")
    assert "never did" in typed(settings, "replace", "d-1", "d-2", "--undo")


def test_all_devices_go_out_as_a_table_and_come_in_again(settings: Path, tmp_path: Path) -> None:
    typed(settings, "set", "d-1", "--name", "=Left")
    table = tmp_path / "t.csv"
    assert "Wrote 1 device to" in typed(settings, "export", str(table))
    assert table.read_bytes() == typed(settings, "export").encode().replace(b"\n", b"\r\n")
    assert "nothing is changed" in typed(settings, "import", str(table))
    table.write_text("device;name;confirmed\nd-1;Right;yes\nd-2;Door;\n", encoding="utf-8-sig")
    assert "2 devices of 2 would change" in typed(settings, "import", str(table), "--dry-run")
    assert "2 devices of 2 changed" in typed(settings, "import", str(table))
    table.write_text("device,interval\nd-1,often\nd-2,1 h\nd-3,never\n", encoding="utf-8")
    holdwatch("device", "import", str(table), "-c", str(settings), code=1)
    assert [one["name"] for one in answered(settings, "list")] == ["Right", "Door"]


def test_a_mistyped_device_is_told_and_forgotten_and_a_table_is_printed(settings: Path) -> None:
    assert "Did you mean dragino-lht65?" in typed(settings, "set", "d-11", "--model", "lht66")
    assert typed(settings, "export", "-") == typed(settings, "export")
    table = settings.with_name("t.csv")
    table.write_text(typed(settings, "export", "-"), encoding="utf-8")
    told = typed(settings, "import", str(table), "--dry-run")
    assert "acme/d-11 was never heard. Mistyped? Did you mean acme/d-1?" in told
    assert "acme/d-11 is forgotten" in typed(settings, "forget", "d-11")
    assert [one["device"] for one in answered(settings, "list")] == ["acme/d-1"]


@pytest.mark.parametrize("columns", [30, 120])
def test_a_program_that_says_how_wide_its_lines_are_is_heeded(
    settings: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "COLUMNS", str(columns))
    lines = typed(settings, "list").splitlines()
    assert (len(lines) > 2) is (columns == 30)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["set", "d-1", "--container", "MSKU 907032-4"], "3 would fit the rest"),
        (["show", "d-11"], "Did you mean acme/d-1?"),
        (["maintenance", "d-1", "--reason", "r"], '--for 2h or --until "2026-11-23 17:00"'),
        (["maintenance", "d-1", "--for", "2h", "--until", "2099-01-01"], "until when, and why"),
        (["maintenance", "d-1", "--for", "2h"], '--reason "Defrosting"'),
        (["calibration", "--withdraw", "3"], "Say whose"),
        (["confirm"], "ids of devices, or --all"),
        (["confirm", "--undo", "a", "b"], "one at a time"),
        (["import", "/nowhere.csv"], "Cannot read /nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    settings: Path, words: list[str], told: str
) -> None:
    said = " ".join(holdwatch("device", *words, "-c", str(settings), code=1).split())
    assert told in said
    assert "?." not in said


def test_who_was_heard_before_is_no_stranger_and_all_are_confirmed_at_once(settings: Path) -> None:
    assert "No device is unconfirmed" in typed(settings, "confirm", "--all")
    told = typed(settings, "confirm", "d-1", "d-2")
    assert "acme/d-1 was confirmed already" in told
    assert "Nothing of that name was ever heard" in told
