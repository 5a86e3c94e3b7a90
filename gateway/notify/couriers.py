"""All channels of a gateway: their couriers, their tests, and what of them is an alert."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from gateway.brokers import broker_settings
from gateway.database import DiskError, FileError
from gateway.notify.apprise import Apprise
from gateway.notify.courier import Courier
from gateway.notify.mail import Mail
from gateway.notify.message import Line, Message, message_id
from gateway.notify.mqtt import Mqtt
from gateway.notify.outbox import Outbox
from gateway.notify.webhook import Webhook
from gateway.notify.wording import Wording
from gateway.refusal import ControlError
from gateway.settings import channels as settings
from rules.duration import DAY, HOUR, format_duration

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.clock import Clock
    from gateway.notify.channel import Channel
    from gateway.notify.message import Occasion
    from gateway.settings.channels import AnyChannel
    from rules.alert import Alert

log = structlog.get_logger()

TICK = 1.0
"""Seconds between looks at what is wrong."""
UNRECORDED = 10_000
"""An alert about the gateway that is not on record after so many ms is told without a record."""
PRUNE = HOUR
"""ms between looks for messages that are old."""
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked up, not bound
"""A page on all addresses of a machine does not say by which others find it."""
YEAR = 365 * DAY
NAMED = 3
"""Alerts that are named where the text must be short."""


class Report(Protocol):
    """Says that something is wrong, or with None right again, as OwnAlerts does."""

    def __call__(self, subject: str, problem: str | None, severity: str = ..., /) -> None:
        """See OwnAlerts.report."""
        ...


class Couriers:
    """The couriers of all channels; also a Publisher, for alerts that cannot be recorded."""

    name = "channels"

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        channels: Sequence[tuple[Channel, AnyChannel]],
        report: Report,
    ) -> None:
        """`channels`: each with its section of the settings."""
        self.outbox = outbox
        self._clock = clock
        self._report = report
        self._sections = {section.name: section for _, section in channels}
        self._channels = [channel for channel, _ in channels]
        self._couriers = {
            channel.name: Courier(channel, outbox, clock, give_up=section.give_up)
            for channel, section in channels
        }
        self._unproven: list[tuple[Alert, int]] = []
        self._next_prune = 0

    def parts(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs side by side, by name."""
        for courier in self._couriers.values():
            yield f"channel {courier.name}", courier.run()
        for channel in self._channels:
            if isinstance(channel, Mqtt):
                yield f"shown {channel.name}", channel.run()
        yield "channels", self.run()

    def kick(self) -> None:
        """Look for messages now: some were put into the outbox."""
        for courier in self._couriers.values():
            courier.wake()

    def problem(self, channel: str) -> str | None:
        """Return why nobody is told by a channel, None while nothing is known to be wrong."""
        return self._couriers[channel].problem

    async def test(self, channel: str, who: str) -> Message:
        """Put a test into the outbox, have it sent at once, and return it.

        One that could not be sent yet is tried again instead.

        What comes of it is in the outbox like that of any other message. Raises ControlError where
        there is no such channel, DiskError.
        """
        courier = self._couriers.get(channel)
        if courier is None:
            known = ", ".join(self._couriers) or "none: add [[channels]] to the settings"
            raise ControlError(f"there is no channel {channel!r}", f"Known here: {known}")
        failing = self.outbox.failing_test(channel)
        if failing is not None:
            # One is enough: a hundred would all arrive when the channel is well again.
            courier.hurry()
            return failing
        message = Message(
            id=f"msg_{token_hex(12)}", channel=channel, made=self._clock.now(), test=who
        )
        async with self.outbox.state.writing():
            self.outbox.put(message)
        courier.hurry()
        return message

    # -- what is wrong -----------------------------------------------------------------------

    async def run(self) -> None:
        """Look at what is wrong, tell what cannot be recorded, and tidy up, for ever."""
        while True:
            self.check()
            self._tell_unrecorded()
            if self._clock.monotonic() >= self._next_prune:
                self._next_prune = self._clock.monotonic() + PRUNE
                await self.tidy()
            await asyncio.sleep(TICK)

    def check(self) -> None:
        """Raise and clear the alerts about channels."""
        for name, courier in self._couriers.items():
            self._report(f"channel {name}", courier.problem, "warning")
            if self._clock.trusted():
                self._check_test(courier)

    def _check_test(self, courier: Courier) -> None:
        every, last = self._sections[courier.name].test_every, courier.standing.test
        length = self._clock.now() - (courier.standing.since if last is None else last)
        problem = None
        if every and last is None:
            problem = f"the channel {courier.name} was never tested; test it: alarms must be heard"
        elif every and length >= every:
            problem = (
                f"the channel {courier.name} was not tested for {format_duration(every)}: alarms "
                "must be tested regularly"
            )
        severity = "warning" if length >= YEAR else "info"
        self._report(f"test {courier.name}", problem, severity)

    async def tidy(self) -> None:
        """Drop what is old, and end what waits for channels that are no more."""
        outbox, now = self.outbox, self._clock.now()
        try:
            gone = [one for one in outbox.count_waiting() if one not in self._couriers]
            async with outbox.state.writing():
                for channel in gone:
                    left = [one.message.id for one in outbox.waiting(channel, 10_000)]
                    outbox.end(left, "given up", "the settings name no such channel any more", now)
                # A clock that is wrong must not make old what is young.
                more = self._clock.trusted() and outbox.prune(now) > 0
        except (DiskError, FileError) as error:
            log.warning("old messages stay for now", problem=str(error))
            return
        if more:
            self._next_prune = 0

    # -- without a record --------------------------------------------------------------------

    async def publish(self, alerts: Sequence[Alert]) -> None:
        """Tell of alerts about the gateway, should they not be on record soon.

        They may be about the disk that they should be recorded on.
        """
        since = self._clock.monotonic()
        self._unproven += [(one, since) for one in alerts if one.severity != "info"]

    def _tell_unrecorded(self) -> None:
        now, left = self._clock.monotonic(), []
        for alert, since in self._unproven:
            if self._recorded(alert):
                continue
            if now - since < UNRECORDED and self.outbox.state.problem is None:
                left.append((alert, since))
                continue
            occasion: Occasion = "fired" if alert.ended is None else "resolved"
            for name, courier in self._couriers.items():
                if alert.channel != f"channel {name}":
                    courier.tell(
                        Message(
                            id=message_id(name, [(alert.id, occasion, 0)]),
                            channel=name,
                            made=self._clock.now(),
                            lines=(Line(alert=alert, occasion=occasion),),
                        )
                    )
        self._unproven = left

    def _recorded(self, alert: Alert) -> bool:
        try:
            known = self.outbox.state.alert(alert.id)
        except (DiskError, FileError):
            return False
        return known is not None and (known.ended is not None) >= (alert.ended is not None)


def couriers_of(gateway: Gateway, *, sends: bool) -> Couriers:
    """Return the couriers of a gateway's channels; without `sends` none, and nothing is sent."""
    sections = gateway.settings.channels if sends else ()
    outbox = Outbox(gateway.state)

    def report(subject: str, problem: str | None, severity: str = "warning", /) -> None:
        gateway.own_alerts.report(subject, problem, severity)

    made = [(_channel(one, gateway, outbox), one) for one in sections]
    for channel, section in made:
        if isinstance(channel, Mqtt) and isinstance(section, settings.Mqtt):
            gateway.brokers.on_join(section.broker, channel.joined)
    return Couriers(outbox, gateway.clock, made, report)


def _channel(section: AnyChannel, gateway: Gateway, outbox: Outbox) -> Channel:
    """Return the channel that a section of the settings tells of."""
    wording, clock = _wording(section, gateway), gateway.clock
    match section:
        case settings.Email():
            return Mail(section, lambda message: wording.words(message, clock.now()))
        case settings.Webhook():
            return Webhook(section, wording, clock)
        case settings.Apprise():
            return Apprise(section, lambda message: wording.words(message, clock.now(), NAMED))
        case settings.Mqtt():
            (broker,) = (one for one in gateway.settings.brokers if one.name == section.broker)
            return Mqtt(section, broker_settings(gateway.settings, broker), outbox, wording)


def _wording(section: AnyChannel, gateway: Gateway) -> Wording:
    known, web = gateway.settings.gateway, gateway.settings.web
    link = section.link or ""
    if not link and web is not None and not web.loopback and web.host not in _EVERYWHERE:
        link = web.url
    return Wording(known.box, known.timezone, gateway.settings.zone, link)
