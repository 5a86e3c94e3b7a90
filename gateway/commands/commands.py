"""What a person may ask of a gateway, running or not: the answers, as plain data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec

from devices.device import DecodeError
from devices.reading import WRONG_CLOCK, DeviceKey
from gateway import __version__
from gateway.alert_now import as_it_is
from gateway.commands.alert import AlertCommands, with_holders
from gateway.commands.backtest import BacktestCommands
from gateway.commands.backup import BackupCommands
from gateway.commands.consignment import consignment_commands
from gateway.commands.device import DeviceCommands, device_key
from gateway.commands.evidence import EvidenceCommands
from gateway.commands.identity import IdentityCommands
from gateway.commands.influx import InfluxCommands, reports
from gateway.commands.intake import IntakeCommands
from gateway.commands.notify import NotifyCommands
from gateway.commands.oidc import OidcCommands
from gateway.commands.people import PeopleCommands
from gateway.commands.push import PushCommands
from gateway.commands.registry import registry_commands
from gateway.commands.reload import ReloadCommands
from gateway.commands.verdict import VerdictCommands
from gateway.influxdb.names import cursor_name
from gateway.own_alerts import GRAVITY
from gateway.own_numbers import own_numbers
from gateway.people.acts import Acts
from gateway.refusal import ControlError
from gateway.report import longest_hold, report
from gateway.report_range import find_zone, time_range
from gateway.unwatched import Unwatched
from rules.duration import DAY
from rules.revision import withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.app import Gateway
    from gateway.live import Part
    from gateway.past import Known
    from rules.alert import Alert

LOOKED_AT = 2_000
"""Devices whose pending rules are listed; with more, alerts alone say enough."""

WORST = 5
"""Devices that are named of those whose messages lie in the quarantine."""

LOOKING = frozenset(
    {
        *("status", "health", "devices", "quarantine", "report", "alerts", "credentials"),
        *("user-list", "screen-list", "key-list", "audit", "influx-status", "influx-rejected"),
        "identity",
        *("device-show", "device-calibration", "device-export"),
        *("consignments", "consignment-show", "consignment-check", "consignment-export"),
        *("consignment-holds", "consignment-verdict", "consignment-report", "consignment-reports"),
        *("notify-channels", "notify-messages", "notify-routes", "mute-list"),
        "rules-backtest",
        "rules-diff",
        "backup-status",
    }
)
"""Commands that change nothing."""

UNTIL_LEFT = frozenset(
    {"influx-backfill", "influx-retry", "rules-backtest", "rules-diff", "backup", "take-readings"}
)
"""Commands that take long, and are over when whoever asked leaves: asked again, they go on."""


class Commands:
    """The commands of one gateway, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        listener = gateway.listener
        devices = DeviceCommands(
            gateway.settings.gateway.owner,
            gateway.principals,
            gateway.admission,
            gateway.journal,
            state=gateway.state,
            clock=gateway.clock,
            connected=listener.connected if listener is not None else dict,
            replaced_by=gateway.registry.replaced_by,
        )
        people = PeopleCommands(
            gateway.state,
            gateway.clock,
            people=gateway.people,
            logins=gateway.logins,
            screens=gateway.screens,
            api_keys=gateway.api_keys,
        )
        alerts = AlertCommands(
            gateway.settings.gateway.owner,
            Acts(gateway.state),
            gateway.ingest.raw,
            gateway.journal,
            gateway.clock,
        )
        self._unwatched = Unwatched(
            gateway.settings.rules,
            gateway.monitor.engine,
            gateway.journal.devices,
            gateway.clock,
            replaced=lambda device: gateway.registry.replaced_by(device) is not None,
            stands_for=gateway.registry.stands_for,
            sent=self._sent,
        )
        gateway.reloading.on_switch.append(lambda: self._unwatched.use(gateway.settings.rules))
        self._notify = NotifyCommands(gateway)
        self.by_name = {
            "status": self.status,
            "health": self.health,
            "alerts": self.alerts,
            "report": self.report,
            "watch": self.watch,
            **devices.by_name,
            **registry_commands(gateway),
            **consignment_commands(gateway),
            **VerdictCommands(gateway.desk).by_name,
            **EvidenceCommands(gateway).by_name,
            **IntakeCommands(gateway).by_name,
            **InfluxCommands(gateway).by_name,
            **IdentityCommands(gateway).by_name,
            **alerts.by_name,
            **BacktestCommands(gateway).by_name,
            **BackupCommands(gateway).by_name,
            **people.by_name,
            **OidcCommands(gateway).by_name,
            **self._notify.by_name,
            **ReloadCommands(gateway).by_name,
            **PushCommands(gateway.ingest, gateway.pushers, gateway.clock).by_name,
        }

    async def answer(self, request: dict[str, Any], progress: Callable[[int, int], None]) -> Any:  # noqa: ANN401 - whatever the command answers
        """Do one command. Raises ControlError."""
        command = self.by_name.get(request.get("do", ""))
        if command is None:
            raise ControlError("there is no such command", f"Use one of {', '.join(self.by_name)}")
        try:
            answer = await command(request, progress)
            if isinstance(answer, AsyncIterator):
                return answer
            return msgspec.to_builtins(answer)
        except DecodeError as error:
            raise ControlError(error.detail, error.cure) from error

    async def watch(self, _request: Mapping[str, Any], _progress: object) -> AsyncIterator[Part]:
        """How every device stands, and then what changes, for ever."""
        return self._gateway.live.watch(self._gateway.journal.devices())

    async def status(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """How everything stands, worst alerts first."""
        gateway = self._gateway
        judged = (*gateway.monitor.open_alerts, *gateway.freight.monitor.open_alerts)
        open_alerts = map(self._as_it_is, judged)
        reviews = gateway.desk.review.open_alerts
        alerts = [*gateway.own_alerts.open_alerts, *reviews, *open_alerts]
        alerts.sort(key=lambda one: (one.retrospective, GRAVITY[one.severity], one.fired))
        pending, unjudged = self._pending()
        senders = gateway.journal.quarantine.worst_senders(WORST)
        mentioned = {str(one.device) for one in alerts} | {one["device"] for one in pending}
        # With no gateway running nobody has looked yet which backups there are.
        backup = gateway.backups.report() or {}
        if backup.get("last") is None and not backup.get("problem"):
            await gateway.backups.looked()
        return {
            **self._itself(),
            "alerts": with_holders(gateway.state, alerts, gateway.clock.now()),
            "pending": pending,
            "unjudged": unjudged,
            "rules": len(gateway.settings.rules),
            "arrives": gateway.settings.arrives,
            "unwatched": await self._unwatched.find(),
            "senders": [{"device": device, "count": count} for device, count in senders],
            "names": self._names(mentioned | {device for device, _ in senders}),
        }

    def _names(self, devices: Iterable[str]) -> dict[str, str]:
        """Return what people call devices, of those that have a name."""
        known = {one: self._gateway.known.card(device_key(one, "")).name for one in devices}
        return {device: name for device, name in known.items() if name}

    async def health(self, _request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """How the gateway itself stands: what its page asks for all the time, and costs little."""
        return {
            **self._itself(),
            "problems": self._gateway.own_alerts.open_alerts,
            "unwatched": await self._unwatched.lately(),
        }

    def _itself(self) -> dict[str, Any]:
        """Return how the gateway stands, whatever the number of alerts."""
        gateway = self._gateway
        journal, monitor = gateway.journal, gateway.monitor
        letters = gateway.state.dead_letters()
        return {
            "version": __version__,
            "box": gateway.settings.gateway.box,
            "now": gateway.clock.now(),
            "started": gateway.started,
            "settings": gateway.reloading.report(),
            "clock_trusted": gateway.clock.trusted(),
            "backup": gateway.backups.report(),
            "brokers": {
                name: msgspec.to_builtins(state) for name, state in gateway.brokers.states.items()
            },
            "listener": gateway.listener.report() if gateway.listener else None,
            "influxdb": reports(gateway, letters),
            "ways": [one.report for one in gateway.ways],
            "channels": self._notify.fare(),
            "codecs": {
                "names": sorted(gateway.decoders.folder.codecs),
                "waiting": gateway.ingest.waiting,
                "problem": gateway.decoders.problem,
            },
            "devices": len(journal.devices()),
            "heard": max((one.received for one in monitor.seen().values()), default=None),
            "judged": any(gateway.book.all()),
            "received": gateway.ingest.received,
            "duplicates": journal.duplicates,
            "quarantine": journal.quarantine.counts(),
            "disk": gateway.room.report(),
            "waiting": {
                "monitor": journal.head - monitor.cursor,
                "inspector": journal.head - gateway.inspector.cursor,
                **{one.name: gateway.state.head - one.cursor for one in gateway.joining.publishers},
                **{cursor_name(one.name): one.sink.waiting for one in gateway.copies},
            },
            "dead_letters": letters,
            **own_numbers(gateway),
            "wrong_clocks": [
                str(device)
                for device, reading in monitor.seen().items()
                if reading.flags & WRONG_CLOCK
            ],
        }

    def _as_it_is(self, alert: Alert) -> Alert:
        gateway = self._gateway
        known = gateway.monitor.engine.state(alert.device)
        return as_it_is(alert, known or gateway.freight.monitor.engine.state(alert.device))

    def _pending(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return what may become alerts, and the devices that a rule in force has yet to judge."""
        engine = self._gateway.monitor.engine
        devices = list(engine.devices())
        pending: list[dict[str, Any]] = []
        unjudged: dict[str, None] = {}
        for device in devices if len(devices) <= LOOKED_AT else ():
            for status in engine.state(device):
                if status.state == "pending":
                    pending.append({"device": str(device), **msgspec.to_builtins(status)})
                elif status.channel and status.since is None and engine.heard(device) >= 0:
                    unjudged[str(device)] = None
        return pending, list(unjudged)

    def _sent(self, device: DeviceKey) -> Sequence[str]:
        """Return the channels of what a device sent last since the start."""
        last = self._gateway.monitor.seen_last(device)
        return last.layout.channels if last is not None else ()

    async def alerts(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Alerts that are open, or ended in the last so many days, newest first."""
        now = self._gateway.clock.now()
        since = now - int(request.get("days", 7)) * DAY
        found = [
            self._as_it_is(one) if one.ended is None else one
            for one in self._gateway.state.alerts_since(since)
        ]
        found.sort(key=lambda one: one.fired, reverse=True)
        return with_holders(self._gateway.state, found, now)

    async def report(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with a device's past by local days."""
        gateway, settings = self._gateway, self._gateway.settings
        device = device_key(request["device"], settings.gateway.owner)
        zone = find_zone(request.get("zone") or settings.gateway.timezone)
        rules = [rule for rule in settings.rules if rule.matches(device)]
        interval = gateway.known.interval(device)
        hold = longest_hold(rules, interval)
        start, end = time_range(
            device,
            self._known(device),
            since=request.get("since"),
            until=request.get("until"),
            zone=zone,
            now=gateway.clock.now(),
            hold=hold,
        )
        alerts = [
            self._as_it_is(one) if one.ended is None else one
            for one in gateway.state.alerts_of(device, start)
            if not withdrawn(one.reason)
        ]
        # Aside: a year of readings takes seconds, and the intake must go on meanwhile.
        made = await asyncio.to_thread(
            report,
            device,
            gateway.monitor.past.readings(device, start - hold, gateway.monitor.cursor),
            rules=rules,
            alerts=alerts,
            zone=zone,
            interval=interval,
            start=start,
            end=end,
        )
        return made.as_json()

    def _known(self, device: DeviceKey) -> Known:
        monitor = self._gateway.monitor
        known = monitor.past.known(device, monitor.cursor)
        if known is None:
            raise ControlError(
                f"nothing is known of {device}",
                "See `holdwatch device list` for the devices that were heard",
            )
        return known
