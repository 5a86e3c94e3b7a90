"""What the README tells a newcomer to type, typed: in a fresh copy, with a fresh environment."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings import parse
from tests.broker import Broker
from tests.e2e.gateway_process import until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PORT = 1883


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def broker_on_the_usual_port(folder: Path) -> AbstractContextManager[Any]:
    """The broker that the README takes for granted; one that runs already serves as well."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            return nullcontext()
    return Broker(folder, port=PORT)


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


def test_the_commands_of_the_readme_lead_to_an_alert(tmp_path: Path) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to copy from")
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "COLUMNS": "160"}
    environment |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    path = f"{home}/holdwatch-env/bin:{environment['PATH']}"
    clone = copy(tmp_path)

    def type_(block: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=clone, env=environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, block + done.stdout + done.stderr
        return done.stdout

    install, start, look, subscribe = blocks("sh")
    type_(install)
    environment["PATH"] = path
    first, run = start.splitlines()
    assert run == "holdwatch run"
    with broker_on_the_usual_port(tmp_path):
        type_(f"{first}\nsed -i 's|^.gateway.$|[gateway]\\ndata = \"{home}/data\"|' holdwatch.toml")
        with (tmp_path / "log").open("w") as log:
            gateway = subprocess.Popen(run.split(), cwd=clone, env=environment, stderr=log)
        try:
            until(lambda: "connected" in (tmp_path / "log").read_text(), "the broker is joined")
            found, publish, status = look.splitlines()
            # A second terminal knows nothing of the first one's PATH.
            environment["PATH"] = os.environ["PATH"]
            assert type_(f"{found}\ntype -p holdwatch") == f"{home}/holdwatch-env/bin/holdwatch\n"
            environment["PATH"] = path
            type_(publish)
            until(lambda: "kitchen" in type_(status), (tmp_path / "log").read_text())
            assert '"rule":"too-warm-now"' in type_(subscribe)
        finally:
            gateway.terminate()
            assert gateway.wait(20) == 0, (tmp_path / "log").read_text()


def test_the_settings_in_the_readme_are_valid() -> None:
    for block in blocks("toml"):
        parse(block)
