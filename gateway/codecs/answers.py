"""What a codec's process replied, in the gateway's words."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from devices.device import DecodeError, Output
from devices.envelopes.codec_output import refusal
from gateway.codecs.child import Reply

MOST_TEXTS = 20
MOST_WORDS = 300
RETRY = "then holdwatch quarantine retry"


class _Normalized(msgspec.Struct, gc=False):
    data: Any = None
    errors: Any = None


class _Answer(msgspec.Struct, gc=False):
    data: Any = None
    warnings: Any = None
    errors: Any = None
    normalized: _Normalized | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def answer(reply: Reply, codec: str) -> Output | DecodeError:
    """Return what a codec's reply means."""
    if reply.reason:
        return refused(reply.reason, codec, reply.text)
    try:
        return _output(_ANSWER.decode(reply.text), codec)
    except RecursionError:
        return refusal(codec, "what it returned is nested too deeply")
    except msgspec.MsgspecError as error:
        return refusal(codec, f"what it returned cannot be read: {error}")


def _output(given: _Answer, codec: str) -> Output | DecodeError:
    errors = _texts(given.errors)
    data = given.data
    if data is not None and not isinstance(data, dict):
        if not errors:
            return refusal(codec, "its data is no object")
        data = None
    warnings = _texts(given.warnings)
    normalized: Any = None
    if given.normalized is not None:
        further = _texts(given.normalized.errors)
        if further:
            warnings += tuple(f"normalizeUplink: {one}" for one in further)
        elif _is_normalized(given.normalized.data):
            normalized = given.normalized.data
    return Output(data, normalized, warnings, errors)


def _is_normalized(data: object) -> bool:
    several = data if isinstance(data, list) else [data]
    return bool(several) and all(isinstance(one, dict) for one in several)


def _texts(given: object) -> tuple[str, ...]:
    """Return what should be a list of texts as such: codecs put other things there too."""
    if not given:
        return ()
    several = given if isinstance(given, list) else [given]
    return tuple(_text(one) for one in several[:MOST_TEXTS])


def _text(given: object) -> str:
    try:
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    except RecursionError:
        text = "something nested too deeply"
    return "".join(one if one.isprintable() else " " for one in text[:MOST_WORDS])


def refused(reason: str, codec: str, words: str = "") -> DecodeError:
    """Return the error for a message that a codec did not decode. `words`: the codec's own."""
    if reason == "codec-error":
        return refusal(codec, words)
    detail, cure = _REASONS[reason]
    said = f": {_text(words)}" if words else ""
    return DecodeError(reason, detail.format(codec=codec) + said, cure.format(codec=codec))


_REASONS = {
    "no-codec": (
        "there is no codec {codec} in the folder of codecs",
        f"Put the vendor's file there as {{codec}}.js, {RETRY}",
    ),
    "bad-codec": (
        "the codec {codec} is not one",
        f"Get the file anew: it needs a function decodeUplink, and no import or export; {RETRY}",
    ),
    "codec-timeout": (
        "the codec {codec} did not come to an end in the time that one message may take",
        f"Look for a newer version of it, or allow more time under [codecs]; {RETRY}",
    ),
    "codec-resting": (
        "the codec {codec} rests, since it did not come to an end several times, and much waits",
        f"Look for a newer version of it; {RETRY}",
    ),
    "codec-memory": (
        "the codec {codec} used more memory than one may take",
        f"Look for a newer version of it, or allow more memory under [codecs]; {RETRY}",
    ),
    "codec-crashed": (
        "the codec {codec} ended the process that it runs in",
        f"Look for a newer version of it; {RETRY}",
    ),
    "output-too-large": (
        "the codec {codec} returned more than 65,536 characters",
        f"Let it return fewer values; {RETRY}",
    ),
    "codecs-unavailable": (
        "no codec can run, {codec} neither",
        f"Mend that, {RETRY}",
    ),
}
