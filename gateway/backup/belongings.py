"""What goes with a backup beside our own files: the settings, and what they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, SecretStr

from gateway.backup.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Settings

BESIDE = ("authority.pem", "authority.key", "renewing.key")
"""What `holdwatch tls` keeps beside a certificate, and no setting names."""
_KEY = b"PRIVATE KEY-----"
_READ = 2**16
_OURS = frozenset({("gateway", "data"), ("backup", "folder")})
"""Settings that name folders of copied files, and of copies."""


class Belongings(NamedTuple):
    """Files that go into a backup, and those that hold secrets and so go into none."""

    taken: tuple[Path, ...]
    left_out: tuple[Path, ...]


def belongings(settings: Settings, *, encrypted: bool) -> Belongings:
    """Return what goes with a backup; what holds a secret only where it is `encrypted`.

    Raises OSError where a file cannot be looked into, BackupError where it cannot be named.
    """
    found = dict(_named(settings))
    file = settings.file
    if file is not None:
        found[file.path] = any(isinstance(one, SecretStr) for _, one in _values(settings))
    for folder in {path.parent for path in found if path.suffix == ".pem"}:
        found |= {path: _secret(path) for name in BESIDE if (path := folder / name).is_file()}
    there = sorted(path for path in found if path.is_file())
    for path in there:
        _check_name(path)
    secret = {path for path in there if found[path]}
    if encrypted:
        return Belongings(tuple(there), ())
    return Belongings(tuple(path for path in there if path not in secret), tuple(sorted(secret)))


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BackupError(
            f"the name of {str(path).encode(errors='backslashreplace').decode()} is no UTF-8",
            "Rename it, or put it elsewhere: the settings name it or its folder",
        ) from None


def _named(settings: Settings) -> Iterator[tuple[Path, bool]]:
    """Yield each file that settings name, and whether it holds a secret."""
    for where, path in _values(settings):
        if not isinstance(path, Path) or where in _OURS:
            continue
        name = where[-1]
        if path.is_dir():
            yield from _inside(path)
        else:
            yield path.absolute(), name == "key" or name.endswith("_file") or _secret(path)
    codecs = settings.codec_folder
    if codecs is not None and codecs.is_dir():
        yield from _inside(codecs)


def _inside(folder: Path) -> Iterator[tuple[Path, bool]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.absolute(), _secret(path)


def _secret(path: Path) -> bool:
    """Whether a file holds a private key: one may lie in a certificate's file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _KEY in file.read(_READ)


def _values(section: BaseModel) -> Iterator[tuple[tuple[str, str], object]]:
    """Yield each value of the settings under the names of its section and its key."""
    for name, value in section:
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, BaseModel):
                for (_, key), inner in _values(one):
                    yield (name, key), inner
            else:
                yield ("", name), one
