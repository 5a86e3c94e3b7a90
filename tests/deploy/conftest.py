"""What is made of deploy/: a copy of it with secrets of its own."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from deploy.make_secrets import make
from tests.deploy.asking import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def keep(path: Path, _group: int) -> None:
    path.chmod(path.stat().st_mode & ~stat.S_IRWXG)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/, where `sudo deploy/secrets gateway.example.org` was given.

    The files stay those of whoever runs the tests, and of no group: only root may give them away.
    """
    folder = tmp_path_factory.mktemp("source") / "deploy"
    shutil.copytree(ROOT / "deploy", folder, ignore=shutil.ignore_patterns("secrets.d"))
    make(folder / "secrets.d", ["gateway.example.org"], keep)
    return folder
