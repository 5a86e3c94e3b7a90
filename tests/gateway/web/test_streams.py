"""What browsers are sent, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.commands.control import NotRunningError
from gateway.database import DiskError
from gateway.web.now.screens import TELL, Screens
from gateway.web.now.streams import (
    CHECK,
    FOR_SCREENS,
    MOST_EACH,
    MOST_STREAMS,
    MOST_WAITING,
    Stream,
    Streams,
)
from gateway.web.now.views import VIEWS
from tests.gateway.web.told import MINUTE, NOW, Told, alert, seen, status

BOARD, WALL = VIEWS["board"], VIEWS["wall"]


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    made = Told(tmp_path)
    yield made
    made.close()


class Browser:
    """Listens to the streams."""

    def __init__(self, streams: Streams, stream: Stream, after: str = "") -> None:
        self.stream = stream
        self.place = after
        self._messages = streams.listen(stream, after)

    async def got(self, name: str = "") -> list[Any]:
        """Return the data of what was sent since the last call: of one kind of event, or all."""
        content = await asyncio.wait_for(anext(self._messages), 10)
        found = []
        for part in content.decode().split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in part.split("\n"))
            self.place = lines.get("id", self.place)
            if name in {"", lines["event"]}:
                found.append((lines["event"], msgspec.json.decode(lines["data"])))
        return [data for _, data in found] if name else found


async def on_board(streams: Streams, allowed: Callable[[], bool] = lambda: True) -> Browser:
    """A browser that has just loaded the board."""
    await streams.tell()
    browser = Browser(streams, Stream(view=BOARD, allowed=allowed), streams.place)
    await browser.got()
    return browser


def made(told: Told) -> Streams:
    return Streams(told.standing, told.clock)


async def test_a_value_that_changes_is_a_patch(told: Told) -> None:
    told.take(seen(temperature=4.0), seen("fridge-2", temperature=4.0))
    streams = made(told)
    browser = await on_board(streams)
    told.take(seen(when=NOW + MINUTE, temperature=4.5))
    await streams.tell()
    (rows,) = await browser.got("rows")
    assert rows["patches"] == [[1, NOW + MINUTE, "4.5"]]
    assert (rows["frames"], rows["gone"]) == ([], [])


async def test_a_row_that_is_wrong_now_or_new_is_sent_whole(told: Told) -> None:
    told.take(seen(temperature=4.0))
    streams = made(told)
    browser = await on_board(streams)
    told.take(seen(temperature=11.5, rules=(status(),)), seen("fridge-2", temperature=4.0))
    await streams.tell()
    (rows,) = await browser.got("rows")
    assert rows["patches"] == []
    assert [(number, sign[0]) for number, sign, _ in rows["frames"]] == [(1, "0"), (2, "5")]
    assert "3.5 °C too warm" in rows["frames"][0][2]
    assert rows["states"] == {"critical": 1, "ok": 1}
    # How bad it is changes by a number: a patch again.
    told.take(seen(when=NOW + 1, temperature=12.0, rules=(status(),)))
    await streams.tell()
    (rows,) = await browser.got("rows")
    assert rows["patches"] == [[1, NOW + 1, "12.0", "4.0 °C too warm"]]


async def test_what_is_sent_is_made_once_for_all(told: Told) -> None:
    told.take(seen(temperature=4.0))
    streams = made(told)
    browsers = [await on_board(streams) for _ in range(3)]
    told.take(seen(temperature=4.5, when=NOW + 1))
    await streams.tell()
    sent = [one.stream._waiting[0] for one in browsers]
    assert sent[0] is sent[1] is sent[2]


async def test_a_browser_that_comes_again_is_sent_what_it_missed(told: Told) -> None:
    told.take(seen(temperature=4.0), seen("fridge-2", temperature=4.0))
    streams = made(told)
    browser = await on_board(streams)
    told.take(seen(when=NOW + 1, temperature=4.5))
    await streams.tell()
    await browser.got()
    told.take(seen("fridge-2", when=NOW + 2, temperature=12.0, rules=(status(),)))
    told.take(seen("fridge-3", when=NOW + 3, temperature=4.0))
    await streams.tell()
    again = Browser(streams, Stream(view=BOARD), browser.place)
    (rows,) = await again.got("rows")
    assert [number for number, *_ in rows["frames"]] == [2, 3]
    assert rows["patches"] == []
    assert again.place == streams.place


@pytest.mark.parametrize("after", ["", "x", "0-1", "other-3", "-", "1-\N{SUPERSCRIPT TWO}"])
async def test_a_browser_whose_place_is_not_known_loads_the_page_again(
    told: Told, after: str
) -> None:
    streams = made(told)
    browser = Browser(streams, Stream(view=BOARD), after)
    events = [name for name, _ in await browser.got()]
    assert events[-1] == "reload"
    with pytest.raises(StopAsyncIteration):
        await browser.got()


async def test_a_browser_that_takes_nothing_is_told_to_load_the_page_again(told: Told) -> None:
    told.take(seen(temperature=4.0))
    streams = made(told)
    browser = await on_board(streams)
    for count in range(MOST_WAITING + 50):
        told.take(seen(when=NOW + count + 1, temperature=4.0))
        await streams.tell()
        assert browser.stream.waiting <= MOST_WAITING
    assert [name for name, _ in await browser.got()] == ["reload"]


async def test_the_wall_is_told_only_of_what_is_wrong(told: Told) -> None:
    told.take(seen(temperature=11.5, rules=(status(),)), seen("fridge-2", temperature=4.0))
    streams = made(told)
    await streams.tell()
    wall = Browser(streams, Stream(view=WALL), streams.place)
    await wall.got()
    told.take(seen("fridge-2", when=NOW + 1, temperature=4.5))
    told.take(seen(when=NOW + 1, temperature=5.0))
    await streams.tell()
    (rows,) = await wall.got("rows")
    assert (rows["patches"], rows["frames"], rows["gone"]) == ([], [], [1])
    assert rows["states"] == {"ok": 2}


async def test_many_rows_come_in_parts_and_the_place_with_the_last(told: Told) -> None:
    streams = made(told)
    browser = await on_board(streams)
    before = browser.place
    told.take(*(seen(f"fridge-{number}", temperature=4.0) for number in range(250)))
    await streams.tell()
    parts = await browser.got("rows")
    assert [len(one["frames"]) for one in parts] == [100, 100, 50]
    assert browser.place != before


async def test_who_looks_at_one_device_is_told_of_that(told: Told) -> None:
    told.take(seen(temperature=4.0), seen("fridge-2", temperature=4.0))
    streams = made(told)
    await streams.tell()
    browser = Browser(streams, Stream(device=DeviceKey("", "fridge-1")))
    ((first,),) = await browser.got("rows")
    assert (first["key"], first["values"]) == ("fridge-1", {"temperature": 4.0})
    told.take(seen("fridge-2", when=NOW + 1, temperature=5.0))
    await streams.tell()
    assert browser.stream.waiting == 0
    told.take(seen(when=NOW + 1, temperature=5.0))
    await streams.tell()
    ((next_,),) = await browser.got("rows")
    assert next_["values"] == {"temperature": 5.0}


async def test_alerts_and_acts_are_told_to_all(told: Told) -> None:
    streams = made(told)
    browser = Browser(streams, Stream())
    (counts,) = await browser.got("alerts")
    assert counts == {"open": 0, "critical": 0, "unacknowledged": 0, "sounding": 0}
    await told.record(alert())
    told.take()
    await streams.tell()
    (counts,) = await browser.got("alerts")
    assert counts == {"open": 1, "critical": 1, "unacknowledged": 1, "sounding": 1}
    await told.act(1, "acknowledged")
    told.take()
    await streams.tell()
    (counts,) = await browser.got("alerts")
    assert counts == {"open": 1, "critical": 1, "unacknowledged": 0, "sounding": 0}


async def test_that_the_gateway_falls_silent_is_told_at_once(told: Told) -> None:
    told.take(seen(temperature=4.0))
    streams = made(told)
    browser = await on_board(streams)
    told.standing.lost()
    await streams.tell()
    assert (await browser.got("beat"))[0]["told"] is None
    told.take()
    await streams.tell()
    assert (await browser.got("beat"))[0] == {
        "now": told.clock.now(),
        "told": NOW,
        "received": NOW,
    }


async def test_a_browser_that_goes_is_forgotten(told: Told) -> None:
    streams = made(told)
    messages = streams.listen(Stream(screen="dock"))
    await anext(messages)
    assert (len(streams), streams.screens()) == (1, ["dock"])
    await messages.aclose()  # type: ignore[attr-defined] # it is an async generator
    assert (len(streams), streams.screens()) == (0, [])


async def test_nobody_takes_all_streams(told: Told) -> None:
    streams = made(told)

    async def opened(person: str, screen: str = "") -> bool:
        stream = Stream(person=person, screen=screen)
        if streams.full_for(stream):
            return False
        listening.append(streams.listen(stream))
        await anext(listening[-1])
        return True

    listening: list[AsyncIterator[bytes]] = []
    assert [await opened("olga") for _ in range(MOST_EACH + 1)] == [True] * MOST_EACH + [False]
    assert await opened("carl")
    while await opened(f"person-{len(listening)}"):
        pass
    assert len(listening) == MOST_STREAMS - FOR_SCREENS
    assert await opened("hall", screen="hall")


async def test_a_disk_that_fails_once_does_not_end_the_looking_at_logins(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()

    async def ask(_do: str, **_request: object) -> None:
        raise AssertionError

    class Failing(Screens):
        failed = False

        async def look(self, now: float) -> None:
            if not self.failed:
                self.failed = True
                raise DiskError("state.db: the disk does not answer")
            await super().look(now)
            looked.set()

    monkeypatch.setattr("gateway.web.now.screens.TELL", 0)
    task = asyncio.create_task(Failing(made(told), told.files.state, ask).run())
    await asyncio.wait_for(looked.wait(), 5)
    task.cancel()
    await asyncio.wait([task])


async def test_a_stream_ends_with_its_login(told: Told) -> None:
    streams = made(told)
    allowed = True
    browser = await on_board(streams, allowed=lambda: allowed)
    asked: list[Any] = []

    async def ask(do: str, **request: object) -> None:
        asked.append((do, request))

    screens = Screens(streams, told.files.state, ask)
    await screens.look(0.0)
    assert browser.stream.waiting == 0
    allowed = False
    await screens.look(1.0)
    assert browser.stream.waiting == 0, "nothing was written, and it is not due"
    # Whoever ends a login writes.
    await told.record(alert())
    await screens.look(1.5)
    assert await browser.got() == [("ended", None)]
    # And one that has expired is found in time.
    late = await on_board(streams, allowed=lambda: False)
    await screens.look(1.5 + CHECK)
    assert await late.got() == [("ended", None)]


async def test_the_gateway_is_told_which_screens_are_connected(told: Told) -> None:
    streams = made(told)
    asked: list[list[str]] = []
    answers = True

    async def ask(_do: str, *, connected: list[str]) -> None:
        if not answers:
            raise NotRunningError("data")
        asked.append(connected)

    screens = Screens(streams, told.files.state, ask)
    await screens.look(0.0)
    assert asked == []
    listening = [streams.listen(Stream(screen=name)) for name in ("gate", "dock")]
    for one in listening:
        await anext(one)
    await screens.look(1.0)
    assert asked == [["dock", "gate"]]
    await screens.look(2.0)
    assert len(asked) == 1
    await screens.look(1.0 + TELL)
    assert len(asked) == 2
    await listening[0].aclose()  # type: ignore[attr-defined] # it is an async generator
    answers = False
    await screens.look(7.0)
    answers = True
    await screens.look(7.5)
    assert asked[-1] == ["dock"]


async def test_hostile_names_are_text_in_rows(told: Told) -> None:
    streams = made(told)
    browser = await on_board(streams)
    told.take(seen('<img src=x onerror="alert(1)">', temperature=4.0))
    await streams.tell()
    (rows,) = await browser.got("rows")
    html = rows["frames"][0][2]
    assert "<img" not in html
    assert "&lt;img" in html
