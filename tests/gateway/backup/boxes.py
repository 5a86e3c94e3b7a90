"""A box with something of everything in its four files, and backups of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from gateway.app import Gateway
from gateway.backup.archive import Member
from gateway.backup.making import Made, Order, make
from gateway.backup.restore import Restored, restore
from gateway.backup.rows import describe
from gateway.backup.snapshot import FILES
from gateway.mqtt.packets import Publish
from rules.duration import HOUR
from tests.gateway.evidence.voyage import D1, D2, FROM, START, begun, heard
from tests.gateway.parts import NOW


async def filled(gateway: Gateway) -> None:
    """Let two sensors be heard, of which one speaks for a consignment, and something unreadable."""
    await begun(gateway, D1)
    for sensor in (D1, D2):
        await heard(gateway, sensor, *(START + n * HOUR for n in range(50)))
    wrong = Publish(b"cargo/hall/d-1/readings", b"{", 1, 1, retain=False, dup=False)
    await gateway.ingest.deliver(FROM, [wrong])


def order(data: Path, folder: Path, **facts: Any) -> Order:  # noqa: ANN401 - fields of an order
    folder.mkdir(exist_ok=True)
    known: dict[str, Any] = {"box": "here", "owner": "acme", "now": NOW}
    return Order(data=str(data), folder=str(folder), **{**known, **facts})


def backed_up(data: Path, folder: Path, **facts: Any) -> Made:  # noqa: ANN401 - as above
    return make(order(data, folder, **facts), lambda _done, _all: None)


def restored(path: Path | str, data: Path, **how: Any) -> Restored:  # noqa: ANN401 - of restore
    return restore(Path(path), data, now=NOW + HOUR, who="mia", machine="", **how)


def rows(data: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """All that is in the files of a folder, by file and table."""
    found = {}
    for name in FILES:
        with closing(
            apsw.Connection(str(data / name), flags=apsw.SQLITE_OPEN_READONLY)
        ) as connection:
            for table in describe(name, connection).tables:
                key = f"{name} {table.name}"
                if key not in but:
                    select = f'SELECT * FROM "{table.name}"'  # noqa: S608 - names of our own schema
                    found[key] = sorted(connection.execute(select).fetchall(), key=repr)
    return found


def until(members: Iterator[Member], file: str) -> list[Member]:
    """Take members up to the last one of a file."""
    taken = []
    for one in members:
        taken.append(one)
        if one.of == file:
            return taken
    raise AssertionError(f"no {file}")
