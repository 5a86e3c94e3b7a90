"""The folder of codecs: what is read of it, and what is said of files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.envelopes.codec_output import Place, Table
from devices.model import MINUTE, Model
from devices.models import CATALOGUE
from devices.recognition import Codec, Recognition
from gateway.codecs.folder import CodecFolder
from tests.gateway.codecs.running import GOOD

WHOLE = """\
profiles = ["LHT65N", "Dragino LHT65N-EU"]
prefer = "data"
ignore = ["Work_mode"]

[channels]
temperature = { name = "TempC_SHT" }
"temperature.external" = { name = "probe.temp", unit = "°F" }
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem.replace('_', '-')}.{ending}").write_text(text, encoding="utf-8")


def test_a_file_is_a_codec_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, lht65n_js=GOOD, other_one_js=GOOD, read_md="no codec")
    folder = CodecFolder(tmp_path, models=())
    assert list(folder.codecs) == ["lht65n", "other-one"]
    assert folder.codecs["lht65n"].source == GOOD
    assert folder.problems == []
    assert folder.recognised == [(Codec("lht65n", Table()), ()), (Codec("other-one", Table()), ())]


def test_what_stands_beside_it_says_whom_it_is_for_and_what_it_calls_things(tmp_path: Path) -> None:
    write(tmp_path, lht65n_js=GOOD, lht65n_toml=WHOLE)
    folder = CodecFolder(tmp_path, models=())
    assert folder.problems == []
    table = Table(
        {
            "temperature": Place("TempC_SHT"),
            "temperature.external": Place("probe.temp", "°F"),
        },
        "data",
        ("Work_mode",),
    )
    assert folder.recognised == [(Codec("lht65n", table), ("LHT65N", "Dragino LHT65N-EU"))]
    found = Recognition((), folder.recognised).named("dragino lht65n eu")
    assert found == Codec("lht65n", table)


def test_no_folder_is_no_codecs(tmp_path: Path) -> None:
    assert CodecFolder(None).codecs == {}
    assert not CodecFolder(None).changed()
    absent = CodecFolder(tmp_path / "codecs", expected=False)
    assert (absent.codecs, absent.problems) == ({}, [])


def test_a_folder_that_was_named_and_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (problem,) = CodecFolder(tmp_path / "codecs").problems
    assert problem.startswith(f"{tmp_path / 'codecs'}: the folder of codecs cannot be read")
    assert "[codecs]" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profiles = ", "bad.toml: line 1: this is not TOML"),
        ("profile = ['x']", "bad.toml: line 1, profile: unknown key. Did you mean profiles?"),
        ("profiles = 'x'", "bad.toml: line 1, profiles: there may be several"),
        ("prefer = 'mine'", "bad.toml: line 1, prefer: it must be 'normalized' or 'data'"),
        (
            "[channels]\nheat = { name = 'T' }",
            "bad.toml: line 1, channels: 'heat' is not a channel",
        ),
        (
            "[channels]\ntemperature = 'T'",
            "bad.toml: line 2, channels.temperature: it must be a tab",
        ),
        ("[channels]\ntemperature = { nam = 'T' }", "bad.toml: line 2, channels.temperature."),
        (
            "[channels]\ntemperature.external = { name = 'T' }",
            'bad.toml: line 1, channels: temperature.external stands without quotes. Write "temp',
        ),
        (
            "[channels]\ntemperature = { name = 'T', unit = 'bar' }",
            "bad.toml: line 1, channels: temperature cannot have the unit 'bar'. Known: °C",
        ),
        ("a = " + "[" * 5000, "bad.toml: line 1: "),
    ],
)
def test_a_mistake_is_told_with_its_file_line_and_cure_and_costs_one_codec(
    tmp_path: Path, text: str, expected: str
) -> None:
    write(tmp_path, bad_js=GOOD, bad_toml=text, good_js=GOOD)
    folder = CodecFolder(tmp_path)
    assert list(folder.codecs) == ["good"]
    assert folder.problems[0].startswith(expected)


def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "LHT 65.JS").write_text(GOOD)
    (tmp_path / "latin.js").write_bytes(b"// \xe9")
    (tmp_path / "large.js").write_bytes(b" " * 2_000_001)
    (tmp_path / "folder.js").mkdir()
    (tmp_path / "alone.toml").write_text("")
    (tmp_path / "gone.js").symlink_to(tmp_path / "nowhere")
    write(tmp_path, good_js=GOOD)
    folder = CodecFolder(tmp_path)
    assert list(folder.codecs) == ["good"]
    told = {line.partition(":")[0]: line for line in folder.problems}
    assert "such as lht-65.js" in told["LHT 65.JS"]
    assert "not UTF-8" in told["latin.js"]
    assert "more than 2 MB" in told["large.js"]
    assert "no file" in told["folder.js"]
    assert "no alone.js beside it" in told["alone.toml"]
    assert "no file" in told["gone.js"]
    assert len(told) == 6


def test_two_codecs_for_one_profile_cost_the_later_one(tmp_path: Path) -> None:
    write(tmp_path, a_js=GOOD, a_toml="profiles = ['X 1']", b_js=GOOD, b_toml="profiles = ['x-1']")
    folder = CodecFolder(tmp_path)
    assert list(folder.codecs) == ["a"]
    assert folder.problems == [
        "b.js: a is for devices called 'x-1' already. Take that profile out of b.toml."
    ]
    Recognition(codecs=folder.recognised)


def test_a_codec_that_is_called_like_a_model_of_the_catalogue_is_told_to_be_renamed(
    tmp_path: Path,
) -> None:
    model = Model(
        id="maker-t1",
        maker="Maker",
        name="T1",
        data_sheet="none",
        decode=lambda _data, _port: [],
        channels=("temperature",),
        interval=MINUTE,
    )
    write(tmp_path, t1_js=GOOD)
    folder = CodecFolder(tmp_path, models=[model])
    assert folder.codecs == {}
    (problem,) = folder.problems
    assert problem == (
        "t1.js: maker-t1 is for devices called 't1' already. Rename the file, such as t1-vendor.js."
    )


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda one: one.id)
def test_a_codec_with_the_very_id_of_a_model_is_no_codec_either(
    tmp_path: Path, model: Model
) -> None:
    (tmp_path / f"{model.id}.js").write_text(GOOD)
    folder = CodecFolder(tmp_path)
    assert folder.codecs == {}
    (problem,) = folder.problems
    assert f"{model.id} is for devices called {model.id!r} already. Rename the file" in problem
    Recognition(codecs=folder.recognised)


def test_a_change_of_any_file_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, a_js=GOOD)
    folder = CodecFolder(tmp_path)
    assert not folder.changed()
    (tmp_path / "notes.txt").write_text("not read")
    assert not folder.changed()
    changes = [("a.js", f"{GOOD} "), ("a.toml", ""), ("b.js", GOOD), ("b.js", None)]
    for name, text in changes:
        if text is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_text(text)
        assert folder.changed()
        folder = CodecFolder(tmp_path)
        assert not folder.changed()


def test_a_folder_that_goes_and_comes_is_noticed(tmp_path: Path) -> None:
    where = tmp_path / "codecs"
    folder = CodecFolder(where, expected=False)
    where.mkdir()
    write(where, a_js=GOOD)
    assert folder.changed()
