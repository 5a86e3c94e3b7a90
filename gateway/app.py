"""The gateway, put together: the only file that names concrete parts.

A run is a handful of tasks: one writes the journal, each follower follows, each broker is
joined, a clock ticks. If one of them ends with an error the gateway ends, since going on would
break a promise, and whoever started it starts it again.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from gateway.admission import Admission
from gateway.archivist import Archivist
from gateway.backup.backups import Backups
from gateway.backup.before import prepare
from gateway.brokers import Brokers
from gateway.caretaker import Caretaker
from gateway.certificates.watch import CertificateWatch, watched
from gateway.clock import Clock, boot_id
from gateway.commands.control import ControlServer
from gateway.commands.push import Pushers
from gateway.consignments.book import Book
from gateway.consignments.desk import desk_of
from gateway.decoders import Decoders
from gateway.disk import Disk
from gateway.evidence.holding import Holding
from gateway.evidence.keeper import Keeper
from gateway.evidence.store import EvidenceStore
from gateway.follow import follow
from gateway.freight import NAME as FREIGHT
from gateway.freight import Freight
from gateway.front_door import FrontDoor
from gateway.goods import Goods
from gateway.history import History
from gateway.hush import Hush
from gateway.importer import SOURCE
from gateway.influxdb.copies import Copies, Sources, forget_others
from gateway.influxdb.names import cursor_name
from gateway.ingest import Ingest
from gateway.inspector import Inspector
from gateway.intruders import Intruders
from gateway.joining import Joining
from gateway.journal import Journal
from gateway.later import Decoding
from gateway.listener.principals import Principals
from gateway.live import Live
from gateway.machine import take
from gateway.monitor import Monitor
from gateway.notify.couriers import couriers_of
from gateway.notify.notifying import notifier_of
from gateway.old_alerts import OldAlerts
from gateway.outward import Outward
from gateway.own_alerts import OwnAlerts, Publisher
from gateway.pace import Pace
from gateway.page import Page
from gateway.people.api_keys import ApiKeys
from gateway.people.logins import Logins
from gateway.people.people import People
from gateway.people.screens import Screens
from gateway.registry.known import Known
from gateway.registry.registry import Registry
from gateway.reload import Reloading
from gateway.room import RoomKeeper
from gateway.rulebook import adopt
from gateway.service.watchdog import Watchdog
from gateway.state import State
from gateway.tagging import adopt_tags
from gateway.vitals import vitals
from gateway.ways import grants, ways
from rules.engine import Engine
from rules.kinds.threshold import HOLDS

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from devices.reading import DeviceKey
    from gateway.settings import Settings
    from gateway.ways import Way

log = structlog.get_logger()


class Gateway:
    """One gateway over one data folder: `compose`, then `run` until `stop`, then `close`."""

    def __init__(
        self, settings: Settings, *, join: bool = True, page_log: TextIO | None = None
    ) -> None:
        """Lock the folder and open its files.

        With `join` false no broker is joined and no port listened on: for commands that work
        alone. The page's process writes its log to `page_log`, if not to our standard error.
        Raises AlreadyRunningError, FileError, DiskError.
        """
        self.settings = settings
        folder = settings.gateway.data
        self._lock = take(folder)
        self.disk = Disk(
            folder, ballast=settings.disk.ballast, minimum_free=settings.disk.minimum_free
        )
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            prepare(folder)
            self.journal = Journal(folder / "journal.db")
            undo.callback(self.journal.close)
            self.history = History(folder / "history.db")
            undo.callback(self.history.close)
            self.evidence = EvidenceStore(folder / "evidence.db")
            undo.callback(self.evidence.close)
            self.state = State(folder / "state.db")
            undo.pop_all()
        followers = [Monitor.name, FREIGHT, *(cursor_name(one.name) for one in settings.influxdb)]
        been = max(map(self.state.cursor, followers))
        self.journal.begin_after(max(self.history.cursor, been))
        self.evidence.begin_after(self.journal.messages.newest())
        self.clock = Clock(self.journal.newest_received())
        self.started = self.clock.now()
        self.brokers = Brokers(self.clock)
        self._join = join
        self._joined = settings.brokers if join else ()
        self._ports = settings.listeners if join else ()
        self.page: Page | None = None
        if join and settings.web is not None:
            self.page = Page(settings, settings.web, log_to=page_log)
        self.stopping = asyncio.Event()
        self.copies: list[Copies] = []
        self.caretaker = Caretaker(self)
        self.room = RoomKeeper(self)
        self.backups = Backups(self)
        self.watchdog = Watchdog(self)
        self.reloading = Reloading(self)

    async def compose(self, *, looking: bool = False) -> None:
        """Put the parts together. Raises DiskError, ListenError.

        Whoever is only `looking` writes nothing, and does not `run` it.
        """
        settings, gateway = self.settings, self.settings.gateway
        if not looking:
            self.disk.load_ballast()
            async with self.state.writing():
                self.state.note_clock(boot_id(), self.clock.monotonic(), self.clock.now(), 0)
        # A clock that woke in the past must not date a change before what it follows.
        now = max(self.clock.now(), self.journal.newest_received())
        versions = await adopt(self.state, settings.rules, now, looking=looking)
        self.principals = Principals(self.state, self.clock)
        self.people = People(self.state, self.clock)
        self.logins = Logins(self.state, self.people, self.clock)
        self.screens = Screens(self.people, self.clock)
        self.api_keys = ApiKeys(self.state, self.clock)
        await self._understand(looking=looking)
        engine = Engine(versions, self.known.intervals, stands_for=self.registry.stands)
        self.monitor = Monitor(
            engine,
            self.state,
            self.journal,
            self.history,
            self.clock,
            corrections=self.registry.corrections,
        )
        self.monitor.parts.holds = lambda one: int(HOLDS * self.known.interval(one))
        self.freight = Freight(
            self.state,
            self.journal,
            self.history,
            self.clock,
            book=self.book,
            goods=self.goods,
            corrections=self.registry.corrections,
            intervals=self.known.intervals,
        )
        self.desk = desk_of(self)
        self.registry.stage_change = self._stage_change
        self.registry.on_change = self._on_change
        self.hush = Hush(self.state, self.registry, self.clock)
        self.live = Live(self.monitor, self.admission.waiting, self.clock)
        self.archivist = Archivist(
            self.history,
            self.clock,
            keep=settings.history.keep,
            keep_size=settings.history.keep_size,
            held=lambda: self.ingest.witness.held,
        )
        self.joining = Joining(self, self._joined)
        self.copies = await self._copy_to(now, looking=looking)
        door = FrontDoor(self)
        self.listener, self.announcer = door.made(self._ports)
        self.couriers = couriers_of(self, sends=self._join and not looking)
        told: list[Publisher] = [*self.joining.publishers, self.couriers]
        if self.announcer is not None:
            told.append(self.announcer)
        self.own_alerts = OwnAlerts(gateway.owner, gateway.box, self.state, self.clock, told)
        self.intruders = Intruders(self.own_alerts, self.clock)
        self.notifier = notifier_of(self)
        self.notifier.on_messages = self.couriers.kick
        self.outward = Outward(self, self._joined, beats=self._join)
        if not looking:
            await self._forget_others()
        self.ingest.on_disk = self.caretaker.check_disk
        self.ingest.before_commit = self.caretaker.prune
        self.admission.on_stranger = self.intruders.spoke_for
        door.attend()
        if self.page is not None:
            self.page.on_problem = partial(self.own_alerts.report, "page")
            self.page.open()
        if self.listener is not None:
            await self.listener.open()

    async def _understand(self, *, looking: bool) -> None:
        """Make what turns messages into readings, and knows devices. Raises DiskError."""
        settings = self.settings
        self.registry = Registry(self.state)
        self.known = Known(self.registry, settings)
        self.book = Book(self.state, settings.gateway.owner)
        self.goods = Goods(self.state, settings.goods.folder)
        if not looking:
            await self.goods.adopt(self.clock.now())
        self.decoders = Decoders(settings, self.known.assigned)
        self.recognition = self.decoders.recognition
        self.known.model = self.recognition.model
        brokers = {one.name: one.speaks_for for one in settings.brokers}
        self.admission = Admission(
            self.state,
            {SOURCE: ("*",), **brokers, **grants(settings)},
            settings.clients.unknown_devices,
            self.clock,
            named=[one.match for one in settings.devices],
        )
        await self.admission.adopt(self.journal.devices(), looking=looking)
        for device, (what, why) in self.admission.known_as.items():
            self.recognition.remember(device, what, why)
        self.recognition.on_recognised = self.admission.recognised
        self.ingest = Ingest(
            self.journal,
            self.decoders.envelopes,
            self.clock,
            admit=self.admission.check,
            interval=settings.journal.commit_interval / 1000,
        )
        self.holding = Holding(self.state, self.book, self.goods, self.known.interval)
        self.ingest.witness.held = self.holding.look(self.clock.now())
        self.keeper = Keeper(self.evidence, self.ingest, self.clock)
        # Of a stranger people are told where his message is refused.
        self.recognition.admit = partial(self.ingest.routes.admit, again=True)
        self.old_alerts = OldAlerts(
            self.state, self.clock, settings.history.keep, lambda: self.ingest.witness.held
        )
        self.inspector = Inspector(
            self.state,
            self.journal,
            self.clock,
            Pace(lambda: self.journal.head),
            model=self.recognition.model,
            maintained=lambda device, when: self.registry.maintenance(device, when) is not None,
        )
        self.decoding = Decoding(self.ingest, self.decoders.host, self.inspector.warned)
        owner = settings.gateway.owner
        forget = self.ingest.routes.forget_admitted
        self.pushers = Pushers(self.api_keys, self.admission, forget, owner)
        self.ways: list[Way] = []
        if self._join:
            self.ways = ways(settings, self.ingest, self.state, self.clock, self.recognition)

    def _stage_change(self, device: DeviceKey, since: int, of: str) -> None:
        self.monitor.stage_change(device, since, of)
        self.freight.stage_sensor_change(device, since, of)

    def _on_change(self, device: DeviceKey, since: int, of: str) -> None:
        self.monitor.changed(device, since, of)
        self.freight.sensor_changed(device, since, of)

    def _on_card(self, device: DeviceKey) -> None:
        self.decoders.renew(device)
        self.inspector.renew(device)
        self.tagging.changed(device)

    async def _forget_others(self) -> None:
        """Forget alerts and cursors of what the settings name no more. Raises DiskError."""
        settings, forget = self.settings, self.own_alerts.forget
        servers = [one.name for one in settings.influxdb]
        forget("broker", [one.name for one in settings.brokers])
        forget("influxdb", servers)
        forget("refused", servers)
        forget("certificate", watched(settings))
        forget("renewal", [""] if settings.renewal else [])
        for kind in ("channel", "test"):
            forget(kind, [one.name for one in settings.channels])
        forget("way", [one.name for one in self.ways])
        forget("screen", self.screens.expected() if settings.web else [])
        await forget_others(self.state, servers)

    async def _copy_to(self, now: int, *, looking: bool) -> list[Copies]:
        """Make what copies to each InfluxDB. Raises DiskError."""
        self.tagging = await adopt_tags(
            self.state,
            self.journal,
            self.settings,
            now,
            looking=looking,
            cards=self.registry.cards,
        )
        self.registry.on_card = self._on_card
        sources = Sources(
            self.journal,
            self.history,
            self.state,
            self.clock,
            Pace(lambda: self.journal.head),
            self.tagging,
            self.settings.gateway.box,
            self._vitals,
        )
        return [Copies(one, sources) for one in self.settings.influxdb]

    def _vitals(self) -> dict[str, float]:
        return vitals(
            ingest=self.ingest,
            monitor=self.monitor,
            history=self.history,
            state=self.state,
            disk=self.disk,
            clock=self.clock,
            waiting=max((one.sink.waiting for one in self.copies), default=0),
            problems=len(self.own_alerts.open_alerts),
        )

    # -- running -----------------------------------------------------------------------------

    def _parts(
        self, control: ControlServer | None
    ) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs side by side, by name."""
        yield "ingest", self.ingest.run()
        yield "decoding", self.decoding.run()
        if self._join:  # a command that works alone says itself what is tried again
            yield "decoders", self.decoders.run(self.ingest, self.state)
            yield "certificates", CertificateWatch(self).run()
            yield "reload", self.reloading.run()
            yield "backups", self.backups.run()
        yield "room", self.room.run()
        for way in self.ways:
            yield way.name, way.run()
        yield "monitor", follow(self.ingest, self.monitor)
        yield from self.freight.parts(self.ingest)
        yield "review", self.desk.review.run()
        yield "history", follow(self.ingest, self.archivist)
        yield "evidence", self.keeper.run()
        yield "old alerts", self.old_alerts.run()
        yield "inspector", follow(self.ingest, self.inspector)
        yield "hush", follow(self.state, self.hush)
        yield "maintenance", self.hush.run()
        yield "notify", follow(self.state, self.notifier)
        yield "notifier", self.notifier.run()
        yield from self.couriers.parts()
        yield "own alerts", self.own_alerts.run()
        yield "watch", self.caretaker.watch()
        yield "tick", self.caretaker.tick()
        yield from self.outward.parts()
        if self._join:
            yield "watchdog", self.watchdog.run()
        yield from self.joining.parts()
        for copies in self.copies:
            for part in copies.parts(self.ingest, self.state):
                yield f"influxdb {copies.name}", part
        if self.listener is not None and self.announcer is not None:
            yield "announcer", self.announcer.run()
            yield "listener", self.listener.run()
        if control is not None:
            yield "control", control.run()
        if self.page is not None:
            yield "page", self.page.run()

    async def run(self, control: ControlServer | None = None) -> None:
        """Run until `stop`; then leave the brokers and save the rule state."""
        tasks = [asyncio.create_task(part, name=name) for name, part in self._parts(control)]
        joined = [asyncio.create_task(one.run(), name=one.name) for one in self.joining.subscribers]
        stopping = asyncio.create_task(self.stopping.wait(), name="stop")
        try:
            done, _ = await asyncio.wait(
                [*tasks, *joined, stopping], return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {stopping}:
                task.result()
            # What was taken in is acknowledged before we leave, or it would come again.
            self.joining.pause()
            if self.listener is not None:
                self.listener.pause()
            await self.settle()
            self.joining.stop()
            if self.listener is not None:
                await self.listener.stop()
            await asyncio.gather(*joined)
        finally:
            for task in (*tasks, *joined, stopping):
                task.cancel()
            await asyncio.gather(*tasks, *joined, stopping, return_exceptions=True)

    def stop(self) -> None:
        """Let `run` come to its end."""
        self.stopping.set()

    async def settle(self) -> None:
        """Commit and judge all that has arrived, and save the rule state.

        While the disk takes no writes this is left out: nothing of it was acknowledged.
        """
        if self.ingest.problem is not None:
            return
        await self.ingest.store([])
        judging = self.monitor, self.freight.monitor
        while min(one.cursor for one in judging) < self.journal.head:
            if self.state.problem is not None:
                return
            await asyncio.sleep(0)
        for one in judging:
            await one.revise(at_once=True)
            await one.checkpoint()
        await self.admission.flush()
        for copies in self.copies:
            await copies.sink.save()
        await self.inspector.save()
        await self.decoders.host.close()

    def close(self) -> None:
        """Close the files and let go of the folder."""
        if self.page is not None:
            self.page.close()
        for copies in self.copies:
            copies.close()
        self.journal.close()
        self.history.close()
        self.evidence.close()
        self.state.close()
        os.close(self._lock)
