"""What codecs answer, as samples: whose names count, units, words, times."""

from __future__ import annotations

import math

import pytest

from devices.device import DecodeError, Output
from devices.envelopes.codec_output import Place, Table, samples
from devices.model import Sample

DATA = {"TempC_SHT": 28.29, "Hum_SHT": 88.6, "BatV": 3.062, "Ext_sensor": "none", "a": {"b.c": 5}}
NOON = 1_700_000_000_000


def channels(output: Output, table: Table | None = None) -> dict[str, float]:
    (found,) = samples(output, table, "x")
    assert (found.ago, found.at) == (0, None)
    return found.channels


def test_names_that_are_known_need_no_table() -> None:
    assert channels(Output(DATA)) == {"temperature": 28.29, "humidity": 88.6, "battery": 3.062}


@pytest.mark.parametrize(
    ("place", "data", "expected"),
    [
        (Place("T"), {"T": 5}, 5.0),
        (Place("T", "°F"), {"T": 212}, 100.0),
        (Place("T"), {"T": "5.5"}, 5.5),
        (Place("a.T"), {"a": {"T": 5}}, 5.0),
        (Place("a.T"), {"a.T": 5}, 5.0),
        (Place("a.b.c"), {"a": {"b.c": 5}}, 5.0),
        (Place("a.b.c"), {"a": {}, "a.b": {"c": 5}}, 5.0),
        (Place("a.1.T"), {"a": [0, {"T": 5}]}, 5.0),
        (Place("a.0"), {"a": [5]}, 5.0),
        (Place("T"), {"T": None}, math.nan),
    ],
)
def test_a_declared_name_is_found_where_it_lies(
    place: Place, data: dict[str, object], expected: float
) -> None:
    found = channels(Output(data), Table({"temperature.probe": place}))
    assert found["temperature.probe"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", ["T", "a.T", "a.9", "a.x", "a.0.T", "a.b.c.d"])
def test_what_a_message_does_not_hold_is_left_out(name: str) -> None:
    output = Output({"temp": 1, "a": [5], "a.b": {"c": 1}})
    assert channels(output, Table({"pressure": Place(name)})) == {"temperature": 1.0}


def test_a_declared_channel_comes_before_all_others() -> None:
    output = Output({"temperature": 40, "probe": 4}, {"air": {"temperature": 41}})
    table = Table({"temperature": Place("probe")})
    assert channels(output, table) == {"temperature": 4.0}
    assert channels(output, Table()) == {"temperature": 41.0}
    assert channels(output, Table(prefer="data")) == {"temperature": 40.0}


def test_a_name_can_be_ignored() -> None:
    output = Output({"temperature": 4, "battery": "low"})
    with pytest.raises(DecodeError, match="'battery' is the text 'low'"):
        samples(output, None, "x")
    assert channels(output, Table(ignore=("battery",))) == {"temperature": 4.0}


@pytest.mark.parametrize(
    ("normalized", "expected"),
    [
        (
            {"air": {"temperature": 4, "relativeHumidity": 50, "pressure": 1000, "co2": 400}},
            {"temperature": 4.0, "humidity": 50.0, "pressure": 1000.0, "co2": 400.0},
        ),
        ({"air": {"lightIntensity": 9}}, {"illuminance": 9.0}),
        (
            {"soil": {"temperature": 4, "moisture": 20, "depth": 5}},
            {"temperature.soil": 4.0, "moisture": 20.0},
        ),
        (
            {"water": {"leak": True, "temperature": {"current": 4, "min": 1}}},
            {"leak": 1.0, "temperature.water": 4.0},
        ),
        (
            {"action": {"contactState": "open", "motion": {"detected": False, "count": 3}}},
            {"door": 1.0, "motion": 0.0, "count.motion": 3.0},
        ),
        (
            {"position": {"latitude": 1, "longitude": 2}, "battery": 3.6},
            {"latitude": 1.0, "longitude": 2.0, "battery": 3.6},
        ),
        (
            [{"air": {"temperature": 4}}, {"air": {"temperature": 5}}, {"air": {"temperature": 6}}],
            {"temperature": 4.0, "temperature.2": 5.0, "temperature.3": 6.0},
        ),
        (
            [{"soil": {"temperature": 4}}, {"soil": {"temperature": 5}}, {"battery": 3}],
            {"temperature.soil": 4.0, "temperature.soil_2": 5.0, "battery": 3.0},
        ),
        ([{"wind": {"speed": 3}}], {"temperature": 1.0}),
    ],
)
def test_the_normalised_form_comes_before_the_codecs_own_names(
    normalized: dict[str, object] | list[dict[str, object]], expected: dict[str, float]
) -> None:
    assert channels(Output({"temperature": 1}, normalized)) == expected


def test_measurements_with_times_of_their_own_are_samples_in_order() -> None:
    output = Output(
        {"probe": 9},
        [
            {"air": {"temperature": 3}},
            {"time": "2023-11-14T22:13:20Z", "air": {"temperature": 2}},
            {"time": "2023-11-14T22:12:20Z", "air": {"temperature": 1}},
            {"time": "2023-11-14T22:13:20.000Z", "air": {"relativeHumidity": 50}},
        ],
    )
    assert samples(output, Table({"temperature.probe": Place("probe")}), "x") == [
        Sample({"temperature": 1.0}, at=NOON - 60_000),
        Sample({"temperature": 2.0, "humidity": 50.0}, at=NOON),
        Sample({"temperature": 3.0, "temperature.probe": 9.0}),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"door": "open"}, {"door": 1.0}),
        ({"door": "Closed"}, {"door": 0.0}),
        ({"water_leak": "normal"}, {"leak": 0.0}),
        ({"motion": "trigger"}, {"motion": 1.0}),
        ({"occupancy": "vacant"}, {"occupancy": 0.0}),
        ({"tamper_status": "installed"}, {"tamper": 0.0}),
        ({"distance_mm": 1500}, {"distance": 1.5}),
    ],
)
def test_codecs_words_for_what_is_or_is_not(
    data: dict[str, object], expected: dict[str, float]
) -> None:
    assert channels(Output(data)) == expected


@pytest.mark.parametrize(
    ("output", "reason", "words"),
    [
        (Output(None, errors=("unknown FPort",)), "codec-error", "the codec x says: unknown FPort"),
        (Output({"temperature": 1}, errors=("a", "b")), "codec-error", "a; b"),
        (Output(None, errors=("\x1b[31m" + "y" * 5000,)), "codec-error", "says: [31myyy"),
        (Output(None), "no-channel", "names seen: none"),
        (Output({"TempX": 1}), "no-channel", "'TempX'"),
        (Output({"temperature": "cold"}), "not-a-number", "'cold'"),
        (Output({}, {"time": "now", "air": {"temperature": 1}}), "bad-time", "'now'"),
        (Output({}, [{"air": {"temperature": n}} for n in range(41)]), "too-many-channels", "41"),
        (Output({}, [{}] * 501), "too-many-channels", "501 measurements"),
    ],
)
def test_what_is_no_measurement_is_refused_with_words(
    output: Output, reason: str, words: str
) -> None:
    with pytest.raises(DecodeError) as caught:
        samples(output, None, "x")
    assert caught.value.reason == reason
    assert words in caught.value.detail
    assert len(caught.value.detail) < 600
    assert caught.value.detail.isprintable()


def test_a_declared_value_that_is_none_is_refused() -> None:
    with pytest.raises(DecodeError, match="'T' is the text 'warm'"):
        samples(Output({"T": "warm"}), Table({"temperature": Place("T")}), "x")


def test_what_lies_too_deep_is_not_looked_at() -> None:
    deep: dict[str, object] = {"temperature": 1}
    for _ in range(900):
        deep = {"a": deep}
    with pytest.raises(DecodeError, match="names seen"):
        samples(Output(deep), None, "x")
