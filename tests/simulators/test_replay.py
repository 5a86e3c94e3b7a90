from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import DecodeError
from simulators import gpx
from simulators.replay import Recording, Replay, Sample, read, shift
from simulators.transmit import Target, Transmission
from tests.gateway.listener.serving import serving
from tests.simulators.small import HOUR, MINUTE, START, readings
from tests.simulators.told_clock import ToldClock

CSV = b"time,temperature,humidity\n2024-05-02T10:00:00Z,4.5,60\n2024-05-02T10:05:00Z,,61\n"
FIRST = 1_714_644_000_000
"""2024-05-02 10:00 UTC."""


def recording(*minutes: int) -> Recording:
    """Return a recording with one sample at each of these minutes after FIRST."""
    samples = [Sample(FIRST + one * MINUTE, {"temperature": one / 2}) for one in minutes]
    return Recording("box", samples)


def track(points: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<gpx><trk><trkseg>{points}</trkseg></trk></gpx>'.encode()


def point(*, lat: str = "45.5", lon: str = "13.5", inside: str = "") -> str:
    inside = inside or "<time>2024-05-02T10:00:00Z</time>"
    return f'<trkpt lat="{lat}" lon="{lon}">{inside}</trkpt>'


def test_a_table_is_sent_as_plain_json_that_says_the_same() -> None:
    replay = Replay(read("box.csv", CSV, received=START, device="box"), "dock")
    found = replay.advance(replay.end)
    assert {message.topic for message in found} == {"cargo/dock/box/readings"}
    one, two = readings(found)
    assert (one.at, two.at) == (FIRST, FIRST + 5 * MINUTE)
    assert (one.identity, two.identity) == (0, 1)
    assert (one.value("temperature"), one.value("humidity")) == (4.5, 60)
    assert (two.value("temperature"), two.value("humidity")) == (None, 61)


@pytest.mark.parametrize(
    ("speed", "first"),
    [
        (None, START - HOUR),
        (1, START),
        (0.5, START),
        (4, START - 45 * MINUTE),
    ],
)
def test_the_last_reading_is_sent_at_its_time(speed: float | None, first: int) -> None:
    samples = shift(recording(0, 10, 60), START, speed).samples
    assert [sample.at - first for sample in samples] == [0, 10 * MINUTE, HOUR]


def test_each_is_sent_in_its_time() -> None:
    replay = Replay(recording(0, 5, 5, 60), "site")
    sent = {
        minute: len(replay.advance(FIRST + minute * MINUTE)) for minute in (0, 4, 5, 59, 60, 90)
    }
    assert sent == {0: 1, 4: 0, 5: 2, 59: 0, 60: 1, 90: 0}
    assert replay.describe() == "box: 4 of 4 readings of 1 h"


async def test_a_replay_is_stored_once_however_often_it_is_sent(tmp_path: Path) -> None:
    async with serving(tmp_path) as door:
        for _ in range(2):
            replay = Replay(recording(*range(300)), "site")
            target = Target("127.0.0.1", door.port)
            await Transmission(replay, target, ToldClock(START)).run(until=replay.end, speed=None)
        assert sorted(await door.stored()) == list(range(300))


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2024-05-02T10:00:00Z", FIRST),
        ("2024-05-02T12:00:00+02:00", FIRST),
        ("2024-05-02T10:00:00", FIRST),
        (" 2024-05-02T10:00:00.250Z\n", FIRST + 250),
    ],
)
def test_times_of_a_track(time: str, at: int) -> None:
    (found,) = gpx.read(track(point(inside=f"<time>{time}</time>"))).points
    assert found == (at, 45.5, 13.5, None)


def test_a_track_is_sent_as_positions_and_speeds() -> None:
    later = point(lat="45.6", inside="<time>2024-05-02T10:01:00Z</time><speed>10</speed>")
    untimed = point(inside="<ele>3</ele>")
    found = read("van.gpx", track(later + point() + untimed), received=START)
    assert found.notes == ["1 points have no time, and are left out"]
    one, two = readings(Replay(found, "road").advance(FIRST + HOUR))
    assert (one.device.id, one.at, one.position) == ("van", FIRST, (45.5, 13.5))
    assert two.position == (45.6, 13.5)
    assert two.value("speed") == 36


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        (track(point(), '<!DOCTYPE gpx [<!ENTITY a "b">]>'), "document-type", "DOCTYPE"),
        (track(point(), '<!DOCTYPE gpx SYSTEM "file:///etc/passwd">'), "document-type", "declares"),
        (track(point(inside="<time>&a;</time>")), "not-xml", "entity"),
        (b"", "not-xml", "no element"),
        (track(point())[:-9], "not-xml", "line 1"),
        (b'<?xml version="1.0" encoding="klingon"?><gpx/>', "not-text", "klingon"),
        (b'<?xml version="1.0" encoding="utf-7"?><gpx/>', "not-text", "cannot be read"),
        (track(""), "no-track", "it has no track"),
        (track(point(inside="<ele>1</ele>")), "no-track", "no point of a track"),
        (track(point(lat="91")), "bad-position", "lat is 91"),
        (track(point(lon="x")), "not-a-number", "'x'"),
        (track(point(lat="nan")), "not-a-number", "'nan'"),
        (track('<trkpt lat="1"/>'), "not-a-number", "''"),
        (track(point(inside="<time>noon</time>")), "bad-time", "'noon'"),
        (track(point(inside=f"<time>{'9' * 10**6}</time>")), "bad-time", "line 1"),
    ],
)
def test_a_track_that_cannot_be_read(content: bytes, reason: str, words: str) -> None:
    with pytest.raises(DecodeError, match=words) as caught:
        gpx.read(content)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_whatever_is_no_track_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(DecodeError):
        gpx.read(content)


def test_a_device_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(DecodeError, match="device id"):
        read("a van.gpx", track(point()), received=START)


@pytest.mark.parametrize(
    ("path", "points", "first"),
    [
        ("gpx/around-visnjan-with-car.gpx", 104, "2020-12-18T06:15:50"),
        ("gpx/cerknicko-jezero.gpx", 296, "2010-08-05T14:23:59"),
        ("gpx/track_with_speed.gpx", 3, "2009-03-02T14:05:52"),
    ],
)
def test_tracks_of_others(vectors: Path, path: str, points: int, first: str) -> None:
    found = gpx.read((vectors / path).read_bytes()).points
    assert len(found) == points
    assert datetime.fromtimestamp(found[0].at / 1000, UTC).isoformat()[:19] == first


@pytest.mark.parametrize("name", ["fridgetag-2l_130500109088.txt", "qtag-clm-doc-lr_run02.txt"])
def test_exports_of_loggers_lose_nothing(vectors: Path, name: str) -> None:
    content = (vectors / "loggers" / name).read_bytes()
    zone = ZoneInfo("Europe/Berlin")
    found = read(name, content, received=START, zone=zone, device="box")
    sent = readings(Replay(found, "site").advance(START))
    assert [one.at for one in sent] == [sample.at for sample in found.samples]
    for one, sample in zip(sent, found.samples, strict=True):
        assert one.layout.channels == tuple(sample.values)
        for got, was in zip(one.values, sample.values.values(), strict=True):
            assert got == was or (was is None and math.isnan(got))


def test_an_export_without_readings_is_refused(vectors: Path) -> None:
    content = (vectors / "loggers/fridgetag-2_130400191542.txt").read_bytes()
    with pytest.raises(DecodeError, match="holds no measurement"):
        read("a.txt", content, received=START, zone=ZoneInfo("UTC"), device="box")
