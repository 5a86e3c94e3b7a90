"""What Grafana asks of InfluxDB for a dashboard, with its variables filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))

Chosen = dict[str, str | list[str]]


class Asked(NamedTuple):
    """One query, and where it stands."""

    dashboard: str
    place: str
    text: str


def read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel, those of folded rows too, but no row."""
    for one in dashboard["panels"]:
        if one["type"] == "row":
            yield from one["panels"]
        else:
            yield one


def asked(path: Path) -> Iterator[Asked]:
    """Yield the queries of panels, variables and annotations."""
    dashboard = read(path)
    name = path.stem
    for panel in panels(dashboard):
        for target in panel["targets"]:
            place = f"{panel['id']} {panel['title']} {target['refId']}"
            yield Asked(name, place, target["query"])
    for one in dashboard["templating"]["list"]:
        if one["type"] == "query":
            yield Asked(name, f"variable {one['name']}", one["query"]["query"])
    for one in dashboard["annotations"]["list"]:
        yield Asked(name, f"annotation {one['name']}", one["target"]["query"])


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$*+?.()|\[\]{}/]", lambda found: f"\\{found[0]}", text)


def _as_pattern(value: str | list[str]) -> str:
    """Return what `${name:regex}` becomes; the text `.*`, a custom value for all, stays."""
    if isinstance(value, str):
        return value if value == ".*" else _escaped(value)
    if len(value) == 1:
        return _escaped(value[0])
    return f"({'|'.join(map(_escaped, value))})"


def filled(text: str, chosen: Chosen, *, since: str = "24h", interval: str = "5m") -> str:
    """Return the query as Grafana sends it."""
    text = text.replace("$timeFilter", f"time > now() - {since}")
    text = text.replace("$__interval", interval)
    text = re.sub(r"\$\{(\w+):regex\}", lambda found: _as_pattern(chosen[found[1]]), text)
    left = re.search(r"\$\{?\w+", text)
    assert left is None, f"{left[0]} is not filled in"
    return text
