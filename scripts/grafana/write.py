"""Writes the dashboards into deploy/grafana/dashboards.  Run it by scripts/dashboards."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.grafana.fleet import fleet
from scripts.grafana.gateway import gateway
from scripts.grafana.sensor import sensor

FOLDER = Path(__file__).resolve().parents[2] / "deploy/grafana/dashboards"


def files() -> dict[str, str]:
    """Return what each file holds."""
    made = {"fleet.json": fleet(), "sensor.json": sensor(), "gateway.json": gateway()}
    return {
        name: json.dumps(one, ensure_ascii=False, indent=2) + "\n" for name, one in made.items()
    }


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
