"""What the tests of the durable core share: readings, a clock that is told the time, a link."""

from __future__ import annotations

from collections.abc import Sequence

from devices.device import Origin
from devices.reading import DeviceKey, Reading, layout, reading
from gateway.clock import RELEASED, Clock
from gateway.mqtt.packets import Publish

NOW = RELEASED + 3_600_000
"""A time at which the clock is trusted, ms."""
TEMPERATURE = layout(("temperature",))
CLIMATE = layout(("humidity", "temperature"))


class ToldClock(Clock):
    """A clock that stands still until it is told."""

    def __init__(self, now: int = NOW) -> None:
        self.wall = now
        self.ticks = 1_000_000
        super().__init__(kept=lambda: False, battery=lambda: True)

    def _wall(self) -> int:
        return self.wall

    def now(self) -> int:
        return self.wall

    def trusted(self) -> bool:
        self._pass()
        return super().trusted()

    def monotonic(self) -> int:
        return self.ticks

    def passes(self, length: int) -> None:
        """Let so many ms pass."""
        self.wall += length
        self.ticks += length


def said(
    device: str = "d-1",
    at: int = NOW,
    value: float = 5.0,
    *,
    sequence: int | None = None,
    owner: str = "",
    source: str = "main",
    flags: int = 0,
    received: int | None = None,
) -> Reading:
    """Make a reading of a temperature."""
    return reading(
        device=DeviceKey(owner, device),
        at=at,
        received=at if received is None else received,
        layout=TEMPERATURE,
        values=(value,),
        sequence=sequence,
        source=source,
        flags=flags,
    )


class Line:
    """A link that notes what it is told to do."""

    def __init__(self, name: str = "main", owner: str = "") -> None:
        self.name = name
        self.origin = Origin(owner, name)
        self.window = 65_536
        self.generation = 1
        self.acknowledged: list[tuple[int, int]] = []
        self.paused = False

    def acknowledge(self, generation: int, packet_ids: Sequence[int]) -> None:
        self.acknowledged += [(generation, one) for one in packet_ids]

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


def publish(
    payload: str | bytes,
    packet_id: int = 1,
    *,
    topic: str = "cargo/site/d-1/readings",
    dup: bool = False,
    retain: bool = False,
) -> Publish:
    """Make a message at QoS 1."""
    content = payload.encode() if isinstance(payload, str) else payload
    return Publish(topic.encode(), content, packet_id, 1, retain, dup)
