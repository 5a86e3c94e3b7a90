"""`holdwatch influx` and the try of `check`, as a person types them, against a real server."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from gateway.influxdb.letters import letter
from gateway.state import State
from tests.e2e.gateway_process import ENVIRONMENT, HOLDWATCH, holdwatch, holdwatch_json
from tests.gateway.asked import SETTINGS
from tests.gateway.parts import NOW, said
from tests.influxdb import RunningInflux

GONE = "http://127.0.0.1:9"
"""Nobody listens there."""


def written(folder: Path, *servers: str) -> Path:
    """Write settings with these [[influxdb]], and return the file."""
    text = SETTINGS.format(folder=folder / "data")
    file = folder / "holdwatch.toml"
    file.write_text(text + "".join(f"[[influxdb]]\n{one}\n" for one in servers))
    return file


def server(influxdb: RunningInflux, database: str, name: str = "office", more: str = "") -> str:
    return f'name = "{name}"\nurl = "{influxdb.url}"\ndatabase = "{database}"\n{more}'


def words(told: str) -> str:
    return " ".join(told.split())


def test_a_server_is_set_up_and_then_can_be_written_to(
    tmp_path: Path, influxdb: RunningInflux
) -> None:
    file = written(tmp_path, server(influxdb, "from_the_cli", more='retention = "400 days"'))
    told = words(holdwatch("check", "-c", str(file)))
    assert 'Warning: office cannot be written to: 404 database not found: "from_the_cli".' in told
    assert "Make it: holdwatch influx init office." in told
    told = holdwatch("influx", "init", "-c", str(file))
    assert "✓ database from_the_cli, kept for 400d" in told
    assert "office is ready" in told
    assert "✓ office: InfluxDB 1.6.7" in holdwatch("check", "-c", str(file))
    (policies,) = influxdb.query("", 'SHOW RETENTION POLICIES ON "from_the_cli"')
    assert "9600h0m0s" in policies["values"][0]
    assert "is ready" in holdwatch("influx", "init", "office", "-c", str(file)), "again"


def test_what_is_left_to_do_is_told_as_a_command_and_by_the_exit_code(
    tmp_path: Path, influxdb: RunningInflux
) -> None:
    database = influxdb.database("kept_for_long")
    file = written(tmp_path, server(influxdb, database, more='retention = "7 days"'))
    done = subprocess.run(
        [*HOLDWATCH, "influx", "init", "-c", str(file)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 1
    assert "! to do: retention policy" in done.stdout
    assert "ALTER RETENTION POLICY" in done.stdout
    assert "somebody run this who has the rights" in words(done.stdout)


def test_without_a_name_all_servers_are_set_up_in_turn(
    tmp_path: Path, influxdb: RunningInflux
) -> None:
    away = f'name = "cloud"\nurl = "{GONE}"\n'
    file = written(tmp_path, away, server(influxdb, "one_of_two"))
    done = subprocess.run(
        [*HOLDWATCH, "influx", "init", "-c", str(file)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 1, "one of them is not ready"
    lines = done.stdout.splitlines()
    assert lines[:3] == ["cloud", "office", "✓ database one_of_two"]
    assert "office is ready" in done.stdout
    assert "cloud: cannot connect to http://127.0.0.1:9" in done.stderr
    assert "✓ database one_of_two" in holdwatch("influx", "init", "office", "-c", str(file))


def test_check_tries_each_server_and_none_when_told_not_to(
    tmp_path: Path, influxdb: RunningInflux
) -> None:
    away = f'name = "cloud"\nurl = "{GONE}"\n'
    file = written(tmp_path, server(influxdb, influxdb.database()), away)
    told = words(holdwatch("check", "-c", str(file)))
    assert "✓ office: InfluxDB 1.6.7" in told
    assert "Warning: cloud cannot be written to: cannot connect to http://127.0.0.1:9" in told
    assert "The gateway starts all the same" in told
    told = holdwatch("check", "--offline", "-c", str(file))
    assert f"InfluxDB cloud: {GONE}, database holdwatch" in told
    assert "cannot" not in told
    assert "✓" not in told


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            ["rejected", "--retry"],
            "there are several [[influxdb]]. Say which one: cloud, office.",
        ),
        (["init", "cellar"], "there is no [[influxdb]] called cellar. Use one of cloud, office;"),
        (["init", "cloud"], "cloud: cannot connect to http://127.0.0.1:9"),
        (["rejected", "office", "--retry", "--drop"], "Say either --retry or --drop."),
        (["backfill", "office", "--from", "May"], "'May' is no day. Write it as 2026-05-31."),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    tmp_path: Path, typed: list[str], told: str
) -> None:
    file = written(tmp_path, *(f'name = "{one}"\nurl = "{GONE}"\n' for one in ("office", "cloud")))
    said_so = holdwatch("influx", *typed, "-c", str(file), code=1)
    assert told in words(said_so)


def test_a_day_must_be_given(tmp_path: Path) -> None:
    file = written(tmp_path, f'url = "{GONE}"')
    assert "--from" in holdwatch("influx", "backfill", "-c", str(file), code=2)


def test_with_no_gateway_running_a_range_is_sent_and_refused_readings_are_seen_to(
    tmp_path: Path, influxdb: RunningInflux
) -> None:
    database = influxdb.database()
    file = written(tmp_path, server(influxdb, database))
    logger = tmp_path / "d-1.csv"
    logger.write_text("time,temperature\n2026-01-01T00:00:00Z,4.5\n2026-01-02T00:00:00Z,5.5\n")
    holdwatch("import", str(logger), "--device", "d-1", "-c", str(file))
    range_ = ("--from", "2026-01-02", "--to", "2026-01-02")
    sent = holdwatch("influx", "backfill", *range_, "-c", str(file))
    assert "✓ 1 reading sent to office." in sent
    rows = influxdb.rows(database, 'SELECT "temperature" FROM "readings"')
    assert [one["temperature"] for one in rows] == [4.5, 5.5], "what waited went too"
    assert "nothing to send" in holdwatch("status", "-c", str(file))

    bury(tmp_path / "data")
    told = holdwatch("influx", "rejected", "-c", str(file))
    assert "400 partial write" in told
    assert "such as d-1" in told
    assert "refused 2" in holdwatch("status", "-c", str(file))
    (office,) = holdwatch_json("influx", "status", "-c", str(file))["servers"].values()
    assert office["rejected"] == 2
    assert "2 refused points" in holdwatch("influx", "status", "-c", str(file))
    holdwatch("influx", "rejected", "--drop", "-c", str(file), code=1)  # nobody says yes
    influxdb.query("", f'DROP DATABASE "{database}"')
    influxdb.database(database)
    influxdb.write(database, b"readings,device=other temperature=1i %d" % (NOW * 10**6))
    holdwatch("influx", "rejected", "--retry", "-c", str(file), code=1)  # they are left
    influxdb.query("", f'DROP DATABASE "{database}"')
    influxdb.database(database)
    retried = holdwatch("influx", "rejected", "--retry", "-c", str(file))
    assert "2 refused points taken by office, 0 left." in retried
    bury(tmp_path / "data")
    dropped = holdwatch("influx", "rejected", "--drop", "--yes", "-c", str(file))
    assert "2 refused points given up for office." in dropped
    assert "✓ office has refused nothing." in holdwatch("influx", "rejected", "-c", str(file))


def bury(data: Path) -> None:
    """Be a server that refused two readings."""

    async def write() -> None:
        state = State(data / "state.db")
        async with state.writing():
            letters = [(letter(said(at=NOW + n)), f"400 partial write {n}") for n in range(2)]
            state.bury("influxdb:office", letters, NOW)
        state.close()

    asyncio.run(write())
