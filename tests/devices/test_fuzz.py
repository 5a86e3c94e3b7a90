"""Mutated messages of every kind of device: readings, a DecodeError or Later, and never for long.

Valid messages of all models and all envelopes are flipped, cut, filled and spliced, and JSON also
where it hurts: another value, a key less, another's part. One seed is a thousand of them: 20 seeds
in a usual run, a thousand (a million messages) with --long-faults; one again with --fault-seed N.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest

from devices.device import Decode, Later, Origin, Output, check_device_id
from devices.envelopes import ENVELOPES, envelopes
from devices.envelopes.mapping import Mapping
from devices.errors import DecodeError
from devices.model import Model
from devices.models import CATALOGUE
from devices.reading import RETAINED, Reading
from devices.recognition import Codec, Recognition
from simulators.scenario import Sensors
from simulators.senders import BY_MODEL, SENDERS
from simulators.sources import CHANNELS
from tests.devices.test_catalogue import check_error, check_samples, vectors_of

NOW = 1_795_341_600_500
OURS = Origin("", "fuzz")
EACH = 1000
"""Mutated messages of one seed."""
LONGEST = 0.05
"""Seconds of CPU that a call may take."""
AGAIN = 4
"""Times that a slow call is repeated: what was in its way once is not there each time."""
CODEC = "codec-1"
"""The profile of devices that a vendor's codec reads."""
MAPPINGS = (
    Mapping(topic="home/{device}/{channel}"),
    Mapping(
        topic="plant/{device}/state",
        time="ts",
        time_unit="s",
        sequence="",
        channels={"temperature": "data.temp_c", "humidity": "data.hum"},
    ),
    Mapping(topic="hall/all", device_key="sensor", channels={"temperature": "t"}),
)
MESSAGES: tuple[tuple[str, bytes], ...] = (
    (
        "cargo/house/fridge-1/readings",
        b'{"time":"2026-11-22T12:00:00Z","seq":7,"temperature":4.3,"position":{"lat":53,"lon":9}}',
    ),
    (
        "cargo/house/fridge-2/readings",
        b'[{"time":1795341600000,"humidity":60.5},{"time":1795341660000,"humidity":null}]',
    ),
    ("home/fridge/temperature", b"21.5"),
    ("home/fridge/humidity", b'{"value": "60.5", "unit": "%"}'),
    ("plant/oven/state", b'{"ts":1795341600,"data":{"temp_c":4.5,"hum":60}}'),
    ("hall/all", b'{"sensor":"a-1","t":4.5,"time":"2026-11-22T13:00:00+01:00"}'),
    (
        "zigbee2mqtt/cold room/1",
        (
            b'{"temperature":27.34,"humidity":44.72,"battery":97,"linkquality":120,"contact":true,'
            b'"last_seen":"2026-11-22T12:00:00Z","water_leak":false,"voltage":3025}'
        ),
    ),
    ("zigbee2mqtt/cold room/1/availability", b'{"state":"online"}'),
    (
        "shellyhtg3-dc5475c0ffee/events/rpc",
        (
            b'{"src":"shellyhtg3-dc5475c0ffee","dst":"x/events","method":"NotifyFullStatus","params":'
            b'{"ts":1752192302.55,"temperature:0":{"id":0,"tC":19.9,"tF":67.8},"humidity:0":{"id":0,'
            b'"rh":58.9},"devicepower:0":{"id":0,"battery":{"V":5.32,"percent":65},"external":'
            b'{"present":false}}}}'
        ),
    ),
    (
        "tele/tasmota_A1B2C3/SENSOR",
        (
            b'{"Time":"2026-11-22T12:00:00","DS18B20-1":{"Id":"1","Temperature":4.1},"BME280":'
            b'{"Temperature":20.2,"Humidity":51.9,"Pressure":993.5},"PressureUnit":"hPa",'
            b'"TempUnit":"C"}'
        ),
    ),
    (
        "senml/cellar",
        (
            b'[{"bn":"urn:dev:mac:0024befffe804ff1:","bt":1.795e9,"bu":"Cel","n":"temp","v":4.3},'
            b'{"n":"humidity","u":"%RH","v":60.5,"t":-5},{"n":"door","vb":true}]'
        ),
    ),
    (
        "senml/cellar",
        bytes.fromhex(
            "82a300782075726e3a6465763a6f773a313065323037336130313038303036333a74656d700163"
            "43656c02fb4011333333333333a300781f75726e3a6465763a6f773a3130653230373361303130"
            "38303036333a68756d016325524802183c"
        ),
    ),
    (
        "application/17c8/device/0101010101010101/event/status",
        b'{"deviceInfo":{"devEui":"0101010101010101"},"batteryLevel":88.3}',
    ),
    (
        "application/17c8/device/0101010101010101/event/location",
        b'{"deviceInfo":{"devEui":"0101010101010101"},"location":{"latitude":37.3,"longitude":-8}}',
    ),
    (
        "application/17c8/device/0101010101010101/event/up",
        (
            b'{"deviceInfo":{"devEui":"0101010101010101"},"data":"qg==","fPort":3,"object":'
            b'{"temperature":4.5,"gps":{"latitude":1,"longitude":2},"temp_2":{"value":40,"unit":"F"}}}'
        ),
    ),
    (
        "v3/app1@tenant1/devices/dev1/up",
        (
            b'{"end_device_ids":{"device_id":"dev1"},"uplink_message":{"f_cnt":1,"normalized_payload":'
            b'[{"time":"2026-11-22T09:00:00Z","air":{"temperature":4.5,"relativeHumidity":60}}]}}'
        ),
    ),
    (
        "v3/app1@tenant1/devices/dev1/location/solved",
        b'{"end_device_ids":{"device_id":"dev1"},"location_solved":{"location":{"latitude":3}}}',
    ),
)
OUTPUT = (
    b'{"TempC_SHT":4.3,"Hum_SHT":"60.5","BatV":3.1,"air":{"temperature":5,"location":"indoor"},'
    b'"temp":{"value":39.9,"unit":"\\u00b0F","displayName":"x"},"time":"2026-11-22T09:00:00Z"}'
)
"""What a vendor's codec may answer."""
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -1e-320, 1 << 70, -(1 << 63), float("nan"), float("inf")),
    *("", "x" * 300, "NaN", "1e999", "0x10", "\x00\x1b[2J", "\ud800", "2026-11-22T12:00:00"),
    *("9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z", "\u0661\u0662", "\u202eabc", "a/b+#", "-"),
    *([], {}, [[]], [{}], {"value": {"value": 1}}, {"value": 1, "unit": "parsec"}, [1, 2, 3]),
    {str(number): number for number in range(300)},
    {f"temperature.p{number}": number for number in range(60)},
)


def deep(levels: int) -> list[Any]:
    node: list[Any] = []
    for _ in range(levels):
        node = [node]
    return node


class Corpus(NamedTuple):
    """Valid messages of everybody."""

    own: list[tuple[Model, int, bytes]]
    """Models, with a port and the device's bytes."""
    wrapped: list[tuple[str, bytes]]
    """Topics and payloads."""
    by_codec: list[tuple[str, bytes]]
    """Those of devices that a vendor's codec reads."""


@cache
def corpus() -> Corpus:
    """Return what everybody sends when all is well."""
    own = [(model, one.port, one.data) for model in CATALOGUE for one in vectors_of(model.id)]
    wrapped = [*MESSAGES, *(message for name in BY_MODEL for message in sent(name))]
    profile = b'"deviceProfileName":"%s"'
    known, codec = profile % b"dragino-lht65", profile % CODEC.encode()
    by_codec = [(topic, data.replace(known, codec)) for topic, data in wrapped if known in data]
    return Corpus(own, wrapped + by_codec, by_codec)


def sent(model: str) -> Iterator[tuple[str, bytes]]:
    """Yield what arrives of a model, by every way that it can come."""
    encoder = BY_MODEL[model]
    channels = [name for name in CHANNELS if name in encoder.ranges]
    section = Sensors(channels=channels, model=model)
    values = [sum(encoder.ranges[name][:2]) / 2 for name in channels]
    for way in SENDERS.values():
        if way.takes(encoder):
            one = way("abc", encoder, section)
            yield one.topic, one.payload(values, "2026-11-22T11:59:00.000", 7)


# --- how messages go wrong


def mutate(random: Random, data: bytes, others: list[bytes]) -> bytes:
    """Return bytes that are wrong in some way, or by chance still right."""
    out = bytearray(data)
    for _ in range(random.choice((0, 1, 1, 1, 2, 5))):
        at = random.randrange(len(out) + 1)
        match random.randrange(7):
            case 0 | 1 if at < len(out):
                out[at] ^= 1 << random.randrange(8)
            case 2 if at < len(out):
                out[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            case 3:
                del out[at:]
            case 4:
                del out[at : at + random.randrange(1, 9)]
            case 5:
                out[at:at] = random.randbytes(random.choice((1, 2, 8, 60)))
            case _:
                other = random.choice(others)
                out[at:] = other[random.randrange(len(other) + 1) :]
    return bytes(out)


def nodes(node: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Return every place in a JSON value: what holds it, and its key or index."""
    for key in node if isinstance(node, dict) else range(len(node)):
        found.append((node, key))
        if isinstance(node[key], dict | list):
            nodes(node[key], found)
    return found


def bend(random: Random, document: Any, others: list[bytes]) -> Any:  # noqa: ANN401 - JSON
    """Change a JSON value where it hurts."""
    for _ in range(random.choice((1, 1, 2, 4))):
        places = nodes(document, []) if isinstance(document, dict | list) else []
        if not places:
            return deepcopy(random.choice(HOSTILE))
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0 | 1:
                holder[key] = deepcopy(random.choice(HOSTILE))
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                name = random.choice(("time", "temperature", "", "x" * 200, "co2"))
                holder[name] = deepcopy(holder[key])
            case 3:
                holder.append(deepcopy(holder[key]))
            case _:
                with suppress(ValueError):
                    holder[key] = json.loads(random.choice(others))
    if random.random() < 0.01:
        return deep(random.choice((10, 17, 900)))
    return document


def wrong_payload(random: Random, payload: bytes, others: list[bytes]) -> bytes:
    try:
        document = json.loads(payload) if random.random() < 0.6 else None
    except ValueError:
        document = None
    if document is None:
        return mutate(random, payload, others)
    return json.dumps(bend(random, document, others)).encode()


def wrong_topic(random: Random, topic: str) -> str:
    if random.random() < 0.9:
        return topic
    mutated = mutate(random, topic.encode(), [b"a/b/c/d", b"event/up", b"\xc3\xbc/\x00"])
    return mutated.decode("utf-8", "replace")


# --- what may come of it


Came = list[Any] | DecodeError | Later
"""Of a call: samples or readings, or what it raised. Anything else that it raises is a mistake."""


def soon(call: Callable[[], list[Any]], what: object) -> Came:
    """Return what comes of a call, and hold it to its time."""
    taken = 0.0
    for _ in range(AGAIN):
        began = time.thread_time()
        came = outcome(call)
        taken = time.thread_time() - began
        if taken < LONGEST:
            return came
    raise AssertionError(f"{taken:.3f} s of CPU for {what!r:.2000}")


def outcome(call: Callable[[], list[Any]]) -> Came:
    try:
        return call()
    except (DecodeError, Later) as error:
        return error


def check(came: Came) -> None:
    """Whatever came of an envelope, the rest of the house can live with it."""
    if isinstance(came, Later):
        check_device_id(came.device.id)
        return
    if isinstance(came, DecodeError):
        check_error(came)
        return
    for one in came:
        assert isinstance(one, Reading)
        check_device_id(one.device.id)
        assert len(one.values) == len(one.layout.channels) > 0
        assert all(isinstance(value, float) for value in one.values)
        assert -(1 << 63) <= one.identity < 1 << 63
        assert -(1 << 63) <= one.at < 1 << 63


class Fuzz:
    """The messages of one seed, and what came of them."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - it has to be replayed
        known = Recognition(codecs=[(Codec("bench"), (CODEC,))])
        self._envelopes = envelopes(MAPPINGS, known)
        self._bound: dict[str, Decode | DecodeError | None] = {}
        self._others = [data for _, data in corpus().wrapped]
        self._raw = [data for _, _, data in corpus().own]
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        for _ in range(EACH):
            self._random.choices((self._own, self._wrapped, self._answered), (9, 9, 2))[0]()

    def _own(self) -> None:
        """A device's own bytes."""
        random = self._random
        model, port, data = random.choice(corpus().own)
        wrong = mutate(random, data, self._raw)
        if random.random() < 0.1:
            port = random.randrange(256)
        came = soon(lambda: model.decode(wrong, port), (model.id, port, wrong.hex()))
        if isinstance(came, DecodeError):
            check_error(came)
        else:
            assert isinstance(came, list)
            check_samples(model, came)
        self._count("own", came)

    def _wrapped(self) -> None:
        """A message with its topic."""
        random = self._random
        topic, payload = random.choice(corpus().wrapped)
        topic = wrong_topic(random, topic)
        wrong = wrong_payload(random, payload, self._others)
        decode = self._bind(topic)
        if decode is None or isinstance(decode, DecodeError):
            return
        flags = random.choice((0, 0, 0, RETAINED))
        came = soon(lambda: decode(wrong, NOW, flags), (topic, wrong))
        check(came)
        self._count("wrapped", came)
        if isinstance(came, Later):
            self._finish(came)

    def _answered(self) -> None:
        """A message that a codec reads, whose answer is wrong."""
        topic, payload = self._random.choice(corpus().by_codec)
        decode = self._bind(topic)
        assert decode is not None
        assert not isinstance(decode, DecodeError)
        later = outcome(lambda: decode(payload, NOW, 0))
        assert isinstance(later, Later)
        self._finish(later)

    def _finish(self, later: Later) -> None:
        """Give it an object, as a codec does, and perhaps its normalised form."""
        answers = [bend(self._random, json.loads(OUTPUT), self._others) for _ in range(2)]
        data, normal = ({"x": one} if not isinstance(one, dict) else one for one in answers)
        output = Output(data, self._random.choice((None, normal, [normal, {}])))
        came = soon(lambda: later.finish(output), output)
        assert not isinstance(came, Later)
        check(came)
        self._count("codec", came)

    def _bind(self, topic: str) -> Decode | DecodeError | None:
        if topic not in self._bound:
            self._bound[topic] = self._look(topic)
        return self._bound[topic]

    def _look(self, topic: str) -> Decode | DecodeError | None:
        for envelope in self._envelopes:
            try:
                found = envelope.bind(topic, OURS)
            except DecodeError as error:
                check_error(error)
                return error
            if found is not None:
                return found
        return None

    def _count(self, kind: str, came: Came) -> None:
        good = "refused" if isinstance(came, DecodeError) else "understood"
        self.counts[f"{kind} {good}"] += 1


def test_mutated_messages_are_readings_or_refused(pytestconfig: pytest.Config) -> None:
    only: int | None = pytestconfig.getoption("--fault-seed")
    count = 1000 if pytestconfig.getoption("--long-faults") else 20
    seeds = [only] if only is not None else list(range(count))
    print(f"seeds {seeds[0]} to {seeds[-1]}; one again: --fault-seed N")  # noqa: T201 - the report
    counts: Counter[str] = Counter()
    for seed in seeds:
        fuzz = Fuzz(seed)
        try:
            fuzz.run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: --fault-seed {seed} shows it again") from error
        counts += fuzz.counts
    # Else they would be so broken, or so whole, that little is looked at.
    for kind in ("own", "wrapped", "codec"):
        for came in ("understood", "refused"):
            assert counts[f"{kind} {came}"] > len(seeds), counts


def test_every_envelope_and_model_is_in_the_corpus() -> None:
    assert {model.id for model, _, _ in corpus().own} == {model.id for model in CATALOGUE}
    met = Counter(
        next(one.name for one in envelopes(MAPPINGS) if one.bind(topic, OURS) is not None)
        for topic, _ in corpus().wrapped
    )
    assert met.keys() == {one.name for one in envelopes(MAPPINGS)}
    assert len(met) >= len(ENVELOPES) + 2


def test_what_is_in_the_corpus_is_understood() -> None:
    known = envelopes(MAPPINGS, Recognition(codecs=[(Codec("bench"), (CODEC,))]))
    for topic, payload in corpus().wrapped:
        bound = next(found for one in known if (found := one.bind(topic, OURS)) is not None)
        with suppress(Later):
            made = bound(payload, NOW, 0)
            assert made or "availability" in topic, topic
