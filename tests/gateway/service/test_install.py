"""Installing into an image: what is made, with which rights, again, and undone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import typer

from gateway.cli import install as cli
from gateway.cli.starter import starter
from gateway.service import install as module
from gateway.service.install import SETTINGS, UNIT, Plan, install, uninstall, unreachable
from gateway.service.target import InstallError, Target
from gateway.service.unit import STATE, USER, Needs, unit
from gateway.settings import load, parse

PROGRAM = Path("/opt/holdwatch/bin/holdwatch")
COMMAND = Path("/usr/local/bin/holdwatch")

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("useradd", "systemctl"))),
    reason="an image is made by root, with useradd and systemctl",
)


@pytest.fixture
def image(tmp_path: Path) -> Target:
    """As much of a system as an installation needs: accounts, and the program."""
    for folder in ("etc", "var/lib", "usr/local/bin", "opt/holdwatch/bin"):
        (tmp_path / folder).mkdir(parents=True)
    etc = tmp_path / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (etc / "group").write_text("root:x:0:\n")
    (etc / "shadow").write_text("root:*:19000:0:99999:7:::\n")
    (etc / "login.defs").write_text("SYS_UID_MIN 100\nSYS_UID_MAX 999\n")
    (tmp_path / "opt/holdwatch/bin/holdwatch").touch(mode=0o755)
    return Target(tmp_path)


def plan(image: Target, needs: Needs | None = None) -> Plan:
    wanted = needs or Needs(STATE)
    return Plan(image, PROGRAM, wanted, first=starter(None, None, data=wanted.data))


def done(chosen: Plan) -> list[str]:
    """Install; return what there was to do."""
    return [step.says for step, needed in install(chosen, dry_run=False) if needed]


def rights(image: Target, path: str) -> tuple[int, str, str]:
    """Return mode, owner and group of a path of the image."""
    found = image.place(path).stat()
    ours = image.account(USER)
    assert ours is not None
    owner = {0: "root", ours[0]: USER}[found.st_uid]
    return found.st_mode & 0o777, owner, {0: "root", ours[1]: USER}[found.st_gid]


@as_root
def test_all_that_is_made_has_the_right_owner_and_mode(image: Target) -> None:
    assert len(done(plan(image))) == 7
    assert rights(image, "/etc/holdwatch") == (0o750, "root", USER)
    assert rights(image, "/etc/holdwatch/holdwatch.toml") == (0o640, "root", USER)
    assert rights(image, STATE) == (0o700, USER, USER)
    assert rights(image, str(UNIT)) == (0o644, "root", "root")
    passwd = image.place("/etc/passwd").read_text().splitlines()[-1]
    assert passwd.startswith(f"{USER}:x:")
    assert passwd.endswith(f":{STATE}:/usr/sbin/nologin")
    assert image.place("/etc/shadow").read_text().splitlines()[-1].startswith(f"{USER}:!")
    assert image.place(COMMAND).readlink() == PROGRAM
    enabled = image.place("/etc/systemd/system/multi-user.target.wants/holdwatch.service")
    assert enabled.readlink() == UNIT


@as_root
def test_the_first_settings_are_right_and_say_where_the_data_is(image: Target) -> None:
    done(plan(image, Needs("/mnt/ssd/holdwatch")))
    settings = load(image.place(SETTINGS))
    assert str(settings.gateway.data) == "/mnt/ssd/holdwatch"
    assert settings.warnings == ()
    assert rights(image, "/mnt/ssd/holdwatch") == (0o700, USER, USER)


@as_root
def test_again_renews_the_unit_and_touches_no_settings(image: Target) -> None:
    done(plan(image))
    image.place(SETTINGS).write_text("# mine\n")
    image.place(UNIT).write_text("[Service]\n# of an older Holdwatch\n")
    assert done(plan(image)) == [f"unit {UNIT}"]
    assert image.place(SETTINGS).read_text() == "# mine\n"
    assert image.place(UNIT).read_text() == unit(PROGRAM, SETTINGS, Needs(STATE))
    assert done(plan(image)) == []


@as_root
def test_uninstalled_it_runs_no_more_and_keeps_what_people_would_miss(image: Target) -> None:
    before = {path for path in image.root.rglob("*") if path.is_file()}
    done(plan(image))
    (image.place(STATE) / "journal.db").touch()
    undone = [
        step.undone for step, gone in uninstall(plan(image), purge=False, dry_run=False) if gone
    ]
    assert len(undone) == 3
    assert not image.place(UNIT).exists()
    assert not image.place(COMMAND).is_symlink()
    assert (image.place(STATE) / "journal.db").exists()
    assert image.place(SETTINGS).exists()
    for _ in uninstall(plan(image), purge=True, dry_run=False):
        pass
    left = {path for path in image.root.rglob("*") if path.is_file() and path.suffix != ""}
    assert left <= before
    assert image.account(USER) is None
    assert not image.place(STATE).exists()
    assert not image.place(SETTINGS.parent).exists()


@as_root
def test_of_a_folder_that_others_use_too_only_our_files_go(image: Target) -> None:
    wanted = Needs("/mnt/ssd")
    done(plan(image, wanted))
    folder = image.place("/mnt/ssd")
    for name in ("journal.db", "journal.db-wal", "identity", "photos.zip"):
        (folder / name).touch()
    for _ in uninstall(plan(image, wanted), purge=True, dry_run=False):
        pass
    assert [path.name for path in folder.iterdir()] == ["photos.zip"]


@as_root
def test_a_data_folder_of_another_user_is_named_and_left(image: Target) -> None:
    folder = image.place(STATE)
    folder.mkdir()
    (folder / "journal.db").touch()
    os.chown(folder, 4711, 4711)
    with pytest.raises(InstallError, match=f"chown -R {USER}: {STATE}"):
        done(plan(image))
    assert folder.stat().st_uid == 4711


@as_root
def test_links_in_an_image_lead_into_the_image_and_never_to_this_machine(
    image: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Else whoever made the image would say what root writes here, and to whom it belongs."""
    here = tmp_path_factory.mktemp("here")
    for name in ("settings", "data", "bin"):
        (here / name).mkdir()
        (image.root / "srv" / name).mkdir(parents=True)

    def seen() -> dict[Path, tuple[int, int, int]]:
        found = {one: one.stat() for one in here.rglob("*")}
        return {one: (stat.st_mode, stat.st_uid, stat.st_mtime_ns) for one, stat in found.items()}

    before = seen()
    (image.root / "usr/local/bin").rmdir()
    for link, leads in {
        "etc/holdwatch": "/srv/settings",
        "var/lib/holdwatch": "../../../../../../../../srv/data",
        "usr/local/bin": "/srv/bin",
    }.items():
        (image.root / link).symlink_to(leads)
    done(plan(image))
    assert (image.root / "srv/settings/holdwatch.toml").is_file()
    assert (image.root / "srv/data").stat().st_mode & 0o777 == 0o700
    assert (image.root / "srv/bin/holdwatch").readlink() == PROGRAM
    # And where that is a folder of this machine's too, it is not that one.
    for link, name in (("etc/holdwatch", "settings"), ("var/lib/holdwatch", "data")):
        (image.root / link).unlink()
        (image.root / link).symlink_to(here / name)
    done(plan(image))
    assert seen() == before


def test_links_that_go_round_in_an_image_end(image: Target) -> None:
    (image.root / "etc/holdwatch").symlink_to("/etc/holdwatch")
    with pytest.raises(InstallError, match="its links go round"):
        done(plan(image))


@as_root
def test_somebody_else_s_command_is_left(image: Target) -> None:
    image.place(COMMAND).write_text("#!/bin/sh\n")
    with pytest.raises(InstallError, match="somebody else's"):
        done(plan(image))
    assert image.place(COMMAND).read_text() == "#!/bin/sh\n"


def test_a_dry_run_says_all_and_changes_nothing(
    image: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(image.root.rglob("*"))
    steps = list(install(plan(image), dry_run=True))
    assert [needed for _, needed in steps] == [True] * 7
    assert sorted(image.root.rglob("*")) == before
    cli.install(root=image.root, program=PROGRAM, dry_run=True)
    shown = capsys.readouterr().out
    assert f"+ user and group {USER}" in shown
    assert "ExecStart=/opt/holdwatch/bin/holdwatch run -c /etc/holdwatch/holdwatch.toml" in shown
    assert sorted(image.root.rglob("*")) == before


def refused(image: Target, capsys: pytest.CaptureFixture[str], *, dry_run: bool = False) -> str:
    """Give the command, which is refused with exit code 1; return what it says."""
    with pytest.raises(typer.Exit) as ended:
        cli.install(root=image.root, program=PROGRAM, dry_run=dry_run)
    assert ended.value.exit_code == 1
    return capsys.readouterr().err


def test_an_image_without_the_program_is_told_what_it_needs(
    image: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    image.place(PROGRAM).unlink()
    assert "Install the program there first" in refused(image, capsys)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_folder_that_is_no_system_is_refused_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, dry_run: bool
) -> None:
    wrong = Target(tmp_path)
    assert "is no system: it has no /etc/passwd" in refused(wrong, capsys, dry_run=dry_run)
    with pytest.raises(typer.Exit):
        cli.uninstall(root=wrong.root, program=PROGRAM, dry_run=dry_run)
    assert "is no system" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@as_root
def test_only_what_does_not_come_back_is_asked_about(
    image: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(question: str, *, abort: bool) -> bool:
        raise typer.Abort(question if abort else "")

    monkeypatch.setattr(typer, "confirm", ask)
    done(plan(image))
    cli.uninstall(root=image.root, program=PROGRAM)
    assert "✓ no more started with the machine" in capsys.readouterr().out
    assert not image.place(UNIT).exists()
    with pytest.raises(typer.Abort, match="does not come back"):
        cli.uninstall(root=image.root, program=PROGRAM, purge=True)
    assert image.place(SETTINGS).exists()


def test_who_is_not_root_is_told_how(
    image: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root: sudo " in refused(image, capsys)


def test_bluetooth_without_its_group_is_told_before_anything_is_done(
    image: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    image.place(SETTINGS).parent.mkdir()
    image.place(SETTINGS).write_text("[bluetooth]\n")
    assert "apt-get install bluez" in refused(image, capsys, dry_run=True)


def test_a_mistake_in_the_settings_is_told_and_nothing_is_done(image: Target) -> None:
    image.place(SETTINGS).parent.mkdir()
    image.place(SETTINGS).write_text("[gatewa]\n")
    with pytest.raises(typer.Exit) as ended:
        cli.install(root=image.root, program=PROGRAM)
    assert ended.value.exit_code == 3
    assert not image.place(UNIT).exists()
    with pytest.raises(typer.Exit) as ended:
        cli.uninstall(root=image.root, program=PROGRAM, purge=True, yes=True)
    assert ended.value.exit_code == 3


@pytest.mark.parametrize("folder", ["/home/pi/venv", "/root/venv", "/tmp/venv"])  # noqa: S108 - only named
def test_a_program_in_a_home_is_refused_since_a_service_does_not_see_it(folder: str) -> None:
    why = unreachable(Path(folder) / "bin/holdwatch", ())
    assert why is not None
    assert "/opt/holdwatch" in why


def test_a_program_behind_a_closed_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HIDDEN", ())
    closed = tmp_path / "closed"
    (closed / "venv/bin").mkdir(parents=True)
    closed.chmod(0o700)
    why = unreachable(Path("/usr/bin/holdwatch"), (closed / "venv/bin",))
    assert why is not None
    assert "others may not enter" in why
    assert unreachable(Path("/usr/bin/holdwatch"), (Path("/usr/lib"),)) is None


def test_only_where_a_person_starts_it_a_first_password_is_promised() -> None:
    assert "The first start prints\n# a password." in starter(None, None)
    service = starter(None, None, data=STATE)
    assert "prints" not in service
    assert f"sudo -u {USER} holdwatch user add NAME --role administrator" in service
    assert parse(service).web is not None


def test_first_settings_without_a_place_are_as_before() -> None:
    assert '# data = "/var/lib/holdwatch"' in starter(None, None)
    assert parse(starter("localhost", None, data="/srv/x")).gateway.data == Path("/srv/x")
