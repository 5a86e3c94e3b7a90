"""What settings say about servers that everything is copied to, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, parse
from gateway.settings.influxdb import InfluxDB, Schema

HERE = '[[influxdb]]\nurl = "http://127.0.0.1:8086"\n'
SECURE = HERE.replace("http:", "https:")
FIRST = "line 1, influxdb[1]"
NAMES = "line 3, influxdb[1].names"


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "holdwatch.toml", environment={"PASSWORD": "sesame"})
    return [str(problem) for problem in caught.value.problems]


def section(text: str) -> InfluxDB:
    (found,) = parse(text, environment={"PASSWORD": "sesame"}).influxdb
    return found


def test_an_address_is_enough() -> None:
    found = section(HERE)
    assert (found.name, found.version, found.database) == ("influxdb", "auto", "holdwatch")
    assert found.names == Schema()
    assert found.secret is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # where it is
        ("[[influxdb]]\n", f"{FIRST}.url: it is missing. Add url: Address of the server"),
        ("[[influxdb]]\nurl = 'localhost:8086'", "line 2, influxdb[1].url: it is no address of a"),
        ("[[influxdb]]\nurl = 'ftp://a'", "line 2, influxdb[1].url: it is no address of a server."),
        ("[[influxdb]]\nurl = 'http://'", "line 2, influxdb[1].url: it is no address of a server."),
        ("[[influxdb]]\nurl = 'http://a:x'", "line 2, influxdb[1].url: it is no address of a"),
        ("[[influxdb]]\nurl = 'http://a:0'", "line 2, influxdb[1].url: it is no address of a"),
        ("[[influxdb]]\nurl = 'http://a b'", "line 2, influxdb[1].url: it is no address of a"),
        ("[[influxdb]]\nurl = 'http://[::1'", "line 2, influxdb[1].url: it is no address of a"),
        (
            "[[influxdb]]\nurl = 'http://ann:sesame@a'",
            "line 2, influxdb[1].url: it holds more than the address of the server. Give a user as",
        ),
        (
            "[[influxdb]]\nurl = 'http://ann@a'",
            "line 2, influxdb[1].url: it holds more than the address of the server. Give a user as",
        ),
        (
            "[[influxdb]]\nurl = 'http://a?token=sesame'",
            "line 2, influxdb[1].url: it holds more than the address of the server. Give a user as",
        ),
        # which it is
        (HERE + "version = 2", "line 3, influxdb[1].version: it must be 'auto', '1', '2' or '3'"),
        (HERE + "version = '1.8'", "line 3, influxdb[1].version: it must be 'auto', '1', '2' or"),
        (HERE + "token_env = 'PASSWORD'\nversion = '2'", f"{FIRST}: InfluxDB 2 wants to know the"),
        (
            HERE + "token_env = 'PASSWORD'\nversion = '1'",
            f"{FIRST}: InfluxDB 1 knows no tokens. Give username and password_file",
        ),
        (
            HERE + "username = 'u'\npassword_env = 'PASSWORD'\nversion = '3'",
            f"{FIRST}: InfluxDB 3 wants a token. Give token_file",
        ),
        # who we are there
        (
            HERE + "token_env = 'PASSWORD'\nusername = 'u'\npassword = 'x'",
            f"{FIRST}: there is a token and a password. Give InfluxDB 1 username and password,",
        ),
        (HERE + "password = 'x'", f"{FIRST}: username and password belong together. Give both, or"),
        (HERE + "username = 'x'", f"{FIRST}: username and password belong together. Give both, or"),
        (
            HERE + "token = 'x'\ntoken_env = 'PASSWORD'",
            f"{FIRST}: the token is given by token and token_env. Keep one",
        ),
        (HERE + "token_env = 'OTHER'", f"{FIRST}: token_env names OTHER, which is not in the"),
        (HERE + "token_file = '/no/such'", f"{FIRST}: cannot read token_file /no/such"),
        (
            SECURE + "ca = '/no/ca.pem'",
            "line 3, influxdb[1].ca: cannot read /no/ca.pem (No such file or directory).",
        ),
        # several
        (HERE + HERE, "line 3, influxdb[2].name: 'influxdb' is already the name of another of the"),
        (HERE + "nam = 'x'", "line 3, influxdb[1].nam: unknown key. Did you mean name?"),
        # names
        (HERE + "database = ''", "line 3, influxdb[1].database: it may not be empty."),
        (
            HERE + "database = 'a\"b'",
            "line 3, influxdb[1].database: 'a\"b' cannot be a name in InfluxDB. Write it without",
        ),
        (HERE + "names = { readings = '' }", f"{NAMES}.readings: it may not be empty."),
        (HERE + "names = { readings = 'a\\b' }", f"{NAMES}.readings: 'a\\\\b' cannot be a name in"),
        (HERE + "names = { alerts = ' a' }", f"{NAMES}.alerts: ' a' cannot be a name in InfluxDB."),
        (HERE + 'names = { gateway = "a\\nb" }', f"{NAMES}.gateway: 'a\\nb' cannot be a name in"),
        (
            HERE + "names = { readings = '#1' }",
            f"{NAMES}: '#1' cannot be one of the measurements. Choose another name for it",
        ),
        (
            HERE + "names = { tags = { site = '_site' } }",
            f"{NAMES}: '_site' cannot be one of the tags. Choose another name for it",
        ),
        (
            HERE + "names = { tags = { site = 'time' } }",
            f"{NAMES}: 'time' cannot be one of the tags. Choose another name for it",
        ),
        (
            HERE + "names = { fields = { temperature = 'time' } }",
            f"{NAMES}: 'time' cannot be one of the fields. Choose another name for it",
        ),
        (
            HERE + "names = { fields = { temperature = '' } }",
            f"{NAMES}: '' cannot be one of the fields. Choose another name for it",
        ),
        (
            HERE + "names = { fields = { temp = 't' } }",
            f"{NAMES}: 'temp' is no channel. Write a quantity such as temperature,",
        ),
        (HERE + "names = { tags = { device = '' } }", f"{NAMES}.tags.device: it may not be empty."),
        (
            HERE + "retention = '5 min'",
            "line 3, influxdb[1].retention: InfluxDB keeps nothing so short. Use at least",
        ),
        # two things of one name
        (
            HERE + "names = { fields = { temperature = 't', humidity = 't' } }",
            f"{NAMES}: two fields are called 't'. Give each its own name",
        ),
        (
            HERE + "names = { tags = { site = 'model' } }",
            f"{NAMES}: two tags are called 'model'. Give each its own name",
        ),
        (
            HERE + "names = { alerts = 'readings' }",
            f"{NAMES}: two measurements are called 'readings'. Give each its own name",
        ),
        (
            HERE + "names = { fields = { temperature = 'humidity' } }",
            f"{NAMES}: temperature cannot be called 'humidity': there is another field of that",
        ),
        (
            HERE + "names = { fields = { temperature = 'flags' } }",
            f"{NAMES}: temperature cannot be called 'flags': there is another field of that name.",
        ),
        (
            HERE + "names = { tags = { site = 'battery' } }",
            f"{NAMES}: a tag cannot be called 'battery': there is a field or tag of that name.",
        ),
        (
            HERE + "names = { tags = { site = 'temperature.hold' } }",
            f"{NAMES}: a tag cannot be called 'temperature.hold': there is a field or tag of that",
        ),
        (
            HERE + "names = { fields = { temperature = 'device' } }",
            f"{NAMES}: a tag cannot be called 'device': there is a field or tag of that name.",
        ),
        (
            HERE + "names = { tags = { model = 'unusable' } }",
            f"{NAMES}: a tag cannot be called 'unusable': there is a field or tag of that name.",
        ),
        (
            HERE + "names = { tags = { device = 'channel' } }",
            f"{NAMES}: a tag cannot be called 'channel': there is a field or tag of that name.",
        ),
        (
            HERE + "names = { tags = { device = 'id' } }",
            f"{NAMES}: a tag cannot be called 'id': there is a field or tag of that name.",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_cure(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(expected)
    assert "sesame" not in problem


@pytest.mark.parametrize(
    "names",
    [
        "tags = { site = '', model = '' }",
        "alerts = '', gateway = ''",
        # what alerts would use is free where no alerts are copied
        "alerts = '', tags = { device = 'id' }",
        # names change places
        "fields = { temperature = 'humidity', humidity = 'temperature' }",
        "fields = { humidity = 'rh', temperature = 'humidity' }",
        # a channel's name is free once the channel has another
        "fields = { door = 'open' }, tags = { site = 'door' }",
        "fields = { temperature = 'temperature' }",
        "readings = 'über alles, = 100 %', fields = { 'temperature.return_air' = 'T °C' }",
    ],
)
def test_names_of_a_schema_that_exists_are_taken(names: str) -> None:
    assert section(f"{HERE}names = {{ {names} }}").names != Schema()


def test_a_ca_needs_tls(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    (problem,) = problems(f"{HERE}ca = '{authority}'")
    assert problem.startswith(f"{FIRST}: there is a ca, and no TLS. Write the url with https:")
    assert section(f"{SECURE}ca = '{authority}'").ca == authority


@pytest.mark.parametrize(
    ("url", "gzip", "compressed"),
    [
        ("http://127.0.0.1:8086", "", False),
        ("http://[::1]:8086/", "", False),
        ("http://localhost", "", False),
        ("https://influx.example.org", "", True),
        ("http://10.0.0.7:8086/base/", "", True),
        ("http://127.0.0.1:8086", "gzip = true", True),
        ("https://influx.example.org", "gzip = false", False),
    ],
)
def test_what_leaves_this_machine_is_compressed(url: str, gzip: str, *, compressed: bool) -> None:
    found = section(f"[[influxdb]]\nurl = '{url}'\n{gzip}")
    assert found.compressed is compressed
    assert found.url == url.rstrip("/")


@pytest.mark.parametrize(
    "secret",
    [
        "username = 'u'\npassword = 'sesame'",
        "username = 'u'\npassword_env = 'PASSWORD'",
        "token_env = 'PASSWORD'",
    ],
)
def test_the_secret_is_found_wherever_it_lies_and_not_shown(secret: str) -> None:
    found = section(f"{HERE}{secret}")
    assert found.secret is not None
    assert found.secret.get_secret_value() == "sesame"
    assert "sesame" not in repr(found)
