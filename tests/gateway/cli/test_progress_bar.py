"""How far a long command has come, on a terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from gateway.cli import asking


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What comes onto a terminal of 80 columns."""
    seen = StringIO()
    console = Console(file=seen, force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(asking, "err", console)
    return seen


def last_line(seen: StringIO) -> str:
    return [line for line in seen.getvalue().splitlines() if "Restoring" in line][-1]


def test_what_has_ended_is_shown_as_done_however_much_was_guessed(seen: StringIO) -> None:
    name = "clinic-pi-3f9a1c-20261123T081259Z.holdwatch"
    with asking.progress_bar(f"Restoring {name}", quiet=False) as progress:
        progress(555_886, 9_308_416)
    assert "100%" in last_line(seen)
    assert "…" not in last_line(seen)


def half_done() -> None:
    with asking.progress_bar("Restoring x", quiet=False) as progress:
        progress(50, 100)
        raise ValueError("full")


def test_what_has_failed_is_shown_as_far_as_it_came(seen: StringIO) -> None:
    with pytest.raises(ValueError, match="full"):
        half_done()
    assert "50%" in last_line(seen)


def test_nothing_is_shown_of_what_told_nothing_or_is_quiet(seen: StringIO) -> None:
    with asking.progress_bar("Restoring x", quiet=False):
        pass
    with asking.progress_bar("Restoring x", quiet=True) as progress:
        progress(1, 2)
    assert "Restoring" not in seen.getvalue()
