"""What `holdwatch install` does, step by step; each can be shown, done again, and undone.

Settings that are there are never written over, and data goes only where somebody says so.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.service.target import InstallError, Target
from gateway.service.unit import NAME, STATE, USER, Needs, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SETTINGS = Path("/etc/holdwatch/holdwatch.toml")
UNIT = Path("/etc/systemd/system") / NAME
ENABLED = UNIT.parent / "multi-user.target.wants" / NAME
COMMAND = Path("/usr/local/bin/holdwatch")
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is written there
"""Folders that the unit hides from the gateway."""
OURS = ("*.db", "*.db-wal", "*.db-shm", "lock", "identity", "ballast", "control.sock")
"""Files of a data folder that may lie among others'."""


class Step(msgspec.Struct):
    """One step: in words, whether it is as it should be, how it is done, and undone."""

    says: str
    right: Callable[[], bool]
    do: Callable[[], None]
    undo: Callable[[], None]
    undone: str
    """In words what undoing it does."""
    keeps: bool = False
    """Whether it holds what people would miss: undone only where they say so."""
    there: Callable[[], bool] | None = None
    """Whether there is something to undo; None: where it is right."""


class Plan(msgspec.Struct, frozen=True):
    """What to install, and where."""

    target: Target
    program: Path
    """The program, as the machine itself finds it."""
    needs: Needs
    first: str = ""
    """The first settings."""
    start: bool = True

    def steps(self) -> list[Step]:
        """Return all steps, in the order in which they are done."""
        found = [self._account(), self._settings_folder(), self._settings(), self._data()]
        found += [self._unit(), self._enabled()]
        if self.program != COMMAND:
            found.insert(5, self._command())
        if self.start and self.target.runs_systemd:
            found.append(self._started())
        return found

    def unit_text(self) -> str:
        """Return the unit."""
        return unit(self.program, SETTINGS, self.needs)

    def _account(self) -> Step:
        target = self.target
        options = ("--system", "--user-group", "--no-create-home", "--home-dir", STATE)
        shell = ("--shell", "/usr/sbin/nologin")
        return Step(
            f"user and group {USER}, which nobody can log in as",
            lambda: target.account(USER) is not None,
            lambda: target.accounts("useradd", *options, *shell, USER),
            lambda: target.accounts("userdel", USER),
            f"user and group {USER} removed",
            keeps=True,
        )

    def _settings_folder(self) -> Step:
        folder = self.target.folder(SETTINGS.parent)
        return Step(
            f"folder {SETTINGS.parent}, for root to write and {USER} to read",
            folder.is_dir,
            lambda: self._make_folder(folder, 0, 0o750),
            lambda: shutil.rmtree(folder),
            f"{SETTINGS.parent} removed, with all settings, keys and certificates in it",
            keeps=True,
        )

    def _settings(self) -> Step:
        file = self.target.place(SETTINGS)

        def write() -> None:
            _, group = self._numbers()
            _write(file, self.first, 0o640, (0, group))

        return Step(
            f"first settings in {SETTINGS}",
            file.exists,
            write,
            lambda: None,  # it goes with its folder
            "",
            keeps=True,
        )

    def _data(self) -> Step:
        folder = self.target.folder(self.needs.data)
        return Step(
            f"data folder {self.needs.data}, for {USER} alone",
            lambda: folder.is_dir() and _mode(folder) == 0o700 and self._owns(folder),
            lambda: self._make_data(folder),
            lambda: _remove_data(folder, whole=self.needs.data == STATE),
            f"all data in {self.needs.data} removed",
            keeps=True,
            there=folder.is_dir,
        )

    def _unit(self) -> Step:
        file = self.target.place(UNIT)
        text = self.unit_text()

        def write() -> None:
            _write(file, text, 0o644, (0, 0))
            if self.target.runs_systemd:
                self.target.systemctl("daemon-reload")

        def remove() -> None:
            file.unlink(missing_ok=True)
            if self.target.runs_systemd:
                self.target.systemctl("daemon-reload")

        return Step(
            f"unit {UNIT}",
            lambda: file.exists() and file.read_text(encoding="utf-8") == text,
            write,
            remove,
            f"unit {UNIT} removed",
            there=file.exists,
        )

    def _command(self) -> Step:
        link = self.target.place(COMMAND)

        def leads_to() -> Path | None:
            return Path(os.readlink(link)) if link.is_symlink() else None  # noqa: PTH115 - what stands in it

        def make() -> None:
            if link.exists() and not link.is_symlink():
                raise InstallError(f"{COMMAND} is somebody else's file. Move it aside")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(self.program)

        return Step(
            f"command {COMMAND}, which leads to {self.program}",
            lambda: leads_to() == self.program,
            make,
            link.unlink,
            f"command {COMMAND} removed",
            there=lambda: str(leads_to() or "").endswith("/bin/holdwatch"),
        )

    def _enabled(self) -> Step:
        link = self.target.place(ENABLED)
        return Step(
            "start with the machine",
            link.is_symlink,
            lambda: self.target.systemctl("enable", "--quiet", NAME),
            self._disable,
            ("stopped, and " if self.target.live else "") + "no more started with the machine",
        )

    def _disable(self) -> None:
        if self.target.place(UNIT).exists():
            now = ("--now",) if self.target.runs_systemd else ()
            self.target.systemctl("disable", "--quiet", *now, NAME)

    def _started(self) -> Step:
        def start() -> None:
            try:
                self.target.systemctl("restart", NAME)
            except InstallError as error:
                raise InstallError(
                    "the gateway does not start. See why: journalctl -u holdwatch -n 20"
                ) from error

        # A unit that is new counts from the next start on.
        return Step("started", lambda: False, start, lambda: None, "")

    # -- parts of steps ----------------------------------------------------------------------

    def _numbers(self) -> tuple[int, int]:
        found = self.target.account(USER)
        if found is None:
            raise InstallError(f"there is no user {USER}, though it was just made")
        return found

    def _owns(self, folder: Path) -> bool:
        found = self.target.account(USER)
        return found is not None and folder.stat().st_uid == found[0]

    def _make_folder(self, folder: Path, owner: int, mode: int) -> None:
        _, group = self._numbers()
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, owner, group)
        folder.chmod(mode)

    def _make_data(self, folder: Path) -> None:
        user, _ = self._numbers()
        if folder.is_dir() and any(folder.iterdir()) and not self._owns(folder):
            raise InstallError(
                f"{self.needs.data} has files of another user. If they are Holdwatch's: chown -R "
                f"{USER}: {self.needs.data}; then give this again"
            )
        self._make_folder(folder, user, 0o700)


def install(plan: Plan, *, dry_run: bool) -> Iterator[tuple[Step, bool]]:
    """Do each step that is not as it should be; yield it, and whether something was to be done.

    Raises InstallError.
    """
    for step in plan.steps():
        needed = not step.right()
        if needed and not dry_run:
            _told(step.do)
        yield step, needed


def uninstall(plan: Plan, *, purge: bool, dry_run: bool) -> Iterator[tuple[Step, bool]]:
    """Undo each step that stands; what people would miss only with `purge`.

    Yield it, and whether it was undone. Raises InstallError.
    """
    # The user goes last: whatever was its own would else be nobody's.
    for step in reversed(plan.steps()):
        if not step.undone or not (step.there or step.right)():
            continue
        undone = purge or not step.keeps
        if undone and not dry_run:
            _told(step.undo)
        yield step, undone


def unreachable(program: Path, folders: Sequence[Path]) -> str | None:
    """Say why the gateway's user could not run a program from there, None where it could.

    `folders`: those of its environment, of its interpreter, and of its code.
    """
    for folder in dict.fromkeys((program.parent, *folders)):
        hidden = next((one for one in HIDDEN if folder.is_relative_to(one)), None)
        above = (one for one in (folder, *folder.parents) if one.exists())
        closed = next((one for one in above if not one.stat().st_mode & 0o001), None)
        if hidden is None and closed is None:
            continue
        why = "which a service does not see" if hidden else f"and others may not enter {closed}"
        return (
            f"This Holdwatch, or the Python that it runs on, lies in {folder}, {why}. Install it "
            "where the service can run it: sudo python3 -m venv /opt/holdwatch; sudo "
            "/opt/holdwatch/bin/pip install WHEEL; sudo /opt/holdwatch/bin/holdwatch install"
        )
    return None


def _told(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError as error:
        raise InstallError(f"{error.filename}: {error.strerror}") from error


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _write(file: Path, text: str, mode: int, owner: tuple[int, int]) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as to:  # noqa: PTH123 - it is open already
        to.write(text)
        to.flush()
        os.fsync(descriptor)
        os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
    new.replace(file)


def _remove_data(folder: Path, *, whole: bool) -> None:
    """Remove our files; all of it only where the folder was made for us."""
    if whole:
        shutil.rmtree(folder)
        return
    for pattern in OURS:
        for file in folder.glob(pattern):
            file.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
