"""The machine: its clock, memory and temperature, the program, and the service that starts it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import apsw

from gateway import __version__
from gateway.doctor.case import Case, Finding, advice, ok, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND_SQLITE = (3, 51, 3)
"""From this version on a WAL with several connections cannot be corrupted."""
LITTLE, HARDLY_ANY = 200_000, 80_000
"""kB of memory that are left."""
SWAPPED = 200_000
"""kB that lie in swap."""
WARM, HOT = 70.0, 80.0
"""°C of a processor; a Raspberry Pi slows down from 80 °C on."""
UNIT = "holdwatch"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
LOW_VOLTAGE, SLOWED = 0x1 | 0x10000, 0x6 | 0x60000
"""Bits, now and since the start. Source: Raspberry Pi documentation, "vcgencmd get_throttled"."""


def clock(case: Case) -> Iterator[Finding]:
    """Look whether the clock is right, and stays so."""
    if case.running is not None and not case.running["clock_trusted"]:
        yield problem(
            "the clock is not trusted: nobody has set it since the start, or it was set back, and "
            "times may be wrong",
            "timedatectl set-ntp true, and see that a time server is reached",
        )
        return
    synchronised = case.machine.synchronised()
    if synchronised is None:
        return
    if synchronised:
        yield ok("the clock is set by a time server")
    else:
        yield advice(
            "no time server sets the clock",
            "timedatectl set-ntp true; where there is no network, give the machine a battery clock",
        )


def memory(case: Case) -> Iterator[Finding]:
    """Look whether there is memory left."""
    text = case.machine.read("proc/meminfo")
    if text is None:
        return
    known = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            known[name] = int(number[0])
    left = known.get("MemAvailable", known.get("MemFree", 0))
    words = f"{left / 1000:,.0f} MB of memory are left"
    if left < HARDLY_ANY:
        yield problem(words, "See what takes it (top), and stop it, or give the machine more")
    elif left < LITTLE:
        yield advice(words, "See what takes it: top")
    else:
        yield ok(words)
    swapped = known.get("SwapTotal", 0) - known.get("SwapFree", 0)
    if swapped > SWAPPED:
        yield advice(
            f"{swapped / 1000:,.0f} MB of memory lie on the disk (swap), which slows and wears it",
            "See what takes so much memory: top",
        )


def heat(case: Case) -> Iterator[Finding]:
    """Look whether the processor is too hot, or has too little power."""
    zones = sorted((case.machine.root / "sys/class/thermal").glob("thermal_zone*/temp"))
    read = [case.machine.read(str(one.relative_to(case.machine.root))) for one in zones]
    degrees = [int(one) / 1000 for one in read if one is not None and one.strip().isdigit()]
    if degrees:
        words = f"the processor has {max(degrees):.0f} °C"
        if max(degrees) >= HOT:
            yield problem(f"{words}, and slows down", "Give it air, or a heat sink")
        elif max(degrees) >= WARM:
            yield advice(words, "Give it air, or a heat sink")
        else:
            yield ok(words)
    throttled = case.machine.read(THROTTLED)
    bits = int(throttled.strip(), 16) if throttled else 0
    if bits & LOW_VOLTAGE:
        yield problem(
            "the power supply was too weak: the machine may fail, and break its SD card",
            "Use the power supply made for it, and a short cable",
        )
    elif bits & SLOWED:
        yield advice("the processor was slowed down since the start", "Give it air")


def program(_case: Case) -> Iterator[Finding]:
    """Look whether the program stands on what it needs."""
    sqlite = apsw.sqlite_lib_version()
    if tuple(map(int, sqlite.split("."))) < SOUND_SQLITE:
        yield problem(
            f"SQLite {sqlite} can corrupt files that several connections write",
            "pip install --upgrade apsw, in the environment that holdwatch runs in",
        )
    python = ".".join(map(str, sys.version_info[:3]))
    yield ok(f"Holdwatch {__version__}, Python {python}, SQLite {sqlite}")


def service(case: Case) -> Iterator[Finding]:
    """Look whether the gateway starts with the machine, and is started again when it fails."""
    if not (case.machine.root / "run/systemd/system").is_dir():
        return
    shown = case.machine.ask(
        ["systemctl", "show", UNIT, "-p", "LoadState,ActiveState,UnitFileState,NRestarts"]
    )
    if shown is None:
        return
    known = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if known.get("LoadState") != "loaded":
        if case.running is not None:
            cure = "sudo holdwatch install makes it a service"
            yield advice("the gateway is not started again after a power cut", cure)
        return
    if known.get("UnitFileState") != "enabled":
        yield problem(
            "the service does not start with the machine", f"systemctl enable --now {UNIT}"
        )
    elif known.get("ActiveState") != "active":
        yield problem(
            f"the service is {known.get('ActiveState')}",
            f"journalctl -u {UNIT} -n 50 says why; systemctl start {UNIT}",
        )
    elif known.get("NRestarts", "0") not in {"", "0"}:
        cure = f"journalctl -u {UNIT} -p warning says why"
        yield advice(f"the service was started again {known['NRestarts']} times", cure)
    else:
        yield ok("the service is active, and starts with the machine")


def running(case: Case) -> Iterator[Finding]:
    """Look whether the gateway runs, and does its work."""
    if case.running is None:
        yield problem("the gateway is not running", "holdwatch run, or systemctl start holdwatch")
    elif case.running["unwell"]:
        yield problem(case.running["unwell"], "holdwatch status says more")
    else:
        yield ok("the gateway runs, and does its work")
