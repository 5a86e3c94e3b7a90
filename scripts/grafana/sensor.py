"""The dashboard of one device: every channel that it has, and what was wrong with it."""

# ruff: noqa: S608 - the queries are put together from what stands in this file alone

from __future__ import annotations

from scripts.grafana.fleet import COLOURED_TEXT, SEVERITIES
from scripts.grafana.panels import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    UNHEARD_OF,
    Json,
    chart,
    choice,
    dashboard,
    happened,
    number,
    override,
    panel,
    query,
    rename,
    row,
    says,
    step,
    steps,
    table,
)

THIS = '"device" =~ /^${device:regex}$/'
OPEN = (
    'SELECT last("firing") AS "open" FROM "alerts" '
    f'WHERE time > now() - 366d AND {THIS} GROUP BY "device", "rule", "channel"'
)
FLAGS = says(
    {
        "2": ("clock ahead", ORANGE),
        "4": ("clock behind", ORANGE),
        "8": ("kept by the broker", GREY),
        "32": ("from a logger's file", GREY),
        "64": ("our own clock was unsure", ORANGE),
    }
)


def _over_time(quantities: str) -> str:
    return (
        f'SELECT mean(/^({quantities})(\\.|$)/) FROM "readings" WHERE $timeFilter AND {THIS} '
        "GROUP BY time($__interval) fill(null)"
    )


def _channel(  # noqa: PLR0913 - what makes one channel's chart another's
    title: str,
    quantities: str,
    unit: str,
    *,
    least: float | None = None,
    most: float | None = None,
    draw: str = "line",
    mappings: list[Json] | None = None,
    overrides: tuple[Json, ...] = (),
) -> Json:
    """Return a chart of a quantity, or of several as a|b, at all places of the device."""
    return chart(
        title,
        "The mean of each interval, a line for each place. It breaks where nothing was heard for "
        "over an hour.",
        [query(_over_time(quantities), alias="$col")],
        unit=unit,
        least=least,
        most=most,
        draw=draw,
        mappings=mappings,
        overrides=[*overrides, UNHEARD_OF],
        transformations=[rename("^mean_(.+)$", "$1")],
    )


def _numbers() -> list[Json]:
    return [
        number(
            "Last reading",
            "When the newest reading was made, in the time range that is shown.",
            query(
                f'SELECT * FROM "readings" WHERE $timeFilter AND {THIS} '
                'GROUP BY "device" ORDER BY time DESC LIMIT 1',
                table=True,
            ),
            field="/^Time$/",
            unit="dateTimeFromNow",
            empty="none",
        ),
        number(
            "Open alerts",
            "Alerts that have begun and not ended, whatever time range is shown.",
            query(f'SELECT sum("open") FROM ({OPEN})'),
            thresholds=steps(GREEN, (1, RED)),
        ),
        number(
            "Values that cannot be true",
            "Such as 200 °C, or none where one was due: kept, and left out of verdicts.",
            query(f'SELECT sum("unusable") FROM "readings" WHERE $timeFilter AND {THIS}'),
            thresholds=steps(GREEN, (1, ORANGE)),
        ),
        number(
            "Readings with a remark",
            "Such as a clock that is wrong: see the table below.",
            query(f'SELECT count("flags") FROM "readings" WHERE $timeFilter AND {THIS}'),
            thresholds=steps(GREEN, (1, ORANGE)),
        ),
    ]


def _temperature() -> Json:
    which = "/^(temperature|set_point)(\\.|$)/"
    return chart(
        "Temperature",
        "Mean, lowest and highest of each interval, a line for each place: a short peak is not "
        "averaged away. Lines break where nothing was heard for over an hour.",
        [
            query(
                f"SELECT mean({which}), min(/^temperature(\\.|$)/), max(/^temperature(\\.|$)/) "
                f'FROM "readings" WHERE $timeFilter AND {THIS} '
                "GROUP BY time($__interval) fill(null)",
                alias="$col",
            )
        ],
        unit="celsius",
        size=(24, 11),
        overrides=[
            override(
                "byRegexp",
                "/, (lowest|highest)$/",
                {
                    "custom.lineStyle": {"fill": "dash", "dash": [4, 6]},
                    "custom.showPoints": "never",
                },
            ),
            override(
                "byRegexp",
                "/^set_point/",
                {
                    "color": {"mode": "fixed", "fixedColor": GREY},
                    "custom.lineInterpolation": "stepAfter",
                },
            ),
            UNHEARD_OF,
        ],
        transformations=[
            rename("^min_(.+)$", "$1, lowest"),
            rename("^max_(.+)$", "$1, highest"),
            rename("^mean_(.+)$", "$1"),
        ],
    )


def _summary() -> Json:
    columns = {"lastNotNull": "Last *", "min": "Min", "mean": "Mean", "max": "Max"}
    asked = {"lastNotNull": "last", "min": "min", "mean": "mean", "max": "max"}
    letters = dict(zip(columns, "ABCD", strict=True))
    return table(
        "Every channel",
        "Newest, lowest, mean and highest of all readings in the time range that is shown.",
        [
            query(
                f'SELECT {asked[name]}(*) FROM "readings" WHERE $timeFilter AND {THIS}',
                letter=letter,
                alias="$col",
            )
            for name, letter in letters.items()
        ],
        size=(12, 10),
        decimals=2,
        transformations=[
            rename("^(?:last|min|mean|max)_(.+)$", "$1"),
            *(
                step(
                    "reduce",
                    {"reducers": [name], "mode": "seriesToRows", "labelsToFields": False},
                    only=letter,
                )
                for name, letter in letters.items()
            ),
            step("joinByField", {"byField": "Field", "mode": "outer"}),
            # Grafana makes NaN of what a device does not have, and that is no null to it.
            step(
                "filterByValue",
                {
                    "type": "include",
                    "match": "any",
                    "filters": [
                        {
                            "fieldName": "Last *",
                            "config": {"id": "greater", "options": {"value": -1e9}},
                        },
                    ],
                },
            ),
            step(
                "organize",
                {
                    "renameByName": {
                        "Field": "channel",
                        "Last *": "newest",
                        "Min": "lowest",
                        "Mean": "mean",
                        "Max": "highest",
                    },
                    "indexByName": {name: i for i, name in enumerate(["Field", *columns.values()])},
                    "excludeByName": {},
                },
            ),
        ],
        overrides=[],
        sort=("channel", False),
    )


def _alerts() -> Json:
    return table(
        "Alerts",
        "What happened to alerts of this device in the time range that is shown.",
        [
            query(
                'SELECT "event", "rule", "channel", "severity", "value", "reason" FROM "alerts" '
                f"WHERE $timeFilter AND {THIS} ORDER BY time DESC LIMIT 100",
                table=True,
            )
        ],
        size=(12, 10),
        transformations=[],
        overrides=[
            override("byName", "value", {"decimals": 1}),
            override(
                "byName", "severity", {"mappings": SEVERITIES, "custom.cellOptions": COLOURED_TEXT}
            ),
        ],
        sort=("Time", True),
    )


def _remarks() -> list[Json]:
    return [
        chart(
            "Values that cannot be true, and remarks",
            "How many values were outside what can be measured at all or missing, and how many "
            "readings have a remark.",
            [
                query(
                    'SELECT sum("unusable") AS "cannot be true", count("flags") AS "with a remark" '
                    f'FROM "readings" WHERE $timeFilter AND {THIS} '
                    "GROUP BY time($__interval) fill(null)",
                    alias="$col",
                )
            ],
            unit="none",
            draw="bars",
            least=0,
            calcs=("sum",),
        ),
        table(
            "Readings with a remark",
            "Flags: 2 the device's clock is ahead, 4 it is behind (both are judged by the time of "
            "arrival), 8 the broker had kept the message, 32 from a logger's file, 64 received "
            "before the gateway's own clock could be trusted. Several add up.",
            [
                query(
                    f'SELECT "flags", "unusable" FROM "readings" WHERE $timeFilter AND {THIS} '
                    'AND ("flags" > 0 OR "unusable" > 0) ORDER BY time DESC LIMIT 100',
                    table=True,
                )
            ],
            size=(12, 8),
            transformations=[],
            overrides=[override("byName", "flags", {"mappings": FLAGS})],
            sort=("Time", True),
        ),
    ]


def _where() -> list[Json]:
    positions = query(
        f'SELECT "latitude", "longitude", "speed" FROM "readings" WHERE $timeFilter AND {THIS} '
        'AND "latitude" > -91 ORDER BY time DESC LIMIT 1000',
        table=True,
    )
    return [
        panel(
            "geomap",
            "Route",
            "The last 1,000 positions. The background comes from the internet: whoever serves it "
            "sees which places are looked at.",
            [positions],
            size=(14, 12),
            defaults={"color": {"mode": "fixed", "fixedColor": "blue"}},
            options={
                "view": {"id": "fit", "lat": 0, "lon": 0, "zoom": 12, "allLayers": True},
                "basemap": {"type": "default", "name": "Background"},
                "controls": {"showZoom": True, "mouseWheelZoom": True, "showScale": True},
                "layers": [
                    {
                        "type": "markers",
                        "name": "Positions",
                        "location": {
                            "mode": "coords",
                            "latitude": "latitude",
                            "longitude": "longitude",
                        },
                        "config": {
                            "showLegend": False,
                            "style": {
                                "size": {"fixed": 4, "min": 2, "max": 8},
                                "color": {"fixed": "blue"},
                                "opacity": 0.7,
                            },
                        },
                        "tooltip": True,
                    }
                ],
                "tooltip": {"mode": "details"},
            },
        ),
        table(
            "Positions",
            "The last 1,000.",
            [positions],
            size=(10, 12),
            transformations=[],
            overrides=[
                override("byRegexp", "/^(latitude|longitude)$/", {"decimals": 5}),
                override("byName", "speed", {"unit": "velocitykmh", "decimals": 0}),
            ],
            sort=("Time", True),
        ),
    ]


def sensor() -> Json:
    """Return the dashboard."""
    door = says({"0": ("closed", GREEN), "1": ("open", ORANGE)})
    level = override(
        "byRegexp",
        "/^battery_level/",
        {"unit": "percent", "min": 0, "max": 100, "custom.axisPlacement": "right"},
    )
    oxygen = override("byRegexp", "/^oxygen/", {"unit": "percent", "custom.axisPlacement": "right"})
    marks = 'SELECT "reason", "rule" FROM "alerts" WHERE $timeFilter AND {} AND "event" {}'
    return dashboard(
        "holdwatch-sensor",
        "Holdwatch: sensor",
        "One device: every channel, its alerts, and what is to be said of its readings.",
        [
            *_numbers(),
            _temperature(),
            _summary(),
            _alerts(),
            row("Channels"),
            _channel("Humidity", "humidity", "humidity", least=0, most=100),
            _channel("Door", "door", "none", draw="step", least=0, most=1, mappings=door),
            _channel("Battery", "battery|battery_level", "volt", overrides=(level,)),
            _channel("Signal", "signal", "dBm"),
            _channel("Carbon dioxide and oxygen", "co2|oxygen", "ppm", overrides=(oxygen,)),
            _channel("Light", "illuminance", "lux", least=0),
            row("Remarks"),
            *_remarks(),
            row(
                "Pressure, shocks, voltage, speed",
                [
                    _channel("Air pressure", "pressure", "pressurehpa"),
                    _channel("Acceleration", "acceleration", "accG"),
                    _channel("Voltage", "voltage", "volt"),
                    _channel("Speed", "speed", "velocitykmh", least=0),
                ],
            ),
            row(
                "Leaks, motion, tilt, counts, energy",
                [
                    _channel("Leak and tampering", "leak|tamper", "none", draw="step", least=0),
                    _channel("Motion and occupancy", "motion|occupancy", "none", least=0),
                    _channel("Counts", "count", "none", least=0),
                    _channel("Duration", "duration", "s", least=0),
                    _channel("Tilt and heading", "tilt|heading", "degree"),
                    _channel("Distance", "distance", "lengthm", least=0),
                    _channel("Sound", "sound", "dB", least=0),
                    _channel("Volatile compounds", "tvoc", "conppb", least=0),
                    _channel("Moisture", "moisture", "percent", least=0, most=100),
                    _channel("Current", "current", "amp"),
                    _channel("Power", "power", "watt"),
                    _channel("Energy", "energy", "kwatth", least=0),
                ],
            ),
            row("Where it was", _where()),
        ],
        since="24h",
        variables=[
            choice(
                "device",
                "Device",
                'SHOW TAG VALUES FROM "readings" WITH KEY = "device"',
                several=False,
            )
        ],
        marks=[
            happened("Alerts begin", RED, marks.format(THIS, "= 'firing'"), ("reason", "rule")),
            happened(
                "Alerts end",
                GREEN,
                marks.format(THIS, "=~ /^(resolved|indeterminate)$/"),
                ("reason", "rule"),
            ),
        ],
    )
