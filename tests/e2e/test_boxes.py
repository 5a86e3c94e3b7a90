"""Two boxes from one image on one real broker; and two that have one data folder's copy each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.e2e.gateway_process import RunningGateway, holdwatch_json, until

SETTINGS = (
    '[gateway]\ndata = "data"\n[[brokers]]\nname = "main"\nhost = "127.0.0.1"\nport = {port}\n'
)


class Box(RunningGateway):
    """A box as it comes from the image: settings, and no data."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        folder.mkdir()
        settings = folder / "holdwatch.toml"
        settings.write_text(SETTINGS.format(port=broker.port), encoding="utf-8")
        super().__init__(settings)

    def _joined(self) -> bool:
        # One that is thrown out need not be joined when somebody looks.
        return bool(self.status())

    def connected(self) -> bool:
        """Whether it has joined the broker."""
        return bool(self.status()["brokers"].get("main", {}).get("state") == "connected")

    def told(self) -> bool:
        """Whether an alert says that another has its client id."""
        found = self.status().get("alerts", [])
        return any("same client id" in one["reason"] for one in found)


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    (tmp_path / "broker").mkdir()
    return Broker(tmp_path / "broker")


def test_boxes_from_one_image_share_a_broker_and_copies_of_one_box_are_told(
    tmp_path: Path, broker: Broker
) -> None:
    with broker:
        one, other = (Box(tmp_path / name, broker) for name in ("one", "other"))
        with one, other:
            names = {
                holdwatch_json("identity", "show", "-c", str(box.settings))["box"]
                for box in (one, other)
            }
            assert len(names) == 2
            for box in (one, other):
                until(box.connected, "each joins and stays")
                assert not box.told()

        shutil.rmtree(tmp_path / "other" / "data")
        shutil.copytree(tmp_path / "one" / "data", tmp_path / "other" / "data")
        with one, other:
            for box in (one, other):
                until(box.told, "each says that another has its client id", within=60)
