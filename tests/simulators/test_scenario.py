"""Scenarios that are shipped can be run; impossible ones are refused with place and cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulators.faults import FAULTS
from simulators.kinds import KINDS
from simulators.mistakes import ScenarioError
from simulators.scenario import KEYS
from simulators.scenario_file import find, load, parse, shipped
from simulators.simulation import Simulation
from tests.simulators.small import SMALL, fault

LIMIT = '[[limits]]\nname = "warm"\non = "room-1"\nabove = 8.0\n'


def changed(old: str, new: str) -> str:
    """Return the small scenario with a change that finds its place."""
    assert old in SMALL
    return SMALL.replace(old, new, 1)


IMPOSSIBLE = [
    # What is wrong, where, what is said of it, the cure.
    (changed("seed = 7", "seed = "), "", "not TOML", "Mend that line"),
    (changed("seed = 7", ""), "seed", "missing", "Add seed"),
    (changed("seed = 7", "seed = -1"), "seed", "0 or more", "larger"),
    (changed("seed = 7", "seed = 7.5"), "seed", "whole number", ""),
    (changed("seed = 7", "sed = 7"), "sed", "unknown key", "Did you mean seed?"),
    (changed("seed = 7", 'seed = 7\nstep = "30 s"'), "step", "a step of 30 s", "not true"),
    (changed("seed = 7", 'seed = 7\nstep = "500 ms"'), "step", "a step of 0.5 s", "longer"),
    (changed("seed = 7", "seed = 7\nstep = 10"), "step", "no length of time", "number and a unit"),
    (changed("seed = 7", 'seed = 7\nstep = "10 parsecs"'), "step", "no length", "10 s"),
    (changed("06:00:00Z", "06:00:00"), "weather", "offset from UTC", "Add Z"),
    (changed("2026-07-01T06:00:00Z", '"July"'), "weather", "date and time", "without quotes"),
    ("seed = 1\n", "assets", "missing", "Add assets"),
    ("seed = 1\nassets = []\n", "assets", "holds 0", "Add"),
    ("seed = 1\nassets = 3\n", "assets", "a list", "brackets"),
    (changed('by = "road"', 'by = "air"'), "routes[1] (road).by", "'sea' or 'road'", "one of"),
    (changed("speed = 80", "speed = 400"), "routes[1] (road).speed", "nothing goes 400", "120"),
    (
        changed('by = "road"\nspeed = 80', 'by = "sea"\nspeed = 80'),
        "routes[1] (road).speed",
        "nothing goes 80 km/h by sea",
        "60",
    ),
    (changed("speed = 80", "speed = 0"), "routes[1] (road).speed", "more than 0", "larger"),
    (changed("speed = 80", "speed = inf"), "routes[1] (road).speed", "finite", ""),
    (
        changed("[[52.0, 4.3], [51.0, 7.0], [48.1, 11.6]]", "[[52.0, 4.3]]"),
        "routes[1] (road).waypoints",
        "holds 1",
        "Add",
    ),
    (
        changed("[51.0, 7.0]", "[151.0, 7.0]"),
        "routes[1] (road).waypoints[2][1]",
        "90 or less",
        "smaller",
    ),
    (changed("[51.0, 7.0]", "[51.0]"), "routes[1] (road).waypoints[2]", "pair", "latitude"),
    (changed("[51.0, 7.0]", "[52.0, 4.3]"), "routes[1] (road).waypoints[2]", "before", "out"),
    (changed('kind = "truck"', 'kind = "trukc"'), "assets[1] (truck).kind", "trukc", "truck?"),
    (
        changed("set_point = 2.0", 'set_point = "2"'),
        "assets[1] (truck).set_point",
        "a number",
        "without quotes",
    ),
    (changed("set_point = 2.0", "set_point = -273.0"), "assets[1] (truck).set_point", "-90", ""),
    (changed("set_point = 2.0", "cargo = 400.0"), "assets[1] (truck).cargo", "90 or less", ""),
    (
        changed('route = "road"\n', 'route = "rode"\n'),
        "assets[1] (truck).route",
        "no route 'rode'",
        "road?",
    ),
    (changed('route = "road"\n', "\n"), "assets[1] (truck).place", "neither", "one of them"),
    (
        changed('route = "road"\n', 'route = "road"\nplace = [0.0, 0.0]\n'),
        "assets[1] (truck).place",
        "a place and a route",
        "one of them",
    ),
    (
        changed("openings = 20", 'openings = 20\nunderway = "2 h"'),
        "assets[2] (room-{n}).underway",
        "no route",
        "Leave it out",
    ),
    (changed("count = 2\nsite", "count = 0\nsite"), "assets[2] (room-{n}).count", "1 or more", ""),
    (changed('"room-{n}"', '"room"'), "assets[2] (room).name", "share one name", "room-{n}"),
    (changed('"room-{n}"', '"room-{x}"'), "assets[2] (room-{x}).name", "unknown mark", "{n}"),
    (changed('"room-{n}"', '"room {n}"'), "assets[2] (room {n}).name", "the form", "characters"),
    (changed('site = "house"', 'site = "a/b"'), "assets[2] (room-{n}).site", "the form", ""),
    (
        changed('"temperature", "humidity"', '"temprature", "humidity"'),
        "assets[1] (truck).sensors[1].channels[1]",
        "no quantity 'temprature'",
        "Did you mean temperature?",
    ),
    (
        changed('"temperature", "humidity"', '"co2", "humidity"'),
        "assets[1] (truck).sensors[1].channels[1]",
        "nothing here has the channel 'co2'",
        "Known here",
    ),
    (
        changed('"temperature", "humidity"', '"humidity", "humidity"'),
        "assets[1] (truck).sensors[1].channels",
        "2 times",
        "once",
    ),
    (
        changed('every = "50 s"', 'every = "1 s"'),
        "assets[2] (room-{n}).sensors[1].every",
        "oftener than the physics",
        "10 s or more",
    ),
    (
        changed('every = "50 s"', 'phase = "2 min"'),
        "assets[2] (room-{n}).sensors[1].phase",
        "not within one interval",
        "less than 1 min",
    ),
    (
        changed('every = "50 s"', 'measures = "moon"'),
        "assets[2] (room-{n}).sensors[1].measures",
        "no 'moon'",
        "return_air",
    ),
    (
        changed("error = 0.1", "noise = -1.0"),
        "assets[2] (room-{n}).sensors[1].noise",
        "0 or more",
        "",
    ),
    (
        changed("error = 0.1", "resolution = 0.0"),
        "assets[2] (room-{n}).sensors[1].resolution",
        "0.001 or more",
        "",
    ),
    (
        changed('"{asset}-{n}"', '"{asset}"'),
        "assets[2] (room-{n}).sensors[1].device",
        "share one id",
        "{asset}-{n}",
    ),
    (
        changed('"{asset}-{n}"', '"{room}-{n}"'),
        "assets[2] (room-{n}).sensors[1].device",
        "unknown mark",
        "{asset}",
    ),
    (changed('"{asset}-{n}"', '"probe-{n}"'), "assets", "two devices are called 'probe-1'", ""),
    (changed('"room-{n}"\n', '"truck"\n').replace("count = 2\nsite", "site"), "assets", "two", ""),
    (
        changed("count = 2\nsite", "count = 10000\nsite").replace(
            "    count = 2", "    count = 50"
        ),
        "assets",
        "500001 devices",
        "100000 at most",
    ),
    (fault("door_opn", "truck"), "faults[1] (door_opn).kind", "no fault", "door_open?"),
    (fault("door_open", "trucks"), "faults[1] (door_open).on", "no asset", "truck?"),
    (fault("door_open", "room-1-1"), "faults[1] (door_open).on", "no asset", "room-1?"),
    (fault("lost_link", "nobody"), "faults[1] (lost_link).on", "asset or device", "Known here"),
    (fault("door_open", "truck", "-1 h"), "faults[1] (door_open).at", "no length", "23 h 10 min"),
    (fault("door_open", "truck", lasts="0 s"), "faults[1] (door_open).for", "more than 0", ""),
    (
        fault("door_open", "truck", more="severity = 1.5"),
        "faults[1] (door_open).severity",
        "1 or less",
        "smaller",
    ),
    (
        fault("door_open", "truck", more="size = 3.0"),
        "faults[1] (door_open).size",
        "no size",
        "severity",
    ),
    (
        fault("door_open", "truck", more='over = "1 h"'),
        "faults[1] (door_open).over",
        "does not grow",
        "Leave it out",
    ),
    (
        changed("seed = 7", 'seed = 7\nfor = "5 min"') + fault("door_open", "truck"),
        "faults[1] (door_open).at",
        "never begins",
        "5 min",
    ),
    (LIMIT.replace("room-1", "rom-1"), "limits[1] (warm).on", "no asset", "room-1?"),
    (LIMIT + "below = 2.0\n", "limits[1] (warm).above", "both", "two limits"),
    (LIMIT.replace("above = 8.0\n", ""), "limits[1] (warm).above", "neither", ""),
    (LIMIT + 'of = "core"\n', "limits[1] (warm).of", "no 'core'", "Known here"),
    (LIMIT + LIMIT, "limits[2] (warm).name", "twice", "own name"),
]


@pytest.mark.parametrize(
    ("text", "where", "what", "cure"),
    IMPOSSIBLE,
    ids=[f"{where}: {what}" for _, where, what, _ in IMPOSSIBLE],
)
def test_an_impossible_scenario_is_refused(text: str, where: str, what: str, cure: str) -> None:
    whole = text if "weather" in text or text.startswith("seed") else SMALL + text
    with pytest.raises(ScenarioError) as error:
        parse(whole, "mine.toml")
    found = {mistake.place: mistake for mistake in error.value.mistakes}
    assert where in found
    mistake = found[where]
    assert what in mistake.message
    assert cure in mistake.cure
    assert mistake.cure, "every mistake tells its cure"
    assert str(error.value).startswith("mine.toml: ")


def test_all_mistakes_are_told_at_once() -> None:
    text = SMALL + fault("door_open", "nobody") + LIMIT.replace("room-1", "nowhere")
    with pytest.raises(ScenarioError, match="2 mistakes") as error:
        parse(text)
    assert [one.place for one in error.value.mistakes] == [
        "faults[1] (door_open).on",
        "limits[1] (warm).on",
    ]


@pytest.mark.parametrize("name", list(shipped()))
def test_what_is_shipped_can_be_run(name: str) -> None:
    assert find(name).title


def test_a_scenario_is_found_by_name_or_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(SMALL, encoding="utf-8")
    assert find(str(mine)) == load(mine) == parse(SMALL)
    assert find("demo") == parse(shipped()["demo"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dmo", "there is no such scenario. Did you mean demo?"),
        ("./none.toml", "it cannot be read"),
        ("none.toml", "it cannot be read"),
    ],
)
def test_a_scenario_that_is_not_there_is_told(name: str, says: str) -> None:
    with pytest.raises(ScenarioError) as error:
        find(name)
    assert says in str(error.value)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="it cannot be read"):
        load(mine)


class TestDocs:
    TEXT = Path(__file__).resolve().parents[2] / "docs" / "simulators.md"

    def test_every_key_of_a_scenario_is_documented(self) -> None:
        text = self.TEXT.read_text(encoding="utf-8")
        keys = {key for section in KEYS.values() for key in section}
        assert {key for key in keys if f"`{key}`" not in text} == set()

    def test_every_kind_of_asset_is_documented(self) -> None:
        text = self.TEXT.read_text(encoding="utf-8")
        assert {kind.name for kind in KINDS if f"`{kind.name}`" not in text} == set()

    def test_every_kind_of_fault_is_documented(self) -> None:
        text = self.TEXT.read_text(encoding="utf-8")
        assert {name for name in FAULTS if f"`{name}`" not in text} == set()

    def test_the_scenarios_on_the_page_can_be_run(self) -> None:
        examples = re.findall(
            r"```toml\n(.*?)```", self.TEXT.read_text(encoding="utf-8"), re.DOTALL
        )
        scenarios = [text for text in examples if "[[assets]]" in text]
        assert scenarios
        for text in scenarios:
            assert Simulation(parse(text), start=0).advance(60_000)
