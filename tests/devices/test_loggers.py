"""Logger files: real exports, clocks that change, and every way a table can be written."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import DecodeError
from devices.loggers import LOGGERS, read, recognise
from devices.loggers.file import DailyAlarm, Limit, LoggerFile
from devices.reading import ARRIVAL, IMPORTED, QUANTITIES
from devices.units import conversion, units_of

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

NOW = 1_795_341_600_500
ZURICH = ZoneInfo("Europe/Zurich")


def table(
    text: str,
    zone: tzinfo | None = UTC,
    device: str | None = "box-7",
    columns: dict[str, str] | None = None,
) -> LoggerFile:
    content = text.encode()
    return read("x.csv", content, received=NOW, zone=zone, device=device, columns=columns)


def rows(file: LoggerFile) -> list[tuple[str, dict[str, float]]]:
    return [
        (
            datetime.fromtimestamp(made.at / 1000, UTC).isoformat()[:19],
            dict(zip(made.layout.channels, made.values, strict=True)),
        )
        for made in file.readings
    ]


def reason(text: str, **more: object) -> str:
    with pytest.raises(DecodeError) as caught:
        table(text, **more)  # type: ignore[arg-type]  # a table of cases
    return caught.value.reason


def test_a_fridge_tags_rows_agree_with_its_own_verdict_on_every_day(vectors: Path) -> None:
    content = (vectors / "loggers/fridgetag-2l_130500109088.txt").read_bytes()
    file = read("fridge.txt", content, received=NOW, owner="acme", zone=ZURICH)
    assert (file.device, file.model) == ("130500109088", "Q-tag Fridge-tag 2 L")
    assert len(file.readings) == 10_653
    assert file.limits == {0: Limit(2.0, 60, below=True), 1: Limit(8.0, 60, below=False)}
    assert len(file.verdicts) == 38
    assert file.notes == []
    below: Counter[date] = Counter()
    above: Counter[date] = Counter()
    for made in file.readings:
        assert made.device == ("acme", "130500109088")
        assert made.flags == IMPORTED
        day = datetime.fromtimestamp(made.at / 1000, ZURICH).date()
        below[day] += 5 * (made.values[0] < 2.0)
        above[day] += 5 * (made.values[0] > 8.0)
    for verdict in file.verdicts:
        assert abs(below[verdict.day] - verdict.alarms[0].minutes) <= 10, verdict
        assert abs(above[verdict.day] - verdict.alarms[1].minutes) <= 10, verdict


def test_a_fridge_tags_daily_verdict_is_read_whole(vectors: Path) -> None:
    content = (vectors / "loggers/fridgetag-2l_130500109088.txt").read_bytes()
    verdicts = read("fridge.txt", content, received=NOW, zone=UTC).verdicts
    assert [verdict.day for verdict in verdicts] == sorted(verdict.day for verdict in verdicts)
    (day,) = [verdict for verdict in verdicts if verdict.day == date(2022, 6, 6)]
    assert (day.lowest, day.highest, day.mean) == (-7.2, 30.3, 5.5)
    assert day.alarms == {0: DailyAlarm(753, "00:00", 0), 1: DailyAlarm(408, "13:35", 0)}
    (calm,) = [verdict for verdict in verdicts if verdict.day == date(2022, 6, 8)]
    assert calm.alarms == {0: DailyAlarm(0, None, None), 1: DailyAlarm(0, None, None)}


def test_a_fridge_tag_without_rows_still_has_its_verdicts(vectors: Path) -> None:
    content = (vectors / "loggers/fridgetag-2_130400191542.txt").read_bytes()
    file = read("fridge.txt", content, received=NOW)
    assert file.readings == []
    assert len(file.verdicts) == 60
    assert "no rows" in file.notes[0]
    assert file.limits == {0: Limit(-0.5, 60, below=True), 1: Limit(8.0, 600, below=False)}


def test_a_q_tags_rows_are_read(vectors: Path) -> None:
    content = (vectors / "loggers/qtag-clm-doc-lr_run02.txt").read_bytes()
    file = read("q.txt", content, received=NOW, zone=UTC, device="trip-1")
    assert (file.device, len(file.readings), file.verdicts) == ("trip-1", 124, [])
    outside = [made for made in file.readings if made.values[0] < 2.0 or made.values[0] > 8.0]
    assert len(outside) == 79
    assert file.limits[1] == Limit(8.0, 30, below=False)
    assert file.limits[5] == Limit(2.0, 30, below=True)


def test_a_file_that_names_no_zone_must_be_told_one(vectors: Path) -> None:
    content = (vectors / "loggers/qtag-clm-doc-lr_run02.txt").read_bytes()
    with pytest.raises(DecodeError, match="--zone Europe/Zurich") as caught:
        read("q.txt", content, received=NOW)
    assert caught.value.reason == "no-time-zone"


@pytest.mark.parametrize(
    ("damage", "reason_", "words"),
    [
        (("+5.0", "warm"), "bad-line", "line 9"),
        (("2022-05-02 04:44", "2022-05-99 04:44"), "bad-line", "line 12"),
        (("26.3", "hot"), "bad-line", "line 12"),
        (("\t26.3", ""), "bad-line", "line 12"),
        (("Serial: 1305", "Nothing: 1"), "no-device-id", "--device"),
        (("Serial: 1305", "Serial: 13 05"), "bad-device-id", "device id"),
        (("Date: 2022-05-02", "Min T: +1.0"), "bad-line", "Date"),
    ],
)
def test_a_damaged_export_is_refused_with_its_line(
    damage: tuple[str, str], reason_: str, words: str
) -> None:
    text = (
        "Device: Q-tag Fridge-tag 2 L\r\nConf:\r\n Serial: 1305\r\n Temp unit: C\r\n"
        "Hist:\r\n TS Actv: 2022-05-02 04:44\r\n 1:\r\n  Date: 2022-05-02\r\n"
        "  Max T: +5.0, TS Max T: 00:42\r\nData:\r\n"
        "\tyyyy-MM-dd hh:mm\tT\tOut of limits\r\n\t2022-05-02 04:44\t26.3\tx\r\n"
    )
    assert len(read("f.txt", text.encode(), received=NOW, zone=UTC).readings) == 1
    # The time of activation stands above the rows, so damage is done from the end.
    head, _, tail = text.rpartition(damage[0])
    with pytest.raises(DecodeError, match=words) as caught:
        read("f.txt", f"{head}{damage[1]}{tail}".encode(), received=NOW, zone=UTC)
    assert caught.value.reason == reason_


def test_a_logger_set_to_fahrenheit_is_read_in_celsius() -> None:
    text = "Device: Fridge-tag 2\nConf:\n Serial: 1\n Temp unit: F\nData:\n\t2022-05-02 04:44\t41.0"
    (made,) = read("f.txt", text.encode(), received=NOW, zone=UTC).readings
    assert made.values == (5.0,)


def test_a_real_table_in_fahrenheit_is_read_when_told_what_its_column_holds(vectors: Path) -> None:
    content = (vectors / "timeseries/ambient_temperature_system_failure.csv").read_bytes()
    told = {"value": "temperature °F"}
    file = read("nab.csv", content, received=NOW, zone=UTC, device="office", columns=told)
    assert len(file.readings) == 7267
    assert file.readings[0].at == 1_372_896_000_000
    assert file.readings[0].values[0] == pytest.approx(21.044908411)
    with pytest.raises(DecodeError, match="--column"):
        read("nab.csv", content, received=NOW, zone=UTC, device="office")


FIRST = "2026-11-22T10:00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,temperature\n2026-11-22 10:00,4.5\n", {"temperature": 4.5}),
        ("time;temp\n2026-11-22 10:00;4,5\n", {"temperature": 4.5}),
        ("Date\tTime\tTemperature (°C)\n22.11.2026\t10:00:00\t-4,5\n", {"temperature": -4.5}),
        ("Timestamp,Temp (°F),RH (%)\n2026-11-22T10:00:00Z,41,60\n",
         {"humidity": 60.0, "temperature": 5.0}),
        ('#,"Date Time, GMT+02:00","Temp, °F (LGR S/N: 2, SEN)"\n1,11/22/26 12:00:00 PM,41\n',
         {"temperature": 5.0}),
        ("Report of box 7\n\ntime,Humidity %RH,Pressure [kPa]\n2026-11-22 10:00,60,101.3\n",
         {"humidity": 60.0, "pressure": 1013.0}),
        ("date,time,temperature.return_air\n2026/11/22,10:00,\N{MINUS SIGN}1.5e1\n",
         {"temperature.return_air": -15.0}),
        ("Time (UTC),Temperature_C\n22/11/2026 10:00,4.5\n", {"temperature": 4.5}),
        ("time,lat,lon\n1795341600,51.9,4.1\n", {"latitude": 51.9, "longitude": 4.1}),
        ("time,temperature,x\n1795341600000,4.5,7\n,,\n", {"temperature": 4.5}),
        ("datetime,battery (mV)\n2026-11-22 12:00:00.000+0200,3012\n", {"battery": 3.012}),
    ],
)  # fmt: skip
def test_tables_are_read_however_they_are_written(text: str, expected: dict[str, float]) -> None:
    ((time, values),) = rows(table(text))
    assert time == FIRST
    assert values == pytest.approx(expected)


def test_tables_come_in_the_usual_encodings() -> None:
    text = "time;Temperature (°C)\n2026-11-22 10:00;4,5\n"
    for content in (text.encode("cp1252"), text.encode("utf-16"), text.encode("utf-8-sig")):
        assert len(read("x.csv", content, received=NOW, zone=UTC, device="d").readings) == 1


def test_missing_cells_are_missing_values_and_empty_rows_are_counted() -> None:
    file = table("time,temp,hum,note\n2026-11-22 10:00,--,60,a\n2026-11-22 10:05,,,door\n")
    ((_, values),) = rows(file)
    assert math.isnan(values["temperature"])
    assert values["humidity"] == 60.0
    assert file.notes == [
        "1 rows hold no value and were left out",
        "Columns that were not read: 'note'",
    ]


def test_a_table_with_the_newest_row_first_is_turned_round() -> None:
    file = table("time,temp\n2026-11-22 10:05,2\n2026-11-22 10:00,1\n")
    assert [values["temperature"] for _, values in rows(file)] == [1.0, 2.0]
    assert file.notes == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["13/02/2026 10:00", "01/02/2026 10:00"], ["2026-02-01", "2026-02-13"]),
        (["02/13/2026 10:00", "02/01/2026 10:00"], ["2026-02-01", "2026-02-13"]),
        (["1.2.2026 10:00", "2.2.2026 10:00"], ["2026-02-01", "2026-02-02"]),
    ],
)
def test_day_and_month_are_told_apart_by_all_rows(texts: list[str], expected: list[str]) -> None:
    file = table("time,temp\n" + "".join(f"{text},1\n" for text in texts))
    assert [time[:10] for time, _ in rows(file)] == expected


BAD = [
    ("", {}, "empty"),
    (" \n\n", {"device": None}, "empty"),
    (f"time,temp,{'x' * 200_000}\n2026-11-22 10:00,1,2\n", {}, "no-heading"),
    ("a,b\n1,2\n", {}, "no-heading"),
    ("time,value\n2026-11-22 10:00,1\n", {}, "no-heading"),
    ("time,value\n2026-11-22 10:00,1\n", {"columns": {"valeu": "temperature"}}, "no-heading"),
    ("time,value\n2026-11-22 10:00,1\n", {"columns": {"value": "warmth"}}, "unknown-channel"),
    ("time,value\n2026-11-22 10:00,1\n", {"columns": {"value": "humidity °F"}}, "unknown-unit"),
    ("time,temp,temperature\n2026-11-22 10:00,1,2\n", {}, "duplicate-channel"),
    ("time,temp\n2026-11-22 10:00,1\n", {"device": None}, "no-device-id"),
    ("time,temp\n2026-11-22 10:00,1\n", {"device": "a b"}, "bad-device-id"),
    ("time,temp\n2026-11-22 10:00,1\n", {"zone": None}, "no-time-zone"),
    ("time,temp\n2026-11-22 10:00,cold\n", {}, "not-a-number"),
    ('time,temp\n2026-11-22 10:00,"1,013"\n', {}, "not-a-number"),
    ("time,temp\n2026-11-22 10:00,1e999\n", {}, "not-a-number"),
    ("time,temp\nyesterday,1\n", {}, "bad-time"),
    ("time,temp\n2026-02-30 10:00,1\n", {}, "bad-time"),
    ("time,temp\n11/22/2026 13:00 PM,1\n", {}, "bad-time"),
    ("time,temp\n0001-01-01 00:00+14:00,1\n", {}, "bad-time"),
    ("time,temp\n2026-11-22 10:00+99:00,1\n", {}, "bad-time"),
    ("time,temp\n03/04/2026 10:00,1\n", {}, "ambiguous-date"),
    ("time,temp\n2026-11-22 10:00\n", {}, "bad-line"),
    (f"time,temp\n2026-11-22 10:00,{'1' * 200_000}\n", {}, "bad-line"),
    ("time,temp\n\0", {}, "not-text"),
]


@pytest.mark.parametrize(("text", "more", "expected"), BAD, ids=lambda value: str(value)[:40])
def test_what_a_table_cannot_say_is_refused_with_its_reason(
    text: str, more: dict[str, object], expected: str
) -> None:
    assert reason(text, **more) == expected


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("when,value\n1,2\n", {"value": "temperature °F"},
         r"line 1 of x.csv: no column of 'when', 'value' is a time. Say which, .*'when=time'"),
        ("box 7\nwhen,value\n1,2\n", {"when": "time"},
         r"line 2 of x.csv: no column of .* is a known channel. Say which, .*'value=temperature"),
        ("when,value\n1,2\n", {}, r"it begins with 'when,value'. .*or --column 'when=time'"),
        ("time,v\n1,2\n", {"v": "temperature x"}, r"Use °C, Cel, Celsius, °F, Fahrenheit, K, "),
        ("time,v\n1,2\n", {"v": "door open"}, r"'open', .* is not a unit of door. Use no unit"),
        (" \n", {}, r"the file is empty"),
        ("time,temp,hum,note\n1,2\n", {}, r"line 2 has 2 columns where the heading has 4\."),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(text: str, columns: dict[str, str], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        table(text, columns=columns)


def test_every_unit_that_an_error_offers_is_taken() -> None:
    for channel in QUANTITIES:
        for unit in units_of(channel).split(", "):
            assert unit == "no unit" or conversion(channel, unit) is not None


def test_a_bad_row_is_named_by_its_line() -> None:
    with pytest.raises(DecodeError, match="line 5: 'cold'"):
        table("title\ntime,temp\n2026-11-22 10:00,1\n\n2026-11-22 10:05,cold\n")


def test_a_time_column_can_be_told() -> None:
    file = table("when,t\n2026-11-22 10:00,1\n", columns={"when": "time", "t": "temperature.a"})
    assert rows(file) == [(FIRST, {"temperature.a": 1.0})]


def test_the_hour_that_comes_twice_keeps_the_rows_in_order() -> None:
    # Zürich, 2025-10-26: 03:00 becomes 02:00 again at 01:00 UTC.
    local = ["01:50", "02:20", "02:50", "02:20", "02:50", "03:20"]
    text = "time,temp\n" + "".join(f"2025-10-26 {time},{n}\n" for n, time in enumerate(local))
    file = table(text, zone=ZURICH)
    expected = ["23:50", "00:20", "00:50", "01:20", "01:50", "02:20"]
    assert [time[11:16] for time, _ in rows(file)] == expected
    assert file.notes == []


def test_an_hour_that_never_was_is_moved_on_and_told() -> None:
    # Zürich, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    local = ["01:50", "02:20", "03:50"]
    text = "time,temp\n" + "".join(f"2026-03-29 {time},{n}\n" for n, time in enumerate(local))
    file = table(text, zone=ZURICH)
    assert [time[11:16] for time, _ in rows(file)] == ["00:50", "01:20", "01:50"]
    assert file.notes[0].startswith("1 times do not exist in Europe/Zurich")


def test_rows_out_of_order_are_told() -> None:
    times = ("10:00", "09:00", "11:00")
    file = table("time,temp\n" + "".join(f"2026-11-22 {time},1\n" for time in times))
    assert file.notes == ["1 rows are not later than the row before"]


def test_a_file_is_known_by_what_it_says_and_else_by_its_name() -> None:
    berlinger, tables = LOGGERS
    assert recognise("x.csv", b"Device: Q-tag Fridge-tag 2\n") is berlinger
    assert recognise("x.CSV", b"time,temp\n") is tables
    assert recognise("x.pdf", b"time,temp\n") is None
    with pytest.raises(DecodeError, match=r"Berlinger text export or a CSV table.*end in \.csv"):
        read("x.pdf", b"time,temp\n", received=NOW)
    with pytest.raises(DecodeError, match="its columns are known"):
        read("f.txt", b"Device: Fridge-tag 2\n", received=NOW, columns={"a": "humidity"})


def test_imported_readings_are_history_whatever_their_clock() -> None:
    file = table("time,temp\n1999-01-01 10:00,1\n2036-01-01 10:00,1\n")
    assert [made.flags for made in file.readings] == [IMPORTED, IMPORTED]
    assert not any(made.flags & ARRIVAL for made in file.readings)


CELLS = st.sampled_from(
    [
        "time",
        "temp",
        "hum",
        "2026-11-22 10:00",
        "03/04/26",
        "1",
        "4,5",
        "99:99",
        '"',
        "",
        "1795341600",
    ]
) | st.text(max_size=5)
TABLES = st.builds(
    lambda separator, lines: "\n".join(separator.join(line) for line in lines),
    st.sampled_from(",;\t"),
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5),
).map(lambda text: "time;temp\n" + text)
LINES = ["Conf:", " Serial: 1", "Hist:", " 1:", "  Date: 2022-05-02", "Data:", "  Alarm:", "   0:"]
EXPORTS = st.lists(
    st.sampled_from([*LINES, "    t Acc: 1, TS A: 00:00, C A: x", "\t2022-05-02 04:44\t1"])
    | st.text(max_size=12)
).map(lambda lines: "Device: Fridge-tag\n Serial: 1\nConf:\n Serial: 1\n" + "\n".join(lines))


@given(st.binary(max_size=200) | (TABLES | EXPORTS).map(str.encode), st.sampled_from(["csv", "x"]))
def test_whatever_a_file_holds_raises_nothing_but_a_decode_error(content: bytes, end: str) -> None:
    try:
        file = read(f"f.{end}", content, received=NOW, zone=ZURICH, device="d")
    except DecodeError:
        return
    assert all(made.flags & IMPORTED for made in file.readings)
