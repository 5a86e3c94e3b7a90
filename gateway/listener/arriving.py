"""Which of the messages that came are new: of QoS 2, each is taken once, however often it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.listener import answers
from gateway.mqtt.wire import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.mqtt.packets import Publish


class Arrived(msgspec.Struct):
    """Messages that came in one piece, by what is to be done with them."""

    fresh: list[Publish]
    """To be handed on."""
    noted: dict[int, None] = msgspec.field(default_factory=dict)
    """Packet ids to hold, in order, once the messages are handed on: they are what we have."""
    repeated: list[int] = msgspec.field(default_factory=list)
    """Packet ids of what we have already, to be answered once more."""
    reused: list[int] = msgspec.field(default_factory=list)
    """Packet ids that were held, and are now those of messages of another QoS."""
    problem: ProtocolError | None = None
    """What is wrong with the message after these."""


def sort(messages: list[Publish], held: Collection[int], most: int | None) -> Arrived:
    """Sort a client's messages, up to one that breaks the protocol.

    `held` are the ids of QoS 2 that it has not released, of which it may have `most`. An id that
    is held and comes without the dup flag is a new message, of a client that has lost its memory:
    MQTT asks for the flag on whatever is sent again (3.3.1.1).
    """
    if not held and not [one for one in messages if one.qos == 2 or one.retain or one.properties]:
        # Nearly always: nothing else about a message matters here.
        return Arrived(messages)
    found = Arrived([])
    fresh, noted = found.fresh, found.noted
    try:
        for message in messages:
            # The client itself says it now: kept or not, it is no old value.
            message.retain = False
            if message.properties:
                answers.check_publish(message)
            packet_id = message.packet_id
            if message.qos == 2:
                known = packet_id in held or packet_id in noted
                if known and message.dup:
                    found.repeated.append(packet_id)
                    continue
                if most is not None and not known and len(held) + len(noted) >= most:
                    raise ProtocolError(  # noqa: TRY301 - as what the properties raise
                        answers.RECEIVE_MAXIMUM, "too many QoS 2 messages are unreleased"
                    )
                noted[packet_id] = None
            elif held and packet_id in held:
                found.reused.append(packet_id)
            fresh.append(message)
    except ProtocolError as error:
        found.problem = error
    return found
