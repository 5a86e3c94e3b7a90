"""Which sections of the settings a running gateway takes up, and who takes each.

What must hold: a step is made of everything that can fail before anything has changed; then what
is recorded of it is staged, in one transaction for all steps; and then it switches, at once and
without fail. What no step names waits for a restart.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from gateway import rulebook
from gateway.goods import Goods
from gateway.notify.notifying import policy_of
from gateway.tagging import stage_tags, tags_told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.app import Gateway
    from gateway.settings import Settings


def _nothing() -> None:
    """Do nothing."""


async def _nothing_more() -> None:
    """Do nothing."""


class Step(NamedTuple):
    """What one taker does once nothing can fail any more but the disk."""

    switch: Callable[[], None]
    """Counts from now on. Never fails, and waits for nothing."""
    stage: Callable[[], None] = _nothing
    """Stages what is recorded, with nothing judged since it was prepared. Raises DiskError."""
    after: Callable[[], Awaitable[None]] = _nothing_more
    """What takes a while, with nothing judged meanwhile."""
    words: str = ""
    """What has changed beside the settings themselves, such as files that they name."""


class Taker(NamedTuple):
    """Takes up some sections, when any of them has changed."""

    sections: frozenset[str]
    prepare: Callable[[Gateway, Settings], Awaitable[Step]]
    """Does all that can fail, and changes nothing. Raises SettingsError, FileError, DiskError."""
    always: bool = False
    """Whether it is asked each time: it reads files that the settings only name."""


async def _rules(gateway: Gateway, settings: Settings) -> Step:
    # A clock that woke in the past must not date a change before what it follows.
    now = max(gateway.clock.now(), gateway.journal.newest_received())
    stored = gateway.state.rule_versions()
    changed = rulebook.changes(stored, settings.rules, now)
    versions = rulebook.versions(rulebook.with_changes(stored, changed))
    return Step(
        switch=lambda: gateway.monitor.engine.use(versions),
        stage=lambda: gateway.state.keep_rule_versions(changed),
        after=gateway.monitor.renew,
    )


async def _devices(gateway: Gateway, settings: Settings) -> Step:
    devices = gateway.journal.devices()
    now = max(gateway.clock.now(), gateway.journal.newest_received())
    tags, new_tags = tags_told(gateway.state, gateway.journal, settings, now)
    said = {one: gateway.known.assigned(one) for one in devices}

    def switch() -> None:
        gateway.known.use(settings)
        _admit(gateway, settings)
        gateway.tagging.use(tags, devices)
        for one in devices:
            if gateway.known.assigned(one) != said[one]:
                gateway.decoders.renew(one)
                gateway.inspector.renew(one)
        gateway.live.changed(devices)

    async def after() -> None:
        # How often a device sends may be another.
        await gateway.monitor.renew()
        await gateway.freight.monitor.renew()

    return Step(switch, lambda: stage_tags(gateway.state, new_tags), after)


async def _decoding(gateway: Gateway, settings: Settings) -> Step:
    made = gateway.decoders.prepared(settings)
    return Step(lambda: gateway.decoders.use(settings, made, gateway.ingest))


async def _goods(gateway: Gateway, settings: Settings) -> Step:
    # Aside: all files are read and checked.
    goods = await asyncio.to_thread(Goods, gateway.state, settings.goods.folder)
    new, now = goods.new(), gateway.clock.now()

    def switch() -> None:
        gateway.goods.use(goods)
        if new:
            _show(gateway, settings)

    return Step(
        switch=switch,
        stage=lambda: goods.stage(new, now),
        words=f"profiles of goods read anew: {', '.join(one.name for one in new)}" if new else "",
    )


async def _limits(gateway: Gateway, settings: Settings) -> Step:
    def switch() -> None:
        if gateway.listener is not None:
            gateway.listener.limits = settings.clients
        _admit(gateway, settings)

    return Step(switch)


async def _room(gateway: Gateway, settings: Settings) -> Step:
    # How long the journal is kept, and what the ladder goes by, is asked each time.
    def switch() -> None:
        gateway.ingest.interval = settings.journal.commit_interval / 1000
        gateway.ingest.backlog.most_bytes = settings.journal.quarantine_size
        gateway.archivist.use(keep=settings.history.keep, keep_size=settings.history.keep_size)
        gateway.old_alerts.use(settings.history.keep)
        gateway.disk.use(settings.disk)

    return Step(switch)


async def _asked_each_time(_gateway: Gateway, _settings: Settings) -> Step:
    return Step(_nothing)


async def _page(gateway: Gateway, settings: Settings) -> Step:
    return Step(lambda: _show(gateway, settings))


async def _telling(gateway: Gateway, settings: Settings) -> Step:
    policy = policy_of(settings, gateway.settings.channels)
    return Step(lambda: gateway.notifier.renew(policy))


def _show(gateway: Gateway, settings: Settings) -> None:
    """Start the page's process anew: it is told its settings at its start."""
    if gateway.page is not None and settings.web is not None:
        gateway.page.use(settings, settings.web)


def _admit(gateway: Gateway, settings: Settings) -> None:
    named = [one.match for one in settings.devices]
    gateway.admission.use(settings.clients.unknown_devices, named)


TAKERS = (
    Taker(frozenset({"rules"}), _rules),
    Taker(frozenset({"devices"}), _devices),
    Taker(frozenset({"mappings", "codecs"}), _decoding),
    Taker(frozenset({"goods"}), _goods, always=True),
    Taker(frozenset({"clients"}), _limits),
    Taker(frozenset({"journal", "history", "disk", "backup"}), _room),
    Taker(frozenset({"routes", "acknowledgement"}), _telling),
    Taker(frozenset({"renewal"}), _asked_each_time),
    Taker(frozenset({"web", "rules", "devices", "goods", "routes", "acknowledgement"}), _page),
)
"""In the order in which they switch."""


def waits(section: str, old: Settings, new: Settings) -> bool:
    """Whether a section in which these differ waits for a restart."""
    if section == "web":
        # The port stays open while the page's process starts anew; another is opened at a start.
        was, will = old.web, new.web
        return was is None or will is None or (was.host, was.port) != (will.host, will.port)
    if section == "routes" and _channels(old) != _channels(new):
        return True  # they may name channels that wait themselves
    return not any(section in one.sections for one in TAKERS)


def _channels(settings: Settings) -> set[str]:
    return {one.name for one in settings.channels}


def in_force(old: Settings, new: Settings) -> Settings:
    """Return what counts once `new` is taken up, where `old` counted: what waits is as it was."""
    waiting = {
        section: getattr(old, section)
        for section in type(old).model_fields
        if getattr(old, section) != getattr(new, section) and waits(section, old, new)
    }
    return new.model_copy(update=waiting)
