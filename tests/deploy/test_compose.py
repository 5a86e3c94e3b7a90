"""deploy/compose.yml: no secret in it, nothing open without TLS, and all parts fit together.

There is no Docker here: what can be known by reading is held, and what runs is run by hand.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml  # type: ignore[import-untyped]  # it brings no types

from deploy.make_secrets import GROUPS
from gateway.settings import load
from tests.deploy.asking import DASHBOARDS, ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings

DEPLOY = ROOT / "deploy"
Json = dict[str, Any]


def document(path: Path) -> Json:
    return cast("Json", yaml.safe_load(path.read_text(encoding="utf-8")))


COMPOSE = document(DEPLOY / "compose.yml")
SERVICES: dict[str, Json] = COMPOSE["services"]
(SOURCE,) = document(DEPLOY / "grafana/provisioning/datasources/holdwatch.yml")["datasources"]
(PROVIDER,) = document(DEPLOY / "grafana/provisioning/dashboards/holdwatch.yml")["providers"]
FILES = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and not {"secrets.d", "__pycache__"} & set(path.parts)
)


def binds(service: str) -> dict[str, str]:
    """Return what of this folder is seen in a container: path there → path here."""
    told = [one for one in SERVICES[service]["volumes"] if isinstance(one, dict)]
    assert all(one["type"] == "bind" and one["read_only"] for one in told)
    return {one["target"]: one["source"] for one in told}


def here(service: str, path: str) -> str | None:
    """Return which file of deploy/ a container sees at a path, None if it sees none of it."""
    found = [
        (target, source)
        for target, source in binds(service).items()
        if path == target or path.startswith(f"{target}/")
    ]
    if not found:
        return None
    target, source = max(found)
    return f"{source}{path.removeprefix(target)}"


# --- secrets


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_no_file_holds_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"[0-9a-f]{32}|BEGIN [A-Z ]*PRIVATE KEY", text) is None
    given = r"(?im)^[^#\n]*?(?:password|passwd|token|secret[_-]?key)\s*[:=]\s*[\"']?(?![/$\"'])[\w]"
    if path.suffix in {".yml", ".toml", ".conf"}:
        assert re.search(given, text) is None


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_secret_comes_from_a_file_that_is_made(deployed: Path, service: str) -> None:
    environment = SERVICES[service].get("environment", {})
    named = {
        name: value
        for name, value in environment.items()
        if re.search(r"PASSWORD|TOKEN|SECRET_KEY|(?:_|^)KEY(?:_|$)|CERT", name)
    }
    for name, value in named.items():
        assert name.endswith(("_FILE", "_CERT", "_KEY")), name
        path = here(service, value)
        assert path is not None, f"{service} does not see {value}"
        assert (deployed / path).is_file(), f"nobody makes {path}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_file_that_a_container_is_told_of_is_there(deployed: Path, service: str) -> None:
    for source in binds(service).values():
        assert (deployed / source).exists(), source
    told = str(SERVICES[service].get("environment")) + str(SERVICES[service]["healthcheck"])
    for folder in [source for source in binds(service).values() if "secrets.d" not in source]:
        parts = (
            [deployed / folder] if (deployed / folder).is_file() else (deployed / folder).rglob("*")
        )
        told += " ".join(
            one.read_text(encoding="utf-8")
            for one in parts
            if one.suffix != ".json" and one.is_file()
        )
    for path in set(re.findall(r"/(?:run/secrets|etc/grafana|mosquitto/config)/[\w./-]+\w", told)):
        seen = here(service, path)
        assert seen is not None, f"{service} does not see {path}"
        assert (deployed / seen).exists(), f"there is no {seen}"


def test_git_and_the_image_take_no_secrets() -> None:
    asked = ["git", "check-ignore", "deploy/secrets.d/authority.key", "deploy/.env"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("not a git clone")
    assert len(done.stdout.split()) == 2
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    assert [line for line in lines if line.startswith("!deploy")] == []


# --- least privilege


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_may_do_little(service: str) -> None:
    told = SERVICES[service]
    user, _, group = told["user"].partition(":")
    assert (int(user) > 0, int(group)) == (True, GROUPS[service])
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in told["security_opt"]
    assert "privileged" not in told
    assert "cap_add" not in told
    assert told["mem_limit"]
    assert told["restart"] == "unless-stopped"
    assert told["healthcheck"]["test"]


def test_an_image_is_pinned_to_a_release() -> None:
    images = {one["image"] for one in SERVICES.values() if "build" not in one}
    based = set(re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    assert len(images) == 3
    assert len(based) == 1
    for image in images | based:
        assert re.search(r":\d+\.\d+\.\d+(-[\w-]+)?$", image), image


def test_memory_is_enough_for_a_small_machine() -> None:
    units = {"m": 10**6, "g": 10**9}
    total = sum(
        int(one["mem_limit"][:-1]) * units[one["mem_limit"][-1]] for one in SERVICES.values()
    )
    assert total <= 2_500_000_000


# --- the network


@pytest.fixture(scope="module")
def settings(deployed: Path) -> Settings:
    return load(deployed / "holdwatch.toml")


def test_what_is_published_speaks_tls(settings: Settings) -> None:
    assert settings.web is not None
    assert settings.web.tls
    assert all(listener.tls for listener in settings.listeners)
    assert SERVICES["grafana"]["environment"]["GF_SERVER_PROTOCOL"] == "https"
    mosquitto = (DEPLOY / "mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    assert re.findall(r"^listener .*\n.*", mosquitto, re.MULTILINE) == [
        "listener 8883\ncertfile /run/secrets/server.pem"
    ]
    published = {name for name, one in SERVICES.items() if "ports" in one}
    assert published == {"holdwatch", "mosquitto", "grafana"}


def test_only_the_sensors_port_is_open_to_the_network_unless_somebody_says_so() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    told = [re.fullmatch(r"\$\{\w+:-([\d.]+)\}:(\d+):\d+", port) for port in ports]
    assert all(told)
    wide = [one[2] for one in told if one is not None and one[1] != "127.0.0.1"]
    assert wide == ["8883"]


def test_influxdb_is_reached_from_inside_alone() -> None:
    assert "ports" not in SERVICES["influxdb"]
    assert SERVICES["influxdb"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_grafana_lets_nobody_in_unasked() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"


# --- the parts fit together


def test_holdwatchs_settings_are_right_and_fit_the_containers(settings: Settings) -> None:
    assert settings.warnings == ()
    (server,) = settings.influxdb
    (broker,) = settings.brokers
    influxdb = SERVICES["influxdb"]["environment"]
    assert server.url == SOURCE["url"] == "https://influxdb:8086"
    assert server.organization == influxdb["DOCKER_INFLUXDB_INIT_ORG"]
    assert server.database == influxdb["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert server.database == SOURCE["jsonData"]["dbName"]
    assert (broker.host, broker.port) == ("mosquitto", 8883)
    assert f"holdwatch:{settings.gateway.data}" in SERVICES["holdwatch"]["volumes"]
    ports = [int(one.rpartition(":")[2]) for one in SERVICES["holdwatch"]["ports"]]
    assert settings.web is not None
    assert ports == [settings.listeners[0].port, settings.web.port]


def test_the_token_and_passwords_are_those_that_the_servers_know(
    deployed: Path, settings: Settings
) -> None:
    made = deployed / "secrets.d"
    secret = settings.influxdb[0].secret
    assert secret is not None
    assert secret.get_secret_value() == (made / "influxdb/operator-token").read_text()
    assert (made / "grafana/influxdb-password").read_text() == (
        made / "influxdb/grafana-password"
    ).read_text()
    users = (made / "mosquitto/passwords").read_text().splitlines()
    assert [line.partition(":")[0] for line in users] == ["holdwatch", "health"]


def test_the_paths_of_holdwatchs_settings_are_the_same_in_the_container() -> None:
    text = (DEPLOY / "holdwatch.toml").read_text(encoding="utf-8")
    for path in set(re.findall(r'"(secrets\.d/[^"]+)"', text)):
        assert here("holdwatch", f"/etc/holdwatch/{path}") == f"./{path}"
    assert here("holdwatch", "/etc/holdwatch/holdwatch.toml") == "./holdwatch.toml"
    assert "WORKDIR /etc/holdwatch\n" in (DEPLOY / "Dockerfile").read_text()


def test_grafana_finds_its_source_and_its_dashboards() -> None:
    assert {one["current"]["value"] for one in _variables("datasource")} == {SOURCE["uid"]}
    assert SOURCE["type"] == "influxdb"
    assert SOURCE["jsonData"]["version"] == "InfluxQL"
    setup = (DEPLOY / "influxdb/setup.sh").read_text(encoding="utf-8")
    assert f"--username {SOURCE['basicAuthUser']} " in setup
    assert here("grafana", PROVIDER["options"]["path"]) == "./grafana/dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert here("grafana", home) in {f"./{path.relative_to(DEPLOY)}" for path in DASHBOARDS}
    assert here("grafana", "/etc/grafana/provisioning") == "./grafana/provisioning"
    for path in re.findall(r"\$__file\{(.+?)\}", str(SOURCE)):
        assert (here("grafana", path) or "").startswith("./secrets.d/grafana/")


def _variables(name: str) -> list[Json]:
    told = [one for path in DASHBOARDS for one in read(path)["templating"]["list"]]
    return [one for one in told if one["name"] == name]


def test_the_script_that_sets_influxdb_up_gives_grafana_the_right_to_read_alone(
    deployed: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    stand_in = tmp_path / "influx"
    stand_in.write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {log}\necho >> {log}\n')
    stand_in.chmod(0o755)
    folder = deployed / "secrets.d/influxdb"
    script = tmp_path / "setup.sh"
    text = (deployed / "influxdb/setup.sh").read_text(encoding="utf-8")
    script.write_text(text.replace("/run/secrets", str(folder)), encoding="utf-8")
    environment = SERVICES["influxdb"]["environment"] | {
        "DOCKER_INFLUXDB_INIT_BUCKET_ID": "b1",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    subprocess.run(["bash", script], env=environment, check=True, capture_output=True)
    mapping, user = log.read_text(encoding="utf-8").splitlines()
    assert "--db holdwatch --rp autogen --default" in mapping
    assert f"--password {(folder / 'grafana-password').read_text()}" in user
    assert "--read-bucket b1" in user
    assert "write" not in user


def test_scripts_that_are_mounted_or_typed_can_be_run() -> None:
    for name in ("secrets", "influxdb/setup.sh"):
        assert (DEPLOY / name).stat().st_mode & 0o111 == 0o111


# --- the guide


GUIDE = (ROOT / "docs/grafana.md").read_text(encoding="utf-8")


def test_the_guides_data_source_is_the_one_that_the_dashboards_ask_for() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (told,) = yaml.safe_load(block)["datasources"]
    alike = ("name", "uid", "type", "access", "basicAuth", "basicAuthUser")
    assert {key: told[key] for key in alike} == {key: SOURCE[key] for key in alike}
    assert told["jsonData"].items() <= SOURCE["jsonData"].items()


def test_the_guide_names_every_port_and_who_reaches_it() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", []):
            variable, host, outside = re.findall(r"\$\{(\w+):-([\d.]+)\}:(\d+):", port)[0]
            (row,) = [one for one in GUIDE.splitlines() if one.startswith("|") and outside in one]
            assert ("the network" if host == "0.0.0.0" else f"`{variable}`") in row  # noqa: S104 - looked up, not bound
