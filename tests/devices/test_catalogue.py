"""The whole catalogue, model by model: what each says of itself, its vectors, its round trips.

A model's vectors lie in devices/models/vectors/<its id>.toml; devices/README.md says what is in
them. Encoders (simulators/encoders) are written from the data sheets and know no decoder.
"""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import devices.models
from devices.envelopes.document import YEAR_10000
from devices.errors import DecodeError
from devices.model import Model, Sample
from devices.models import CATALOGUE, by_name
from devices.reading import MAXIMUM_CHANNELS, QUANTITIES
from simulators.encoders import ENCODERS
from tests.devices.published import PUBLISHED

if TYPE_CHECKING:
    from simulators.encoders.encoder import Encoder

VECTORS = Path(devices.models.__file__).parent / "vectors"
SHEET = "data sheet"
NO_SOURCE = {"", "round trip", "own"}

each_model = pytest.mark.parametrize("model", CATALOGUE, ids=lambda one: one.id)
each_encoder = pytest.mark.parametrize(
    "encoder", ENCODERS, ids=lambda one: f"{one.model}-{one.port}"
)


class Vector(NamedTuple):
    """One message of a device, and what it means. `expect` is None where it is refused."""

    model: str
    number: int
    source: str
    port: int
    data: bytes
    expect: list[Sample] | None
    refused: str

    def __str__(self) -> str:
        return f"{self.model}-{self.number}"


def vector(model: str, number: int, row: dict[str, Any]) -> Vector:
    """Read one; an unknown key is a mistake."""
    unknown = row.keys() - {"source", "port", "hex", "expect", "refused", "note"}
    assert not unknown, f"{model}, vector {number}: unknown keys {unknown}"
    assert ("expect" in row) != ("refused" in row), f"{model}, vector {number}: one of the two"
    expect = row.get("expect")
    return Vector(
        model=model,
        number=number,
        source=row.get("source", ""),
        port=row.get("port", 0),
        data=bytes.fromhex(row["hex"]),
        expect=None if expect is None else samples(expect),
        refused=row.get("refused", ""),
    )


def samples(expect: dict[str, Any] | list[dict[str, Any]]) -> list[Sample]:
    rows = [expect] if isinstance(expect, dict) else expect
    return [
        Sample(
            {name: float(value) for name, value in row.items() if name not in {"ago", "at"}},
            row.get("ago", 0),
            row.get("at"),
        )
        for row in rows
    ]


def vectors_of(model: str) -> list[Vector]:
    file = VECTORS / f"{model}.toml"
    if not file.exists():
        return []
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["vectors"]
    return [vector(model, number, row) for number, row in enumerate(rows, 1)]


OWN = [one for model in CATALOGUE for one in vectors_of(model.id)]
MODELS = {model.id: model for model in CATALOGUE}


# --- what each says of itself


def test_no_two_models_answer_to_one_name() -> None:
    assert set(by_name().values()) == set(CATALOGUE)


def made(**more: Any) -> Model:  # noqa: ANN401 - whatever a declaration takes
    given: dict[str, Any] = {
        "id": "acme-one",
        "maker": "Acme",
        "name": "One",
        "data_sheet": "One, data sheet 1.0",
        "decode": lambda _data, _port: [],
        "channels": ("temperature",),
        "interval": 60_000,
    }
    return Model(**(given | more))


@pytest.mark.parametrize(
    ("id_", "name", "known_as"),
    [
        ("acme-one", "Two", ()),
        ("acme-two", "ONE", ()),
        ("acme-two", "Two", ("Acme / One",)),
        ("acme-two", "Two", ("acme_one",)),
    ],
)
def test_two_models_that_match_one_device_are_an_error(
    id_: str, name: str, known_as: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="acme-one are both known as"):
        by_name((made(), made(id=id_, name=name, known_as=known_as)))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"channels": ("warmth",)}, "no quantity for warmth"),
        ({"interval": None}, "give interval"),
        ({"hold": 60_000}, "give interval"),
        ({"battery": ((3.6, 100.0), (3.0, 0.0))}, "must rise"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        made(**more)


@each_model
def test_a_model_says_what_it_is(model: Model) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", model.id)
    assert model.maker
    assert model.name
    assert len(model.data_sheet) > 10, "title and edition, and where it lies"
    assert model.channels
    assert len(set(model.channels)) == len(model.channels) <= MAXIMUM_CHANNELS
    assert model.longest >= 1000, "milliseconds"
    assert -150 < model.weak_signal < -50


@each_model
def test_a_battery_curve_goes_from_volts_to_percent(model: Model) -> None:
    for volts, percent in model.battery:
        assert 0 < volts < QUANTITIES["battery"].highest
        assert 0 <= percent <= 100
    assert list(model.battery) == sorted(model.battery, key=lambda point: point[1])
    if model.battery:
        assert "battery" in model.channels, "who sends no volts needs no curve"
    if model.low_battery is not None:
        assert {"battery", "battery_level"} & set(model.channels)


# --- vectors


@pytest.mark.parametrize("one", OWN, ids=str)
def test_a_vector_means_what_its_source_says(one: Vector) -> None:
    model = MODELS[one.model]
    if one.expect is None:
        with pytest.raises(DecodeError) as caught:
            model.decode(one.data, one.port)
        assert caught.value.reason == one.refused
        return
    assert one.source.lower() not in NO_SOURCE, "say where it is from"
    found = model.decode(one.data, one.port)
    assert [(s.ago, s.at) for s in found] == [(s.ago, s.at) for s in one.expect]
    for is_, should in zip(found, one.expect, strict=True):
        assert is_.channels == pytest.approx(should.channels, rel=1e-6, abs=1e-6, nan_ok=True)


@each_model
def test_a_model_has_a_vector_that_is_understood_and_one_that_is_refused(model: Model) -> None:
    own = vectors_of(model.id)
    assert any(one.expect for one in own)
    assert any(one.refused for one in own)


def test_every_file_of_vectors_belongs_to_a_model() -> None:
    assert {file.stem for file in VECTORS.glob("*")} - MODELS.keys() == set()


@each_model
def test_what_a_model_was_proven_by_is_there(model: Model) -> None:
    assert (model.proven == "published vectors") == (model.id in PUBLISHED)
    if model.proven == SHEET:
        sheet = words(model.data_sheet)
        assert any(one.expect and words(one.source) & sheet for one in vectors_of(model.id)), (
            "a vector whose source names the data sheet"
        )


def words(title: str) -> set[str]:
    """Return the words of a title that tell it from others: those with a digit in them."""
    return {word for word in re.split(r"[\s,;:()/]+", title.lower()) if re.search(r"\d", word)}


# --- round trips


def test_every_model_has_an_encoder_and_every_encoder_a_model() -> None:
    assert {one.model for one in ENCODERS} == MODELS.keys()


def values(encoder: Encoder) -> st.SearchStrategy[dict[str, float]]:
    """Draw what a device measured; now and then it has no value, where it can say so."""
    drawn = st.fixed_dictionaries(
        {channel: st.floats(low, high) for channel, (low, high, _) in encoder.ranges.items()}
    )
    missing = sorted(encoder.ranges.keys() - encoder.always)
    if not missing:
        return drawn
    gone = st.sets(st.sampled_from(missing), max_size=3)
    return st.builds(lambda told, less: told | dict.fromkeys(less, math.nan), drawn, gone)


@each_encoder
@given(data=st.data())
def test_what_an_encoder_sends_is_read_back(encoder: Encoder, data: st.DataObject) -> None:
    given = data.draw(values(encoder))
    found = MODELS[encoder.model].decode(encoder.encode(given), encoder.port)
    back: dict[str, float] = found[-1].channels if found else {}
    assert back.keys() <= encoder.ranges.keys()
    lacking = any(map(math.isnan, given.values()))
    for channel, (_, _, step) in encoder.ranges.items():
        is_, should = back.get(channel, math.nan), given[channel]
        if math.isnan(should):
            assert math.isnan(is_), channel
        elif not math.isnan(is_) or not lacking:
            # Where one half of what a sensor measures is missing, the other may be too.
            assert is_ == pytest.approx(should, rel=0, abs=step * 0.5001), channel


@each_encoder
def test_the_ends_of_a_range_are_read_back(encoder: Encoder) -> None:
    for end in (0, 1):
        given = {channel: limits[end] for channel, limits in encoder.ranges.items()}
        (found,) = MODELS[encoder.model].decode(encoder.encode(given), encoder.port)[-1:]
        for channel, (_, _, step) in encoder.ranges.items():
            assert found.channels[channel] == pytest.approx(given[channel], abs=step * 0.5001)


@each_encoder
def test_an_encoder_sends_what_its_model_declares(encoder: Encoder) -> None:
    assert encoder.always <= encoder.ranges.keys() <= set(MODELS[encoder.model].channels)
    for lowest, highest, step in encoder.ranges.values():
        assert lowest < highest
        assert 0 < step <= highest - lowest


# --- bytes that mean nothing


def ports(model: Model) -> st.SearchStrategy[int]:
    own = sorted({one.port for one in vectors_of(model.id)})
    return st.one_of(st.sampled_from(own or [0]), st.integers(0, 255))


def check_samples(model: Model, found: list[Sample]) -> None:
    """Whatever a decoder makes of bytes, the rest of the house can live with it."""
    for sample in found:
        assert sample.channels.keys() <= set(model.channels), "declare all that it can send"
        for value in sample.channels.values():
            assert isinstance(value, float)
            assert math.isnan(value) or abs(value) < 1e12
        assert sample.ago >= 0
        assert sample.at is None or 0 <= sample.at < YEAR_10000


def check_error(error: DecodeError) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error.reason)
    assert error.detail
    assert error.cure


@each_model
@settings(max_examples=200)
@given(data=st.data())
def test_any_bytes_are_samples_or_refused(model: Model, data: st.DataObject) -> None:
    payload, port = data.draw(st.binary(max_size=80)), data.draw(ports(model))
    try:
        found = model.decode(payload, port)
    except DecodeError as error:
        check_error(error)
    else:
        check_samples(model, found)


@pytest.mark.parametrize("one", OWN, ids=str)
def test_a_vector_that_is_cut_off_is_samples_or_refused(one: Vector) -> None:
    model = MODELS[one.model]
    for cut in (*(one.data[:end] for end in range(len(one.data))), one.data + b"\x00\xff"):
        try:
            check_samples(model, model.decode(cut, one.port))
        except DecodeError as error:
            check_error(error)
