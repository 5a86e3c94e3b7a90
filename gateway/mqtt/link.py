"""The contract between whoever receives MQTT messages and whoever stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.device import Origin
    from gateway.mqtt.packets import Publish


class Link(Protocol):
    """One way by which messages arrive: a broker we joined, or a client that connects to us.

    All its methods are called from the event loop's own thread.
    """

    @property
    def name(self) -> str:
        """What it is called: the same after a reconnect, and no other sender's."""
        ...

    @property
    def origin(self) -> Origin:
        """Whose devices speak here, and by which way."""
        ...

    @property
    def generation(self) -> int:
        """Which connection this is: another after every reconnect."""
        ...

    @property
    def window(self) -> int:
        """How many messages its sender is likely to have under way.

        Of so many is remembered what came under their packet ids, so that one sent again is
        recognised.
        """
        ...

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> None:
        """Tell the sender that these messages are safe.

        Call it only after the commit that holds them, and in the order received.
        `generation` is the one that was current when they were received; of an earlier
        connection nothing is sent, since those messages come again.
        """
        ...

    def pause(self) -> None:
        """Stop reading: memory stays bounded by this alone. What was read is still delivered."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...


class Intake(Protocol):
    """Takes what arrives."""

    def receive(self, link: Link, publishes: list[Publish]) -> int:
        """Take messages in the order of their arrival, from the event loop's thread.

        Return how many of them will be acknowledged. Note `link.generation` now, for the
        acknowledgement. A message at QoS 0 has packet
        id 0 and wants none. After `link.pause()` at most one read buffer more may come.
        Whatever this raises ends the receiver's `run()`.
        """
        ...
