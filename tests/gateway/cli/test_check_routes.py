"""`holdwatch check` warns of routes that never tell what another keeps."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.gateway_process import holdwatch

ROUTES = """
[[channels]]
name = "desk"
kind = "email"
host = "127.0.0.1"
tls = "none"
from = "holdwatch@example.org"
to = ["desk@example.org"]

[[routes]]
name = "office"
hours = { from = "06:00", to = "22:00" }

[[routes]]
name = "night"
"""


def test_a_route_that_another_cuts_off_by_its_hours_is_warned_of(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(ROUTES, encoding="utf-8")
    output = holdwatch("check", "--offline", "-c", str(settings))
    assert "Warning: route office: what it takes outside its hours waits" in output
    settings.write_text(ROUTES.replace("hours", "go_on = true\nhours"), encoding="utf-8")
    assert "outside its hours" not in holdwatch("check", "--offline", "-c", str(settings))
