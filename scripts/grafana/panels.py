"""What the dashboards are put together from: queries, panels, variables.

The words are Grafana's own, of its dashboard JSON:
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/

A query in the form of a table groups by one tag at most: Grafana mixes up the columns of several
tags, since it takes them in no fixed order. What needs more is grouped in an inner query.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

HOUR = 3_600_000
"""ms. A line is drawn over a silence that is shorter, and broken over one that is longer."""

SOURCE = {"type": "influxdb", "uid": "${datasource}"}
WIDTH = 24
"""Columns of a dashboard's grid."""

GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "text"


def query(text: str, *, letter: str = "A", alias: str = "", table: bool = False) -> Json:
    """Return a query in InfluxQL. `alias` names its series: $tag_device, $col."""
    return {
        "refId": letter,
        "datasource": SOURCE,
        "rawQuery": True,
        "query": text,
        "resultFormat": "table" if table else "time_series",
        **({"alias": alias} if alias else {}),
    }


def steps(first: str, *above: tuple[float, str]) -> Json:
    """Return thresholds: a colour to begin with, and others from a value on."""
    from_values = [{"color": color, "value": value} for value, color in above]
    return {"mode": "absolute", "steps": [{"color": first, "value": None}, *from_values]}


def says(words: dict[str, tuple[str, str]]) -> list[Json]:
    """Return value mappings: value → words and colour."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def override(kind: str, which: Any, properties: Json) -> Json:  # noqa: ANN401 - as many forms as matchers
    """Return what is different for some fields. `kind` is Grafana's name of the matcher."""
    return {
        "matcher": {"id": kind, "options": which},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }


def step(name: str, options: Json, *, only: str = "") -> Json:
    """Return a transformation. `only` is the letter of the one query that it concerns."""
    told: Json = {"id": name, "options": options}
    if only:
        told["filter"] = {"id": "byRefId", "options": only}
    return told


def rename(pattern: str, to: str) -> Json:
    """Return the transformation that calls series otherwise."""
    return step("renameByRegex", {"regex": pattern, "renamePattern": to})


UNHEARD_OF = override(
    "byValue",
    {"reducer": "allIsNull", "op": "gte", "value": 1},
    {"custom.hideFrom": {"legend": True, "tooltip": True, "viz": True}},
)
"""A query by pattern names channels that other devices have, and this one has not."""


def panel(  # noqa: PLR0913 - a panel has this many parts
    kind: str,
    title: str,
    description: str,
    targets: list[Json],
    *,
    size: tuple[int, int],
    defaults: Json,
    options: Json,
    overrides: list[Json] | None = None,
    transformations: list[Json] | None = None,
    repeat: str = "",
) -> Json:
    """Return a panel. `size` is columns and rows; `repeat` a variable: one panel for each value."""
    told: Json = {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": defaults, "overrides": overrides or []},
        "options": options,
        "targets": targets,
    }
    if transformations:
        told["transformations"] = transformations
    if repeat:
        told |= {"repeat": repeat, "repeatDirection": "h", "maxPerRow": 2}
    return told


def chart(  # noqa: PLR0913 - see panel
    title: str,
    description: str,
    targets: list[Json],
    *,
    unit: str,
    size: tuple[int, int] = (12, 8),
    draw: str = "line",
    least: float | None = None,
    most: float | None = None,
    stacked: bool = False,
    calcs: tuple[str, ...] = ("lastNotNull", "min", "max"),
    mappings: list[Json] | None = None,
    overrides: list[Json] | None = None,
    transformations: list[Json] | None = None,
    links: list[Json] | None = None,
    repeat: str = "",
) -> Json:
    """Return values over time. `draw`: line, step (holds until the next) or bars."""
    custom: Json = {
        "drawStyle": "bars" if draw == "bars" else "line",
        "lineInterpolation": "stepAfter" if draw == "step" else "linear",
        "lineWidth": 1,
        "fillOpacity": {"bars": 80, "step": 25, "line": 0}[draw],
        "showPoints": "auto",
        "pointSize": 4,
        "spanNulls": HOUR,
        "axisPlacement": "auto",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    defaults: Json = {"unit": unit, "color": {"mode": "palette-classic"}, "custom": custom}
    if least is not None:
        defaults["min"] = least
    if most is not None:
        defaults["max"] = most
    if mappings:
        defaults["mappings"] = mappings
    if links:
        defaults["links"] = links
    told = panel(
        "timeseries",
        title,
        description,
        targets,
        size=size,
        defaults=defaults,
        options={
            "legend": {
                "displayMode": "table" if calcs else "list",
                "placement": "bottom",
                "showLegend": True,
                "calcs": list(calcs),
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        overrides=overrides,
        transformations=transformations,
        repeat=repeat,
    )
    return {**told, "interval": "1m"}


def number(  # noqa: PLR0913 - see panel
    title: str,
    description: str,
    target: Json,
    *,
    unit: str = "short",
    thresholds: Json | None = None,
    field: str = "",
    mappings: list[Json] | None = None,
    decimals: int | None = None,
    size: tuple[int, int] = (6, 4),
    empty: str = "0",
    transformations: list[Json] | None = None,
) -> Json:
    """Return one number, coloured. `field` is a pattern of the column; `empty` where no row is."""
    defaults: Json = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds or steps(GREY),
        "noValue": empty,
    }
    if mappings:
        defaults["mappings"] = mappings
    if decimals is not None:
        defaults["decimals"] = decimals
    return panel(
        "stat",
        title,
        description,
        [target],
        size=size,
        defaults=defaults,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": field, "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "textMode": "value",
            "orientation": "auto",
        },
        transformations=transformations,
    )


def table(  # noqa: PLR0913 - see panel
    title: str,
    description: str,
    targets: list[Json],
    *,
    size: tuple[int, int],
    transformations: list[Json],
    overrides: list[Json],
    sort: tuple[str, bool] | None = None,
    decimals: int | None = None,
) -> Json:
    """Return rows and columns. `sort` is a column, and whether the highest comes first."""
    defaults: Json = {"custom": {"align": "auto", "filterable": True}, "noValue": ""}
    if decimals is not None:
        defaults["decimals"] = decimals
    return panel(
        "table",
        title,
        description,
        targets,
        size=size,
        defaults=defaults,
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": sort[0], "desc": sort[1]}] if sort else [],
        },
        overrides=overrides,
        transformations=transformations,
    )


def row(title: str, panels: list[Json] | None = None) -> Json:
    """Return a heading; with panels it is folded, and they ask for nothing until it is opened."""
    return {
        "type": "row",
        "title": title,
        "gridPos": {"w": WIDTH, "h": 1},
        "collapsed": panels is not None,
        "panels": panels or [],
    }


def choice(  # noqa: PLR0913 - a variable has this many parts
    name: str,
    label: str,
    text: str,
    *,
    several: bool = True,
    pattern: str = "",
    everything: str | None = ".*",
    description: str = "",
) -> Json:
    """Return a variable whose values InfluxDB tells. `everything` stands for all values in a query.

    With None, all values are listed one by one: a panel can be repeated for each.
    """
    told: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": SOURCE,
        "query": {"query": text, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 7,
        "regex": pattern,
        "multi": several,
        "includeAll": several,
    }
    if several:
        told["current"] = {"text": ["All"], "value": ["$__all"]}
        if everything is not None:
            told["allValue"] = everything
    return told


def happened(name: str, color: str, text: str, columns: tuple[str, str]) -> Json:
    """Return marks on the time axis: an event each. `columns` are those of its text and tags."""
    return {
        "name": name,
        "enable": True,
        "iconColor": color,
        "datasource": SOURCE,
        "target": {
            "refId": name,
            "query": text,
            "rawQuery": True,
            "fromAnnotations": True,
            "textColumn": columns[0],
            "tagsColumn": columns[1],
            "titleColumn": "",
            "timeEndColumn": "",
        },
    }


_SOURCES: Json = {
    "type": "datasource",
    "name": "datasource",
    "label": "InfluxDB",
    "query": "influxdb",
    "current": {"text": "Holdwatch", "value": "holdwatch"},
    "refresh": 1,
    "multi": False,
    "includeAll": False,
}


def dashboard(  # noqa: PLR0913 - a dashboard has this many parts
    uid: str,
    title: str,
    description: str,
    panels: list[Json],
    *,
    variables: list[Json],
    marks: list[Json],
    since: str,
) -> Json:
    """Return a dashboard; its panels are laid out in their order, line by line."""
    _lay_out(panels)
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["holdwatch"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": f"now-{since}", "to": "now"},
        "links": [
            {
                "type": "dashboards",
                "title": "Holdwatch",
                "tags": ["holdwatch"],
                "asDropdown": False,
                "keepTime": True,
                "includeVars": False,
                "icon": "external link",
                "tooltip": "",
                "targetBlank": False,
            }
        ],
        "templating": {"list": [_SOURCES, *variables]},
        "annotations": {"list": marks},
        "panels": panels,
    }


def _lay_out(panels: list[Json]) -> None:
    """Give each panel its place and its number."""
    everything = [one for each in panels for one in (each, *each.get("panels", []))]
    for number_, one in enumerate(everything, 1):
        one["id"] = number_
    x = y = height = 0
    for one in everything:
        place = one["gridPos"]
        if x + place["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        one["gridPos"] = {"x": x, "y": y, **place}
        x, height = x + place["w"], max(height, place["h"])
