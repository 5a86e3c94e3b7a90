"""Who a gateway is: made once, kept with the data, and told when the data was copied."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gateway.database import FileError
from gateway.service import identity
from gateway.settings import Settings, SettingsError, load, parse
from tests.gateway.parts import NOW

HERE, THERE = "a" * 32, "b" * 32


def settings(data: Path, more: str = "") -> Settings:
    broker = '[[brokers]]\nname = "main"\nhost = "localhost"\n'
    return parse(f'[gateway]\ndata = "{data}"\n{more}\n{broker}')


def started(data: Path, machine: str = HERE, more: str = "") -> Settings:
    return identity.first_start(settings(data, more), NOW, machine)


def test_the_first_start_makes_a_name_that_stays(tmp_path: Path) -> None:
    first = started(tmp_path / "data")
    host = settings(tmp_path).gateway.box
    assert re.fullmatch(rf"{re.escape(host[:53])}-[0-9a-f]{{6}}", first.gateway.box)
    assert started(tmp_path / "data").gateway.box == first.gateway.box
    assert (tmp_path / "data" / "identity").stat().st_mode & 0o777 == 0o600


def test_client_id_and_topics_follow_from_the_name(tmp_path: Path) -> None:
    first = started(tmp_path)
    box = first.gateway.box
    assert first.gateway.prefix == f"holdwatch/{box}"
    assert first.client_id(first.brokers[0]) == f"holdwatch-{box}-main"
    said = started(tmp_path, more='prefix = "roof"')
    assert (said.gateway.box, said.gateway.prefix) == (box, "roof")


def test_forty_boxes_from_one_image_have_forty_names(tmp_path: Path) -> None:
    boxes = {started(tmp_path / str(number)).gateway.box for number in range(40)}
    assert len(boxes) == 40


def test_a_name_in_the_settings_counts_and_stays_when_it_is_taken_out(tmp_path: Path) -> None:
    started(tmp_path)
    assert started(tmp_path, more='box = "roof"').gateway.box == "roof"
    assert started(tmp_path).gateway.box == "roof"


def test_a_gateway_from_before_goes_on_under_its_host_name(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    assert started(tmp_path).gateway.box == settings(tmp_path).gateway.box


def test_settings_are_read_under_the_kept_name(tmp_path: Path) -> None:
    box = started(tmp_path / "data").gateway.box
    file = tmp_path / "holdwatch.toml"
    file.write_text('[gateway]\ndata = "data"\n', encoding="utf-8")
    assert load(file).gateway.box == box
    file.write_text('[gateway]\ndata = "data"\nbox = "roof"\n', encoding="utf-8")
    assert load(file).gateway.box == "roof"


def test_a_name_read_twice_is_still_none_that_the_file_says(tmp_path: Path) -> None:
    first = started(tmp_path)
    assert not first.gateway.says_box
    identity.renew(tmp_path, "other-1", NOW, HERE)
    assert identity.named(first).gateway.box == "other-1"


def test_a_copied_folder_is_told_and_keeps_its_name(tmp_path: Path) -> None:
    box = started(tmp_path / "one").gateway.box
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert started(tmp_path / "two", THERE).gateway.box == box
    assert identity.copied(tmp_path / "two", THERE)
    assert not identity.copied(tmp_path / "one", HERE)


@pytest.mark.parametrize("machine", [THERE, ""])
def test_what_was_restored_on_purpose_is_no_copy(tmp_path: Path, machine: str) -> None:
    started(tmp_path)
    identity.adopt(tmp_path, machine)
    assert not identity.copied(tmp_path, machine)


def test_a_machine_without_a_mark_is_no_other_and_its_mark_is_noted_later(tmp_path: Path) -> None:
    started(tmp_path, "")
    assert not identity.copied(tmp_path, HERE)
    started(tmp_path, HERE)
    assert identity.copied(tmp_path, THERE)


def test_another_name_is_another_and_belongs_here(tmp_path: Path) -> None:
    box = started(tmp_path).gateway.box
    identity.renew(tmp_path, identity.another("pi"), NOW, THERE)
    assert re.fullmatch("pi-[0-9a-f]{6}", started(tmp_path, THERE).gateway.box)
    assert started(tmp_path, THERE).gateway.box != box
    assert not identity.copied(tmp_path, THERE)


@pytest.mark.parametrize("content", [b"", b"{", b'{"box": 3}', b'"pi"'])
def test_a_torn_file_is_named_with_its_cure(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "identity").write_bytes(content)
    with pytest.raises(FileError, match="Put it back from a backup"):
        started(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="Make the folder"):
        started(tmp_path / "file" / "data")


def test_the_board_tells_machines_apart_and_an_image_s_machine_id_does_not(tmp_path: Path) -> None:
    def machine(name: str, serial: bytes | None, machine_id: bytes) -> str:
        root = tmp_path / name
        (root / "etc").mkdir(parents=True)
        (root / "etc/machine-id").write_bytes(machine_id)
        if serial is not None:
            (root / "proc/device-tree").mkdir(parents=True)
            (root / "proc/device-tree/serial-number").write_bytes(serial)
        return identity.fingerprint(root)

    one = machine("one", b"10000000abcdef01\0", b"1234\n")
    assert one != machine("two", b"10000000abcdef02\0", b"1234\n")
    assert one == machine("one-again", b"10000000abcdef01\0", b"99\n")
    assert machine("three", None, b"1234\n") not in {one, ""}
    assert machine("four", None, b"") == ""
    assert machine("five", None, b"uninitialized\n") == ""
    assert "1234" not in machine("six", None, b"1234\n")
    (tmp_path / "seven").mkdir()
    (tmp_path / "seven" / ".dockerenv").touch()
    assert machine("seven", None, b"1234\n") == ""


def test_settings_whose_name_cannot_be_read_are_a_mistake_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "identity").write_text("torn", encoding="utf-8")
    file = tmp_path / "holdwatch.toml"
    file.write_text('[gateway]\ndata = "."\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="Put it back from a backup"):
        load(file)


def test_a_name_that_is_still_to_be_made_is_known_as_such(tmp_path: Path) -> None:
    assert not identity.has_name(settings(tmp_path))
    assert identity.has_name(settings(tmp_path, 'box = "roof"'))
    assert identity.has_name(started(tmp_path))
