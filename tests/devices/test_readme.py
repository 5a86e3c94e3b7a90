"""devices/README.md is right: a copy of the house follows it word by word and adds its device."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "devices" / "README.md"
COPIED = ("devices", "simulators", "tests/devices")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w/.-]+/[\w.-]+\.(?:py|toml))`")


def blocks() -> list[tuple[str, str, str]]:
    """Return each code block with its language and the file that was named last before it."""
    text = README.read_text(encoding="utf-8")
    found = []
    for block in _BLOCK.finditer(text):
        before = text[: block.start()].rpartition("```\n")[2]
        named = _FILE.findall(before)
        found.append((block[1], named[-1] if named else "", block[2]))
    return found


def add_lines(file: Path, lines: str) -> None:
    """Put the import among the imports and the entry into the tuple."""
    imported, entry = lines.splitlines()
    text = file.read_text(encoding="utf-8")
    text = re.sub(
        r"^from __future__ import annotations\n", rf"\g<0>\n{imported}\n", text, flags=re.MULTILINE
    )
    text, count = re.subn(
        r"^((?:CATALOGUE|ENCODERS): [^=]+= \()", rf"\g<1>\n{entry}\n", text, flags=re.MULTILINE
    )
    assert count == 1, f"{file} has no such tuple"
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the rooms that a device needs, in which the README was followed."""
    folder = tmp_path_factory.mktemp("house")
    for room in COPIED:
        shutil.copytree(
            ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "test_[!c]*")
        )
    for file in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / file, folder / file)
    for language, file, content in blocks():
        if language not in {"python", "toml"}:
            continue
        target = folder / file
        if target.exists():
            add_lines(target, content)
        else:
            target.parent.mkdir(exist_ok=True)
            target.write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_readme_names_the_files_that_it_makes() -> None:
    named = [file for language, file, _ in blocks() if language != "sh"]
    assert named == [
        "devices/models/acme.py",
        "devices/models/__init__.py",
        "devices/models/vectors/acme-cold-1.toml",
        "simulators/encoders/acme.py",
        "simulators/encoders/__init__.py",
    ]


def test_whoever_follows_the_readme_has_added_a_device(house: Path) -> None:
    (commands,) = [content for language, _, content in blocks() if language == "sh"]
    suite, pick = commands.splitlines()[0].split(" ", 1)
    assert (suite, pick) == ("scripts/test", "tests/devices/test_catalogue.py -k acme")
    told = run(house, "pytest", *pick.split(), "-q", "-p", "no:cacheprovider", "-rA")
    passed = re.findall(r"^PASSED \S+::(\w+)\[acme", told, re.MULTILINE)
    assert {
        "test_a_model_says_what_it_is",
        "test_a_vector_means_what_its_source_says",
        "test_what_a_model_was_proven_by_is_there",
        "test_what_an_encoder_sends_is_read_back",
        "test_any_bytes_are_samples_or_refused",
    } <= set(passed)
    assert "skipped" not in told


def test_a_decoder_that_is_wrong_is_found_by_the_suite(house: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(house, folder)
    file = folder / "devices/models/acme.py"
    text = file.read_text(encoding="utf-8")
    assert "humidity / 2" in text
    file.write_text(text.replace("humidity / 2", "humidity / 2.01"), encoding="utf-8")
    with pytest.raises(AssertionError) as caught:
        run(folder, "pytest", "tests/devices/test_catalogue.py", "-k", "acme", "-q", "-rf")
    assert "test_a_vector_means_what_its_source_says[acme-cold-1-1]" in str(caught.value)
    assert "test_what_an_encoder_sends_is_read_back[acme-cold-1-2]" in str(caught.value)


def test_what_the_readme_shows_is_written_as_all_here_is(house: Path) -> None:
    files = ("devices/models/acme.py", "simulators/encoders/acme.py")
    run(house, "ruff", "check", "--no-cache", *files)
    run(house, "ruff", "format", "--check", "--no-cache", *files)


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README.read_text(encoding="utf-8"))
    assert [link for link in links if not (README.parent / link).exists()] == []
