"""What it costs to make readings of what devices send, as multiples of one json.loads of it.

Each pass of decoding has a pass of json.loads over the same payloads right after it, so that both
have the same machine; CPU time counts. All topics are bound before, as a gateway binds each once.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from devices.device import Decode, DecodeError, Later, Origin
from devices.envelopes.chirpstack import ChirpStack
from devices.envelopes.plain import PlainJson
from devices.reading import Reading
from devices.recognition import Recognition
from gateway.codecs.folder import CodecFolder
from gateway.codecs.host import CodecHost
from gateway.pending import PAGE
from scripts.benchmarks.measures.bench import Bench
from scripts.benchmarks.measures.figure import Figure, Group, figure
from scripts.benchmarks.measures.kernel import cpu
from simulators import senders
from simulators.load import messages
from simulators.scenario import Sensors

START = 1_795_348_800_000
"""2026-11-22 12:00 UTC."""
DEVICES = 1_000
MEMORY, TIME = 16 * 10**6, 250
"""Of the codec process: bytes, and ms a call, as the settings have them by themselves."""
CODEC = """
function signed(b, i) { var v = b[i] << 8 | b[i + 1]; return v > 32767 ? v - 65536 : v; }
function decodeUplink(input) {
  var b = input.bytes;
  if (input.fPort !== 2) { return { errors: ["unknown FPort"] }; }
  return { data: {
    BatV: ((b[0] << 8 | b[1]) & 0x3FFF) / 1000,
    TempC_SHT: signed(b, 2) / 100,
    Hum_SHT: (b[4] << 8 | b[5]) / 10,
    TempC_DS: signed(b, 7) / 100
  } };
}
"""
"""An LHT65's bytes as a vendor's codec would read them. It has a profile of its own."""
PROFILE = "LHT65 by codec"

Load = list[tuple[Decode, bytes]]
"""Each message with what decodes its topic."""


def _bound(envelope: PlainJson | ChirpStack, sent: Sequence[tuple[str, bytes]]) -> Load:
    origin = Origin("", "bench")
    known: dict[str, Decode] = {}
    for topic, _ in sent:
        if topic not in known:
            decode = envelope.bind(topic, origin)
            if decode is None:
                raise RuntimeError(f"{topic} is not of {envelope.name}")
            known[topic] = decode
    return [(known[topic], payload) for topic, payload in sent]


def _plain(count: int) -> list[tuple[str, bytes]]:
    return [
        (one.topic.decode(), one.payload)
        for one in messages(count, DEVICES, START, 60_000 / DEVICES)
    ]


def _lorawan(count: int) -> list[tuple[str, bytes]]:
    """Return uplinks of LHT65 with a probe, as ChirpStack publishes them."""
    section = Sensors(
        channels=["temperature", "humidity", "temperature.external", "battery"],
        model="dragino-lht65",
    )
    encoder = senders.BY_MODEL["dragino-lht65"]
    known = [senders.ChirpStack(f"dev-{n:06d}", encoder, section) for n in range(DEVICES)]
    sent = []
    for number in range(count):
        rounds, device = divmod(number, DEVICES)
        at = datetime.fromtimestamp(START / 1000 + number * 60 / DEVICES, UTC)
        values = [4 + number % 400 / 100, 60 + number % 37 / 10, 3 + number % 300 / 100, 3.05]
        text = at.isoformat(timespec="milliseconds")[:23]
        one = known[device]
        sent.append((one.topic, one.payload(values, text, 10_000 + rounds)))
    return sent


def _parse(load: Load) -> float:
    """Return the CPU seconds of one json.loads for each."""
    began = time.process_time()
    for _, payload in load:
        json.loads(payload)
    return time.process_time() - began


def _decode(load: Load) -> float:
    """Return the CPU seconds of decoding all."""
    made: list[Reading] = []
    began = time.process_time()
    for decode, payload in load:
        made = decode(payload, START, 0)
    spent = time.process_time() - began
    if not made:
        raise RuntimeError("the last message gave no reading")
    return spent


def _group(name: str, load: Load, bench: Bench, limit: float, spend: Callable[[], float]) -> Group:
    """Measure pass after pass: what it costs, and one json.loads, in µs, and their ratio."""
    ratios, costs, parses = [], [], []
    spend()  # plans and layouts are made once in a gateway's life
    for number in range(bench.size.decoded_runs):
        bench.tell(f"{name}, pass {number + 1}")
        spent, parsed = spend(), _parse(load)
        ratios.append(spent / parsed)
        costs.append(spent / len(load) * 1e6)
        parses.append(parsed / len(load) * 1e6)
    figures: list[Figure] = [
        figure(f"{name}_cost", ratios, at_most=limit),
        figure(f"{name}_us", costs),
        figure(f"{name}_parse_us", parses),
    ]
    size = sum(len(payload) for _, payload in load) / len(load)
    return Group(figures, {f"{name}_cost": ratios, f"{name}_us": costs, f"{name}_bytes": size})


def plain_json(bench: Bench) -> Group:
    """Decode plain JSON of three channels, by our own convention."""
    load = _bound(PlainJson(), _plain(bench.size.decoded))
    return _group("json", load, bench, 1.5, lambda: _decode(load))


def native(bench: Bench) -> Group:
    """Decode uplinks of an LHT65, as ChirpStack sends them, by our own decoder."""
    load = _bound(ChirpStack(), _lorawan(bench.size.decoded))
    return _group("native", load, bench, 4, lambda: _decode(load))


def codec_js(bench: Bench) -> Group:
    """Decode the same by a codec in JavaScript, in batches as the gateway makes them."""
    folder = bench.fresh("codecs")
    (folder / "bench.js").write_text(CODEC, encoding="utf-8")
    (folder / "bench.toml").write_text(f'profiles = ["{PROFILE}"]\n', encoding="utf-8")
    codecs = CodecFolder(folder)
    sent = [
        (topic, payload.replace(b'"dragino-lht65"', b'"%s"' % PROFILE.encode(), 1))
        for topic, payload in _lorawan(bench.size.codec_calls)
    ]
    load = _bound(ChirpStack(Recognition(codecs=codecs.recognised)), sent)
    host = CodecHost(codecs, memory=MEMORY, time=TIME)
    with asyncio.Runner() as runner:
        try:
            return _group("codec_js", load, bench, 15, lambda: runner.run(_through(host, load)))
        finally:
            runner.run(host.close())


async def _through(host: CodecHost, load: Load) -> float:
    """Return the CPU seconds of both processes."""
    await host.run([_later(*load[0]).call])  # the process is there
    began = time.process_time() + _child(host)
    for first in range(0, len(load), PAGE):
        page = load[first : first + PAGE]
        for decode, payload in page:
            _later(decode, payload)  # when it comes
        waiting = [_later(decode, payload) for decode, payload in page]  # when it is its turn
        outputs = await host.run([one.call for one in waiting])
        for one, output in zip(waiting, outputs, strict=True):
            if isinstance(output, DecodeError):
                raise output
            if not one.finish(output):
                raise RuntimeError("a message gave no reading")
    return time.process_time() + _child(host) - began


def _child(host: CodecHost) -> float:
    if host.pid is None:
        raise RuntimeError("the codec process is not there")
    return cpu(host.pid)


def _later(decode: Decode, payload: bytes) -> Later:
    try:
        decode(payload, START, 0)
    except Later as later:
        return later
    raise RuntimeError("a message needed no codec")
