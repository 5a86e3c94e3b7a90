"""What the gateway tells of its own process, files and certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.commit_times import BOUNDS, CommitTimes
from gateway.listener.authority import Authority
from gateway.listener.certificates import validity
from gateway.own_numbers import CertificateEnds
from gateway.settings import parse
from tests.gateway.parts import said

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.asked import Asked


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(0.0005, 0), (0.001, 0), (0.0011, 1), (5.0, len(BOUNDS) - 1), (60.0, len(BOUNDS))],
)
def test_a_commit_is_counted_in_the_step_that_it_took(seconds: float, step: int) -> None:
    times = CommitTimes()
    times.took(seconds)
    told = times.report()
    assert [place for place, count in enumerate(told["counts"]) if count] == [step]
    assert told["seconds"] == seconds


async def test_every_commit_of_a_file_is_counted(ask: Asked) -> None:
    before = sum((await ask("health"))["commits"]["journal"]["counts"])
    for number in range(3):
        ask.gateway.journal.append([said(sequence=number)])
        ask.gateway.journal.commit()
    ask.gateway.journal.commit()  # nothing was staged: the disk was not asked
    told = await ask("health")
    assert sum(told["commits"]["journal"]["counts"]) == before + 3
    assert told["wal"]["journal"] > 0
    assert told["process"]["memory"] > 10e6
    assert told["process"]["open_files"] > 5


def test_a_certificate_that_is_renewed_is_read_again(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = Authority.make(tmp_path, now, "here")
    issued = authority.server(["localhost"], now)
    ends = CertificateEnds(
        parse(f'[web]\ntls = {{ certificate = "{issued.certificate}", key = "{issued.key}" }}')
    )
    first = ends.report()
    assert first == {"page": validity(issued.certificate)[1]}
    issued.certificate.write_text("no certificate")
    assert ends.report() == {}  # an alert tells of it
    again = authority.server(["localhost"], now)
    assert ends.report() == {"page": validity(again.certificate)[1]}
