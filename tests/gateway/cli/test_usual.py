"""Which settings are meant where a command names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import asking
from gateway.cli.asking import HERE, usual


@pytest.mark.parametrize(
    ("here", "installed", "meant"),
    [
        (False, False, "here"),
        (True, False, "here"),
        (True, True, "here"),
        (False, True, "installed"),
    ],
)
def test_the_settings_here_come_before_the_service_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, here: bool, installed: bool, meant: str
) -> None:
    service = tmp_path / "etc" / "holdwatch.toml"
    monkeypatch.setattr(asking, "INSTALLED", service)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    if here:
        HERE.touch()
    if installed:
        service.parent.mkdir()
    assert usual() == {"here": HERE, "installed": service}[meant]
