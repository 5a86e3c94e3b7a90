"""The dashboard of all devices: where something is wrong, and how it has been."""

# ruff: noqa: S608 - the queries are put together from what stands in this file alone

from __future__ import annotations

from scripts.grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Json,
    chart,
    choice,
    dashboard,
    happened,
    number,
    override,
    query,
    rename,
    row,
    says,
    step,
    steps,
    table,
)

OF_THESE = (
    '"site" =~ /^${site:regex}$/ AND "model" =~ /^${model:regex}$/ '
    'AND "device" =~ /^${device:regex}$/'
)
OPEN = (
    'SELECT last("firing") AS "open", "severity", "reason", "site", "began", "value" '
    f'FROM "alerts" WHERE time > now() - 366d AND {OF_THESE} GROUP BY "device", "rule", "channel"'
)
"""The newest event of each alert's subject says whether it is open."""
SENSOR = "/d/holdwatch-sensor?var-datasource=${datasource}&${__url_time_range}&var-device="

SEVERITIES = says(
    {"info": ("info", BLUE), "warning": ("warning", ORANGE), "critical": ("critical", RED)}
)
TO_SENSOR = [
    {
        "title": "This sensor",
        "url": f"{SENSOR}${{__data.fields.device:percentencode}}",
        "targetBlank": False,
    }
]
DEVICE_LINK = override("byName", "device", {"links": TO_SENSOR})
LINE_LINK = [
    {
        "title": "${__field.labels.device}",
        "url": f"{SENSOR}${{__field.labels.device:percentencode}}",
        "targetBlank": False,
    }
]
BATTERY = steps(RED, (20, ORANGE), (40, GREEN))
SIGNAL = steps(RED, (-115, ORANGE), (-105, GREEN))
COLOURED_TEXT = {"type": "color-text"}
COLOURED_CELL = {"type": "color-background", "mode": "gradient"}


def _over_time(field: str) -> str:
    return (
        f'SELECT mean(/^{field}$/) FROM "readings" WHERE $timeFilter AND {OF_THESE} '
        'GROUP BY time($__interval), "device" fill(null)'
    )


def _numbers() -> list[Json]:
    return [
        number(
            "Heard within the hour",
            "Devices of which a reading was made within the last hour, whatever time range is "
            "shown.",
            query(
                f'SELECT * FROM "readings" WHERE time > now() - 1h AND {OF_THESE} '
                'GROUP BY "device" ORDER BY time DESC LIMIT 1',
                table=True,
            ),
            field="/^device$/",
            # A count of names would be a name too, and have no colour: this makes it a number.
            transformations=[step("reduce", {"reducers": ["count"], "mode": "reduceFields"})],
            thresholds=steps(RED, (1, GREEN)),
        ),
        number(
            "Open alerts",
            "Alerts that have begun and not ended, whatever time range is shown.",
            query(f'SELECT sum("open") FROM ({OPEN})'),
            thresholds=steps(GREEN, (1, RED)),
        ),
        number(
            "Alerts that began",
            "In the time range that is shown.",
            query(
                'SELECT count("id") FROM "alerts" '
                f"WHERE $timeFilter AND {OF_THESE} AND \"event\" = 'firing'"
            ),
        ),
        number(
            "Values that cannot be true",
            "Such as 200 °C, or none where one was due: kept, and left out of verdicts. In the "
            "time range that is shown.",
            query(f'SELECT sum("unusable") FROM "readings" WHERE $timeFilter AND {OF_THESE}'),
            thresholds=steps(GREEN, (1, ORANGE)),
        ),
    ]


def _devices() -> Json:
    newest = (
        "SELECT last(/^(temperature|humidity|set_point|door|battery|battery_level|signal|co2)"
        f'(\\.|$)/) FROM "readings" WHERE $timeFilter AND {OF_THESE} GROUP BY "device"'
    )
    heard = (
        f'SELECT * FROM "readings" WHERE $timeFilter AND {OF_THESE} '
        'GROUP BY "device" ORDER BY time DESC LIMIT 1'
    )
    alerts = f'SELECT sum("open") AS "alerts" FROM ({OPEN}) GROUP BY "device"'
    columns = ("device", "site", "model", "alerts", "heard", "temperature", "set_point")
    return table(
        "Devices",
        "The newest value of every channel, and when the device was last heard. A click on a "
        "device opens its own dashboard. The alerts say what is wrong for that device; the colours "
        "of temperatures only show cold and warm.",
        [
            query(heard, letter="A", table=True),
            query(newest, letter="B", table=True),
            query(alerts, letter="C", table=True),
        ],
        size=(24, 11),
        sort=("alerts", True),
        decimals=1,
        transformations=[
            step(
                "filterFieldsByName",
                {"include": {"names": ["Time", "device", "site", "model"]}},
                only="A",
            ),
            step("filterFieldsByName", {"include": {"pattern": "^(device|last_.+)$"}}, only="B"),
            step("filterFieldsByName", {"include": {"names": ["device", "alerts"]}}, only="C"),
            step("joinByField", {"byField": "device", "mode": "outer"}),
            rename("^last_(.+)$", "$1"),
            step(
                "organize",
                {
                    "renameByName": {"Time": "heard"},
                    "indexByName": {
                        {"heard": "Time"}.get(name, name): place
                        for place, name in enumerate(columns)
                    },
                    "excludeByName": {},
                },
            ),
        ],
        overrides=[
            DEVICE_LINK,
            override("byName", "heard", {"unit": "dateTimeFromNow"}),
            override(
                "byName",
                "alerts",
                {
                    "decimals": 0,
                    "thresholds": steps(GREEN, (1, RED)),
                    "custom.cellOptions": COLOURED_CELL,
                },
            ),
            override(
                "byRegexp",
                "/^temperature/",
                {
                    "unit": "celsius",
                    "color": {"mode": "continuous-BlYlRd"},
                    "min": -25,
                    "max": 40,
                    "custom.cellOptions": COLOURED_CELL,
                },
            ),
            override("byRegexp", "/^set_point/", {"unit": "celsius"}),
            override("byRegexp", "/^humidity/", {"unit": "humidity", "decimals": 0}),
            override("byRegexp", "/^co2/", {"unit": "ppm", "decimals": 0}),
            override(
                "byRegexp",
                "/^door/",
                {"mappings": says({"0": ("closed", GREY), "1": ("open", ORANGE)})},
            ),
            override("byRegexp", "/^battery$/", {"unit": "volt", "decimals": 2}),
            override(
                "byRegexp",
                "/^battery_level/",
                {
                    "unit": "percent",
                    "decimals": 0,
                    "thresholds": BATTERY,
                    "custom.cellOptions": COLOURED_TEXT,
                },
            ),
            override(
                "byRegexp",
                "/^signal/",
                {
                    "unit": "dBm",
                    "decimals": 0,
                    "thresholds": SIGNAL,
                    "custom.cellOptions": COLOURED_TEXT,
                },
            ),
        ],
    )


def _alerts() -> list[Json]:
    columns = ("device", "site", "rule", "channel", "severity", "began", "value", "reason")
    text = ", ".join(f'"{name}"' for name in ("open", *columns))
    return [
        table(
            "Open alerts",
            "What is wrong now, whatever time range is shown. The value is that at the alert's "
            "last event.",
            [query(f'SELECT {text} FROM ({OPEN}) WHERE "open" = 1', table=True)],
            size=(16, 8),
            sort=("began", True),
            transformations=[
                step(
                    "organize",
                    {
                        "excludeByName": {"Time": True, "open": True},
                        "indexByName": {name: place for place, name in enumerate(columns)},
                        "renameByName": {},
                    },
                )
            ],
            overrides=[
                DEVICE_LINK,
                override("byName", "began", {"unit": "dateTimeFromNow"}),
                override("byName", "value", {"decimals": 1}),
                override(
                    "byName",
                    "severity",
                    {"mappings": SEVERITIES, "custom.cellOptions": COLOURED_TEXT},
                ),
            ],
        ),
        chart(
            "Alerts that began",
            "How many, by severity.",
            [
                query(
                    'SELECT count("id") FROM "alerts" WHERE $timeFilter AND '
                    f"{OF_THESE} AND \"event\" = 'firing' "
                    'GROUP BY time($__interval), "severity" fill(null)',
                    alias="$tag_severity",
                )
            ],
            unit="none",
            size=(8, 8),
            draw="bars",
            stacked=True,
            least=0,
            calcs=("sum",),
            overrides=[
                override("byName", name, {"color": {"mode": "fixed", "fixedColor": color}})
                for name, color in (("info", BLUE), ("warning", ORANGE), ("critical", RED))
            ],
        ),
    ]


def _charts() -> list[Json]:
    return [
        chart(
            "$temperature of all",
            "The mean of each interval. A line breaks where nothing was heard for over an hour.",
            [query(_over_time("${temperature:regex}"), alias="$tag_device")],
            unit="celsius",
            size=(24, 10),
            links=LINE_LINK,
            repeat="temperature",
        ),
        chart(
            "$humidity of all",
            "The mean of each interval. A line breaks where nothing was heard for over an hour.",
            [query(_over_time("${humidity:regex}"), alias="$tag_device")],
            unit="humidity",
            size=(24, 8),
            links=LINE_LINK,
            repeat="humidity",
        ),
        row("Batteries and signal"),
        chart(
            "Battery level",
            "Of devices that tell a percentage.",
            [query(_over_time("battery_level"), alias="$tag_device")],
            unit="percent",
            least=0,
            most=100,
            links=LINE_LINK,
        ),
        chart(
            "Battery voltage",
            "Of devices that tell volts.",
            [query(_over_time("battery"), alias="$tag_device")],
            unit="volt",
            links=LINE_LINK,
        ),
        chart(
            "Signal",
            "How strongly the device's radio was received; -120 dBm is about nothing.",
            [query(_over_time("signal"), alias="$tag_device")],
            unit="dBm",
            size=(24, 8),
            links=LINE_LINK,
        ),
    ]


def fleet() -> Json:
    """Return the dashboard."""
    by_place = 'WHERE "site" =~ /^${site:regex}$/'
    return dashboard(
        "holdwatch-fleet",
        "Holdwatch: fleet",
        "All devices: what is wrong now, the newest values, and how they have been.",
        [
            *_numbers(),
            row("Now"),
            _devices(),
            *_alerts(),
            row("Over time"),
            *_charts(),
        ],
        since="24h",
        variables=[
            choice("site", "Site", 'SHOW TAG VALUES FROM "readings" WITH KEY = "site"'),
            choice(
                "model",
                "Model",
                f'SHOW TAG VALUES FROM "readings" WITH KEY = "model" {by_place}',
            ),
            choice(
                "device",
                "Device",
                f'SHOW TAG VALUES FROM "readings" WITH KEY = "device" {by_place} '
                'AND "model" =~ /^${model:regex}$/',
            ),
            choice(
                "temperature",
                "Temperatures",
                'SHOW FIELD KEYS FROM "readings"',
                pattern="/^temperature(\\..+)?$/",
                everything=None,
                description="A chart for each.",
            ),
            choice(
                "humidity",
                "Humidities",
                'SHOW FIELD KEYS FROM "readings"',
                pattern="/^humidity(\\..+)?$/",
                everything=None,
                description="A chart for each.",
            ),
        ],
        marks=[
            happened(
                "Alerts begin",
                RED,
                f'SELECT "reason", "device" FROM "alerts" WHERE $timeFilter AND {OF_THESE} '
                "AND \"event\" = 'firing'",
                ("reason", "device"),
            )
        ],
    )
