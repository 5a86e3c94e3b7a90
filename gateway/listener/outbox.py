"""One client's subscriptions to what Holdwatch publishes, and how far it has got.

An outbox is a follower of events with a cursor, not a queue of messages. What it holds is
bounded by its filters, its window and a page of changes, however much happens while the client
does not read. Messages are made when they are sent, so a client that was away gets the latest
of each alert that changed, and an alert that has closed as an empty message.

What goes out first: alerts that are not recorded yet, the status, changes, and then retained
messages for new subscriptions. A message that was not acknowledged when the connection ended
is made anew in the next one, from the cursor, under a packet id of its own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gateway.database import DiskError
from gateway.mqtt.packets import V5, Publish, Subscription
from gateway.mqtt.topic import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devices.reading import DeviceKey
    from gateway.listener.announcer import Announcer, Change
    from gateway.listener.principal import Principal

WINDOW = 20
"""QoS 1 messages that may wait for their PUBACK, at most."""
FILTERS = 50
"""Topic filters of one client, at most."""
LONGEST_FILTER = 256
"""Characters of a topic filter: each is kept, in memory and in the journal."""
TURN = 100
"""Steps taken at a time, before others have their turn."""

REFUSED = 0x80
"""In the SUBACK of MQTT 3.1.1; the reasons below are of MQTT 5."""
NOT_AUTHORIZED = 0x87
INVALID_FILTER = 0x8F
QUOTA_EXCEEDED = 0x97
SHARED_NOT_SUPPORTED = 0x9E
NO_SUBSCRIPTION = 0x11

DELIVERED = 2
"""The retain handling that asks for no retained messages: these have been delivered."""


class Retained:
    """Retained messages that are owed to the filters of one SUBSCRIBE."""

    __slots__ = ("after", "filters", "sent", "under_way")

    def __init__(self, filters: set[str]) -> None:
        self.filters = filters
        self.after: str | None = None
        """The last topic of an alert that was looked at; None: not even the status."""
        self.sent = False
        self.under_way = 0


class UnderWay(NamedTuple):
    """What a message that is not acknowledged rests on: an event's number, or 0, and a debt."""

    number: int = 0
    retained: Retained | None = None


class Grant(NamedTuple):
    """How a message is sent."""

    qos: int
    retain: bool


class Outbox:
    """What one connection is sent."""

    def __init__(  # noqa: PLR0913 - a connection has so many sides
        self,
        announcer: Announcer,
        principal: Principal,
        send: Callable[[Publish], None],
        *,
        window: int,
        version: int,
        cursor: int | None,
        subscriptions: Iterable[Subscription] = (),
    ) -> None:
        """Begin now (`cursor` None), or where a session ended: with its subscriptions.

        `window` is the client's Receive Maximum, `version` V311 or V5. A resumed session gets
        the status in any case, since nobody knows which one it has seen.
        """
        self.subscriptions = {one.topic_filter: one for one in subscriptions}
        """As granted, by filter. While retained messages are owed, the retain handling is 0."""
        self.blocked = False
        """Set by the connection while its client does not take what is written."""
        self._announcer = announcer
        self._principal = principal
        self._send = send
        self._window = min(window, WINDOW)
        self._version = version
        self._under_way: dict[int, UnderWay] = {}
        self._packet_id = 0
        # Changes that are read and not sent, and the event up to which they were read.
        self._changes: deque[Change] = deque()
        self._read = announcer.head if cursor is None else min(cursor, announcer.head)
        self._heard = announcer.serial if cursor is None else 0
        self._status = announcer.status(principal.owner) if cursor is None else b""
        owed = {name for name, one in self.subscriptions.items() if one.retain_handling == 0}
        self._owed = [Retained(owed)] if owed else []

    @property
    def cursor(self) -> int:
        """The last event before the first one that is neither delivered nor superseded."""
        numbers = [one.number for one in self._under_way.values() if one.number]
        if self._changes:
            numbers.append(self._changes[0].number)
        return min(numbers) - 1 if numbers else self._read

    # -- what the client asks ----------------------------------------------------------------

    def subscribe(self, wanted: Sequence[Subscription]) -> tuple[int, ...]:
        """Return the codes for the SUBACK: QoS 0 or 1, or a refusal. Nothing is sent yet."""
        owed: set[str] = set()
        codes = []
        for one in wanted[:FILTERS]:
            name = one.topic_filter
            refusal = self._refusal(name)
            if refusal is not None:
                codes.append(refusal if self._version == V5 else REFUSED)
                continue
            before = self.subscriptions.get(name)
            asked = one.retain_handling == 0 or (one.retain_handling == 1 and before is None)
            if asked:
                owed.add(name)
            handling = 0 if asked or (before and before.retain_handling == 0) else DELIVERED
            codes.append(min(one.qos, 1))
            self.subscriptions[name] = msgspec.structs.replace(
                one, qos=codes[-1], retain_handling=handling
            )
        if owed:
            self._forgive(owed)
            self._owed.append(Retained(owed))
        # More of them at once are not even looked at.
        beyond = QUOTA_EXCEEDED if self._version == V5 else REFUSED
        return (*codes, *[beyond] * (len(wanted) - FILTERS))

    def unsubscribe(self, topic_filters: Sequence[str]) -> tuple[int, ...]:
        """Return the codes for the UNSUBACK; from now on nothing more is sent for these."""
        codes = []
        for name in topic_filters:
            known = self.subscriptions.pop(name, None)
            codes.append(NO_SUBSCRIPTION if known is None else 0)
        self._forgive(set(topic_filters))
        return tuple(codes)

    def acknowledged(self, packet_id: int) -> bool:
        """Take a PUBACK; False if that message was not under way."""
        done = self._under_way.pop(packet_id, None)
        if done is None:
            return False
        if done.retained is not None:
            done.retained.under_way -= 1
            self._settle(done.retained)
        return True

    def _refusal(self, name: str) -> int | None:
        if name.startswith("$share/"):
            return SHARED_NOT_SUPPORTED
        if len(name) > LONGEST_FILTER:
            return INVALID_FILTER
        if name not in self.subscriptions and len(self.subscriptions) >= FILTERS:
            return QUOTA_EXCEEDED
        if not self._announcer.offers(name, status=self._principal.sees_all):
            return NOT_AUTHORIZED
        return None

    # -- sending -----------------------------------------------------------------------------

    def pump(self) -> None:
        """Send what there is, as far as the window and the connection allow."""
        try:
            for _ in range(TURN):
                if self.blocked or not self._step():
                    return
        except DiskError as error:
            self._announcer.again(error)
        else:
            self._announcer.more()

    def _step(self) -> bool:
        """Go one step; False if there is nothing to send, or no room for it.

        Each of these notes what it sends before it does: sending may fill the connection, which
        then asks for the cursor.
        """
        return self._tell() or self._tell_status() or self._tell_change() or self._tell_retained()

    def _tell(self) -> bool:
        """Send an alert that is not recorded yet. Its event will come, and be sent too."""
        told = self._announcer.told_after(self._heard)
        if told is None:
            return False
        seen = self._sees(told.alert.device, own=True)
        grant = self._wanted(told.topic) if seen else None
        if not self._room(grant):
            return False
        self._heard = told.serial
        self._give(told.topic, self._announcer.message(told.topic), grant)
        return True

    def _tell_status(self) -> bool:
        """Send the status if it has changed."""
        if not self._principal.sees_all:
            return False
        status = self._announcer.status(self._principal.owner)
        grant = self._wanted(self._announcer.status_topic)
        if status == self._status or not self._room(grant):
            return False
        self._status = status
        self._give(self._announcer.status_topic, status, grant)
        return True

    def _tell_change(self) -> bool:
        """Send the next change, unless a later one has superseded it."""
        if not self.subscriptions:
            self._changes.clear()
            self._read = self._announcer.head
            return False
        if not self._changes:
            if self._read == self._announcer.head:
                return False
            changes, self._read = self._announcer.since(self._read)
            self._changes.extend(changes)
            return True
        change = self._changes[0]
        message = self._announcer.message(change.topic)
        seen = hash(message) == change.digest and self._sees(change.device, own=change.own)
        grant = self._wanted(change.topic) if seen else None
        if not self._room(grant):
            return False
        self._changes.popleft()
        self._give(change.topic, message, grant, UnderWay(change.number))
        return True

    def _tell_retained(self) -> bool:
        """Send the next retained message that is owed: the status, then open alerts."""
        owed = next((one for one in self._owed if not one.sent), None)
        if owed is None:
            return False
        if owed.after is None:
            topic = self._announcer.status_topic
            message = self._announcer.status(self._principal.owner)
            seen, after = self._principal.sees_all, ""
        else:
            found = self._announcer.open_after(owed.after)
            if found is None:
                owed.sent = True
                self._settle(owed)
                return True
            topic, shown = found
            message, after = shown.message, topic
            seen = self._sees(shown.device, own=shown.own)
        grant = self._wanted(topic, owed.filters) if seen else None
        if not self._room(grant):
            return False
        owed.after = after
        if grant is not None:
            self._give(topic, message, Grant(grant.qos, retain=True), UnderWay(retained=owed))
        return True

    def _sees(self, device: DeviceKey, *, own: bool) -> bool:
        """Whether the client may see an alert of this device; `own`: of the gateway itself."""
        principal = self._principal
        return principal.may_see(device) and (principal.sees_all or not own)

    def _wanted(self, topic: str, filters: Iterable[str] | None = None) -> Grant | None:
        """Return how a topic is to be sent: once, at the highest QoS of what matches it."""
        names = self.subscriptions if filters is None else filters
        found = [self.subscriptions[one] for one in names if matches(one, topic)]
        if not found:
            return None
        retain = self._version == V5 and any(one.retain_as_published for one in found)
        return Grant(max(one.qos for one in found), retain)

    def _room(self, grant: Grant | None) -> bool:
        return grant is None or grant.qos == 0 or len(self._under_way) < self._window

    def _give(
        self, topic: str, message: bytes, grant: Grant | None, rests_on: UnderWay | None = None
    ) -> None:
        """Send a message if it is wanted; for QoS 1, note what its PUBACK will mean."""
        if grant is None:
            return
        packet_id = 0
        if grant.qos:
            packet_id = self._free_id()
            self._under_way[packet_id] = rests_on or UnderWay()
            if rests_on is not None and rests_on.retained is not None:
                rests_on.retained.under_way += 1
        self._send(Publish(topic.encode(), message, packet_id, grant.qos, grant.retain))

    def _free_id(self) -> int:
        while True:
            self._packet_id = self._packet_id % 65_535 + 1
            if self._packet_id not in self._under_way:
                return self._packet_id

    # -- retained messages that are owed -----------------------------------------------------

    def _forgive(self, filters: set[str]) -> None:
        """Owe nothing to these filters any more: they are gone, or begin again."""
        for one in self._owed:
            one.filters -= filters
        self._owed = [one for one in self._owed if one.filters]

    def _settle(self, owed: Retained) -> None:
        """Note what has been delivered, so that a resumed session does not begin again."""
        if not owed.sent or owed.under_way or owed not in self._owed:
            return
        self._owed.remove(owed)
        for name in owed.filters:
            self.subscriptions[name] = msgspec.structs.replace(
                self.subscriptions[name], retain_handling=DELIVERED
            )
