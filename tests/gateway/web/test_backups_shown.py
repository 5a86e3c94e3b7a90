"""What the Gateway view and the API say of backups that a running gateway makes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.backup.archive import look_into
from tests.gateway.web.api_client import api
from tests.gateway.web.running import SETTINGS, RunningPage, until

if TYPE_CHECKING:
    from pathlib import Path

SECTION = '\n[backup]\nfolder = "{folder}/usb"\nkeep = 2\n'


def test_a_backup_is_made_by_itself_and_shown_and_a_disk_that_is_missing_is_told(
    tmp_path: Path,
) -> None:
    usb = tmp_path / "usb"
    usb.mkdir()
    with RunningPage(tmp_path, SETTINGS + SECTION) as page:
        client = page.user("looks", "viewer")
        (file,) = until(lambda: list(usb.glob("*.holdwatch")), "it makes one", within=60)
        assert look_into(file).head.box == "dock"
        until(lambda: "not encrypted</small>" in client.get("/gateway").text, "it is shown")
        with api(page, scopes=["read"]) as program:
            told = program.get("/gateway").json()["backup"]
        assert told["size"] == file.stat().st_size
        assert told["problem"] is None

        # Away, it is told where somebody asks for one; what is there stays as it is.
        usb.rename(tmp_path / "away")
        said = page.command("backup", "status")["backup"]
        assert said["last"] == told["last"]
    usb_less = SETTINGS + SECTION.replace("usb", "none")
    with RunningPage(tmp_path, usb_less) as page:
        client = page.user("comes", "viewer")

        def shown() -> bool:
            return "none is not there (No such file or directory)" in client.get("/gateway").text

        until(shown, "the missing disk is told")
        (alert,) = [one for one in page.command("alerts") if one["channel"] == "backup"]
        assert alert["severity"] == "warning"
