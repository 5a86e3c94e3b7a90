"""What a backup says of itself: first what it is, and at its end what it must hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from gateway.backup.rows import File

FORMAT = 1
HEAD = "backup.json"
"""The first thing in a backup."""
MANIFEST = "manifest.json"
"""The last."""
BELONGINGS = "files"
"""Folder of the settings, and what they name, each under its whole path."""
IDENTITY = "identity"
"""The file that says who the box is."""

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<box>.+)-(?P<stamp>\d{8}T\d{6}Z)\.holdwatch")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is. `made` is when it was begun, ms since 1970, UTC."""

    format: int
    box: str
    owner: str
    made: int
    software: str
    settings: str
    """Where the settings lay, "" where they came from no file."""
    files: tuple[File, ...]
    """Our files, in the order in which they were copied."""
    left_out: tuple[str, ...] = ()
    """Files with secrets that are not in it, since it is not encrypted."""


class Content(msgspec.Struct, frozen=True):
    """One file, by what its parts must be. `rows` counts those of our own files by table."""

    name: str
    size: int
    digest: str
    rows: dict[str, int] = {}


class Manifest(msgspec.Struct, frozen=True):
    """All that must be in a backup."""

    contents: tuple[Content, ...]


def file_name(box: str, made: int) -> str:
    """Return the name of a backup that was begun at a time (ms)."""
    stamp = datetime.fromtimestamp(made // 1000, UTC).strftime(_STAMP)
    return f"{box}-{stamp}.holdwatch"


def made_at(name: str, box: str) -> int | None:
    """Return when a box's backup of this name was begun (ms); None for any other file."""
    found = _NAME.fullmatch(name)
    if found is None or found["box"] != box:
        return None
    try:
        at = datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(at.timestamp()) * 1000
