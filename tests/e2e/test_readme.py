"""What the README tells a newcomer to type, typed: in a fresh copy, with a fresh environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from gateway.settings import parse
from gateway.settings.web import PORT
from tests import broker
from tests.e2e.gateway_process import until

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
USUAL = 1883


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def free_port() -> int:
    """The usual port, or another where something listens on it already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", USUAL)) != 0:
            return USUAL
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        return int(other.getsockname()[1])


def copy(folder: Path) -> Path:
    """The files that git knows, as they are now."""
    clone = folder / "holdwatch"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    return clone


def fresh(folder: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the project, and the environment of somebody who has never run it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to copy from")
    home = folder / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "COLUMNS": "160"}
    # How pip and npm reach their registries from this machine.
    reach = ("PIP_", "NODE_", "npm_config_", "NPM_CONFIG_")
    environment |= {name: os.environ[name] for name in os.environ if name.startswith(reach)}
    return copy(folder), environment


def test_the_first_command_of_the_readme_shows_a_live_alert(tmp_path: Path) -> None:
    clone, environment = fresh(tmp_path)
    (tmp_path / "tmp").mkdir()
    environment["TMPDIR"] = str(tmp_path / "tmp")
    told = tmp_path / "told"
    with told.open("w") as output:
        demo = subprocess.Popen(
            blocks("sh")[0].split(), cwd=clone, env=environment, stdout=output, stderr=output
        )
    try:
        # Installation, the last 24 hours, and the first of two alarms.
        until(
            lambda: "CRITICAL" in told.read_text() or demo.poll() is not None,
            f"the first alarm, see {told}",
            within=300,
        )
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 0, told.read_text()
    finally:
        if demo.poll() is None:
            demo.kill()
    assert "CRITICAL" in told.read_text()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_commands_of_the_readme_lead_to_an_alert(tmp_path: Path) -> None:
    clone, environment = fresh(tmp_path)
    home = environment["HOME"]
    path = f"{home}/holdwatch-env/bin:{environment['PATH']}"

    def type_(block: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=clone, env=environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, block + done.stdout + done.stderr
        return done.stdout

    _, install, start, look, subscribe, add = blocks("sh")
    type_(install)
    environment["PATH"] = path
    first, run = start.splitlines()
    assert run == "holdwatch run"
    port, web = free_port(), broker.free_port()
    type_(
        f'{first}\nsed -i \'s|^.gateway.$|[gateway]\\ndata = "{home}/data"|; '
        f"s|^port = {USUAL}$|port = {port}|; s|^port = {PORT}$|port = {web}|' holdwatch.toml"
    )
    with (tmp_path / "log").open("w") as log:
        gateway = subprocess.Popen(run.split(), cwd=clone, env=environment, stderr=log)
    try:
        until(lambda: "sensors connect to" in (tmp_path / "log").read_text(), "it listens")
        found, publish, status = look.splitlines()
        # A second terminal knows nothing of the first one's PATH.
        environment["PATH"] = os.environ["PATH"]
        assert type_(f"{found}\ntype -p holdwatch") == f"{home}/holdwatch-env/bin/holdwatch\n"
        environment["PATH"] = path
        type_(publish.replace("mosquitto_pub", f"mosquitto_pub -p {port}"))
        until(lambda: "kitchen" in type_(status), (tmp_path / "log").read_text())
        subscribed = type_(subscribe.replace("mosquitto_sub", f"mosquitto_sub -p {port}"))
        assert '"rule":"too-warm-now"' in subscribed
        told = type_(add)
        (ready,) = [line for line in told.splitlines() if line.strip().startswith("mosquitto_pub")]
        type_(ready)
        until(lambda: "fridge-1" in type_("holdwatch device list"), "the new sensor is heard")
    finally:
        gateway.terminate()
        assert gateway.wait(20) == 0, (tmp_path / "log").read_text()


def test_the_settings_in_the_readme_are_valid() -> None:
    for block in blocks("toml"):
        parse(block)
