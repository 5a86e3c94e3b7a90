"""How messages leave devices: at once, late and in a heap, twice, or behind each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from simulators.encode import backlog
from simulators.faults import Fault
from simulators.length import SECOND

HEAP = 500
"""Readings of one message of a backlog."""


class Message(NamedTuple):
    """A message as a device publishes it. `at` is ms since 1970, UTC: when it is sent."""

    at: int
    topic: str
    payload: bytes
    device: str
    qos: int


class Radio:
    """The links of all devices. Devices are known by their places."""

    def __init__(
        self,
        names: Sequence[tuple[str, str]],
        faults: Sequence[Fault],
        generator: np.random.Generator,
        alone: Collection[int] = (),
    ) -> None:
        """Take each device's topic and id, and the faults of links.

        `alone`: devices of which a message holds one reading; what waits goes one by one.
        """
        self._alone = alone
        self._names = names
        self._generator = generator
        self._faults: dict[int, list[Fault]] = {}
        for fault in faults:
            if fault.kind.name in {"lost_link", "duplicates", "reordering"}:
                for device in fault.targets.tolist():
                    self._faults.setdefault(device, []).append(fault)
        self._waiting: dict[int, list[bytes]] = {}

    def send(
        self, devices: Sequence[int], times: Sequence[int], payloads: Sequence[bytes]
    ) -> list[Message]:
        """Return the messages that come of what was measured, not always in order of time."""
        names, troubled = self._names, self._faults
        sent = []
        for device, at, payload in zip(devices, times, payloads, strict=True):
            topic, name = names[device]
            if device in troubled:
                sent += self._troubled(device, Message(at, topic, payload, name, 1))
            else:
                sent.append(Message(at, topic, payload, name, 1))
        return sent

    def _troubled(self, device: int, message: Message) -> list[Message]:
        """Return what a device sends whose link has faults, now or at another time."""
        faults = [fault for fault in self._faults[device] if fault.active(message.at)]
        waiting = self._waiting.setdefault(device, [])
        if any(fault.kind.name == "lost_link" for fault in faults):
            waiting.append(message.payload)
            return []
        messages = [
            message._replace(payload=payload) for payload in self._gathered(device, waiting)
        ]
        waiting.clear()
        messages.append(message)
        for fault in faults:
            messages = [out for one in messages for out in self._spoil(fault, one)]
        return messages

    def _gathered(self, device: int, waiting: list[bytes]) -> list[bytes]:
        if device in self._alone:
            return list(waiting)
        return [backlog(waiting[place : place + HEAP]) for place in range(0, len(waiting), HEAP)]

    def _spoil(self, fault: Fault, message: Message) -> list[Message]:
        chance, part = self._generator.random(2)
        if chance >= fault.severity:
            return [message]
        later = message._replace(at=message.at + 1 + int(part * abs(fault.size) * SECOND))
        return [later] if fault.kind.name == "reordering" else [message, later]
