"""`holdwatch rules backtest` and `diff`, as a person types them while no gateway runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.gateway_process import holdwatch, holdwatch_json

SETTINGS = """
[gateway]
data = "{folder}/data"
timezone = "Europe/Berlin"

[[listeners]]
host = "127.0.0.1"
port = 18830

[[rules]]
name = "fridge"
kind = "threshold"
channel = "temperature"
above = 8.0
for = "60 min"
"""
PROFILE = """
name = "ours"
title = "Our goods"
source = "us"
measures = "air"
instructions = "Look."
[[rules]]
name = "warm"
kind = "threshold"
channel = "temperature"
{limit} = 8.0
for = "30 min"
"""
ROWS = "time,temperature °C\n" + "".join(
    f"2026-05-01 {n // 6:02}:{n % 6}0:00Z,{9 if 6 <= n < 16 else 5}\n" for n in range(60)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Settings, a profile, one with a mistake, and a logger's file that was taken in."""
    (tmp_path / "holdwatch.toml").write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "ours.toml").write_text(PROFILE.format(limit="above"))
    (tmp_path / "bad.toml").write_text(PROFILE.format(limit="abov").replace("ours", "bad"))
    (tmp_path / "log.csv").write_text(ROWS)
    return tmp_path


def settings(folder: Path) -> tuple[str, str]:
    return "-c", str(folder / "holdwatch.toml")


def test_a_profile_is_tried_on_a_file_and_on_what_was_imported(folder: Path) -> None:
    holdwatch("import", str(folder / "log.csv"), "--device", "d-1", *settings(folder))
    plot = folder / "past.svg"
    what = ("rules", "backtest", str(folder / "ours.toml"))
    days = ("--from", "2026-05-01", "--to", "2026-05-31")
    told = holdwatch(*what, *days, "--device", "d-1", "--plot", str(plot), *settings(folder))
    assert "~ changed" in told
    assert "was fridge; 30 min sooner" in told
    assert "⠉" in told or "⠒" in told or "⣀" in told, "the line is drawn"
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    on = ("--file", str(folder / "log.csv"), "--device", "d-1")
    stored = holdwatch_json(*what, "--device", "d-1", *settings(folder))
    file = holdwatch_json(*what, *on, *settings(folder))
    for one in (stored, file):
        (trial,) = one["trials"]
        assert [both["now"]["rule"] for both in trial["found"]["both"]] == ["warm"]
    assert stored["trials"] == file["trials"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["vacines", "--device", "d"], 1, "There is no profile vacines. Did you mean vaccines?"),
        (["bad.toml", "--device", "d"], 3, "abov"),
        (["none.toml", "--device", "d"], 1, "none.toml is not there"),
        (["vaccines"], 1, "Say on what: --device, --consignment or --file"),
        ([], 1, "Say what to try: the name or file of a goods profile, or --rules."),
        (["vaccines", "--device", "d", "--plot", "x.png"], 1, "Name the picture x.svg"),
        (["vaccines", "--device", "d", "--plot", "no/x.svg"], 1, "There is no folder no"),
        (["vaccines", "--file", "none.csv"], 1, "Cannot read"),
        (["vaccines", "--device", "d"], 1, "nothing has ever been stored"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_a_cure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, says: str
) -> None:
    monkeypatch.chdir(folder)
    told = holdwatch("rules", "backtest", *words, *settings(folder), code=code)
    assert says in " ".join(told.split())


def test_rules_of_other_settings_are_tried_where_they_name_the_device(folder: Path) -> None:
    holdwatch("import", str(folder / "log.csv"), "--device", "d-1", *settings(folder))
    other = folder / "other.toml"
    text = SETTINGS.format(folder=folder) + 'devices = ["e-*"]\n'
    other.write_text(text)
    on = ("--rules", str(other), "--device", "d-1")
    told = holdwatch("rules", "backtest", *on, *settings(folder))
    assert "x gone" in told


def test_a_changed_profile_is_shown_against_what_it_extends(folder: Path) -> None:
    holdwatch("import", str(folder / "log.csv"), "--device", "d-1", *settings(folder))
    mine = folder / "mine.toml"
    rules = '[[rules]]\nname = "too-warm"\nkind = "threshold"\nchannel = "temperature"\n'
    mine.write_text(
        f'name = "mine"\ntitle = "Mine"\nextends = "vaccines"\n{rules}above = 8.5\nfor = "5 min"\n'
    )
    what = ("rules", "diff", str(mine), "--days", "3000", "--device", "d-1")
    answer = holdwatch_json(*what, *settings(folder))
    assert answer["against"].startswith("vaccines@")
    assert len(answer["changes"]) == 1
    told = holdwatch(*what, *settings(folder))
    assert "~ too-warm: above 8.0 °C for 60 min -> above 8.5 °C for 5 min" in told
