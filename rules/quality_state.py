"""What is known of a device's quality, as bytes: so that a restart forgets nothing of it."""

from __future__ import annotations

import msgspec

from devices.reading import DeviceKey, Reading, layout
from rules.alone import Limits
from rules.quality import Trace, Watcher, checks

FORMAT = 1


class _Trace(msgspec.Struct, array_like=True):
    channels: tuple[str, ...]
    at: int
    received: int
    values: tuple[float, ...]
    flags: int
    identity: int
    runs: tuple[int, ...]
    before: dict[int, tuple[int, float]] | None


class _Dump(msgspec.Struct, array_like=True):
    format: int
    count: int
    newest: int
    sequence: int
    steady: int
    traces: tuple[_Trace, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Dump)


def dump(watcher: Watcher) -> bytes:
    """Return what it knows as MessagePack, its limits aside."""
    traces = [] if watcher.trace is None else [watcher.trace]
    traces += (watcher.others or {}).values()
    packed = tuple(
        _Trace(
            one.last.layout.channels,
            one.last.at,
            one.last.received,
            one.last.values,
            one.last.flags,
            one.last.identity,
            tuple(one.runs),
            one.before,
        )
        for one in traces
    )
    return _encoder.encode(
        _Dump(FORMAT, watcher.count, watcher.newest, watcher.sequence, watcher.steady, packed)
    )


def load(device: DeviceKey, limits: Limits, stored: bytes) -> Watcher:
    """Return a watcher that knows what was dumped. Raises ValueError where that cannot be read."""
    try:
        content = _decoder.decode(stored)
    except msgspec.DecodeError as error:
        raise ValueError(f"what is stored of the quality of {device} cannot be read") from error
    if content.format != FORMAT:
        raise ValueError(f"what is stored of the quality of {device} has another format")
    traces = [_restore(device, limits, one) for one in content.traces]
    return Watcher(
        limits,
        traces[0] if traces else None,
        content.count,
        content.newest,
        content.sequence,
        content.steady,
        others={one.last.layout: one for one in traces[1:]} or None,
    )


def _restore(device: DeviceKey, limits: Limits, packed: _Trace) -> Trace:
    shape = layout(packed.channels)
    last = Reading(
        device,
        packed.at,
        packed.received,
        shape,
        packed.values,
        packed.flags,
        packed.identity,
        "",
    )
    return Trace(last, list(packed.runs), checks(shape, limits), packed.before)
