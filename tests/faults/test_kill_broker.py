"""Row 4: the broker is killed, restarted, away for a while; and so are both at once.

What we acknowledged is never lost. What the broker acknowledged to the devices and never gave
us is its own loss: it is measured here, and shown.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.broker import Broker
from tests.faults.publisher import Publisher
from tests.faults.running import Running, until
from tests.faults.standin import Sent
from tests.faults.tap import Tap
from tests.faults.test_power_cut import read_all

RATE = 200
Note = Callable[[str, object], None]


class Scene:
    """A publisher, a broker, a tap and a gateway."""

    def __init__(self, folder: Path, broker: Broker, *faults: str, interval: str) -> None:
        self.broker = broker
        self.publisher = Publisher(broker.port, RATE)
        self.tap = Tap(broker.port)
        self.folder = folder
        self.faults = faults
        self.interval = interval

    async def start(self) -> None:
        await self.tap.start()
        self.gateway = Running(self.folder, self.tap.port, *self.faults, interval=self.interval)
        self.gateway.start()
        await self.gateway.joins()
        self.publisher.start()

    async def flows(self, count: int = 60) -> None:
        """Wait until so many more were acknowledged to the broker, and to the publisher."""
        ours, theirs = len(self.tap.acknowledged), len(self.publisher.acknowledged)
        await until(
            lambda: (
                len(self.tap.acknowledged) >= ours + count
                and len(self.publisher.acknowledged) >= theirs + count
            ),
            f"{count} more are acknowledged",
            # The more often a broker goes, the longer the gateway waits before it asks again.
            within=90.0,
        )

    async def close(self) -> None:
        self.gateway.kill()
        await self.publisher.stop()
        await self.tap.stop()

    async def end(self) -> tuple[list[str], int]:
        """Let it come to rest. Return what is wrong, and how many the broker lost."""
        await self.publisher.stop()
        acknowledged = -1
        while acknowledged != len(self.tap.acknowledged):
            acknowledged = len(self.tap.acknowledged)
            await asyncio.sleep(0.5)
        self.gateway.stop()
        journal = self.gateway.journal()
        stored = Counter(Sent(one.device.id, one.identity) for one in read_all(journal))
        journal.close()
        wrong = [f"lost {one}" for one in self.tap.acknowledged if one not in stored]
        wrong += [f"stored {n} times: {one}" for one, n in stored.items() if n > 1]
        never = set(self.publisher.acknowledged) - self.tap.delivered
        return wrong, len(never)


@asynccontextmanager
async def scene(
    folder: Path, *faults: str, interval: str = "20 ms", persistent: bool = True
) -> AsyncIterator[Scene]:
    # It saves its sessions once a second: what it acknowledged since is what it can lose.
    settings = "autosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 0"
    with Broker(folder, settings, persistent=persistent) as broker:
        made = Scene(folder, broker, *faults, interval=interval)
        try:
            await made.start()
            yield made
        finally:
            await made.close()


async def test_a_broker_that_comes_and_goes_loses_nothing_of_what_we_acknowledged(
    tmp_path: Path, record_property: Note, *, long_run: bool
) -> None:
    async with scene(tmp_path) as one:
        for _ in range(8 if long_run else 1):
            await one.flows()
            one.broker.kill()
            await asyncio.sleep(0.2)
            one.broker.start()
        await one.flows()
        one.broker.stop()
        await one.gateway.becomes(
            lambda status: status["brokers"]["main"]["state"] != "connected", "it is told"
        )
        one.broker.start()
        broker = await one.gateway.joins()
        assert "in the session it kept for us" in broker["detail"]
        await one.flows()
        wrong, lost = await one.end()
    assert wrong == []
    record_property("lost_by_the_broker", lost)
    print(  # noqa: T201 - the report
        f"of {len(one.publisher.acknowledged)} that the broker acknowledged it lost {lost}; of "
        f"{len(one.tap.acknowledged)} that we acknowledged we lost 0"
    )


async def test_a_broker_that_forgot_us_is_shown_to_have_done_so(tmp_path: Path) -> None:
    async with scene(tmp_path, persistent=False) as one:
        await one.flows(20)
        one.broker.kill()
        await one.gateway.becomes(
            lambda status: status["brokers"]["main"]["state"] != "connected", "it is told"
        )
        one.broker.start()
        assert "in a new session: it had kept nothing" in (await one.gateway.joins())["detail"]
        await one.flows(20)
        wrong, _ = await one.end()
    assert wrong == []


async def killed_together(folder: Path, *faults: str) -> list[str]:
    # Messages wait long for their commit, so that a kill finds some waiting.
    async with scene(folder, *faults, interval="500 ms") as one:
        await one.flows()
        await asyncio.sleep(0.3)
        one.gateway.kill()
        one.broker.kill()
        one.broker.start()
        one.gateway.start()
        await one.flows()
        wrong, _ = await one.end()
        return wrong


async def test_nothing_is_lost_when_both_are_killed_at_once(tmp_path: Path) -> None:
    assert await killed_together(tmp_path) == []


async def test_a_build_that_acknowledges_before_its_commit_is_caught(tmp_path: Path) -> None:
    wrong = await killed_together(tmp_path, "--acknowledge-early")
    assert [one for one in wrong if one.startswith("lost")]
