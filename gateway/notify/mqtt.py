"""MQTT: a siren, a lamp, or whatever listens on a broker.

With a word for `firing` the channel shows how it stands: that word while any alert stands that was
told here, and the word for `resolved` once none does. So a lamp goes out with the last of them,
also where no message tells of that end; and after a start of ours or of the broker the retained
word is right again. With an empty word each message is published as JSON.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiomqtt
import structlog

from gateway.brokers import publishing_client
from gateway.database import DiskError, FileError
from gateway.notify.channel import NotSentError, clean
from gateway.notify.document import document
from gateway.notify.wording import OVER

if TYPE_CHECKING:
    from gateway.mqtt.subscriber import BrokerSettings
    from gateway.notify.message import Message
    from gateway.notify.outbox import Outbox
    from gateway.notify.wording import Wording
    from gateway.settings.channels import Mqtt as Section

log = structlog.get_logger()

TIMEOUT = 10
"""Seconds that a broker may take for one message."""
LOOK = 1.0
"""Seconds between looks at how it stands."""
AGAIN = 5.0
"""Seconds until the next attempt where the broker does not take it."""
TEST = 3.0
"""Seconds that a siren sounds for a test."""


class Mqtt:
    """Publishes to one topic of one broker."""

    kind = "mqtt"
    remark = ""

    def __init__(
        self,
        section: Section,
        broker: BrokerSettings,
        outbox: Outbox,
        wording: Wording,
        *,
        test: float = TEST,
    ) -> None:
        """`test`: seconds that a test stands."""
        self.name = section.name
        self._section = section
        self._broker = broker
        self._outbox = outbox
        self._wording = wording
        self._test = test
        self._shown: str | None = None
        """What the broker is known to hold; None: nobody knows."""
        self._seen = -1
        """The newest event when that was found out."""
        self._sent: Message | None = None
        # Two connections at a time would have one client id, and throw each other out.
        self._one_at_a_time = asyncio.Lock()

    def joined(self) -> None:
        """Publish how it stands again: the broker may have forgotten it."""
        self._shown = None

    async def send(self, message: Message) -> str:
        """Publish it. Raises NotSentError."""
        section = self._section
        async with self._one_at_a_time:
            # It counts from now on, and not only once our answer is on record.
            self._sent = message
            if not section.firing:
                await self._publish(document(message, self._wording))
                self._shown = message.id
            elif message.test:
                await self._publish(section.firing.encode())
                await asyncio.sleep(self._test)
                await self._show(self._word())
            else:
                await self._show(self._word())
        said = section.firing and f"{self._shown!r} "
        return clean(f"{self._broker.host} took {said}on {section.topic}")

    async def run(self) -> None:
        """Keep the broker at how it stands, for ever."""
        told = ""
        while True:
            try:
                async with self._one_at_a_time:
                    await self.look()
                told = ""
            except (NotSentError, DiskError, FileError) as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("not shown", channel=self.name, problem=told)
                await asyncio.sleep(AGAIN)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Publish how it stands, if the broker does not hold that. Raises NotSentError."""
        head = self._outbox.state.head
        if self._section.firing:
            if head != self._seen or self._shown is None:
                word = self._word()
                if word != self._shown:
                    await self._show(word)
                self._seen = head
        elif self._shown is None:
            # A reader of JSON has had it; only a broker that forgot it gets the last one again.
            last = self._outbox.last_sent(self.name) if self._section.retain else None
            if last is not None:
                await self._publish(document(last, self._wording))
            self._shown = last.id if last else ""

    def _word(self) -> str:
        """Return what the topic shall hold."""
        if self._outbox.standing(self.name):
            return self._section.firing
        for line in self._sent.lines if self._sent is not None else ():
            # It may be over by now, or not be on record, where the disk takes nothing.
            alert = self._outbox.state.alert(line.alert.id) or line.alert
            if line.occasion not in OVER and alert.ended is None:
                return self._section.firing
        return self._section.resolved

    async def _show(self, word: str) -> None:
        self._shown = None
        await self._publish(word.encode())
        self._shown = word

    async def _publish(self, payload: bytes) -> None:
        section, broker = self._section, self._broker
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                publishing_client(broker, f"channel-{self.name}", TIMEOUT) as client,
            ):
                await client.publish(section.topic, payload, qos=1, retain=section.retain)
        except (aiomqtt.MqttError, OSError) as error:
            secrets = (broker.password,) if broker.password else ()
            said = str(error) or f"no answer within {TIMEOUT} s"
            problem = clean(f"broker {broker.name}: {said}", secrets)
            raise NotSentError(problem, again=True) from None
