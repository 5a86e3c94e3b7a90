"""`holdwatch install` and `uninstall`: the gateway as a service of the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import gateway
from gateway.cli.asking import REFUSED, errors, fail, out
from gateway.cli.starter import starter
from gateway.service import install as steps
from gateway.service.install import SETTINGS, Plan
from gateway.service.target import InstallError, Target
from gateway.service.unit import STATE, USER, Needs, needs
from gateway.settings import SettingsError, load

Root = Annotated[
    Path,
    typer.Option(help="Folder of another system: an SD card's image, mounted. / is this machine."),
]
Program = Annotated[
    Path | None,
    typer.Option(
        help="The program that the service runs, as that system sees it; otherwise this one.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
SLASH = Path("/")

_AFTER = """
Look at the settings, then have them loaded:
  sudo nano {settings}
  sudo -u {user} holdwatch check
  sudo systemctl reload holdwatch
How it stands: sudo -u {user} holdwatch status
Its log:       journalctl -u holdwatch -f
"""


def install(
    data: Annotated[
        Path, typer.Option(help="Data folder, for the first settings; those that are there count.")
    ] = Path(STATE),
    start: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--start/--no-start", help="Whether to start it at once.")
    ] = True,
    root: Root = SLASH,
    program: Program = None,
    dry_run: DryRun = False,  # noqa: FBT002 - an option without a value
) -> None:
    """Make it a service of this machine: user, folders, settings, unit. Again: renews the unit."""
    with _told():
        plan = _plan(Target(root), program, data, start=start)
        if not dry_run:
            _need_root("install")
        for step, needed in steps.install(plan, dry_run=dry_run):
            mark = "=" if not needed else "+" if dry_run else "[green]✓[/]"
            _say(f"{mark} {step.says}")
        if dry_run:
            _say(f"\n{plan.unit_text()}", markup=False)
        elif plan.target.live:
            _say(_AFTER.format(settings=SETTINGS, user=USER), markup=False)


def uninstall(
    purge: Annotated[  # noqa: FBT002 - an option without a value
        bool, typer.Option("--purge", help="Remove data, settings, keys and the user too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - as above
    root: Root = SLASH,
    program: Program = None,
    dry_run: DryRun = False,  # noqa: FBT002 - as above
) -> None:
    """Undo `install`. Data, settings and the user stay, unless you say --purge."""
    with _told():
        plan = _standing(Target(root), program, purge=purge)
        shown = list(steps.uninstall(plan, purge=purge, dry_run=True))
        for step, undone in shown:
            _say(f"- {step.undone}" if undone else f"= stays: {step.says}", markup=False)
        if dry_run or not shown:
            return
        _need_root("uninstall")
        if purge and not yes:
            typer.confirm("What is removed does not come back. Shall it be done?", abort=True)
        for step, undone in steps.uninstall(plan, purge=purge, dry_run=False):
            if undone:
                _say(f"[green]✓[/] {step.undone}")


def _plan(target: Target, program: Path | None, data: Path, *, start: bool) -> Plan:
    """Return what to do. Raises InstallError, SettingsError."""
    target.need_system()
    ours = Path(sys.prefix) / "bin" / "holdwatch"
    chosen = program or ours
    if not target.folder(chosen).exists():
        raise InstallError(
            f"there is no {chosen} in {target.root}. Install the program there first, such as into "
            "/opt/holdwatch; or name it: --program PATH"
        )
    if target.live and chosen == ours:
        code = Path(gateway.__file__).resolve().parent
        interpreter = Path(os.path.realpath(sys.executable)).parent
        why = steps.unreachable(chosen, (code, interpreter))
        if why is not None:
            raise InstallError(why)
    file = target.place(SETTINGS)
    wanted = needs(load(file)) if file.exists() else Needs(str(data.absolute()))
    if wanted.bluetooth and not target.group("bluetooth"):
        raise InstallError(
            "the settings want Bluetooth, and there is no group bluetooth. Give: apt-get install "
            "bluez"
        )
    return Plan(target, chosen, wanted, starter(None, None, data=wanted.data), start=start)


def _standing(target: Target, program: Path | None, *, purge: bool) -> Plan:
    """Return what may be undone.

    Raises InstallError, and SettingsError where the settings must say what is to go.
    """
    target.need_system()
    file = target.place(SETTINGS)
    wanted = Needs(STATE)
    try:
        if file.exists():
            wanted = needs(load(file))
    except SettingsError:
        if purge:
            raise
    return Plan(target, program or Path(sys.prefix) / "bin" / "holdwatch", wanted)


def _need_root(command: str) -> None:
    if os.geteuid() != 0:
        raise InstallError(f"this needs root: sudo {sys.argv[0]} {command}")


def _say(text: str, *, markup: bool = True) -> None:
    out.print(text, soft_wrap=True, highlight=False, markup=markup)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what can go wrong into a sentence and an exit code."""
    with errors():
        try:
            yield
        except InstallError as error:
            message = str(error)
            raise fail(f"{message[:1].upper()}{message[1:]}.", REFUSED) from error
