"""All checks, in the order in which they are made. Another one is one more line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.doctor import certificates, connections, folder, machine, stored
from gateway.doctor.case import Case, Check, Finding, problem

if TYPE_CHECKING:
    from collections.abc import Callable


class Look(NamedTuple):
    """A check, and what it looks at."""

    name: str
    check: Check
    connects: bool = False
    """Whether it connects to anybody: left out with `--offline`."""


CHECKS: tuple[Look, ...] = (
    Look("gateway", machine.running),
    Look("settings", folder.settings),
    Look("permissions", folder.ownership),
    Look("file system", folder.file_system),
    Look("room", folder.room),
    Look("disk", folder.syncs),
    Look("clock", machine.clock),
    Look("memory", machine.memory),
    Look("heat", machine.heat),
    Look("program", machine.program),
    Look("service", machine.service),
    Look("certificates", certificates.certificates),
    Look("codecs", stored.codecs),
    Look("backup", stored.backup),
    Look("ports", connections.ports, connects=True),
    Look("brokers", connections.brokers, connects=True),
    Look("influxdb", connections.influxdb, connects=True),
    Look("people", connections.people, connects=True),
)


def examine(
    case: Case, progress: Callable[[str], None], *, offline: bool = False
) -> list[tuple[str, Finding]]:
    """Make all checks; `progress` is told what is looked at. A check that fails is a finding."""
    found: list[tuple[str, Finding]] = []
    for look in CHECKS:
        if offline and look.connects:
            continue
        progress(look.name)
        try:
            found += [(look.name, one) for one in look.check(case)]
        except OSError as error:
            cure = "Run this as the gateway's user: sudo -u USER holdwatch doctor"
            found.append((look.name, problem(f"this could not be looked at: {error}", cure)))
    return found
