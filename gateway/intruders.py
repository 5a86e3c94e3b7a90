"""Alerts about those who try what they may not, or disturb each other: over when they stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.reading import DeviceKey
    from gateway.clock import Clock
    from gateway.listener.displacing import Rivals
    from gateway.own_alerts import OwnAlerts

LISTENER = "listener/"
"""How the source of what comes over our listener begins."""
IDENTITY = "identity"
CREDENTIALS = "credentials"
CLIENT_ID = "client-id"
LONGEST_ID = 64
"""Characters of a client id that are shown."""
FORGIVEN = 600_000
"""Such an alert ends so many ms after the last attempt."""


class Intruders:
    """Who spoke for foreign devices, and whether credentials are being guessed.

    Their times are not kept: what is open at the end of a run is open for ten minutes of the next.
    """

    def __init__(self, alerts: OwnAlerts, clock: Clock) -> None:
        """Take up what was open when the last run ended."""
        self._alerts = alerts
        self._clock = clock
        # By the alert's subject: when it was tried last, on the monotonic clock.
        self._tried = {
            one.channel: clock.monotonic()
            for one in alerts.open_alerts
            if one.channel.startswith((f"{IDENTITY} ", CREDENTIALS, f"{CLIENT_ID} "))
        }

    def spoke_for(self, device: DeviceKey, source: str) -> None:
        """Know that a source spoke for a device for which it may not speak."""
        way, _, name = source.rpartition("/" if source.startswith(LISTENER) else ":")
        cure = {
            "listener": "See `holdwatch device credentials`. If it is right, name all that it may: "
            f"`holdwatch device change {name} --may-speak-for …`.",
            "http": f"See `holdwatch key list`. If it is right, revoke the key {name}, and add it "
            "again with all that it may: `--push …`.",
            "poll": f"If it is right, add it to `speaks_for` of the poll {name} in the settings.",
        }.get(
            way, f"If it is right, add it to `speaks_for` of the broker {source} in the settings."
        )
        self._report(
            f"{IDENTITY} {source}",
            f"{source} spoke for {device}, for which it may not speak",
            f"Its messages lie in the quarantine. {cure}",
        )

    def guessed(self, address: str) -> None:
        """Know that too many wrong credentials came from an address."""
        self._report(
            CREDENTIALS,
            f"too many wrong credentials came from {address}: it is turned away for a while",
            "Look for a sensor there with an old or mistyped token. `holdwatch device add` makes "
            "a new one.",
        )

    def displaced(self, rivals: Rivals) -> None:
        """Know that devices throw each other out, since they have one client id."""
        who = f"client id {rivals.client_id[:LONGEST_ID]!r} of {rivals.principal}"
        if len(rivals.addresses) > 1:
            used = f"is used by {len(rivals.addresses)} addresses, {', '.join(rivals.addresses)}"
        else:
            used = f"comes from {rivals.addresses[0]} anew while it is still connected"
        self._report(
            f"{CLIENT_ID} {rivals.principal}",
            f"{who} {used}: each connection ends the one before, again and again",
            "Give each device a client id of its own, and better a credential too: `holdwatch "
            "device add`. Where it is one device alone, its network fails.",
        )

    def check(self) -> None:
        """End the alerts of those who have stopped."""
        now = self._clock.monotonic()
        for subject, last in list(self._tried.items()):
            if now - last >= FORGIVEN:
                del self._tried[subject]
                self._alerts.report(subject, None)

    def _report(self, subject: str, problem: str, note: str) -> None:
        self._tried[subject] = self._clock.monotonic()
        self._alerts.report(subject, problem, "warning", note)
