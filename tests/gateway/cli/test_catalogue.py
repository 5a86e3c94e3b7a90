"""`holdwatch device catalogue`, which needs neither gateway nor settings."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from rich.console import Console

from devices.model import HOUR, Model
from devices.models import CATALOGUE
from gateway.cli.catalogue import _find, as_json
from gateway.screen import catalogue as screen
from gateway.settings import parse
from tests.e2e.typed import typed

DOOR = Model(
    id="acme-door",
    maker="Acme",
    name="Door",
    data_sheet="Door D1, data sheet 1.2, acme.example",
    decode=lambda _data, _port: [],
    channels=("temperature", "temperature.outside", "acceleration.x", "acceleration.y", "battery"),
    interval=None,
    hold=24 * HOUR,
    battery=((2.8, 0.0), (3.6, 100.0)),
    low_battery=2.9,
    known_as=("acme/d1",),
    proven="data sheet",
)
FRIDGE = Model(
    id="acme-fridge",
    maker="Acme",
    name="Fridge",
    data_sheet="Fridge, data sheet 2",
    decode=lambda _data, _port: [],
    channels=("temperature", "door"),
    interval=10 * 60_000,
)


def shown(show: Any, *given: Any) -> str:  # noqa: ANN401 - whatever is shown
    console = Console(file=io.StringIO(), width=200)
    show(console, *given)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it where there are no settings."""
    return typed("device", "catalogue", *words, folder=folder)


def test_it_needs_no_settings(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(one.id in done.stdout for one in CATALOGUE)
    told = json.loads(run(tmp_path, "--json").stdout)
    assert [one["id"] for one in told] == [one.id for one in CATALOGUE]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_there_is_refused_with_a_cure(tmp_path: Path) -> None:
    done = run(tmp_path, "acme-9000")
    assert done.returncode == 1
    assert "no model 'acme-9000' in the catalogue" in done.stderr


@pytest.mark.skipif(not CATALOGUE, reason="there is no model yet")
def test_a_model_is_found_by_any_of_its_names() -> None:
    for model in CATALOGUE:
        assert _find(f"{model.maker} {model.name}".upper()) is model
    with pytest.raises(typer.Exit):
        _find("no such device at all")


def test_the_list_says_what_a_model_sends_how_often_and_what_it_was_held_against() -> None:
    text = shown(screen.show_catalogue, (DOOR, FRIDGE))
    door, fridge = text.splitlines()[1:3]
    assert "temperature (own, outside) °C, acceleration (x, y) g, battery V" in door
    assert "on change, at least every 1 day" in door
    assert "volts, and percent by its curve; low under 2.9 V" in door
    assert "data sheet" in door
    assert "temperature °C, door  " in fridge
    assert "every 10 min" in fridge
    assert "unproven" in fridge
    assert "2 models" in text


def test_places_that_are_only_numbered_on_are_told_from_first_to_last() -> None:
    places = ("", ".external", *(f".external_{number}" for number in range(2, 10)))
    channels = (*(f"temperature{place}" for place in places), "count.pulse_1", "count.pulse_2")
    model = msgspec.structs.replace(FRIDGE, channels=channels)
    assert screen.sends(model) == (
        "temperature (own, external, external_2 to external_9) °C, count (pulse_1, pulse_2)"
    )


def test_one_model_is_shown_with_its_data_sheet_its_names_and_how_to_say_it() -> None:
    text = shown(screen.show_model, DOOR)
    assert "Door D1, data sheet 1.2, acme.example" in text
    assert "Acme Door, Door, acme/d1" in text
    assert "2.8 V is 0 %" in text
    assert "holdwatch device set DEVICE --model acme-door" in text
    assert 'interval = "1 day"' in text


def test_the_lines_for_the_settings_are_right() -> None:
    (section,) = parse("\n".join(screen.settings_lines(DOOR))).devices
    assert section.model == "acme-door"
    assert section.interval == DOOR.hold


def test_programs_are_told_units_and_seconds() -> None:
    told = as_json(DOOR)
    assert told["channels"]["acceleration.x"] == "g"
    assert (told["interval_s"], told["on_change"], told["longest_hold_s"]) == (None, True, 86_400)
    assert told["battery"] == [{"volts": 2.8, "percent": 0.0}, {"volts": 3.6, "percent": 100.0}]
    fridge = as_json(FRIDGE)
    assert (fridge["interval_s"], fridge["on_change"], fridge["longest_hold_s"]) == (
        600,
        False,
        600,
    )
