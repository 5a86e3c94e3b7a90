"""Holds the guides to the code: what the code can do or say, a guide names."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import typer.main

from devices.device import Origin
from devices.envelopes import envelopes
from devices.reading import QUANTITIES
from gateway.cli import asking
from gateway.cli import main as cli
from gateway.settings import parse
from rules import KINDS
from rules.alert import Alert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GUIDES = ("install", "devices", "rules", "operate", "promises", "influxdb")


def text(guide: str) -> str:
    return (DOCS / f"{guide}.md").read_text(encoding="utf-8")


def rows(guide: str) -> list[list[str]]:
    """Return the cells of every line of a table."""
    lines = [line for line in text(guide).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def first_cells(guide: str) -> set[str]:
    """Return every word in back-quotes that stands in the first cell of a table's line."""
    return {word for row in rows(guide) for word in re.findall(r"`([^`]+)`", row[0])}


# --- commands

EVERYWHERE = {"-c", "--config", "--json", "--help"}
"""Options that the guide explains once, for all commands."""


class Parameter(Protocol):
    """What is needed of a command's parameter."""

    opts: list[str]


class Command(Protocol):
    """What is needed of a command: typer's own class has no public name."""

    @property
    def params(self) -> Sequence[Parameter]: ...


def commands(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    """Yield each command that does something, with the words that call it."""
    below: dict[str, Command] = getattr(command, "commands", {})
    if not below:
        yield path, command
    for name in below:  # noqa: PLC0206 - items() would load none
        yield from commands(below[name], f"{path} {name}")


def options(command: Command) -> set[str]:
    return {option for each in command.params for option in each.opts if option.startswith("-")}


HOLDWATCH = typer.main.get_command(cli.app)
COMMANDS = dict(commands(HOLDWATCH, "holdwatch"))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_in_the_guide_with_its_options(path: str) -> None:
    told = [row for row in rows("operate") if re.match(rf"`{path}(?: [A-Z\[\]]+)*`", row[0])]
    assert len(told) == 1, f"the table of commands has no line for {path}"
    words = set(re.findall(r"`(-[^` ]+)(?: [A-Z]+)?`", told[0][1]))
    assert words == options(COMMANDS[path]) - EVERYWHERE


def test_options_of_all_commands_are_in_the_guide() -> None:
    shared = options(HOLDWATCH) | EVERYWHERE
    missing = [one for one in shared if not re.search(rf"`[^`]*{one}\b[^`]*`", text("operate"))]
    assert missing == []


def test_the_guide_names_no_command_that_is_not_there() -> None:
    named = set(re.findall(r"`(holdwatch [a-z]+(?: (?:list|retry))?)\b", text("operate")))
    known = set(COMMANDS) | {path.rpartition(" ")[0] for path in COMMANDS}
    assert named <= known


def test_exit_codes_are_those_of_the_code() -> None:
    told = {row[0]: row[1] for row in rows("operate") if re.fullmatch(r"\d", row[0])}
    given = {str(code) for code in (asking.REFUSED, asking.MISTAKE, asking.FILE, asking.RUNNING)}
    assert set(told) == {"0", "2"} | given
    assert "settings" in told[str(asking.MISTAKE)]
    assert "damaged" in told[str(asking.FILE)]
    assert "another gateway" in told[str(asking.RUNNING)]
    assert "refused" in told[str(asking.REFUSED)]


# --- what a message may be


def test_every_quantity_is_in_the_guide_with_its_unit_and_range() -> None:
    told = {
        row[0].strip("`"): row[1:] for row in rows("devices") if row[0].strip("`") in QUANTITIES
    }
    assert told == {
        name: [one.unit, f"{one.lowest:.0f} to {one.highest:.0f}"]
        for name, one in QUANTITIES.items()
    }


def reasons(source: str) -> Iterator[str]:
    """Yield the reason of every DecodeError in a module; "*" stands for what is put in later."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and node.args and _refuses(node)):
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant):
            yield str(first.value)
        elif isinstance(first, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "*" for part in first.values
            )


def _refuses(call: ast.Call) -> bool:
    """Whether this makes a DecodeError; a kind of its own hands reason, detail and cure on."""
    if isinstance(call.func, ast.Name):
        return call.func.id in {"DecodeError", "_refuse"}
    handed_on = isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"
    return handed_on and len(call.args) == 3


def all_reasons() -> set[str]:
    files = [file for room in ("devices", "gateway") for file in (ROOT / room).rglob("*.py")]
    return {reason for file in files for reason in reasons(file.read_text(encoding="utf-8"))}


def named(reason: str, words: set[str]) -> bool:
    pattern = re.escape(reason).replace(r"\*", "[a-z-]+")
    return any(re.fullmatch(pattern, word) for word in words)


def test_every_reason_for_the_quarantine_is_in_the_guide_with_its_cure() -> None:
    found = all_reasons()
    assert len(found) > 20, "the reasons were not found: has DecodeError another name?"
    words = first_cells("devices") | first_cells("devices-mqtt")
    assert sorted(reason for reason in found if not named(reason, words)) == []


def test_the_guide_names_no_reason_that_is_not_there() -> None:
    found = all_reasons()
    told = {
        word
        for row in rows("devices")
        if len(row) == 3 and "-" in row[0]
        for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", row[0])
    }
    assert sorted(word for word in told if not any(named(one, {word}) for one in found)) == []


def test_a_reason_that_is_put_together_is_found() -> None:
    source = 'def f(key):\n    raise DecodeError(f"no-{key}", "detail", "cure")\n'
    assert list(reasons(source)) == ["no-*"]
    assert named("no-*", {"no-uplink-message"})
    assert not named("no-*", {"not-json"})


# --- rules and alerts


def test_every_field_of_an_alert_is_in_the_guide() -> None:
    fields = set(Alert.__struct_fields__)
    assert fields - first_cells("rules") == set()


def blocks(guide: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", text(guide), re.MULTILINE | re.DOTALL)


EXAMPLES = [
    pytest.param(block, id=f"{guide}-{number}")
    for guide in GUIDES
    for number, block in enumerate(blocks(guide), 1)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_settings_are_right(example: str) -> None:
    assert (
        parse(example, environment={"TTS_KEY": "secret", "INFLUX_TOKEN": "secret"}).warnings == ()
    )


@pytest.mark.parametrize(
    ("topic", "payload", "readings"),
    [
        (
            "tele/tasmota_A1/SENSOR",
            b'{"Time":"2026-11-22T13:30:00","DS18B20":{"Id":"01","Temperature":4.3},"TempUnit":"C"}',
            1,
        ),
        ("tele/tasmota_A1/STATE", b'{"Time":"2026-11-22T13:30:00","UptimeSec":9}', 0),
        ("tele/tasmota_A1/LWT", b"Offline", 0),
        ("stat/tasmota_A1/RESULT", b'{"POWER":"ON"}', 0),
        ("tasmota/discovery/A1B2C3/config", b"{}", 0),
        ("cellar/sensor/temperature/state", b"4.3", 1),
        ("cellar/status", b"online", 0),
    ],
)
def test_the_example_for_ready_made_firmware_reads_what_it_sends(
    topic: str, payload: bytes, readings: int
) -> None:
    section = text("devices").partition("### Tasmota")[2].partition("\n### ")[0]
    found = "".join(re.findall(r"^```toml\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    mappings = [one.mapping() for one in parse(found).mappings]
    bound = (one.bind(topic, Origin("", "listener/kitchen")) for one in envelopes(mappings))
    decode = next(one for one in bound if one is not None)
    assert len(decode(payload, 1_795_346_283_000, 0)) == readings


def test_examples_of_rules_can_stand_in_one_file() -> None:
    found = [rule for block in blocks("rules") for rule in parse(block).rules]
    names = [rule.name for rule in found]
    assert len(names) == len(set(names))
    assert {rule.kind for rule in found} == {kind.model_fields["kind"].default for kind in KINDS}
