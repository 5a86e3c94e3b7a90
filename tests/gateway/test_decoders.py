"""What a gateway decodes by: codecs that come and change while it runs, and what is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import gateway.decoders
from devices.models import CATALOGUE
from gateway.codecs.folder import CodecFolder
from gateway.decoders import Decoders
from gateway.ingest import Ingest
from gateway.journal import Journal
from gateway.later import Decoding
from gateway.settings import parse
from gateway.state import State
from tests.gateway.codecs.running import GOOD
from tests.gateway.parts import Line, ToldClock, publish
from tests.gateway.test_later import TOPIC, uplink

WARM = "function decodeUplink(i) { return { data: { temperature: 4 } }; }"


class House:
    def __init__(self, folder: Path) -> None:
        self.codecs = folder / "codecs"
        self.codecs.mkdir(exist_ok=True)
        data = f'[gateway]\nbox = "here"\ndata = "{folder}"\n[journal]\nquarantine_size = "9 MB"\n'
        settings = parse(f'{data}[codecs]\nfolder = "{self.codecs}"\n')
        self.decoders = Decoders(settings, lambda _device: "")
        self.journal = Journal(folder / "journal.db")
        self.state = State(folder / "state.db")
        self.ingest = Ingest(
            self.journal,
            self.decoders.envelopes,
            ToldClock(),
            admit=lambda _source, _device, **_: None,
            interval=0.001,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        parts = [
            self.ingest.run(),
            self.decoders.run(self.ingest, self.state),
            Decoding(self.ingest, self.decoders.host).run(),
        ]
        tasks = [asyncio.create_task(one) for one in parts]
        try:
            async with asyncio.timeout(30):
                yield
        finally:
            ended = [one for one in tasks if one.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.decoders.host.close()
            self.journal.close()
            self.state.close()
        assert ended == []

    def receive(self, count: int) -> None:
        self.ingest.receive(Line(), [publish(uplink(n), 1, topic=TOPIC) for n in range(count)])

    async def until_stored(self, count: int) -> None:
        while len(self.ingest.read(0, 10**6).readings) < count:
            await self.ingest.store([])


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.decoders, "LOOK", 0.01)


async def test_a_codec_that_is_called_like_a_model_ends_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.running():
        (house.codecs / f"{CATALOGUE[0].id}.js").write_text(GOOD)
        while house.decoders.problem is None:  # noqa: ASYNC110 - it looks without a sign
            await asyncio.sleep(0.001)
        (house.codecs / "strange-thing.js").write_text(WARM)
        house.receive(1)
        await house.until_stored(1)


@pytest.mark.parametrize("at_start", [True, False])
async def test_codecs_that_recognition_refuses_are_told_and_end_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, at_start: bool
) -> None:
    def careless(self: Decoders) -> CodecFolder:
        return CodecFolder(self._place, models=())

    def put() -> None:
        (house_folder / f"{CATALOGUE[0].id}.js").write_text(GOOD)

    house_folder = tmp_path / "codecs"
    house_folder.mkdir()
    monkeypatch.setattr(Decoders, "_read", careless)
    if at_start:
        put()
    house = House(tmp_path)
    async with house.running():
        if not at_start:
            put()
        while house.decoders.problem is None:  # noqa: ASYNC110 - it looks without a sign
            await asyncio.sleep(0.001)
        assert CATALOGUE[0].id in house.decoders.problem
        assert house.decoders.folder.codecs == {}
        (house_folder / f"{CATALOGUE[0].id}.js").unlink()
        (house_folder / "strange-thing.js").write_text(WARM)
        house.receive(1)
        await house.until_stored(1)


async def test_the_folder_is_looked_at_while_much_is_tried_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.codecs / "strange-thing.js").write_text("function decodeUplink() { broken 1")
    async with house.running():
        house.receive(3)
        while house.journal.quarantine.counts() == {}:
            await house.ingest.store([])
        # Somebody has the turn for long: whoever tries again gets no further.
        await house.ingest.backlog.turn.acquire()
        house.decoders._again.add("nobody")
        (house.codecs / "strange-thing.js").write_text("function decodeUplink() { broken 2")
        before = house.ingest.backlog.changes
        while house.ingest.backlog.changes == before:  # noqa: ASYNC110 - it looks without a sign
            await asyncio.sleep(0.001)
        (house.codecs / "strange-thing.js").write_text(WARM)
        while house.ingest.backlog.changes == before + 1:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.001)
        house.ingest.backlog.turn.release()
        await house.until_stored(3)
        assert house.ingest.backlog.most_bytes == 9_000_000
