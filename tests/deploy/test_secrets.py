"""Secrets are random, for their owner alone, and made once; certificates hold for every name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from deploy.make_secrets import GROUPS, RefusedError, add_sensor, make, names_in
from tests.broker import MOSQUITTO, START_WITHIN, Broker
from tests.deploy.asking import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PUBLIC = {"authority.pem", "server.pem"}
NAMES = ["gateway.example.org", "192.0.2.7"]


def leave(_path: Path, _group: int) -> None:
    """Give nothing away."""


def state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return what tells whether a file was touched: mode, time, content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode & 0o777,
            path.stat().st_mtime_ns,
            path.read_text(encoding="utf-8"),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_secret_is_for_its_owner_and_the_containers_group(tmp_path: Path) -> None:
    make(tmp_path, NAMES, leave)
    modes = {path: mode for path, (mode, _, _) in state(tmp_path).items()}
    assert len(modes) > 15
    assert {path: mode for path, mode in modes.items() if mode != 0o640} == {
        "authority.key": 0o600,
        **{path: 0o644 for path in modes if path.rpartition("/")[2] in PUBLIC},
    }
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in GROUPS} == {0o750}


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path, NAMES, leave)
    before = state(tmp_path)
    assert make(tmp_path, NAMES, leave) == []
    assert make(tmp_path, [], leave) == []
    assert state(tmp_path) == before


def test_no_two_passwords_are_the_same_and_none_is_that_of_another_place(tmp_path: Path) -> None:
    words = []
    for place in (tmp_path / "one", tmp_path / "two"):
        make(place, [], leave)
        told = {text for path, (_, _, text) in state(place).items() if "." not in path}
        words += [text for text in told if len(text) == 32]
    assert len(words) == len(set(words)) == 2 * 7


def test_a_new_name_is_added_and_keys_and_passwords_stay(tmp_path: Path) -> None:
    make(tmp_path, NAMES, leave)
    before = state(tmp_path)
    assert make(tmp_path, ["other.example.org"], leave) == list(GROUPS)
    after = state(tmp_path)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"{service}/server.pem" for service in GROUPS}
    held = names_in(tmp_path / "grafana/server.pem")
    assert {f"DNS:{NAMES[0]}", f"IP:{NAMES[1]}", "DNS:other.example.org"} <= set(held)


def test_a_narrower_token_that_was_put_in_place_stays(tmp_path: Path) -> None:
    make(tmp_path, NAMES, leave)
    (tmp_path / "holdwatch/influxdb-token").write_text("narrower", encoding="utf-8")
    make(tmp_path, ["other.example.org"], leave)
    assert (tmp_path / "holdwatch/influxdb-token").read_text(encoding="utf-8") == "narrower"


@pytest.mark.parametrize("service", GROUPS)
def test_a_certificate_is_good_for_each_name_by_which_it_is_reached(
    deployed: Path, service: str
) -> None:
    folder = deployed / "secrets.d" / service
    for name in ("gateway.example.org", "localhost", "127.0.0.1", service):
        try:
            asked = ["-verify_ip", str(ip_address(name))]
        except ValueError:
            asked = ["-verify_hostname", name]
        subprocess.run(
            [
                *("openssl", "verify", "-purpose", "sslserver", "-x509_strict", *asked),
                *("-CAfile", folder / "authority.pem", folder / "server.pem"),
            ],
            check=True,
            capture_output=True,
        )


def test_without_the_authoritys_key_nothing_new_is_signed(tmp_path: Path) -> None:
    make(tmp_path, NAMES, leave)
    (tmp_path / "authority.key").unlink()
    before = state(tmp_path)
    assert make(tmp_path, NAMES, leave) == []
    with pytest.raises(RefusedError, match="Put it back"):
        make(tmp_path, ["other.example.org"], leave)
    assert state(tmp_path) == before


@pytest.mark.parametrize("name", ["two words", "a,DNS:b", "-x", "ü"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="neither a host name nor an address"):
        make(tmp_path, [name], leave)


@pytest.mark.parametrize("name", ["holdwatch", "a:b", "", "a b", "x" * 61])
def test_a_sensor_that_cannot_be_added_is_refused(deployed: Path, name: str) -> None:
    with pytest.raises(RefusedError):
        add_sensor(deployed / "secrets.d", name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to the containers' users")
def test_each_container_gets_its_own_files_and_no_others(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("*.d"))
    script = tmp_path / "deploy/secrets"
    done = subprocess.run([script, *NAMES], check=True, capture_output=True, text=True)
    assert "authority.pem" in done.stdout
    made = tmp_path / "deploy/secrets.d"
    for service, group in GROUPS.items():
        paths = [made / service, *(made / service).iterdir()]
        assert {(one.stat().st_uid, one.stat().st_gid) for one in paths} == {(0, group)}
        assert group > 65_535, "Debian may give it to somebody"
    key = (made / "authority.key").stat()
    assert (key.st_uid, key.st_gid, key.st_mode & 0o777) == (0, 0, 0o600)
    again = subprocess.run([script], check=True, capture_output=True, text=True)
    assert "Nothing was changed" in again.stdout


def plant_link(path: Path, other: Path) -> None:
    path.symlink_to(other)


def plant_second_name(path: Path, other: Path) -> None:
    path.hardlink_to(other)


def plant_folder(path: Path, _other: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("plant", [plant_link, plant_second_name, plant_folder])
@pytest.mark.parametrize("name", ["influxdb/more", "influxdb/operator-token", "authority.pem"])
def test_what_somebody_else_may_have_put_there_is_refused_and_not_followed(
    tmp_path: Path, plant: Callable[[Path, Path], None], name: str
) -> None:
    folder = tmp_path / "secrets.d"
    make(folder, NAMES, leave)
    (folder / name).unlink(missing_ok=True)
    other = tmp_path / "shadow"
    other.write_text("root's", encoding="utf-8")
    plant(folder / name, other)
    before = state(folder)
    given: list[Path] = []
    with pytest.raises(RefusedError, match=f"{name} is no file of its own: nothing was changed"):
        make(folder, ["other.example.org"], lambda path, _group: given.append(path))
    with pytest.raises(RefusedError):
        add_sensor(folder, "fridge-7")
    assert (given, state(folder)) == ([], before)


@pytest.mark.parametrize("name", ["", "influxdb"])
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    folder, other = tmp_path / "secrets.d", tmp_path / "other"
    other.mkdir()
    if name:
        folder.mkdir()
    (folder / name).symlink_to(other)
    with pytest.raises(RefusedError, match="is a link, or no folder"):
        make(folder, NAMES, leave)
    assert list(other.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make what belongs to another")
@pytest.mark.parametrize("name", ["", "influxdb", "influxdb/operator-token", "authority.key"])
def test_what_belongs_to_another_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path, NAMES, leave)
    os.chown(tmp_path / name, 1000, 1000)
    with pytest.raises(RefusedError, match="belongs to somebody else"):
        make(tmp_path, NAMES, leave)


@pytest.mark.skipif(os.geteuid() == 0, reason="root is not refused")
def test_whoever_is_not_root_is_told_to_be() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "deploy/make_secrets.py"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "sudo deploy/secrets" in done.stderr


# --- with a real Mosquitto


class Deployed(Broker):
    """Mosquitto with the settings of deploy/, but its paths and its port."""

    def __init__(self, deploy: Path, folder: Path) -> None:
        super().__init__(folder)
        text = (deploy / "mosquitto/mosquitto.conf").read_text(encoding="utf-8")
        for inside, here in (
            ("/run/secrets/", f"{deploy}/secrets.d/mosquitto/"),
            ("/mosquitto/config/", f"{deploy}/mosquitto/"),
            ("/mosquitto/data/", f"{folder}/"),
            ("listener 8883", f"listener {self.port} {self.host}"),
        ):
            assert inside in text
            text = text.replace(inside, here)
        self._configuration.write_text(f"user root\n{text}", encoding="utf-8")


def publish(deploy: Path, port: int, user: str, password: str, topic: str) -> bool:
    """Publish as a user; tell whether the broker took it."""
    authority = deploy / "secrets.d/authority.pem"
    done = subprocess.run(
        [
            *("mosquitto_pub", "-V", "5", "--cafile", authority, "-h", "localhost"),
            *("-p", str(port), "-u", user, "-P", password, "-q", "1", "-t", topic, "-m", "{}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=START_WITHIN,
    )
    return done.returncode == 0 and "ot authorized" not in done.stderr


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_mosquitto_lets_each_speak_for_itself_and_nobody_in_without_a_password(
    tmp_path: Path,
) -> None:
    deploy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", deploy, ignore=shutil.ignore_patterns("*.d"))
    made = deploy / "secrets.d"
    make(made, [], leave)
    sensor = add_sensor(made, "fridge-7")
    ours = (made / "holdwatch/broker-password").read_text(encoding="utf-8")
    health = (made / "mosquitto/health-password").read_text(encoding="utf-8")
    with Deployed(deploy, tmp_path) as broker:
        attempts = {
            ("fridge-7", sensor, "cargo/w/fridge-7/readings"): True,
            ("fridge-7", sensor, "cargo/w/fridge-8/readings"): False,
            ("fridge-7", sensor, "holdwatch/warehouse/alerts/x"): False,
            ("fridge-7", "wrong", "cargo/w/fridge-7/readings"): False,
            ("nobody", "", "cargo/w/fridge-7/readings"): False,
            ("holdwatch", ours, "holdwatch/warehouse/alerts/x"): True,
            ("holdwatch", ours, "cargo/w/holdwatch/readings"): False,
            ("health", health, "holdwatch/warehouse/alerts/x"): False,
            ("health", health, "cargo/x/health/readings"): False,
        }
        taken = {one: publish(deploy, broker.port, *one) for one in attempts}
        assert taken == attempts
