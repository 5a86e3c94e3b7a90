"""Where Holdwatch is installed: this machine, or an image of one below a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SBIN = "/usr/sbin:/sbin:/usr/local/sbin"
"""Where commands of root are, which not everybody's path names."""
MOST_LINKS = 40
"""As the kernel has it."""


class InstallError(Exception):
    """It cannot be done: why, and what to do."""


class Target:
    """A machine. Paths are its own: `place` says where they are to be found from here."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root.resolve()
        self.live = self.root == Path("/")
        """Whether it is the machine that this runs on."""

    def need_system(self) -> None:
        """Raise InstallError unless there is a system, which has accounts."""
        if not self.folder("/etc/passwd").is_file():
            raise InstallError(
                f"{self.root} is no system: it has no /etc/passwd. Name the folder at which the "
                "system's own disk or image is mounted"
            )

    def place(self, path: Path | str) -> Path:
        """Return where a path of the machine is; one that is a link itself stays one."""
        path = Path(path)
        return self.folder(path.parent) / path.name

    def folder(self, path: Path | str) -> Path:
        """Return where a folder of the machine is, at the end of all links. Raises InstallError.

        In an image they lead to where the image's own system would go, and never out of it: what
        root changes there must not be this machine's.
        """
        if self.live:
            return Path(path)
        here, left, links = self.root, _steps(path), 0
        while left:
            step = left.pop()
            if step == "..":
                here = here if here == self.root else here.parent
            elif (here / step).is_symlink():
                links += 1
                if links > MOST_LINKS:
                    raise InstallError(f"{path} leads nowhere in {self.root}: its links go round")
                leads = str((here / step).readlink())
                here = self.root if leads.startswith("/") else here
                left += _steps(leads)
            else:
                here /= step
        return here

    def account(self, name: str) -> tuple[int, int] | None:
        """Return the numbers of a user and of its group, None where it has none of that name."""
        for line in self._lines("/etc/passwd"):
            fields = line.split(":")
            if fields[0] == name and len(fields) > 3:
                return int(fields[2]), int(fields[3])
        return None

    def group(self, name: str) -> bool:
        """Whether it has a group of that name."""
        return any(line.split(":")[0] == name for line in self._lines("/etc/group"))

    def _lines(self, file: str) -> list[str]:
        path = self.folder(file)
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self, *command: str) -> None:
        """Run a command of root. Raises InstallError."""
        program = shutil.which(command[0], path=f"{os.environ.get('PATH', '')}:{SBIN}")
        if program is None:
            raise InstallError(f"there is no {command[0]} here. Install it, then give this again")
        done = subprocess.run(  # noqa: S603 - words of ours, and paths that a person named
            [program, *command[1:]], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit {done.returncode}"
            raise InstallError(f"{' '.join(command)}: {said}")

    def accounts(self, command: str, *arguments: str) -> None:
        """Run a command that changes accounts, such as useradd. Raises InstallError."""
        self.run(command, *(() if self.live else ("--prefix", str(self.root))), *arguments)

    def systemctl(self, *arguments: str) -> None:
        """Run systemctl. Raises InstallError."""
        self.run("systemctl", *(() if self.live else (f"--root={self.root}",)), *arguments)

    @property
    def runs_systemd(self) -> bool:
        """Whether services can be started there now."""
        return self.live and Path("/run/systemd/system").is_dir()


def _steps(path: Path | str) -> list[str]:
    """Return the steps of a path, the last one first."""
    return [one for one in reversed(str(path).split("/")) if one not in {"", "."}]
