"""The systemd unit of the gateway, as text: what it may reach, and nothing else.

Whoever takes over the gateway by a message gets a process without rights, that sees its data
folder and the network. `systemd-analyze security --offline=yes` tells how much is left open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.service.target import InstallError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.settings import Settings

USER = "holdwatch"
NAME = "holdwatch.service"
STATE = "/var/lib/holdwatch"
"""The data folder that systemd makes by itself."""
NEVER_AGAIN = (2, 3)
"""Exit codes after which another start would end as this one: a wrong option, wrong settings."""
FIRST_FREE_PORT = 1024
"""Below it, Linux gives a port to root, or to whoever may bind it."""


class Needs(msgspec.Struct, frozen=True):
    """What the settings ask of the machine."""

    data: str
    written: tuple[str, ...] = ()
    """Further folders that are written to, and may be away."""
    bluetooth: bool = False
    low_port: bool = False
    """Whether it listens on a port that belongs to root elsewhere."""


def needs(settings: Settings) -> Needs:
    """Return what settings ask of the machine."""
    ports = [one.port for one in settings.listeners]
    if settings.web is not None:
        ports.append(settings.web.port)
    return Needs(
        data=str(settings.gateway.data),
        written=tuple(str(one) for one in _written(settings)),
        bluetooth=settings.bluetooth is not None,
        low_port=any(0 < port < FIRST_FREE_PORT for port in ports),
    )


def _written(settings: Settings) -> Iterable[Path]:
    """Yield the folders besides that of the data to which it writes."""
    if settings.renewal is not None:
        yield settings.renewal.certificate.parent
    if settings.backup is not None:
        yield settings.backup.folder


def unit(program: Path, settings_file: Path, wanted: Needs) -> str:
    """Return the unit that runs `program` with these settings."""
    return _UNIT.format(
        program=_quoted(program),
        settings=_quoted(settings_file),
        user=USER,
        never_again=" ".join(map(str, NEVER_AGAIN)),
        folders="\n".join(_folders(wanted)),
        capabilities="CAP_NET_BIND_SERVICE" if wanted.low_port else "",
        bluetooth=_BLUETOOTH if wanted.bluetooth else "",
        after=" bluetooth.service" if wanted.bluetooth else "",
        mounts="" if wanted.data == STATE else f"RequiresMountsFor={_quoted(wanted.data)}\n",
    )


def _folders(wanted: Needs) -> Iterable[str]:
    """Yield the lines that let it write."""
    others = [] if wanted.data == STATE else [_quoted(wanted.data)]
    if not others:
        yield "StateDirectory=holdwatch"
        yield "StateDirectoryMode=0700"
    # A disk for backups may be away: the minus lets it start without.
    others += [_quoted(f"-{one}") for one in wanted.written]
    if others:
        yield f"ReadWritePaths={' '.join(others)}"


def _quoted(path: Path | str) -> str:
    """Return a path as a unit takes it: % begins what systemd replaces, a space ends a word.

    Raises InstallError where it has more lines than one: the others would be settings of the unit.
    """
    if any(ord(one) < ord(" ") for one in str(path)):
        raise InstallError(f"{str(path)!r} cannot stand in a unit. Name another folder")
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if " " in text or '"' in text else text


_UNIT = """\
# Written by: holdwatch install. To change something, systemctl edit holdwatch; this file is
# written anew whenever you install again.

[Unit]
Description=Holdwatch, the flight recorder of cargo
Wants=network-online.target
After=network-online.target time-sync.target mosquitto.service{after}
{mounts}StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
Group={user}
ExecStart={program} run -c {settings}
ExecReload={program} reload -c {settings}
SyslogIdentifier=holdwatch

# A first start after an upgrade may have large files to bring up to date.
TimeoutStartSec=15min
# It pings only while it takes in and judges. One that hangs is ended, and started again.
WatchdogSec=60s
Restart=on-failure
RestartSec=5s
# Wrong settings are not right the next time.
RestartPreventExitStatus={never_again}
# It ends its own processes, and stores what it has been sent.
KillMode=mixed
TimeoutStopSec=60s

# Where memory ends, a child ends first, and is started again.
MemoryMax=80%
OOMPolicy=continue
OOMScoreAdjust=-200

# What it may write; all else can be read at most.
{folders}
UMask=0077
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RemoveIPC=yes

# What it may do.
NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
{bluetooth}
[Install]
WantedBy=multi-user.target
"""
_BLUETOOTH = """
# Bluetooth is asked for over D-Bus, by the group that may.
SupplementaryGroups=bluetooth
"""
