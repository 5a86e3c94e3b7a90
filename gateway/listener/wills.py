"""What clients wanted to be said of them when they are lost, until it is said or has no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.mqtt.codec import Publish

if TYPE_CHECKING:
    from gateway.listener.client import Client
    from gateway.listener.sessions import Sessions
    from gateway.mqtt.link import Intake

log = structlog.get_logger()


class Wills:
    """The wills of clients that are gone. Times are seconds of the loop's clock."""

    def __init__(self, intake: Intake, sessions: Sessions) -> None:
        self.waiting: dict[str, tuple[Client, float]] = {}
        """By the client's name: it, and when its will is due."""
        self._intake = intake
        self._sessions = sessions

    def left(self, client: Client, now: float, *, back: bool) -> None:
        """Take up the will of a client that was lost; `back`: its session has another already."""
        entered = client.entered
        if entered is None:
            return
        delay = min(entered.will_delay, entered.session.keep / 1000)
        if self._is_over(client):
            delay = 0
        elif delay and back:
            # It goes on already.
            entered.will = None
        if entered.will is not None:
            self.waiting[client.name] = client, now + delay
            if not delay:
                self._speak(client)

    def entered(self, client: Client) -> None:
        """Know that a client of this name is there again."""
        before = self.waiting.get(client.name)
        if before is None or client.entered is None:
            return
        if client.entered.opened.present:
            # It is back before its will was due: MQTT 5, 3.1.3.2.2.
            del self.waiting[client.name]
        else:
            # The session ends here, and nothing of it waits longer.
            self._speak(before[0])

    def look(self, now: float) -> None:
        """Say what is due."""
        for client, due in list(self.waiting.values()):
            if now >= due or self._is_over(client):
                self._speak(client)

    def forget(self, principal: str) -> None:
        """Say nothing for a principal any more."""
        for name, (client, _) in list(self.waiting.items()):
            if client.entered is not None and client.entered.principal.name == principal:
                del self.waiting[name]

    def _is_over(self, client: Client) -> bool:
        """Whether the session of a client that is gone has ended early: so has its will's delay."""
        if client.entered is None:
            return True
        session = client.entered.session
        return not session.keep or self._sessions.get(session.key) is not session

    def _speak(self, client: Client) -> None:
        """Take a client's will in like a message of its own.

        A mistake of ours in it costs nobody else anything, as where messages are received. Nobody
        was promised a will.
        """
        del self.waiting[client.name]
        will = client.entered.will if client.entered else None
        if will is None:
            return
        try:
            self._intake.receive(client, [Publish(will.topic, will.payload)])
        except Exception:
            log.exception("a client's will could not be handled", client=client.name)
