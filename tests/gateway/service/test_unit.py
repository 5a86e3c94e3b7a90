"""The unit, read by systemd's own tools."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.cli import asking
from gateway.service.target import InstallError
from gateway.service.unit import NEVER_AGAIN, STATE, Needs, needs, unit
from gateway.settings import parse

ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(ANALYZE is None, reason="apt-get install systemd")
MOST_EXPOSED = 2.0
"""Of 10; systemd calls up to 4.0 OK."""

KINDS = {
    "plain": Needs(STATE),
    "elsewhere": Needs("/mnt/ssd/holdwatch", written=("/mnt/100 % backup",)),
    "bluetooth": Needs(STATE, bluetooth=True),
    "low port": Needs(STATE, low_port=True),
}
every_kind = pytest.mark.parametrize("wanted", KINDS.values(), ids=KINDS)


def text(wanted: Needs) -> str:
    # It verifies that the program is there, and no test has one in /opt.
    return unit(Path("/bin/true"), Path("/etc/holdwatch/holdwatch.toml"), wanted)


def analyze(folder: Path, wanted: Needs, *words: str) -> str:
    file = folder / "holdwatch.service"
    file.write_text(text(wanted), encoding="utf-8")
    done = subprocess.run(
        [str(ANALYZE), *words, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@with_systemd
@every_kind
def test_systemd_understands_every_line(tmp_path: Path, wanted: Needs) -> None:
    assert "holdwatch.service" not in analyze(tmp_path, wanted, "verify", "--man=no")


@with_systemd
@every_kind
def test_systemd_calls_it_well_closed(tmp_path: Path, wanted: Needs) -> None:
    told = analyze(tmp_path, wanted, "security", "--offline=yes", "--no-pager")
    found = re.search(r"exposure level for holdwatch\.service: ([\d.]+) OK", told)
    assert found, told
    assert float(found[1]) <= MOST_EXPOSED


def test_it_never_runs_as_root_and_may_write_its_data_alone() -> None:
    plain = text(KINDS["plain"]).splitlines()
    assert {"User=holdwatch", "ProtectSystem=strict", "StateDirectory=holdwatch"} <= set(plain)
    assert {"CapabilityBoundingSet=", "AmbientCapabilities="} <= set(plain)
    assert not any(line.startswith("ReadWritePaths") for line in plain)


def test_folders_elsewhere_are_opened_and_waited_for() -> None:
    lines = text(KINDS["elsewhere"]).splitlines()
    assert 'ReadWritePaths=/mnt/ssd/holdwatch "-/mnt/100 %% backup"' in lines
    assert "RequiresMountsFor=/mnt/ssd/holdwatch" in lines
    assert not any(line.startswith("StateDirectory") for line in lines)


def test_a_program_is_named_as_a_unit_takes_it() -> None:
    made = unit(Path("/opt/a b/100%/holdwatch"), Path("/etc/x.toml"), Needs(STATE))
    assert 'ExecStart="/opt/a b/100%%/holdwatch" run -c /etc/x.toml' in made


def test_a_folder_s_name_cannot_add_a_line_to_what_root_runs() -> None:
    with pytest.raises(InstallError, match="cannot stand in a unit"):
        text(Needs("/srv/data\nExecStartPre=+/bin/sh -c id"))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ("", Needs(STATE)),
        ("[bluetooth]", Needs(STATE, bluetooth=True)),
        ("[web]\nport = 443", Needs(STATE, low_port=True)),
        ("[[listeners]]\nport = 883\nanonymous = true", Needs(STATE, low_port=True)),
        ("[[listeners]]\nport = 1883\nanonymous = true", Needs(STATE)),
    ],
)
def test_what_the_settings_ask_of_the_machine(settings: str, wanted: Needs) -> None:
    assert needs(parse(f'[gateway]\ndata = "{STATE}"\n{settings}')) == wanted


def test_what_cannot_get_well_by_itself_is_not_started_again() -> None:
    assert asking.MISTAKE in NEVER_AGAIN
    assert not {asking.REFUSED, asking.FILE, asking.RUNNING} & set(NEVER_AGAIN)
