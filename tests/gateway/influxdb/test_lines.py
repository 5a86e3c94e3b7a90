"""What is written as line protocol is what a real InfluxDB reads back, whatever the words."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.reading import (
    ARRIVAL,
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    COUNTED,
    IMPORTED,
    RETAINED,
    UNUSABLE_SHIFT,
    DeviceKey,
    Reading,
    layout,
)
from devices.reading import reading as received
from gateway.influxdb.lines import Lines, event_time, time_of
from gateway.registry import Card
from gateway.settings.influxdb import (
    ALERT_FIELDS,
    ALERT_TAGS,
    READING_FIELDS,
    Schema,
)
from gateway.settings.influxdb import Tags as TagNames
from gateway.state import StoredEvent
from gateway.tagging import BEGINNING, Pattern, Tagging, Tags
from rules.alert import Alert, Event
from tests.gateway.parts import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.influxdb import RunningInflux, RunningVictoria

NOW = 1_700_000_000_000
DAY = 86_400_000
CHANNELS = ("humidity", "temperature", "temperature.return_air")
CLIMATE = layout(CHANNELS)
TRUCKS = Tagging([(BEGINNING, [Pattern("truck-*", Tags("Hamburg, Kai 3", "TH 2"))])])
NOBODY = Tagging([])

hostile = st.text(
    st.sampled_from("\\\\,,\"'= \n\r\t\0\x7f#%\uff3cé🚚\u2028ab"), max_size=8
) | st.text(max_size=8)
names = (
    st.text(st.sampled_from(",=' #%é🚚./*(){}ab"), min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda name: name and name[0] not in "#_")
)
finite = st.floats(allow_nan=False, allow_infinity=False)
devices = st.builds(DeviceKey, st.just("") | hostile, hostile.map(lambda text: "d" + text))
only_real = settings(
    max_examples=100,
    # The server outlives the examples; each has a database of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Names that the settings take."""
    different = draw(st.lists(names, min_size=9, max_size=9, unique=True))
    readings, alerts, gateway, device, site, model, *fields = different
    return Schema(
        readings=readings,
        alerts=alerts,
        gateway=gateway,
        tags=TagNames(device=device, site=site, model=draw(st.sampled_from([model, ""]))),
        fields=dict(zip(CHANNELS, fields, strict=True)) if draw(st.booleans()) else {},
    )


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Readings of a few days, with whatever values and flags."""
    at = NOW + draw(st.integers(-DAY, DAY) | st.integers(0, 2))
    channels = draw(st.sampled_from([CHANNELS, CHANNELS[1:], CHANNELS[:1]]))
    values = draw(
        st.tuples(*([st.sampled_from([0.1, -0.0, 5e-324, 1.7e308]) | st.floats()] * len(channels)))
    )
    flags = draw(st.sampled_from([0, ARRIVAL, COUNTED, CLOCK_AHEAD, RETAINED | IMPORTED]))
    unusable = draw(st.integers(0, 2 ** len(channels) - 1) | st.just(0))
    identity = draw(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3))
    flags |= unusable << UNUSABLE_SHIFT
    return Reading(
        draw(devices), at, at + 7, layout(channels), values, flags, identity, draw(hostile)
    )


@st.composite
def taggings(draw: st.DrawFn) -> Tagging:
    """Sites and models that change once."""
    before, after = draw(st.tuples(*[st.builds(Tags, hostile, hostile)] * 2))
    return Tagging([(NOW - DAY, [Pattern("*", before)]), (NOW, [Pattern("*", after)])])


def as_tag(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", "", text).replace("\\", "\uff3c")


def as_text(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def tagged(schema: Schema, device: DeviceKey, tags: Tags) -> dict[str, Any]:
    """What of a device is to be read back as tags."""
    named = [
        (schema.tags.device, str(device)),
        (schema.tags.site, tags.site),
        (schema.tags.model, tags.model),
    ]
    return {name: as_tag(text) for name, text in named if name and as_tag(text)}


def point_of(reading: Reading, schema: Schema, tagging: Tagging) -> dict[str, Any]:
    """What is to be read back of a reading: written apart from the code that is tried."""
    point = tagged(schema, reading.device, tagging.at(reading.device, reading.when))
    point["time"] = time_of(reading)
    left = 0
    for i, channel in enumerate(reading.layout.channels):
        value = reading.values[i]
        if reading.flags & 1 << UNUSABLE_SHIFT + i or math.isnan(value) or math.isinf(value):
            left += 1
        else:
            point[schema.fields.get(channel, channel)] = value
    told = reading.flags & 0xFFFF & ~(ARRIVAL | COUNTED)
    return point | ({"unusable": left} if left else {}) | ({"flags": told} if told else {})


def stored(server: RunningInflux, database: str, measurement: str) -> list[dict[str, Any]]:
    """All points of a measurement, without what they have not."""
    text = f'SELECT * FROM "{measurement}"'  # noqa: S608 - a name without quotes
    return [
        {
            # Great floats are told as if they were integers, with zeros for what is not known.
            name: float(value) if isinstance(value, int) and name != "time" else value
            for name, value in zip(series["columns"], row, strict=True)
            if value is not None
        }
        for series in server.query(database, text)
        for row in series["values"]
    ]


def in_order(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    # By time and tags. Numbers come back as equal, and not as the same text.
    return sorted(
        points,
        key=lambda one: (one["time"], sorted(two for two in one.values() if isinstance(two, str))),
    )


def identical(one: Reading) -> tuple[str, int]:
    return as_tag(str(one.device)), time_of(one)


@given(
    sent=st.lists(readings(), max_size=40, unique_by=identical),
    schema=schemas() | st.just(Schema()),
    tagging=taggings(),
    cut=st.integers(0, 40),
)
@only_real
def test_every_reading_is_one_point_also_when_sent_again_and_otherwise_cut(
    influxdb: RunningInflux, sent: list[Reading], schema: Schema, tagging: Tagging, cut: int
) -> None:
    lines = Lines(schema, tagging).of_readings(sent)
    again = [*Lines(schema, tagging).of_readings(sent[cut:]), *lines[:cut]]
    database = influxdb.database()
    influxdb.write(database, b"\n".join(lines))
    first = stored(influxdb, database, schema.readings)
    influxdb.write(database, b"\n".join(again))
    second = stored(influxdb, database, schema.readings)
    influxdb.query("", f'DROP DATABASE "{database}"')
    assert in_order(first) == in_order(point_of(one, schema, tagging) for one in sent)
    assert second == first


@st.composite
def events(draw: st.DrawFn) -> StoredEvent:
    """Events of alerts with whatever words."""
    at = NOW + draw(st.integers(0, DAY))
    alert = Alert(
        id=draw(hostile),
        rule="r" + draw(hostile),
        version="1",
        kind="threshold",
        severity=draw(st.sampled_from(["warning", "critical"])),
        device=draw(devices),
        channel=draw(st.sampled_from([*CHANNELS, ""])),
        state="firing",
        reason=draw(hostile),
        began=at - DAY,
        fired=at,
        ended=draw(st.none() | st.just(at)),
        retrospective=draw(st.booleans()),
        last=draw(st.none() | finite | st.just(math.nan)),
        note=draw(hostile),
    )
    return StoredEvent(
        1, at, Event(key=draw(st.text(min_size=1)), kind="firing", at=at, alert=alert)
    )


@given(
    sent=st.lists(events(), max_size=30, unique_by=event_time),
    schema=schemas() | st.just(Schema()),
    tagging=taggings(),
)
@only_real
def test_every_event_is_one_point_with_its_words(
    influxdb: RunningInflux, sent: list[StoredEvent], schema: Schema, tagging: Tagging
) -> None:
    expected = []
    for one in sent:
        alert = one.event.alert
        point: dict[str, Any] = {
            "time": event_time(one),
            "rule": as_tag(alert.rule),
            "severity": alert.severity,
            "channel": alert.channel,
            "event": "firing",
            "id": as_text(alert.id),
            "reason": as_text(alert.reason),
            "note": as_text(alert.note),
            "firing": float(alert.ended is None),
            "retrospective": float(alert.retrospective),
            "began": alert.began,
            "ended": alert.ended,
            "value": None if alert.last is None or math.isnan(alert.last) else alert.last,
        }
        point |= tagged(schema, alert.device, tagging.at(alert.device, one.event.at))
        absent = {name for name in ("channel", "ended", "value") if point[name] in {"", None}}
        expected.append({name: value for name, value in point.items() if name not in absent})
    database = influxdb.database()
    influxdb.write(database, b"\n".join(Lines(schema, tagging).of_events(sent)))
    assert in_order(stored(influxdb, database, schema.alerts)) == in_order(expected)
    influxdb.query("", f'DROP DATABASE "{database}"')


@given(
    sent=st.lists(readings(), max_size=40, unique_by=identical),
    told=st.lists(events(), max_size=10, unique_by=event_time),
    tagging=taggings(),
)
@settings(only_real, max_examples=40)
def test_another_server_takes_every_line_too(
    victoria: RunningVictoria, sent: list[Reading], told: list[StoredEvent], tagging: Tagging
) -> None:
    # It drops what it cannot read, and says 204 all the same.
    measurement = victoria.measurement()
    schema = Schema(readings=measurement, alerts=f"{measurement}_alerts")
    lines = Lines(schema, tagging)
    body = b"\n".join([*lines.of_readings(sent), *lines.of_events(told)])
    parameters = {"bucket": "b", "org": "o", "precision": "ns"}
    status, _said = victoria.ask("POST", "/api/v2/write", body, parameters=parameters)
    assert status == 204
    found: dict[str, list[tuple[str, int]]] = {}
    for series in victoria.series(f'{{__name__=~"{measurement}_.*"}}'):
        labels = series["metric"]
        name = labels["__name__"].removeprefix(f"{measurement}_")
        found.setdefault(name, []).extend((labels["device"], ms) for ms in series["timestamps"])
    expected: dict[str, list[tuple[str, int]]] = {}
    for one in sent:
        for name in point_of(one, schema, tagging).keys() - {"device", "site", "model", "time"}:
            expected.setdefault(name, []).append(
                (as_tag(str(one.device)), time_of(one) // 1_000_000)
            )
    for told_event in told:
        device = as_tag(str(told_event.event.alert.device))
        expected.setdefault("alerts_reason", []).append((device, told_event.event.at))
    for name, points in expected.items():
        assert sorted(found[name]) == sorted(points), name


def event(key: str, device: str = "truck-7") -> StoredEvent:
    """Make an event of an alert of which everything is known."""
    alert = Alert(
        id="7",
        rule="warm",
        version="1",
        kind="threshold",
        severity="warning",
        device=DeviceKey("", device),
        channel="temperature",
        state="resolved",
        reason="back below 8 °C",
        began=NOW - DAY,
        fired=NOW,
        ended=NOW,
        last=7.5,
        note="shut the door",
    )
    return StoredEvent(1, NOW, Event(key=key, kind="resolved", at=NOW, alert=alert))


def reading(
    values: Sequence[float],
    *,
    channels: tuple[str, ...] = CHANNELS,
    flags: int = 0,
    device: str = "truck-7",
    at: int = NOW,
) -> Reading:
    return Reading(
        DeviceKey("", device), at, NOW + 9, layout(channels), (*values,), flags, 5, "main"
    )


TAGS = rb"readings,device=truck-7,model=TH\ 2,site=Hamburg\,\ Kai\ 3 "
AT = b" 1700000000000000005"
RENAMED = Schema(
    readings="my cargo,cold",
    tags=TagNames(device="unit", site="", model="type of"),
    fields={"temperature": "100% temp", "temperature.return_air": "temperature"},
)


@pytest.mark.parametrize(
    ("one", "schema", "line"),
    [
        (
            reading([40.0, -18.25, 1e-7]),
            Schema(),
            TAGS + b"humidity=40.0,temperature=-18.25,temperature.return_air=1e-07" + AT,
        ),
        (
            reading([40.0, -18.0, math.nan], flags=0b100 << UNUSABLE_SHIFT),
            Schema(),
            TAGS + b"humidity=40.0,temperature=-18.0,unusable=1.0" + AT,
        ),
        (
            # not flagged, and still nothing that a server takes
            reading([math.inf, -18.0, math.nan]),
            Schema(),
            TAGS + b"temperature=-18.0,unusable=2.0" + AT,
        ),
        (
            reading([999.0], channels=("temperature",), flags=1 << UNUSABLE_SHIFT),
            Schema(),
            TAGS + b"unusable=1.0" + AT,
        ),
        (
            reading([5.0], channels=("temperature",), flags=RETAINED | ARRIVAL | COUNTED),
            Schema(),
            TAGS + b"temperature=5.0,flags=8.0" + AT,
        ),
        (
            # its clock is wrong: it stands in the second behind its arrival, NOW + 9
            reading([5.0], channels=("temperature",), flags=CLOCK_BEHIND, at=0),
            Schema(),
            TAGS + b"temperature=5.0,flags=4.0 1700000000344257660",
        ),
        (
            reading([5.0], channels=("temperature",), device="van,1"),
            Schema(),
            rb"readings,device=van\,1 temperature=5.0" + AT,
        ),
        (
            reading([40.0, 5.0, 6.0]),
            RENAMED,
            rb"my\ cargo\,cold,type\ of=TH\ 2,unit=truck-7 "
            rb"humidity=40.0,100%\ temp=5.0,temperature=6.0" + AT,
        ),
        (
            reading([40.0, 5.0, 6.0], flags=RETAINED),
            RENAMED,
            rb"my\ cargo\,cold,type\ of=TH\ 2,unit=truck-7 "
            rb"humidity=40.0,100%\ temp=5.0,temperature=6.0,flags=8.0" + AT,
        ),
    ],
)
def test_a_line_of_a_reading(one: Reading, schema: Schema, line: bytes) -> None:
    assert Lines(schema, TRUCKS).of_readings([one]) == [line]


@pytest.mark.parametrize("flags", [0, RETAINED])
def test_tags_are_those_that_held_when_it_was_measured(flags: int) -> None:
    versions = [("Bremen", 0), ("Kiel", NOW), ("Bremen", NOW + 10)]
    tagging = Tagging([(since, [Pattern("*", Tags(site))]) for site, since in versions])
    times = [NOW + 20, NOW + 9, NOW - 1, NOW, -5, NOW + 10]
    sent = [reading([1.0], channels=("door",), at=at, flags=flags) for at in times]
    lines = Lines(Schema(), tagging).of_readings(sent)
    sites = [line.partition(b"site=")[2].partition(b" ")[0].decode() for line in lines]
    assert sites == ["Bremen", "Kiel", "Bremen", "Kiel", "Bremen", "Bremen"]


def test_more_devices_than_are_kept_ready_are_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.influxdb.lines.MAXIMUM_DEVICES", 3)
    lines = Lines(Schema(), TRUCKS)
    sent = [reading([1.0], channels=("door",), device=f"van-{i % 7}") for i in range(20)]
    assert lines.of_readings(sent) == [
        f"readings,device=van-{i % 7} door=1.0 1700000000000000005".encode() for i in range(20)
    ]
    assert len(lines._prefixes) <= 3
    assert DeviceKey("", "van-5") in lines._prefixes, "only the oldest makes room"


@pytest.mark.parametrize(
    ("at", "identity", "time"),
    [
        (NOW, 0, 1_700_000_000_000_000_000),
        (NOW, 1_999_999, 1_700_000_000_000_999_999),
        (NOW, -1, 1_700_000_000_000_999_999),
        (NOW, -(2**63), 1_700_000_000_000_224_192),
        (-1, 1, -999_999),
        (0, 7, 7),
    ],
)
def test_the_identity_stands_below_the_millisecond(at: int, identity: int, time: int) -> None:
    one = Reading(DeviceKey("", "a"), at, at, CLIMATE, (1.0, 2.0, 3.0), 0, identity, "main")
    assert time_of(one) == time
    (line,) = Lines(Schema(), NOBODY).of_readings([one])
    assert line.endswith(b" %d" % time)


@pytest.mark.parametrize(
    ("identity", "at", "behind"),
    [
        (7, 60_000, 256_309_674),
        (8, 60_000, 372_460_727),
        (7, 120_000, 65_582),
        (-1, -5, 268_186_143),
    ],
)
def test_a_reading_of_a_wrong_clock_lies_in_the_second_behind_its_arrival(
    identity: int, at: int, behind: int
) -> None:
    one = Reading(
        DeviceKey("", "a"), at, NOW, CLIMATE, (1.0, 2.0, 3.0), CLOCK_BEHIND, identity, "main"
    )
    assert time_of(one) == NOW * 1_000_000 + behind
    (line,) = Lines(Schema(), NOBODY).of_readings([one])
    assert line.endswith(b" %d" % time_of(one))


@pytest.mark.parametrize("values", [2, 2_000])
def test_an_array_of_a_wrong_clock_is_a_point_for_each_reading(values: int) -> None:
    array = [
        received(
            device=DeviceKey("", "logger"),
            at=60_000 * i,
            received=NOW,
            layout=layout(("temperature",)),
            values=(4 + i % values / 1000,),
            sequence=None,
        )
        for i in range(2_000)
    ]
    assert len({time_of(one) for one in array}) == 2_000


def test_events_of_one_moment_have_times_of_their_own_which_stay() -> None:
    times = [event_time(event(key)) for key in ("a", "b", "a", "\ud800")]
    assert times[0] == times[2] == 1_700_000_000_000_962_250
    assert len({*times}) == 3
    assert {time // 1_000_000 for time in times} == {NOW}


def test_the_settings_know_every_field_and_tag_that_is_written(influxdb: RunningInflux) -> None:
    lines = Lines(Schema(), TRUCKS)
    sent = reading([math.nan], channels=("door",), flags=RETAINED)
    written = [*lines.of_readings([sent]), *lines.of_events([event("k")])]
    database = influxdb.database()
    influxdb.write(database, b"\n".join(written))
    (told,) = stored(influxdb, database, "alerts")
    assert told.keys() == {"time", "device", "site", "model", *ALERT_TAGS, *ALERT_FIELDS}
    (read,) = stored(influxdb, database, "readings")
    assert read.keys() == {"time", "device", "site", "model", *READING_FIELDS}


def test_a_line_of_the_gateways_health() -> None:
    lines = Lines(Schema(gateway="my gateway"), NOBODY)
    numbers = {"delay p99": 0.25, "unknown": math.nan, "count": 3}
    assert lines.of_health("roof 1", NOW, numbers) == (
        rb"my\ gateway,box=roof\ 1 delay\ p99=0.25,count=3.0 1700000000000000000"
    )


def test_half_a_surrogate_pair_stops_no_line() -> None:
    one = reading([1.0], channels=("door",), device="a\ud800b")
    (line,) = Lines(Schema(), NOBODY).of_readings([one])
    assert line == b"readings,device=a?b door=1.0" + AT


# --- what people state in the registry


def test_lines_have_the_new_tags_as_soon_as_a_card_is_changed() -> None:
    cards: dict[DeviceKey, list[tuple[int, Card]]] = {}
    tagging = Tagging([], lambda device: cards.get(device, []))
    lines = Lines(Schema(), tagging)
    one, other = said("truck-1", NOW), said("van-1", NOW)
    before = lines.of_readings([one, other])
    cards[one.device] = [(NOW, Card(site="Bremen"))]
    tagging.changed(one.device)
    after = lines.of_readings([one, other])
    assert b",site=Bremen" not in before[0]
    assert after == [
        before[0].replace(b",device=truck-1", b",device=truck-1,site=Bremen"),
        before[1],
    ]


def test_a_card_that_changes_while_a_line_is_written_is_in_the_next_one() -> None:
    cards: list[tuple[int, Card]] = []

    def look(device: DeviceKey) -> list[tuple[int, Card]]:
        found = list(cards)
        if not found:
            # As another thread would, between the look at the card and the keeping of it.
            cards.append((NOW, Card(site="Bremen")))
            tagging.changed(device)
        return found

    tagging = Tagging([], look)
    lines = Lines(Schema(), tagging)
    first, second = (lines.of_readings([said("truck-1", NOW)]) for _ in range(2))
    assert b"site=" not in first[0]
    assert b"site=Bremen" in second[0]
