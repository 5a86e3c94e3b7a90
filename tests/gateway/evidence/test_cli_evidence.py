"""`holdwatch consignment evidence` and `holds`, as a person types them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.settings import load
from rules.duration import DAY, HOUR
from tests.e2e.gateway_process import holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS
from tests.gateway.evidence.voyage import D1, START, archived, begun, delivered, heard, taking
from tests.gateway.parts import NOW, ToldClock


async def _voyage(settings: Path) -> None:
    gateway = await asyncio.to_thread(Gateway, load(settings), join=False)
    gateway.clock = ToldClock()
    await gateway.compose()
    async with taking(gateway):
        await begun(gateway, D1)
        await heard(gateway, D1, *(START + n * HOUR for n in range(30)))
        await archived(gateway)
        await delivered(gateway, at=NOW - 5 * DAY)
    gateway.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a gateway with one delivered consignment, which does not run."""
    file = tmp_path / "holdwatch.toml"
    (tmp_path / "data").mkdir()
    file.write_text(SETTINGS.format(folder=tmp_path / "data"), encoding="utf-8")
    asyncio.run(_voyage(file))
    return file


def test_evidence_is_exported_verified_and_let_go(settings: Path, tmp_path: Path) -> None:
    to, config = str(tmp_path / "a.zip"), ("-c", str(settings))
    (hold,) = holdwatch_json("consignment", "holds", *config)["holds"]
    assert hold["consignment"] == "A-1"
    made = holdwatch("consignment", "evidence", "A-1", "-o", to, *config)
    assert "30 readings, 30 messages and 3 facts of A-1" in made
    verify = ("consignment", "evidence", "--verify", to)
    found = holdwatch_json(*verify, *config)
    assert (found["problems"], found["released"]) == ([], False)
    assert found["digest"] in made
    assert holdwatch_json(*verify, "--release-hold", *config)["released"] is True
    assert holdwatch_json("consignment", "holds", *config)["holds"] == []
    (entry,) = [one for one in holdwatch_json("audit", *config) if "let-go" in one["what"]]
    assert entry["after"]["digest"] == found["digest"]
    assert "It is the very file that is the record since" in holdwatch(*verify, *config)


def test_a_file_that_is_not_as_it_was_written_lets_nothing_go(
    settings: Path, tmp_path: Path
) -> None:
    path, config = tmp_path / "a.zip", ("-c", str(settings))
    holdwatch("consignment", "evidence", "A-1", "-o", str(path), *config)
    wrong = bytearray(path.read_bytes())
    wrong[100] ^= 1
    path.write_bytes(wrong)
    verify = ("consignment", "evidence", "--verify", str(path), "--release-hold")
    assert "not as it was written" in holdwatch(*verify, *config, code=1)
    assert len(holdwatch_json("consignment", "holds", *config)["holds"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["evidence"], 1, "Say either what to export"),
        (["evidence", "A-1"], 1, "Say either what to export"),
        (["evidence", "A-1", "-o", "{}/a.zip", "--release-hold"], 1, "Say either what to export"),
        (["evidence", "B-1", "-o", "{}/a.zip"], 1, "there is no consignment B-1"),
        (["evidence", "A-1", "-o", "{}/holdwatch.toml"], 1, "is there already"),
        (["evidence", "A-1", "-o", "{}/nowhere/a.zip"], 4, "No such file or directory"),
        (["evidence", "--verify", "{}/none.zip"], 4, "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    settings: Path, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    typed = [word.format(tmp_path) for word in words]
    found = holdwatch("consignment", *typed, "-c", str(settings), code=code)
    assert told in " ".join(found.split())
