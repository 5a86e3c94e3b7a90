"""By which topic a pushed message would have come by MQTT: what says which decoder reads it.

Only that is looked at here; whether a message is right is the decoder's to say. Sources:
ChirpStack's documentation, "HTTP" and "Event types"; The Things Stack's, "Webhooks" and "Data
Formats".
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from devices.device import DecodeError, check_device_id
from gateway.web.problems import Problem

EUI = r"^[0-9a-fA-F]{16}$"
THINGS_ID = r"^[a-z0-9-]{2,36}$"
EVENT = r"^[a-z]{1,20}$"
"""As regular expressions and JSON schemas write them."""
LONGEST_TOPIC = 1_000
"""Bytes."""

_THINGS_KINDS = {
    "uplink_message": "up",
    "uplink_normalized": "up/normalized",
    "join_accept": "join",
    "location_solved": "location/solved",
    "service_data": "service/data",
    "downlink_ack": "down/ack",
    "downlink_nack": "down/nack",
    "downlink_sent": "down/sent",
    "downlink_failed": "down/failed",
    "downlink_queued": "down/queued",
    "downlink_queue_invalidated": "down/invalidated",
}
"""A message of The Things Stack names by a key what it is."""


class _Info(msgspec.Struct):
    devEui: str  # noqa: N815 - ChirpStack's name
    applicationId: Any = ""  # noqa: N815 - ChirpStack's name


class _Event(msgspec.Struct):
    deviceInfo: _Info  # noqa: N815 - ChirpStack's name


class _Application(msgspec.Struct):
    application_id: Any = ""


class _Ids(msgspec.Struct):
    device_id: str
    application_ids: Any = None


class _Message(msgspec.Struct):
    end_device_ids: _Ids


Found = TypeVar("Found")


def chirpstack(body: bytes, event: str) -> str:
    """Return the topic of an event of ChirpStack. Raises Problem."""
    info = _read(body, _Event, "ChirpStack", "deviceInfo.devEui").deviceInfo
    if not re.search(EUI, info.devEui):
        raise _foreign("ChirpStack", "deviceInfo.devEui is no EUI of 16 hexadecimal digits")
    return f"application/{_word(info.applicationId)}/device/{info.devEui}/event/{event}"


def things_stack(body: bytes) -> str:
    """Return the topic of a message of The Things Stack. Raises Problem."""
    ids = _read(body, _Message, "The Things Stack", "end_device_ids.device_id").end_device_ids
    if not re.search(THINGS_ID, ids.device_id):
        raise _foreign("The Things Stack", "end_device_ids.device_id is none of its ids")
    keys = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    kind = next((kind for key, kind in _THINGS_KINDS.items() if key in keys), "other")
    named = ids.application_ids
    application = named.get("application_id") if isinstance(named, dict) else None
    return f"v3/{_word(application)}/devices/{ids.device_id}/{kind}"


def plain(device: str) -> str:
    """Return the topic of a device's plain JSON. Raises Problem."""
    try:
        return f"cargo/http/{check_device_id(device)}/readings"
    except DecodeError as error:
        raise Problem(404, error.detail, "Push to /api/v1/push/plain/DEVICE") from error


def any_topic(topic: str) -> str:
    """Return a topic if one may publish to it. Raises Problem."""
    bad = set("+#\0") & set(topic) or topic[:1] in {"", "$"}
    if bad or len(topic.encode(errors="replace")) > LONGEST_TOPIC:
        raise Problem(
            404,
            f"nobody may publish to the topic {topic[:100]!r}",
            f"A topic has at most {LONGEST_TOPIC:,} bytes, none of + and #, and no $ at its begin",
        )
    return topic


def _read(body: bytes, kind: type[Found], server: str, key: str) -> Found:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _foreign(server, f"it has no {key} as text ({error})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(
            400,
            f"the body is no JSON: {error}",
            f"Let {server} send JSON, and not Protobuf",
        ) from None


def _foreign(server: str, why: str) -> Problem:
    return Problem(
        422,
        f"this is no message of {server}: {why}",
        "Check the address: /api/v1/push/plain/DEVICE takes plain JSON",
    )


def _word(text: object) -> str:
    """Return an application's id as a level of a topic; "-" where it cannot be one."""
    return text if isinstance(text, str) and re.fullmatch(r"[\w-]{1,64}", text) else "-"
