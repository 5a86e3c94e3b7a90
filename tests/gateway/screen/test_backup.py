"""What is said after a restore: commands that put settings into their place, and nothing else."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateway.screen.backup import show_restored, show_taken
from gateway.settings import Settings


def answer(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an answer
    folder = "/srv/data/settings-of-backup"
    known: dict[str, Any] = {
        "data": "/srv/data",
        "settings": folder,
        "user": "holdwatch",
        "group": "holdwatch",
    }
    known |= {"box": "here", "made": 0, "newest": None, "aside": None, "left_out": ()}
    known |= {"readings": 0, "waiting": 0, "files": ("/etc/holdwatch/holdwatch.toml",)}
    return known | facts


def shown(**facts: Any) -> str:  # noqa: ANN401 - as above
    console = Console(width=80, file=None, color_system=None)
    with console.capture() as captured:
        show_restored(console, Settings(), answer(**facts))
    return captured.get()


def commands(told: str) -> list[list[str]]:
    return [shlex.split(line) for line in told.splitlines() if line.startswith("  sudo ")]


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        ("holdwatch", ["-o", "root", "-g", "staff", "-m", "640"]),
        ("anna", ["-o", "anna", "-g", "staff", "-m", "600"]),
    ],
)
def test_each_file_of_the_settings_has_a_command_of_its_own(user: str, rights: list[str]) -> None:
    files = ("/etc/holdwatch/holdwatch.toml", "/etc/holdwatch/my codecs/it's.js")
    told = commands(shown(user=user, group="staff", files=files))
    copies = [f"/srv/data/settings-of-backup{file}" for file in files]
    assert told == [
        ["sudo", "install", "-D", "-T", *rights, copy, file]
        for copy, file in zip(copies, files, strict=True)
    ]


def test_a_folder_that_is_there_keeps_its_owner_and_mode(tmp_path: Path) -> None:
    """What was there may be / and /etc, which others must still enter."""
    copies, place = tmp_path / "copies", tmp_path / "etc"
    file = f"{place}/own/new/holdwatch.toml"
    (copies / file.lstrip("/")).parent.mkdir(mode=0o700, parents=True)
    (copies / file.lstrip("/")).write_text("[gateway]\n")
    (place / "own").mkdir(parents=True)
    place.chmod(0o755)
    (place / "own").chmod(0o751)
    before = [(one.stat().st_mode, one.stat().st_uid) for one in (place, place / "own")]
    user, group = str(os.geteuid()), str(os.getegid())
    (words,) = commands(shown(settings=str(copies), files=(file,), user=user, group=group))
    subprocess.run(words[1:], check=True)
    assert [(one.stat().st_mode, one.stat().st_uid) for one in (place, place / "own")] == before
    assert Path(file).read_text() == "[gateway]\n"
    assert Path(file).stat().st_mode & 0o777 == 0o600


def test_a_name_that_would_steer_the_terminal_is_no_part_of_a_command() -> None:
    told = shown(files=("/etc/x\n  sudo reboot", "/etc/\x1b[2Jy"))
    assert commands(told) == []
    assert r"# by hand: '/etc/\x1b[2Jy'" in told
    assert "\x1b" not in told


def test_without_settings_in_it_nothing_is_said_of_them() -> None:
    assert "settings" not in shown(files=())


def test_the_span_of_readings_that_were_taken_in_is_called_that_of_all() -> None:
    console = Console(width=80, file=None, color_system=None)
    taken = {"readings": 70, "known": 65, "first": 0, "last": 600_000, "before": 0}
    taken |= {"waiting": 0, "rejected": 0, "messages": 0}
    with console.capture() as captured:
        show_taken(console, Settings(), taken)
    told, all_ = captured.get().split(" All of them came ")
    assert told == "Took in 5 readings; 65 more were here already."
    assert "00:00:00" in all_
    assert "00:10:00" in all_
