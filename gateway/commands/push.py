"""What comes by HTTP: the page's process passes it on, and answers when it is on the disk.

What this file guarantees: "taken" is said after the commit that holds all of a message, as
readings, for a codec, or in the quarantine. While the disk takes nothing that is said within
seconds, and then either nothing was taken, or it is committed as soon as the disk does.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Any

from devices.device import Origin
from gateway.mqtt.packets import Publish
from gateway.people.api_keys import PUSH, ApiKey
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.admission import Admission
    from gateway.clock import Clock
    from gateway.ingest import Ingest
    from gateway.people.api_keys import ApiKeys

PATIENCE = 7.0
"""Seconds for which a message waits for the disk: The Things Stack waits 10 for an answer."""
LARGEST = 1 << 20
"""Bytes of one message, as over MQTT."""
MOST_WAITING = 16 * LARGEST
"""Bytes of messages that wait for the disk."""


class Pushers:
    """The keys by which messages may be pushed, and the devices that each speaks for."""

    def __init__(
        self, keys: ApiKeys, admission: Admission, forget: Callable[[str], None], owner: str
    ) -> None:
        """Grant what the keys that are there allow, and follow what becomes of them.

        `forget(source)` has it asked anew for which devices a source may speak. `owner`: whose
        devices a key pushes that names nobody.
        """
        self._admission = admission
        self._forget = forget
        self._owner = owner
        self._keys: dict[str, ApiKey] = {}
        for key in keys.all():
            self._changed(key)
        keys.on_change = self._changed

    def _changed(self, key: ApiKey) -> None:
        pushes = PUSH in key.scopes and key.revoked is None
        self._keys.pop(key.name, None)
        if pushes:
            self._keys[key.name] = key
        # What it brought stays granted after it has expired: its messages in the quarantine may
        # still be decoded.
        cure = (
            f"If it should, make a key in its place: holdwatch key revoke {key.name}, then "
            f"holdwatch key add {key.name} --push …; then holdwatch quarantine retry"
        )
        self._admission.grant(key.source, key.speaks_for if pushes else None, cure)
        self._forget(key.source)

    @property
    def any(self) -> bool:
        """Whether anybody may push."""
        return bool(self._keys)

    def origin(self, name: str, now: int) -> Origin:
        """Return where messages of a key come from. Raises ControlError if it may not push."""
        key = self._keys.get(name)
        if key is None or not key.good(now):
            raise ControlError(
                f"the key {name} may push nothing, or no more",
                "Make one with: holdwatch key add NAME --push 'fridge-*'",
            )
        return Origin(self._owner if key.owner is None else key.owner, key.source)


class PushCommands:
    """The command by which a message is pushed: a part of Commands."""

    def __init__(self, ingest: Ingest, pushers: Pushers, clock: Clock) -> None:
        self._ingest = ingest
        self._pushers = pushers
        self._clock = clock
        self._waiting = 0
        self.by_name = {"push": self.push}

    async def push(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take a message as if it had come by MQTT; `body` is base64.

        The answer has `busy`, why nothing can be said to be taken; or how many `readings` it was,
        how many messages wait for a codec (`later`), and what is in the `quarantine`, and why.
        """
        origin = self._pushers.origin(str(request.get("key", "")), self._clock.now())
        message = _message(request)
        size = len(message.payload)
        if self._waiting + size > MOST_WAITING:
            return {"busy": "too much waits for the disk already"}
        self._waiting += size
        try:
            async with asyncio.timeout(PATIENCE):
                done = await self._ingest.deliver(origin, [message])
        except TimeoutError:
            return {"busy": self._ingest.problem or "the disk takes nothing at the moment"}
        finally:
            self._waiting -= size
        quarantine = [
            {"reason": one.reason, "detail": one.detail, "cure": one.cure} for one in done.rejected
        ]
        return {"readings": done.readings, "later": done.later, "quarantine": quarantine}


def _message(request: Mapping[str, Any]) -> Publish:
    try:
        topic = str(request["topic"]).encode()
        body = base64.b64decode(request["body"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ControlError("topic or body is missing", "Send both, the body as base64") from error
    if not 0 < len(topic) < 1 << 16 or len(body) > LARGEST:
        raise ControlError(
            "the message is too large", f"Send at most {LARGEST:,} bytes, in several messages"
        )
    return Publish(topic, body)
