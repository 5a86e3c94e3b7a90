"""What is told beside the proposal: what is understood, what is wrong, and what to subscribe to."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from devices.learn.proposal import Refused, Understood, UnknownMake
from devices.model import plain_name
from devices.models import by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.learn.heard import Heard
    from devices.learn.tried import Trial, Tried

_SUBSCRIBE = {
    "plain-json": ("cargo/+/+/readings",),
    "chirpstack": ("application/+/device/+/event/+",),
    "things-stack": ("v3/+/devices/+/#",),
    "zigbee2mqtt": ("zigbee2mqtt/#",),
    "shelly": ("+/events/rpc", "+/status/+"),
    "ruuvi-gateway": ("ruuvi/+/+",),
    "tasmota": ("tele/+/+",),
    "senml": ("senml/#",),
}
"""What subscribes to the topics of a built-in envelope, by its name."""
UNKNOWN = "unknown-model"
"""The reason for which a device's own bytes are refused until somebody says what it is."""


def understood(
    messages: Sequence[Heard], tried: Sequence[Tried], trial: Trial
) -> tuple[Understood, ...]:
    """Return what each envelope decodes, most messages first."""
    of: dict[int, list[tuple[Heard, Tried]]] = defaultdict(list)
    for message, one in zip(messages, tried, strict=True):
        if one.by is not None and one.error is None:
            of[one.by].append((message, one))
    found = []
    for by, all_ in sorted(of.items(), key=lambda item: (-len(item[1]), item[0])):
        devices = {reading.device for _, one in all_ for reading in one.readings}
        known = (trial.recognition.recognised(device) for device in devices)
        found.append(
            Understood(
                envelope=trial.called(by),
                messages=len(all_),
                devices=len(devices),
                readings=sum(len(one.readings) for _, one in all_),
                topic=next((each.topic for each, one in all_ if one.readings), all_[0][0].topic),
                recognised=dict(sorted(Counter(one[0] for one in known if one).items())),
            )
        )
    return tuple(found)


def unknown_makes(tried: Sequence[Tried], trial: Trial) -> tuple[UnknownMake, ...]:
    """Return the devices whose bytes nobody can read, each with models of a near name."""
    counts = Counter(one.error.device for one in tried if one.error and one.error.reason == UNKNOWN)
    known = by_name()
    found = []
    for device, hints in sorted(trial.recognition.unknown.items()):
        if counts[str(device)] == 0:
            continue
        called = next((one for one in hints if one), "")
        near = difflib.get_close_matches(plain_name(called), known, n=3) if called else []
        ids = tuple(dict.fromkeys(known[one].id for one in near))
        found.append(UnknownMake(str(device), called, counts[str(device)], ids))
    return tuple(found)


def refusals(
    messages: Sequence[Heard], after: Sequence[Tried], trial: Trial, first: int, drafts: int
) -> tuple[Refused, ...]:
    """Return what is wrong with messages on known topics, once for each envelope and reason.

    What the drafts refuse (`drafts` of them, from the mapping `first` on) is told with them.
    """
    found: dict[tuple[int, str], list[tuple[Heard, Tried]]] = defaultdict(list)
    for message, one in zip(messages, after, strict=True):
        if one.by is None or first <= one.by < first + drafts:
            continue
        if one.error is not None and one.error.reason != UNKNOWN:
            found[one.by, one.error.reason].append((message, one))
    return tuple(
        Refused(
            topic=message.topic,
            envelope=trial.called(by),
            messages=len(all_),
            reason=reason,
            detail=one.error.detail,
            cure=one.error.cure,
        )
        for (by, reason), all_ in sorted(found.items(), key=lambda item: item[0])
        for message, one in all_[:1]
        if one.error is not None
    )


def topic_filters(after: Sequence[Tried], trial: Trial) -> tuple[str, ...]:
    """Return the topic filters of all that is decoded, with the proposal and without."""
    filters: set[str] = set()
    for by in {one.by for one in after if one.by is not None and one.error is None}:
        if by < len(trial.mappings):
            filters.add(trial.mappings[by].topic_filter)
        else:
            filters.update(_SUBSCRIBE.get(trial.envelopes[by].name, ()))
    return tuple(sorted(filters))
