"""An export holds all of it, is whole or not there at all, and no byte of it can change unseen."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from devices.reading import DeviceKey
from gateway.app import Gateway
from gateway.consignments.facts import Assigned, Changed, Unassigned
from gateway.consignments.report import canonical
from gateway.evidence import archive
from gateway.evidence.sources import Sources
from gateway.refusal import ControlError
from gateway.registry.cards import Calibration
from rules.duration import DAY, HOUR
from tests.gateway.asked import Asked, alarm, recorded
from tests.gateway.consignments import voyages
from tests.gateway.evidence.voyage import (
    D1,
    D2,
    D3,
    START,
    archived,
    begun,
    delivered,
    heard,
    state,
    taking,
)
from tests.gateway.parts import NOW

GUIDE = Path(__file__).parents[3] / "docs" / "evidence.md"
TIMES = [START + n * HOUR for n in range(1, 100)]


@pytest.fixture
async def gateway(ask: Asked) -> AsyncIterator[Gateway]:
    """A gateway in which a consignment is delivered; some of it is in the history, some not."""
    async with taking(ask.gateway):
        await begun(ask.gateway, D1, D2)
        await heard(ask.gateway, D1, START - HOUR, *TIMES[:80])
        await heard(ask.gateway, D2, *TIMES[:50])
        await archived(ask.gateway)
        await ask.gateway.keeper.store()
        await heard(ask.gateway, D1, *TIMES[80:])
        await heard(ask.gateway, D3, *TIMES)
        async with ask.gateway.registry.changing() as change:
            change.state(D1, Calibration(since=TIMES[10], channel="temperature", offset=0.25))
        await recorded(ask.gateway.state, alarm("a-1", device=D1, began=TIMES[3], fired=TIMES[4]))
        await delivered(ask.gateway)
        yield ask.gateway


@pytest.fixture
def sources(gateway: Gateway) -> Iterator[Sources]:
    with Sources(gateway.settings) as opened:
        yield opened


def exported(sources: Sources, path: Path) -> archive.Exported:
    consignment = sources.book.consignment("A-1")
    assert consignment is not None
    return archive.export(sources, consignment, path, NOW, lambda _done, _all: None)


def compared(gateway: Gateway, path: Path) -> tuple[str, ...]:
    with Sources(gateway.settings) as sources:
        found = archive.compare(sources, archive.look_into(path), lambda _done, _all: None)
    return found.problems


def table(path: Path) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as file:
        return list(csv.DictReader(io.StringIO(file.read("readings.csv").decode(), newline="")))


def content_of(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as file:
        return file.read(name)


def content(path: Path, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read(name))


def test_every_reading_that_counts_is_in_it_once_raw_and_corrected(
    sources: Sources, tmp_path: Path
) -> None:
    made = exported(sources, tmp_path / "a.zip")
    rows = table(tmp_path / "a.zip")
    assert made.manifest.readings == len(rows) == 100 + 50
    first = [row for row in rows if row["sensor"] == "acme/d-1"]
    assert [int(row["when_ms"]) for row in first] == [START - HOUR, *TIMES]
    assert [row["counts"] for row in first] == ["no", *["yes"] * 99]
    values = {(row["raw"], row["corrected"]) for row in first[:11]}
    assert values == {("4.5", "4.5")}
    assert {(row["raw"], row["corrected"]) for row in first[11:]} == {("4.5", "4.75")}
    assert {row["sensor"] for row in rows} == {"acme/d-1", "acme/d-2"}


def test_every_message_is_in_it_as_it_came(sources: Sources, tmp_path: Path) -> None:
    made = exported(sources, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        lines = [json.loads(line) for line in file.read("messages.jsonl").splitlines()]
    assert made.manifest.messages == len(lines) == 100 + 50
    one = lines[0]
    body = json.loads(base64.b64decode(one["payload"]))
    assert (body["time"], one["topic"]) == (START - HOUR, "cargo/hall/d-1/readings")
    (named,) = one["readings"]
    (row,) = [row for row in table(tmp_path / "a.zip") if row["when_ms"] == str(START - HOUR)]
    assert (named["sensor"], str(named["identity"])) == (row["sensor"], row["identity"])


def test_all_else_is_in_it_and_the_manifest_has_the_digest_of_each_part(
    sources: Sources, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    manifest = exported(sources, path).manifest
    with zipfile.ZipFile(path) as file:
        names = set(file.namelist())
        for one in manifest.parts:
            assert hashlib.sha256(file.read(one.name)).hexdigest() == one.sha256
    assert {one.name for one in manifest.parts} == names - {"manifest.json"}
    assert content(path, "manifest.json")["software"]
    assert [one["kind"] for one in content(path, "facts.json")] == [
        *("created", "assigned", "assigned", "delivered"),
    ]
    assert [one["alert"]["id"] for one in content(path, "alerts.json")] == ["a-1"]
    assert list(content(path, "profiles.json")) == [manifest.profile]
    (card,) = [one for one in content(path, "sensors.json") if one["sensor"] == "acme/d-1"]
    assert card["calibrations"][0]["offset"] == 0.25


async def test_what_was_signed_is_in_it_as_it_was_signed_and_as_a_pdf(
    gateway: Gateway, sources: Sources, tmp_path: Path
) -> None:
    signed, path = voyages.signed(), tmp_path / "a.zip"
    body = canonical(signed.report)
    decision = msgspec.json.encode(signed.decision)
    async with gateway.state.writing():
        row = ("acme", "A-1", 1, NOW, signed.digest, body, decision)
        gateway.state.stage("INSERT INTO report VALUES (?,?,?,?,?,?,?)", [row])
    exported(sources, path)
    with zipfile.ZipFile(path) as file:
        told = GUIDE.read_text(encoding="utf-8")
        assert [name for name in file.namelist() if f"`{name}`" not in told] == []
        assert hashlib.sha256(file.read("reports/1.json")).hexdigest() == signed.digest
        assert file.read("reports/1.decision.json") == decision
        assert file.read("reports/1.pdf").startswith(b"%PDF")
    assert compared(gateway, path) == ()
    drawn = content_of(path, "reports/1.pdf")
    for name in ("reports/1.pdf", "reports/2.pdf"):
        forged(path, name, drawn.replace(b"%PDF-1", b"%PDF-2", 1))
        assert compared(gateway, path) == (f"{name} is otherwise here",)
        exported_anew(sources, path)


@pytest.mark.parametrize(
    ("field", "says"), [("stage", "released"), ("profile", "another@1"), ("newest_fact", 99)]
)
def test_a_manifest_that_says_something_else_is_found(
    gateway: Gateway, sources: Sources, tmp_path: Path, field: str, says: object
) -> None:
    path = tmp_path / "a.zip"
    exported(sources, path)
    manifest = content(path, "manifest.json")
    resealed(path, "manifest.json", json.dumps({**manifest, field: says}).encode())
    assert archive.look_into(path).problems == ()
    (problem,) = compared(gateway, path)
    assert str(says) in problem


@pytest.mark.parametrize("name", ["deflated", "encrypted", "bomb"])
def test_a_file_that_cannot_be_unpacked_is_told_and_nothing_fails(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "manifest.json", b" " * (archive.LARGEST_MANIFEST + 1 if name == "bomb" else 999)
        )
        file.comment = b"0" * 64
    broken = bytearray(path.read_bytes())
    begin = broken.index(b"manifest.json") + len(b"manifest.json")
    if name == "deflated":
        broken[begin : begin + 4] = b"\xff\xff\xff\xff"
    elif name == "encrypted":
        broken[6] |= 1
        broken[broken.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(broken)
    with path.open("r+b") as file_:
        archive._seal(file_)
    (problem,) = archive.look_into(path).problems
    assert problem.startswith("it is no export of Holdwatch")


def test_the_whole_has_a_digest_that_anybody_can_check(sources: Sources, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    made = exported(sources, path)
    data = path.read_bytes()
    assert data[-64:].decode() == made.digest == hashlib.sha256(data[:-64]).hexdigest()
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.size == len(data)


async def test_what_was_exported_is_verified_also_when_it_has_moved_meanwhile(
    gateway: Gateway, sources: Sources, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    exported(sources, path)
    assert compared(gateway, path) == ()
    await archived(gateway)
    await gateway.keeper.store()
    assert compared(gateway, path) == ()


@pytest.mark.parametrize("seed", range(3))
def test_any_byte_that_is_otherwise_is_found(sources: Sources, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.zip"
    exported(sources, path)
    whole, random = path.read_bytes(), Random(seed)  # noqa: S311 - it decides where, no secret
    for place in [0, len(whole) - 1, *(random.randrange(len(whole)) for _ in range(60))]:
        wrong = bytearray(whole)
        wrong[place] ^= 1 << random.randrange(8)
        path.write_bytes(wrong)
        assert archive.look_into(path).problems, f"byte {place} (seed {seed})"
    path.write_bytes(whole[: len(whole) // 2])
    assert archive.look_into(path).problems
    path.write_bytes(b"")
    assert archive.look_into(path).problems


def resealed(path: Path, change: str, to: bytes) -> None:
    """Put something else into a part, and make the file's own digest anew, as a forger would."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts[change] = to
    with path.open("w+b") as new:
        with zipfile.ZipFile(new, "w") as file:
            for name, body in parts.items():
                file.writestr(name, body)
            file.comment = b"0" * 64
        archive._seal(new)


def forged(path: Path, name: str, body: bytes) -> None:
    """Put another part in, with a manifest that names it."""
    manifest = content(path, "manifest.json")
    part = {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    others = [one for one in manifest["parts"] if one["name"] != name]
    resealed(path, name, body)
    resealed(path, "manifest.json", json.dumps({**manifest, "parts": [*others, part]}).encode())
    assert archive.look_into(path).problems == ()


def exported_anew(sources: Sources, path: Path) -> None:
    path.unlink()
    exported(sources, path)


def test_a_forgery_with_digests_of_its_own_is_found_by_the_gateway(
    gateway: Gateway, sources: Sources, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    exported(sources, path)
    with zipfile.ZipFile(path) as file:
        readings, manifest = file.read("readings.csv"), json.loads(file.read("manifest.json"))
    forged = readings.replace(b"4.5", b"5.5", 1)
    resealed(path, "readings.csv", forged)
    assert archive.look_into(path).problems == ("readings.csv is not as its manifest says",)
    manifest["parts"][0]["sha256"] = hashlib.sha256(forged).hexdigest()
    resealed(path, "manifest.json", json.dumps(manifest).encode())
    assert archive.look_into(path).problems == ()
    assert compared(gateway, path) == ("readings.csv is otherwise here",)


async def test_what_came_or_was_stated_since_is_found(
    gateway: Gateway, sources: Sources, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    exported(sources, path)
    await heard(gateway, D1, START + 5 * HOUR + 1)
    assert "here are 151 readings, and in the file 150" in compared(gateway, path)
    await state(gateway, "A-1", (NOW, Changed(note="broken seal")))
    assert "here are 5 facts, and in the file 4" in compared(gateway, path)


def test_a_file_is_never_written_over(sources: Sources, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_text("mine")
    with pytest.raises(ControlError, match="Name another file"):
        exported(sources, path)
    assert path.read_text() == "mine"


def test_where_the_disk_takes_no_more_there_is_no_file(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="No space"):
        exported(sources, tmp_path / "a.zip")
    assert [one.name for one in tmp_path.glob("a.zip*")] == []


KILLED = """
import sys, time
from pathlib import Path
from gateway.evidence import archive
from gateway.evidence.sources import Sources
from gateway.settings import load

def slowly(half, path):
    print("written", flush=True)
    time.sleep(60)
Path.rename = slowly
with Sources(load(Path(sys.argv[1]))) as sources:
    one = sources.book.consignment("A-1")
    archive.export(sources, one, Path(sys.argv[2]), 0, lambda done, all: None)
"""


def killed(settings: Path, path: Path) -> None:
    """Let another process export, and kill it when all is written."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(settings), str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


async def test_killed_before_it_has_its_name_it_leaves_no_file_of_that_name(
    gateway: Gateway, tmp_path: Path
) -> None:
    settings, path = tmp_path / "holdwatch.toml", tmp_path / "a.zip"
    settings.write_text(f'[gateway]\nowner = "acme"\ndata = "{tmp_path}"\n')
    await asyncio.to_thread(killed, settings, path)
    assert not path.exists()
    with Sources(gateway.settings) as sources:
        exported(sources, path)
    assert compared(gateway, path) == ()
    assert not path.with_name("a.zip.part").exists()


async def test_of_what_is_let_go_only_what_was_verified_is(ask: Asked, gateway: Gateway) -> None:
    head = gateway.journal.head
    said: dict[str, Any] = {"consignment": "A-1", "digest": "0" * 64, "readings": 150}
    said |= {"messages": 150, "head": head}
    with pytest.raises(ControlError, match="more was stated"):
        await ask("consignment-let-go", **said, newest_fact=3)
    await heard(gateway, D1, START + 5 * HOUR + 1)
    with pytest.raises(ControlError, match="more was heard of A-1 while"):
        await ask("consignment-let-go", **said, newest_fact=4)
    said["head"] = gateway.journal.head
    assert "A-1" in gateway.holding.holds
    answer = await ask("consignment-let-go", **said, newest_fact=4)
    assert answer["number"] == 5
    assert gateway.holding.holds == {}
    assert not gateway.ingest.witness.held.devices
    (entry,) = [one for one in await ask("audit") if one["what"] == "consignment-let-go"]
    assert (entry["object"], entry["after"]["readings"]) == ("A-1", 150)
    assert entry["who"]["name"]
    with pytest.raises(ControlError, match="nothing is kept"):
        await ask("consignment-let-go", **said, newest_fact=5)


async def test_what_is_under_way_cannot_be_let_go(ask: Asked) -> None:
    async with taking(ask.gateway):
        await begun(ask.gateway, D1)
        with pytest.raises(ControlError, match="more will be asked"):
            await ask(
                "consignment-let-go",
                consignment="A-1",
                digest="",
                readings=0,
                messages=0,
                newest_fact=2,
                head=0,
            )


async def test_the_first_minutes_and_what_was_believed_once_are_in_it_and_marked(
    ask: Asked, tmp_path: Path
) -> None:
    gateway, sensor = ask.gateway, DeviceKey("acme", "d-9")
    async with taking(gateway):
        await begun(gateway)
        await state(gateway, "A-1", (START, Assigned(sensor=sensor, ignore=2 * HOUR)))
        await heard(gateway, sensor, *(START + n * HOUR for n in range(6)))
        await state(gateway, "A-1", (START + 4 * HOUR, Unassigned(sensor=sensor)))
        with Sources(gateway.settings) as sources:
            exported(sources, tmp_path / "a.zip")
    assert [row["counts"] for row in table(tmp_path / "a.zip")] == [
        *("start-up", "start-up", "yes", "yes", "no", "no")
    ]


def test_a_day_of_readings_is_in_memory_at_a_time(sources: Sources) -> None:
    consignment = sources.book.consignment("A-1")
    assert consignment is not None
    kept = sources.kept(consignment)
    pages = list(sources.readings(kept, D1))
    assert max(map(len, pages)) <= 24
    days = {one.when // DAY for page in pages for one in page}
    assert len([page for page in pages if page]) == len(days)
