"""The first settings file is right, and says how to go on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.backup import keys
from gateway.cli.starter import starter
from gateway.listener.authority import Authority
from gateway.settings import parse


def test_without_a_broker_sensors_connect_to_us() -> None:
    settings = parse(starter(None, None))
    (listener,) = settings.listeners
    assert (listener.address, listener.anonymous) == ("127.0.0.1:1883", True)
    assert settings.brokers == ()
    assert settings.warnings == ()
    assert [rule.name for rule in settings.rules] == ["too-warm-now", "fridge", "not-heard"]


def test_with_a_broker_we_join_it_and_do_not_listen() -> None:
    settings = parse(starter("hub.local", 1884))
    (broker,) = settings.brokers
    assert (broker.name, broker.host, broker.port) == ("main", "hub.local", 1884)
    assert settings.listeners == ()


def test_the_port_is_the_brokers_or_ours() -> None:
    assert parse(starter(None, 1999)).listeners[0].port == 1999
    assert parse(starter("localhost", None)).brokers[0].port == 1883


@pytest.mark.parametrize("broker", [None, "hub.local"])
def test_what_is_commented_out_is_right_too(broker: str | None) -> None:
    section = "brokers" if broker is None else "listeners"
    _, head, rest = starter(broker, None).partition(f"# [[{section}]]\n")
    assert head
    keys = re.findall(
        r"^# ((?:name|host|port|topics|anonymous) = .*)$", rest.partition("\n\n")[0], re.MULTILINE
    )
    # What stands there a second time is an alternative to the first.
    first = {key.partition(" ")[0]: key for key in reversed(keys)}
    settings = parse("\n".join([f"[[{section}]]", *first.values()]))
    assert len(getattr(settings, section)) == 1
    assert settings.warnings == ()


@pytest.mark.parametrize("broker", [None, "hub.local"])
def test_the_influxdb_that_is_commented_out_is_right(broker: str | None) -> None:
    _, head, rest = starter(broker, None).partition("# [[influxdb]]\n")
    assert head
    section = re.sub(r"^# ", "", rest.partition("\n\n")[0], flags=re.MULTILINE)
    (server,) = parse(
        f'[[influxdb]]\n{section}\ntoken_env = "T"'.replace("token_file", "# "),
        environment={"T": "secret"},
    ).influxdb
    assert (server.name, server.organization) == ("main", "cargo")


def test_telling_people_backups_and_heartbeats_are_shown_and_right(tmp_path: Path) -> None:
    text = starter(None, None)
    found = ""
    for section in ("[[channels]]", "[backup]", "[[heartbeats]]"):
        _, head, rest = text.partition(f"# {section}\n")
        assert head
        found += f"{section}\n" + re.sub("^# ", "", rest.partition("\n\n")[0], flags=re.MULTILINE)
        found += "\n"
    _, public = keys.make()
    for name, secret in (("mail.password", "x"), ("heartbeat.url", "https://hc.example.org/x")):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    settings = parse(found.replace("age1…", public), folder=tmp_path)
    assert [channel.name for channel in settings.channels] == ["office"]
    assert settings.backup is not None
    assert settings.backup.needs_mount
    assert [beat.name for beat in settings.heartbeats] == ["outside"]
    assert settings.warnings == ()


def test_whoever_listens_on_the_network_finds_how(tmp_path: Path) -> None:
    text = starter(None, None)
    for line in ('host = "127.0.0.1"', "port = 1883", "anonymous = true"):
        text = re.sub(rf"^{re.escape(line)}.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'^# (host = "0|tls = { cert)', r"\1", text, flags=re.MULTILINE)
    authority = Authority.make(tmp_path / "tls", datetime.now(UTC), "box")
    authority.server(["localhost"], datetime.now(UTC))
    (listener,) = parse(text, folder=tmp_path).listeners
    assert listener.tls is not None
    assert listener.address == "0.0.0.0:8883"
