from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from devices.reading import DeviceKey
from gateway.screen.settings import show_settings, start_line
from gateway.settings import Settings, SettingsError, load, parse
from gateway.settings.file import others_may_read
from gateway.settings.size import format_size, parse_size
from rules.duration import DAY, MINUTE


def test_an_empty_file_is_a_whole_set_of_defaults() -> None:
    settings = parse("")
    assert settings.gateway.prefix == f"holdwatch/{settings.gateway.box}"
    assert settings.gateway.timezone == "UTC"
    assert settings.journal.keep == 7 * DAY
    assert settings.journal.keep_size == 2_000_000_000
    assert settings.journal.commit_interval == 20
    assert settings.disk.ballast == 16_000_000
    assert settings.brokers == ()
    assert settings.warnings == ()


def test_a_broker_takes_its_defaults_from_what_is_known() -> None:
    settings = parse(
        """
        gateway = { box = "roof", owner = "acme" }
        [[brokers]]
        name = "house"
        host = "localhost"
        [[brokers]]
        name = "far"
        host = "mqtt.example.org"
        tls = {}
        owner = ""
        client_id = "fixed"
        """
    )
    house, far = settings.brokers
    assert (house.port, far.port) == (1883, 8883)
    assert house.topics == ("cargo/+/+/readings",)
    assert [settings.client_id(broker) for broker in settings.brokers] == [
        "holdwatch-roof-house",
        "fixed",
    ]
    assert [settings.owner(broker) for broker in settings.brokers] == ["acme", ""]


def test_the_first_section_that_matches_a_device_counts() -> None:
    settings = parse(
        """
        [[devices]]
        match = "acme/*"
        interval = "1 min"
        [[devices]]
        match = "fridge-?"
        interval = "5 min"
        name = "Fridge"
        [[devices]]
        match = "fridge-*"
        """
    )
    table = {
        DeviceKey("acme", "fridge-1"): 1 * MINUTE,
        DeviceKey("", "fridge-1"): 5 * MINUTE,
        DeviceKey("", "fridge-12"): 12 * MINUTE,
        DeviceKey("", "truck"): 12 * MINUTE,
    }
    assert {key: settings.interval(key) for key in table} == table
    fridge = settings.device(DeviceKey("", "fridge-1"))
    assert fridge is not None
    assert fridge.name == "Fridge"


def test_a_mapping_becomes_the_decoders_own() -> None:
    settings = parse(
        """
        [[mappings]]
        topic = "sensors/{device}/state"
        time_unit = "s"
        channels = { "temperature.return_air" = "data.temp" }
        """
    )
    mapping = settings.mappings[0].mapping()
    assert mapping.topic_filter == "sensors/+/state"
    assert mapping.channels == {"temperature.return_air": "data.temp"}
    assert mapping.time_unit == "s"


def test_check_says_what_becomes_of_mapped_topics() -> None:
    settings = parse(
        """
        [[listeners]]
        [[mappings]]
        topic = "sensors/{device}/state"
        channels = { temperature = "t", door = "d.[r]" }
        [[mappings]]
        topic = "sensors/hall"
        device = "hall-1"
        channels = { temperature = "" }
        [[mappings]]
        topic = "sensors/all"
        device_key = "id"
        [[mappings]]
        topic = "sensors/#"
        ignore = true
        """
    )
    console = Console(file=io.StringIO(), width=300)
    show_settings(console, Path("x"), settings)
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if "Mapping" in line]
    assert lines == [
        "Mapping of sensors/{device}/state: temperature from t, door from d.[r]; device by topic",
        "Mapping of sensors/hall: temperature from the payload; device hall-1",
        "Mapping of sensors/all: keys that are named like channels; device by key id",
        "Mapping of sensors/#: ignored",
    ]


def test_check_says_what_other_ways_bring_and_in_which_units() -> None:
    settings = parse(
        """
        [[mappings]]
        topic = "sensors/{device}/state"
        channels = { "temperature.inside" = "t", humidity = "h" }
        units = { temperature = "°F" }
        [[polls]]
        name = "cold-store"
        url = "http://store.example/[x]"
        every = "10 s"
        device_key = "probe"
        channels = { temperature = "values.temp" }
        units = { temperature = "°F" }
        [[modbus]]
        name = "cold-room"
        host = "192.0.2.7"
        device = "cold-room-1"
        [[modbus.registers]]
        channel = "door"
        address = 3
        kind = "discrete"
        [bluetooth]
        """
    )
    console = Console(file=io.StringIO(), width=300)
    show_settings(console, Path("x"), settings)
    assert isinstance(console.file, io.StringIO)
    _, _, _, *lines, _telling, _backups, end = console.file.getvalue().splitlines()
    assert lines == [
        (
            "Mapping of sensors/{device}/state: temperature.inside from t (°F), humidity from h; "
            "device by topic"
        ),
        (
            "Poll cold-store: http://store.example/[x] every 10 s; temperature from values.temp "
            "(°F); device by key probe"
        ),
        (
            "Modbus cold-room: 192.0.2.7:502, unit 1, every 1 min; door from discrete 3; "
            "device cold-room-1"
        ),
        "Bluetooth: every RuuviTag, by the system's first adapter, one reading in 1 min",
    ]
    assert "nothing will arrive" not in end


def test_the_start_names_the_brokers_that_are_joined() -> None:
    settings = parse(
        """
        [[listeners]]
        [[brokers]]
        name = "house"
        host = "broker.example"
        topics = ["a"]
        """
    )
    text = start_line(settings)
    assert "sensors connect to" in text
    assert "it joins the broker house (broker.example:1883), 0 rules" in text


def test_a_channel_that_is_mistyped_in_a_mapping_is_told_as_it_was_meant() -> None:
    with pytest.raises(SettingsError, match="did you mean humidity"):
        parse('[[mappings]]\ntopic = "a/{device}"\nchannels = { humidty = "h" }')


def test_years_are_kept_whole() -> None:
    settings = parse('history = { keep = "2 years", keep_size = "1.5 TB" }')
    assert settings.history.keep == 2 * 366 * DAY
    assert settings.history.keep_size == 1_500_000_000_000


@pytest.mark.parametrize("way", ["password", "password_file", "password_env"])
def test_a_password_is_read_and_never_shown(way: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame\n")
    value = {"password": "sesame", "password_file": "secret", "password_env": "MQTT_PASSWORD"}[way]
    settings = parse(
        f"""
        [[brokers]]
        name = "house"
        host = "localhost"
        username = "gateway"
        {way} = "{value}"
        """,
        folder=tmp_path,
        environment={"MQTT_PASSWORD": "sesame"},
    )
    secret = settings.brokers[0].secret
    assert secret is not None
    assert secret.get_secret_value() == "sesame"
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sesame" not in shown


@pytest.mark.parametrize(
    ("host", "tls", "warned"),
    [
        ("mqtt.example.org", "", True),
        ("192.0.2.7", "", True),
        ("mqtt.example.org", "tls = {}", False),
        ("localhost", "", False),
        ("127.0.0.3", "", False),
        ("::1", "", False),
    ],
)
def test_a_password_in_clear_over_a_network_is_warned_of(
    host: str, tls: str, *, warned: bool
) -> None:
    settings = parse(
        f"""
        [[brokers]]
        name = "house"
        host = "{host}"
        username = "u"
        password = "sesame"
        {tls}
        """
    )
    assert bool(settings.warnings) == warned
    assert "sesame" not in " ".join(settings.warnings)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o660, 1), (0o604, 1)])
def test_a_file_with_a_password_that_others_may_read_is_warned_of(
    mode: int, warned: int, tmp_path: Path
) -> None:
    file = tmp_path / "holdwatch.toml"
    broker = 'brokers = [{ name = "a", host = "localhost", username = "u", '
    file.write_text(broker + 'password = "sesame" }]')
    file.chmod(mode)
    warnings = load(file).warnings
    assert len(warnings) == warned
    assert all(f"chmod 600 {file}" in warning for warning in warnings)

    (tmp_path / "secret").write_text("sesame")
    (tmp_path / "secret").chmod(mode)
    file.write_text(broker + 'password_file = "secret" }]')
    warnings = load(file).warnings
    assert len(warnings) == warned
    assert all("chmod 600 " + str(tmp_path / "secret") in warning for warning in warnings)


@pytest.mark.parametrize(
    ("owner", "mode", "open_"),
    [
        (1000, 0o600, False),
        (1000, 0o640, True),
        (0, 0o640, False),
        (0, 0o660, True),
        (0, 0o644, True),
    ],
)
def test_what_is_roots_may_be_read_by_its_group(owner: int, mode: int, *, open_: bool) -> None:
    told = os.stat_result((mode, 0, 0, 1, owner, 78470, 0, 0, 0, 0))
    assert others_may_read(told) == open_


def test_paths_count_from_the_folder_of_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_text('gateway = { data = "journals" }')
    assert load(file).gateway.data == tmp_path / "journals"
    file.write_text('gateway = { data = "/srv/x" }')
    assert load(file).gateway.data == Path("/srv/x")


def test_settings_can_be_written_out_and_read_again() -> None:
    text = """
        [gateway]
        box = "roof"
        [[rules]]
        name = "warm"
        kind = "threshold"
        channel = "temperature"
        above = 8
        for = "60 min"
        [[rules]]
        name = "cold"
        kind = "threshold"
        channel = "temperature"
        outside = [2, 8.5]
        """
    settings = parse(text)
    again = Settings.model_validate_json(settings.model_dump_json(), strict=True)
    assert again == settings
    assert json.loads(again.model_dump_json())["rules"][0]["for"] == "60 min"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 GB", 2 * 10**9),
        ("16 MiB", 16 * 2**20),
        ("1.5kb", 1500),
        (" 7 b ", 7),
        ("0 B", 0),
        ("3 TB", 3 * 10**12),
    ],
)
def test_sizes_name_their_unit_and_are_written_exactly(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", [2, 2.5, "2", "GB", "2 XB", "-1 GB", "1.5 B", "", None, True])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"unit|no size|whole number"):
        parse_size(text)
