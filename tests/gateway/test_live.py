"""What the page is told of what stands now."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from devices.reading import DeviceKey
from gateway.commands.control import watch
from gateway.live import SLICE, Live, Part, Said
from tests.gateway.commands.test_control import serving
from tests.gateway.parts import NOW, said
from tests.gateway.site import GONE, WARM, Site

MINUTE = 60_000


def live(site: Site) -> Live:
    return Live(site.monitor, lambda: {DeviceKey("", "stranger")}, site.clock)


async def first_part(one: Live, known: list[DeviceKey]) -> Part:
    watching = one.watch(known)
    part = await anext(watching)
    await watching.aclose()
    return part


async def test_a_watcher_is_told_of_every_known_device_first(site: Site) -> None:
    await site.take(said("d-1"), said("d-2", value=9.0))
    known = [DeviceKey("", name) for name in ("d-1", "d-2", "never-heard")]
    part = await first_part(live(site), known)
    told = {one.id: one for one in part.devices}
    assert told["d-1"].values == (5.0,)
    assert told["d-1"].rules is None, "all is well"
    assert [one.state for one in told["d-2"].rules or ()] == ["pending"]
    assert (told["never-heard"].when, told["never-heard"].values) == (None, ())
    assert not part.more


async def test_then_only_what_has_changed_is_told(site: Site) -> None:
    one = live(site)
    watching = one.watch([])
    assert (await anext(watching)).devices == ()
    await site.take(said("d-1"), said("d-2"))
    await site.take(said("d-2", NOW + MINUTE, 6.0))
    told = (await anext(watching)).devices
    assert [(each.id, each.values) for each in told] == [("d-1", (5.0,)), ("d-2", (6.0,))]
    assert (await anext(watching)).devices == ()
    await watching.aclose()


async def test_a_device_that_is_missed_is_told_without_a_reading(site: Site) -> None:
    await site.crash(WARM, GONE)
    await site.take(said("d-1"))
    one = live(site)
    watching = one.watch([])
    await anext(watching)
    await site.passes(90)
    (told,) = (await anext(watching)).devices
    assert told.id == "d-1"
    assert ("lost_contact", "firing") in [(rule.kind, rule.state) for rule in told.rules or ()]
    await watching.aclose()


async def test_a_large_fleet_is_told_in_parts(site: Site) -> None:
    known = [DeviceKey("", f"d-{number}") for number in range(2 * SLICE + 1)]
    watching = live(site).watch(known)
    parts = [await anext(watching) for _ in range(3)]
    assert [(len(part.devices), part.more) for part in parts] == [
        (SLICE, True),
        (SLICE, True),
        (1, False),
    ]
    await watching.aclose()


async def test_whoever_stops_watching_costs_nothing_more(site: Site) -> None:
    one = live(site)
    await first_part(one, [])
    asked = []

    def devices() -> object:
        asked.append(1)
        return iter(())

    class Devices:
        def __iter__(self) -> object:
            return devices()

    one.changed(Devices())  # type: ignore[arg-type]
    assert asked == [], "nobody looks at what changed while nobody watches"


async def test_two_watchers_are_both_told(site: Site) -> None:
    one = live(site)
    both = [one.watch([]), one.watch([])]
    for watching in both:
        await anext(watching)
    await site.take(said("d-1"))
    parts = await asyncio.gather(*(anext(watching) for watching in both))
    assert [[each.id for each in part.devices] for part in parts] == [["d-1"], ["d-1"]]
    for watching in both:
        await watching.aclose()


async def test_whoever_leaves_takes_no_other_along(site: Site) -> None:
    one = live(site)
    stays, leaves = one.watch([]), one.watch([])
    for watching in (stays, leaves):
        await anext(watching)  # both have nothing to hear, and are equal in that
    await leaves.aclose()
    await site.take(said("d-1"))
    assert [each.id for each in (await anext(stays)).devices] == ["d-1"]
    await stays.aclose()


async def test_whoever_left_the_local_socket_is_no_longer_told(site: Site, tmp_path: Path) -> None:
    one = live(site)

    async def answer(_request: dict[str, Any], _progress: object) -> AsyncGenerator[Part, None]:
        return one.watch([])

    async with serving(tmp_path, answer), asyncio.timeout(20):
        stays, leaves = (watch(tmp_path, {}, msgspec.json.Decoder(Said)) for _ in range(2))
        for watching in (stays, leaves):
            await anext(watching)
        gc.disable()  # whoever left must not be noted until Python collects its rubbish
        try:
            await leaves.aclose()
            while len(one._watchers) == 2:  # noqa: ASYNC110 - the server gives no sign
                await asyncio.sleep(0)
            await site.take(said("d-1"))
            told = await anext(stays)
            while not told.part.devices:
                told = await anext(stays)
        finally:
            gc.enable()
        assert [each.id for each in told.part.devices] == ["d-1"]
        await stays.aclose()
