"""A gateway makes its backups when they are due, and says when it could not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.backup import keys
from gateway.backup.archive import look_into
from gateway.backup.backups import AGAIN, LATE, SUBJECT, Backups
from gateway.backup.belongings import belongings
from gateway.backup.errors import BackupError
from gateway.backup.making import PIECE
from gateway.backup.manifest import file_name
from gateway.backup.process import run
from gateway.settings import load, parse
from rules.duration import DAY, HOUR
from tests.gateway.asked import SETTINGS, Asked
from tests.gateway.backup.boxes import backed_up, filled, order, restored
from tests.gateway.evidence.voyage import taking
from tests.gateway.parts import ToldClock

SECRET, PUBLIC = keys.make()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    """One whose backups go to a folder "to", which is there."""
    to = tmp_path / "to"
    to.mkdir()
    text = f'{SETTINGS.format(folder=tmp_path / "data")}\n[backup]\nfolder = "{to}"\nkeep = 2\n'
    made = await asyncio.to_thread(Gateway, parse(text), join=False)
    made.clock = ToldClock()
    made.backups = Backups(made)
    await made.compose()
    async with taking(made):
        await filled(made)
        yield made
    made.close()


def _clock(gateway: Gateway) -> ToldClock:
    assert isinstance(gateway.clock, ToldClock)
    return gateway.clock


async def _look(gateway: Gateway, after: int = 0) -> str | None:
    """Let time pass, look, and return what is told."""
    _clock(gateway).passes(after)
    await gateway.backups.look(gateway.clock.now())
    return next(
        (one.reason for one in gateway.own_alerts.open_alerts if one.channel == SUBJECT), None
    )


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_they_are_made_when_due_and_the_oldest_goes(gateway: Gateway, tmp_path: Path) -> None:
    to = tmp_path / "to"
    (to / "mine.txt").touch()
    assert await _look(gateway) is None
    (first,) = [name for name in _names(to) if name != "mine.txt"]
    assert await _look(gateway, DAY - HOUR) is None
    assert len(_names(to)) == 2
    await _look(gateway, HOUR)
    await _look(gateway, DAY)
    assert len(_names(to)) == 3
    assert first not in _names(to)
    assert "mine.txt" in _names(to)
    report = gateway.backups.report()
    assert report is not None
    assert report["last"] == gateway.clock.now() // 1000 * 1000
    assert report["next"] == report["last"] + DAY
    assert report["problem"] is None
    assert look_into(to / _names(to)[0]).head.box == "here"


async def test_what_was_made_before_the_start_counts(gateway: Gateway, tmp_path: Path) -> None:
    await _look(gateway)
    count = len(_names(tmp_path / "to"))
    gateway.backups = Backups(gateway)
    await _look(gateway, DAY - HOUR)
    assert len(_names(tmp_path / "to")) == count


async def test_a_disk_that_is_not_there_is_told_until_it_is(
    gateway: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "to").rename(tmp_path / "away")
    assert "is not there" in (await _look(gateway) or "")
    assert not (tmp_path / "to").exists()
    (tmp_path / "away").rename(tmp_path / "to")
    assert await _look(gateway, 60_000) is None
    assert len(_names(tmp_path / "to")) == 1


async def test_one_that_failed_is_told_and_tried_again_later(
    gateway: Gateway, tmp_path: Path
) -> None:
    full = gateway.settings.disk.model_copy(update={"minimum_free": 1 << 60})
    gateway.settings = gateway.settings.model_copy(update={"disk": full})
    assert "there is no room for it" in (await _look(gateway) or "")
    assert _names(tmp_path / "to") == []
    gateway.settings = gateway.settings.model_copy(
        update={"disk": full.model_copy(update={"minimum_free": 1})}
    )
    assert "there is no room for it" in (await _look(gateway, AGAIN - 1) or "")
    assert await _look(gateway, 1) is None
    assert len(_names(tmp_path / "to")) == 1


async def test_the_oldest_stays_until_a_new_one_was_read_back(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _look(gateway)
    await _look(gateway, DAY)
    before = _names(tmp_path / "to")

    async def fails(*_: object) -> None:
        raise BackupError("what was written cannot be read back as it was", "Use another disk")

    monkeypatch.setattr("gateway.backup.backups.run", fails)
    assert "cannot be read back" in (await _look(gateway, DAY) or "")
    assert _names(tmp_path / "to") == before


async def test_a_disk_that_gives_back_something_else_is_noticed(
    tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    fadvise = os.posix_fadvise

    def spoils(descriptor: int, *how: int) -> None:
        os.pwrite(descriptor, b"?", os.fstat(descriptor).st_size - 5)
        fadvise(descriptor, *how)

    monkeypatch.setattr("gateway.backup.making.os.posix_fadvise", spoils)
    with pytest.raises(BackupError, match="cannot be read back as it was"):
        backed_up(gateway.settings.gateway.data, tmp_path / "to")
    assert _names(tmp_path / "to") == []


async def test_one_that_cannot_begin_for_long_is_told(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that cannot be trusted its name would be wrong."""
    monkeypatch.setattr(gateway.clock, "trusted", lambda: False)
    assert await _look(gateway) is None
    assert await _look(gateway, LATE - 60_000) is None
    assert "has been due for 6 h" in (await _look(gateway, 60_000) or "")


async def test_where_the_disk_fills_it_is_given_up_and_the_journal_lets_go_again(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays: list[bool] = []

    async def hangs(*_: object) -> None:
        stays.append(gateway.journal.stays)
        gateway.room.step += 1
        await asyncio.Event().wait()

    monkeypatch.setattr("gateway.backup.backups.run", hangs)
    monkeypatch.setattr("gateway.backup.backups.WATCH", 0.01)
    with pytest.raises(BackupError, match="given up, since the disk"):
        await gateway.backups.make(tmp_path / "to")
    assert stays == [True]
    assert gateway.journal.stays is False


async def test_two_are_not_made_at_once(gateway: Gateway, tmp_path: Path) -> None:
    first = asyncio.create_task(gateway.backups.make(tmp_path / "to"))
    await asyncio.sleep(0)
    with pytest.raises(BackupError, match="just being made"):
        await gateway.backups.make(tmp_path / "to")
    assert (await first).size > 0


async def test_who_leaves_ends_it_and_nothing_half_stays_for_long(
    gateway: Gateway, tmp_path: Path
) -> None:
    half = tmp_path / "to" / ".here-20260101T000000Z.holdwatch.part"
    other = tmp_path / "to" / ".there-20260101T000000Z.holdwatch.part"
    for one in (half, other):
        one.touch()
    task = asyncio.create_task(gateway.backups.make(tmp_path / "to"))
    while not gateway.journal.stays:  # noqa: ASYNC110 - it has begun
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gateway.journal.stays is False
    await gateway.backups.make(tmp_path / "to")
    assert not half.exists()
    assert other.exists()


async def test_without_the_section_none_is_made_and_an_old_alert_ends(ask: Asked) -> None:
    gateway = ask.gateway
    gateway.own_alerts.report(SUBJECT, "it failed", "warning")
    assert await _look(gateway) is None
    assert (await ask("backup-status"))["backup"] is None


async def test_the_status_knows_what_lies_in_the_folder(gateway: Gateway) -> None:
    asked = Asked(gateway)
    assert (await asked("backup-status"))["backup"]["last"] is None
    await gateway.backups.make(gateway.settings.backup.folder)  # type: ignore[union-attr]
    found = (await asked("status"))["backup"]
    assert found["last"] is not None
    assert found["size"] > 1_000
    assert found["encrypted"] is False


def _settings(folder: Path) -> Path:
    """Settings with a password inside, one in a file, TLS with its authority, and own codecs."""
    for name, content in {
        "password.txt": "hidden",
        "server.pem": "-----BEGIN CERTIFICATE-----",
        "both.pem": "-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----",
        "authority.key": "-----BEGIN PRIVATE KEY-----",
        "codecs/a.js": "function decodeUplink() {}",
        "notes.txt": "nobody named me",
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        path.chmod(0o600)
    file = folder / "holdwatch.toml"
    file.write_text(
        f"""
[gateway]
data = "{folder}/data"
[[brokers]]
name = "main"
host = "localhost"
username = "us"
password_file = "password.txt"
[[influxdb]]
url = "http://localhost:8086"
database = "cargo"
username = "us"
password = "inside"
[codecs]
folder = "codecs"
[backup]
folder = "{folder}/to"
"""
    )
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("encrypted", [True, False])
def test_what_holds_a_secret_goes_along_only_where_nobody_else_reads_it(
    tmp_path: Path,
    *,
    encrypted: bool,
) -> None:
    found = belongings(load(_settings(tmp_path)), encrypted=encrypted)
    secret = {"holdwatch.toml", "password.txt"}
    plain = {"a.js"}
    assert {one.name for one in found.taken} == (plain | secret if encrypted else plain)
    assert {one.name for one in found.left_out} == (set() if encrypted else secret)


def test_settings_without_a_secret_always_go_along(tmp_path: Path) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_text(f'[gateway]\ndata = "{tmp_path}/data"\n')
    assert belongings(load(file), encrypted=False).taken == (file,)


async def test_encrypted_ones_are_for_those_with_the_secret_key(
    gateway: Gateway, tmp_path: Path
) -> None:
    section = gateway.settings.backup
    assert section is not None
    keyed = section.model_copy(update={"keys": (PUBLIC,)})
    gateway.settings = gateway.settings.model_copy(update={"backup": keyed})
    made = await gateway.backups.make(tmp_path / "to")
    assert made.encrypted
    assert restored(made.file, tmp_path / "new", secret=f"# mine\n{SECRET}\n").readings == 100


def test_a_file_that_is_no_setting_of_anybody_s_is_refused(
    gateway: Gateway, tmp_path: Path
) -> None:
    large = tmp_path / "large.pem"
    with large.open("wb") as file:
        file.truncate(17 * PIECE)
    with pytest.raises(BackupError, match="has more than 16 MiB"):
        backed_up(gateway.settings.gateway.data, tmp_path / "to", belongings=(str(large),))
    gone: dict[str, Any] = {"belongings": (str(tmp_path / "gone.pem"),)}
    with pytest.raises(FileNotFoundError):
        backed_up(gateway.settings.gateway.data, tmp_path / "to", **gone)
    assert order(tmp_path, tmp_path / "to").share == 1.0
    assert _names(tmp_path / "to") == []


async def test_one_of_a_time_to_come_does_not_hold_up_the_next_nor_take_its_place(
    gateway: Gateway, tmp_path: Path
) -> None:
    """Made while the clock was years ahead."""
    to, box = tmp_path / "to", gateway.settings.gateway.box
    for years in (3, 4):
        (to / file_name(box, gateway.clock.now() + years * 366 * DAY)).touch()
    assert await _look(gateway) is None
    assert file_name(box, gateway.clock.now()) in _names(to)
    assert len(_names(to)) == 2


async def test_a_machine_that_starts_no_process_goes_on_without_a_backup(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", none_left)
        assert "cannot be started (Resource temporarily" in (await _look(gateway) or "")
    assert await _look(gateway, AGAIN) is None


async def test_a_disk_that_is_back_is_well_though_nothing_is_due(
    gateway: Gateway, tmp_path: Path
) -> None:
    await _look(gateway)
    gateway.backups = Backups(gateway)
    (tmp_path / "to").rename(tmp_path / "away")
    assert "is not there" in (await _look(gateway) or "")
    (tmp_path / "away").rename(tmp_path / "to")
    assert await _look(gateway, 60_000) is None
    assert len(_names(tmp_path / "to")) == 1


async def test_a_file_whose_name_is_no_text_is_named_and_ends_nothing(
    gateway: Gateway, tmp_path: Path
) -> None:
    goods = tmp_path / "goods"
    goods.mkdir()
    (goods / os.fsdecode(b"caf\xe9.txt")).touch()
    named = gateway.settings.goods.model_copy(update={"folder": goods})
    gateway.settings = gateway.settings.model_copy(update={"goods": named})
    assert "caf\\udce9.txt is no UTF-8" in (await _look(gateway) or "")


@pytest.mark.usefixtures("gateway")
async def test_however_many_files_are_left_out_they_are_named(tmp_path: Path) -> None:
    left_out = tuple(f"/secret/{'x' * 200}/{number}" for number in range(500))
    made = await run(
        order(tmp_path / "data", tmp_path / "to", left_out=left_out), lambda _done, _all: None
    )
    assert made.left_out == left_out
