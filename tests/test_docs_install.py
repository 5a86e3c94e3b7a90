"""Holds the guides to installing to the code: what they have people type can be typed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.service.unit import Needs
from tests.gateway.service.test_unit import text as unit_text
from tests.test_docs_commands import COMMANDS, EVERYWHERE, options, text

GUIDES = ("install", "broker")
LONGEST = 3
"""Words of a command's name."""


def typed(guide: str) -> list[list[str]]:
    """Return each command of ours that a block of shell lines, or a phrase in quotes, has."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text(guide), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^```.*?^```", "", text(guide), flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"`([^`]*\b(?:holdwatch|hw) [a-z][^`]*)`", prose)
    found = []
    for line in lines:
        words = shlex.split(line.replace("…", "").replace("\n", " "))
        for place, word in enumerate(words):
            last = word == "hw" or word.rpartition("/")[2] == "holdwatch"
            if last and words[place - 1 : place] not in (["-u"], ["-g"], ["-o"], ["restart"]):
                found.append(words[place + 1 :])
    return [one for one in found if one and re.fullmatch("[a-z]+", one[0])]


def known(words: list[str]) -> str | None:
    """Return the command that words begin with."""
    names = (" ".join(["holdwatch", *words[:count]]) for count in range(LONGEST, 0, -1))
    return next((name for name in names if name in COMMANDS), None)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_that_a_guide_has_typed_is_there_with_its_options(guide: str) -> None:
    wrong = []
    for words in typed(guide):
        name = known(words)
        if name is None:
            group = any(one.startswith(f"holdwatch {words[0]} ") for one in COMMANDS)
            if not group or len(words) > 1:
                wrong.append(words)
            continue
        secondary = {
            one for each in COMMANDS[name].params for one in getattr(each, "secondary_opts", ())
        }
        given = {word for word in words if word.startswith("-")}
        wrong += [words] * bool(given - options(COMMANDS[name]) - EVERYWHERE - secondary)
    assert wrong == []


@pytest.mark.parametrize("guide", ["backup", "broker", "install", "notifications", "operate"])
def test_root_gives_only_the_commands_that_are_its_own(guide: str) -> None:
    """Any other may leave files that the gateway cannot open."""
    given = re.findall(r"sudo (?:\S*/bin/)?holdwatch ([a-z]+)", text(guide))
    assert set(given) <= {"install", "uninstall", "restore"}


@pytest.mark.parametrize("guide", ["broker", "install", "notifications"])
def test_whoever_gives_a_file_to_the_service_is_root(guide: str) -> None:
    lines = re.findall(r"^(.*)\binstall .*-[og] holdwatch", text(guide), re.MULTILINE)
    assert lines
    assert all(re.search(r"sudo $|=/usr/bin/$", line) for line in lines)


def test_commands_are_found_in_the_guide() -> None:
    names = {known(words) for words in typed("install")}
    assert {"holdwatch install", "holdwatch status", "holdwatch tls init"} <= names
    assert {"holdwatch uninstall", "holdwatch user add", "holdwatch device add"} <= names


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="apt-get install systemd")
def test_the_unit_that_makes_the_keys_of_a_box_is_one(tmp_path: Path) -> None:
    (unit,) = re.findall(r"^```ini\n(.*?)^```", text("install"), re.MULTILINE | re.DOTALL)
    there = unit.replace("/opt/holdwatch/bin/holdwatch", "/bin/true")
    (tmp_path / "holdwatch-keys.service").write_text(there, encoding="utf-8")
    (tmp_path / "holdwatch.service").write_text(unit_text(Needs("/srv")), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "holdwatch-keys.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "holdwatch-keys" not in done.stderr
