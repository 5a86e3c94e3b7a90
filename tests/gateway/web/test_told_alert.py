"""An alert as it is told: the file knows how it began, the gateway how it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.web.told_alert import told
from rules.alert import Alert
from tests.gateway.web.told import NOW, Told, alert, seen, settings, status

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.live import Seen


def told_with(folder: Path, one: Alert, known: Seen | None) -> tuple[str, str]:
    """Return the last and the worst value that are told."""
    files = Told(folder)
    (shown,) = told(files.files, settings(), [one], NOW, lambda _device: known)
    files.close()
    return shown.last, shown.worst


def test_an_open_alert_has_the_newest_values(tmp_path: Path) -> None:
    newest = msgspec.structs.replace(status(), value=12.5, worst=13.5)
    other = msgspec.structs.replace(status("warm"), value=99.0, worst=99.0)
    first = alert(unit="°C", last=11.5, worst=11.5)
    known = seen(temperature=12.5, rules=(other, newest))
    assert told_with(tmp_path, first, known) == ("12.5 °C", "13.5 °C")
    for nothing in (None, seen(temperature=12.5), seen(rules=(other,))):
        assert told_with(tmp_path, first, nothing) == ("11.5 °C", "11.5 °C")


def test_an_alert_that_is_over_stays_as_it_was(tmp_path: Path) -> None:
    newest = msgspec.structs.replace(status(), value=12.5, worst=13.5)
    over = alert(unit="°C", last=7.5, worst=11.5, state="resolved", ended=NOW)
    known = seen(temperature=12.5, rules=(newest,))
    assert told_with(tmp_path, over, known) == ("7.5 °C", "11.5 °C")
