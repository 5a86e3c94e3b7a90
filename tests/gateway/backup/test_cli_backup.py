"""`holdwatch backup` and `restore`, as a person types them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.settings import load
from tests.e2e.gateway_process import holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS
from tests.gateway.backup.boxes import filled
from tests.gateway.evidence.voyage import taking


async def _filled(settings: Path) -> None:
    gateway = await asyncio.to_thread(Gateway, load(settings), join=False)
    await gateway.compose()
    async with taking(gateway):
        await filled(gateway)
    gateway.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a gateway that does not run, whose backups are encrypted."""
    public = holdwatch("backup", "key", "-o", str(tmp_path / "secret.txt")).split('"')[1]
    file = tmp_path / "holdwatch.toml"
    section = f'[backup]\nfolder = "{tmp_path}/to"\nkeys = ["{public}"]\n'
    file.write_text(SETTINGS.format(folder=tmp_path / "data") + section, encoding="utf-8")
    (tmp_path / "to").mkdir()
    asyncio.run(_filled(file))
    return file


def _words(text: str) -> str:
    return " ".join(text.split())


def test_a_box_is_backed_up_verified_and_restored(settings: Path, tmp_path: Path) -> None:
    config, key = ("-c", str(settings)), ("--key", str(tmp_path / "secret.txt"))
    assert "none yet" in _words(holdwatch("backup", "status", *config))
    made = holdwatch_json("backup", *config)
    file = made["file"]
    assert (made["encrypted"], Path(file).parent) == (True, tmp_path / "to")
    assert "the last 20" in _words(holdwatch("backup", "status", *config))
    assert "is encrypted" in holdwatch("backup", "verify", file, code=1)
    whole = _words(holdwatch("backup", "verify", file, *key))
    assert "holds here as of" in whole
    assert "journal.db: 1" in whole
    new = tmp_path / "new"
    told = _words(holdwatch("restore", file, "--to", str(new), *key))
    assert "100 readings in the journal" in told
    assert "The old box must not run any more as here" in told
    copy = new / "settings-of-backup" / str(settings).lstrip("/")
    assert copy.read_text() == settings.read_text()
    assert "data already" in _words(holdwatch("restore", file, "--to", str(new), *key, code=1))
    again = _words(holdwatch("restore", file, "--to", str(new), *key, "--replace"))
    assert f"What was there before is in {new}/before-restore-" in again
    # Without --to it is the folder of the settings, which is in use.
    assert "data already" in _words(holdwatch("restore", file, *config, *key, code=1))


def test_the_readings_of_another_one_are_taken_in(settings: Path, tmp_path: Path) -> None:
    config, key = ("-c", str(settings)), ("--key", str(tmp_path / "secret.txt"))
    file = holdwatch_json("backup", *config)["file"]
    (tmp_path / "data").rename(tmp_path / "lost")
    told = _words(holdwatch("restore", "--readings", file, *config, *key))
    assert "Took in 100 readings; 0 more were here already. All of them came 20" in told
    journal = str(tmp_path / "lost" / "journal.db")
    told = _words(holdwatch("restore", "--readings", journal, *config))
    assert "Took in 0 readings" in told
    assert "100 more were here already" in told
    assert "goes into the data folder" in holdwatch(
        "restore", "--readings", file, "--to", "x", *config, code=1
    )


def test_a_secret_key_is_shown_once_and_never_written_over(tmp_path: Path) -> None:
    shown = holdwatch("backup", "key")
    assert "AGE-SECRET-KEY-1" in shown
    assert 'keys = ["age1' in shown
    file = tmp_path / "secret.txt"
    told = holdwatch("backup", "key", "--output", str(file))
    assert "AGE-SECRET-KEY-1" not in told
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    assert "File exists" in holdwatch("backup", "key", "-o", str(file), code=1)
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["backup", "--to", "{}/none"], 1, "none is no folder. Make it, or name another"),
        (["backup", "verify", "{}/none.holdwatch"], 4, "No such file or directory"),
        (["backup", "verify", "{}/holdwatch.toml"], 1, "is no backup of Holdwatch"),
        (["restore", "{}/holdwatch.toml", "--to", "{}/new"], 1, "is no backup of Holdwatch"),
        (["restore", "{}/x", "--key", "{}/none", "--to", "{}/new"], 1, "cannot be read"),
        (["restore", "--readings", "{}/none.db"], 1, "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    settings: Path, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    typed = [word.format(tmp_path) for word in words]
    more = ("-c", str(settings)) if "verify" not in typed else ()
    assert told in _words(holdwatch(*typed, *more, code=code))
