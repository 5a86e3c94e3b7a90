from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Problem, SettingsError, load, parse

BROKER = '[[brokers]]\nname = "a"\nhost = "localhost"\n'
RULE = '[[rules]]\nname = "warm"\nkind = "threshold"\nchannel = "temperature"\n'


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "holdwatch.toml", environment={})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # unknown keys, with the nearest one
        ("[gatway]", "line 1, gatway: unknown key. Did you mean gateway?"),
        ("[gateway]\nboxx = 'a'", "line 2, gateway.boxx: unknown key. Did you mean box?"),
        ("[disk]\nxyz = 1", "line 2, disk.xyz: unknown key. Known here: ballast, minimum_free, "),
        (
            RULE + "above = 8\n" + RULE.replace("warm", "fridge-too-warm") + "abov = 8",
            "line 10, rules[2] (fridge-too-warm).abov: unknown key. Did you mean above?",
        ),
        (
            BROKER + "tls = { keyy = 'x' }",
            "line 4, brokers[1] (a).tls.keyy: unknown key. Did you mean key?",
        ),
        # rules
        (
            RULE.replace("threshold", "treshold"),
            "line 3, rules[1] (warm).kind: unknown kind 'treshold'. Did you mean threshold?",
        ),
        (
            '[[rules]]\nname = "warm"',
            "line 1, rules[1] (warm).kind: it is missing. Add kind, one of: calibration_expired,",
        ),
        ("[[rules]]\nname = 'a'\nkind = []", "line 3, rules[1] (a).kind: "),
        (RULE + "above = 8\nbelow = 2", "line 1, rules[1] (warm): give exactly one of above,"),
        (RULE + "above = '8'", "line 5, rules[1] (warm).above: it must be a number, without"),
        (RULE + "outside = [1]", "line 5, rules[1] (warm).outside[2]: it is missing."),
        (RULE + "above = 8\nhold = '0 s'", "line 6, rules[1] (warm).hold: it must be more than 0."),
        (RULE + "above = nan", "line 5, rules[1] (warm).above: it must be a finite number."),
        (RULE + "above = 8\nfor = 60", "line 6, rules[1] (warm).for: 60 of what? Name the unit"),
        (
            RULE + "above = 8\ndevices = 'a'",
            "line 6, rules[1] (warm).devices: it must be a list in brackets",
        ),
        (
            RULE + "above = 8\n" + RULE + "below = 1",
            "line 7, rules[2] (warm).name: 'warm' is already the name of another of the rules.",
        ),
        # brokers
        ("[[brokers]]\nname = 'a'", "line 1, brokers[1] (a).host: it is missing. Add host: Host"),
        (BROKER + BROKER, "line 5, brokers[2] (a).name: 'a' is already the name of another"),
        (
            BROKER.replace('"a"', '"Hub 1"'),
            "line 2, brokers[1] (Hub 1).name: 'Hub 1' cannot be a part of topics and file names.",
        ),
        (
            BROKER.replace('"a"', '"bluetooth"'),
            "line 2, brokers[1] (bluetooth).name: readings that come by another way carry",
        ),
        (BROKER.replace('"a"', '"import"'), "line 2, brokers[1] (import).name: readings"),
        (
            BROKER.replace("localhost", "hub..local"),
            "line 3, brokers[1] (a).host: no host can have that name.",
        ),
        (BROKER.replace("localhost", ""), "line 3, brokers[1] (a).host: it is empty. Write a name"),
        (BROKER + "port = '1'", "line 4, brokers[1] (a).port: it must be a whole number"),
        (BROKER + "port = 70000", "line 4, brokers[1] (a).port: it must be 65535 or less."),
        (BROKER + "topics = ['a/#/b']", "line 4, brokers[1] (a).topics[1]: 'a/#/b' is not a topic"),
        (
            BROKER + "topics = []",
            "line 4, brokers[1] (a).topics: it may not be empty. topics: Topic",
        ),
        (BROKER + "version = 5", "line 4, brokers[1] (a).version: it must be 'auto', '5' or"),
        (BROKER + "keep_alive = '1 s'", "line 4, brokers[1] (a).keep_alive: MQTT cannot keep"),
        (
            BROKER + "tls = { ca = '/no/ca.pem' }",
            "line 4, brokers[1] (a).tls.ca: cannot read /no/ca.pem (No such file or directory).",
        ),
        (BROKER + "tls = true", "line 4, brokers[1] (a).tls: "),
        (BROKER + "password = 'x'", "line 1, brokers[1] (a): there is a password without a user"),
        (
            BROKER + "username = 'u'\npassword = 'x'\npassword_env = 'Y'",
            "line 1, brokers[1] (a): the password is given by password and password_env. Keep one",
        ),
        (
            BROKER + "username = 'u'\npassword_env = 'Y'",
            "line 1, brokers[1] (a): password_env names Y, which is not in the environment. Set",
        ),
        (
            BROKER + "username = 'u'\npassword_file = '/no/such'",
            "line 1, brokers[1] (a): cannot read password_file /no/such",
        ),
        # the rest
        (
            "[gateway]\ntimezone = 'Europe/Berln'",
            "line 2, gateway.timezone: 'Europe/Berln' is no time zone. Did you mean Europe/Berlin?",
        ),
        ("gateway.prefix = 'a/#'", "line 1, gateway.prefix: 'a/#' cannot begin a topic."),
        ("gateway.owner = 'a b'", "line 1, gateway.owner: it has not the right form. owner: Whose"),
        ("gateway.data = '~nobody-here/x'", "line 1, gateway.data: ~nobody-here/x: that user has"),
        ("gateway = 3", "line 1, gateway: there is one of it. Write [gateway], and key = value"),
        ("brokers = 3", "line 1, brokers: there may be several of it. Write [[brokers]], and key"),
        (
            "[brokers]\nname = 'a'",
            "line 1, brokers: there may be several of it. Write [[brokers]],",
        ),
        ("[[gateway]]", "line 1, gateway: there is one of it. Write [gateway], and key = value"),
        ("[[mappings]]\ntopic = 'a/b'", "line 1, mappings[1]: the mapping of 'a/b' must name its"),
        (
            "[[mappings]]\ntopic = 'a/{device}'\nignore = true\nsequence = 'n'",
            "line 1, mappings[1]: the mapping of 'a/{device}' ignores its messages, so it can",
        ),
        (
            "[[mappings]]\ntopic = 'a'\ndevice = 'x y'",
            "line 1, mappings[1]: device id 'x y' is empty, longer",
        ),
        ("journal.keep_size = '2 GX'", "line 1, journal.keep_size: '2 GX' has the unknown unit"),
        ("journal.commit_interval = '2 min'", "line 1, journal.commit_interval: a sender does not"),
        ("disk = { ballast = 3 }", "line 1, disk.ballast: 3 of what? Name the unit"),
        # not TOML at all
        ("\na = b", "line 2: this is not TOML: Invalid value. Text stands in quotes"),
        ("a = 1\na = 2", "line 2: this is not TOML: Cannot overwrite a value. The same key"),
        ("a = 1\nb = -8,05 # warm", "line 2: -8,05 is no number. Write -8.05."),
        ("[a]\n[a]", "line 2: [a] stands twice. Write [[a]] each time where there may be several,"),
        ("[[a.b]]\n[a.b]", "line 2: [a.b] stands twice. Write [[a.b]] each time"),
        ("[a]\n[[a]]", "line 2: what [[a]] adds to is no list. Write [[a]] above it too."),
        (
            "a = {b = 1}\na.c = 1",
            "line 2: this is not TOML: Cannot mutate immutable namespace 'a'.",
        ),
        ("[x", "line 1: this is not TOML: Expected ']' at the end of a table declaration. Close"),
        ("a = [1\n", "line 1: this is not TOML: Unclosed array. Close the list with ]."),
        ("a = " + "[" * 9999, "line 1: lists or tables are nested too deeply. Write it flat."),
    ],
)
def test_a_mistake_is_named_with_its_line_its_place_and_its_cure(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(expected)


def test_all_mistakes_are_named_at_once_in_the_order_of_their_lines() -> None:
    text = """\
        [journal]
        keep = 7
        [gateway]
        bx = "roof"
        [[brokers]]
        name = "a"
        port = "1883"
        [[rules]]
        kind = "threshold"
        name = "warm"
        """
    places = [line.split(":")[0] for line in problems(dedent(text))]
    assert places == [
        "line 2, journal.keep",
        "line 4, gateway.bx",
        "line 5, brokers[1] (a).host",
        "line 7, brokers[1] (a).port",
        "line 8, rules[1] (warm).channel",
    ]


def test_the_error_reads_as_a_list() -> None:
    with pytest.raises(SettingsError) as caught:
        parse("a = 1\nb = 2", "holdwatch.toml")
    first, *rest = str(caught.value).splitlines()
    assert first == "holdwatch.toml: 2 mistakes"
    assert len(rest) == 2


def test_no_mistake_shows_a_password() -> None:
    texts = [
        BROKER + "password = 'sesame'",
        BROKER + "username = 'u'\npassword = sesame",
        BROKER + "username = 'u'\npassword = 'sesame'\npasword = 'sesame'\nport = 'x'",
        BROKER + "username = 'u'\npassword = ['sesame']",
    ]
    for text in texts:
        assert "sesame" not in " ".join(problems(text))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "holdwatch.toml"
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(SettingsError, match=r"toml: 1 mistake\n  line 1: this is not UTF-8 text"):
        load(file)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("holdwatch.toml", "There is no holdwatch.toml here (FOLDER). Change the folder, name "),
        ("sub/x.toml", "There is no x.toml in FOLDER/sub. Change the folder, name the file with "),
        (".", "Cannot read . (Is a directory). Name a file with -c"),
    ],
)
def test_a_file_that_is_not_there_is_no_mistake_in_a_line(
    name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        load(Path(name))
    assert str(caught.value).startswith(expected.replace("FOLDER", str(tmp_path)))


def test_the_cure_for_a_file_that_is_not_there_can_be_typed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"or write a first one: holdwatch init {tmp_path}/x$"):
        load(tmp_path / "x")


@pytest.mark.parametrize(
    ("host", "offer"),
    [
        ("10.0.0.5:1884", 'host = "10.0.0.5" and port = 1884.'),
        ("mqtt://localhost", 'host = "localhost".'),
        ("mqtts://user:sesame@hub.example:8883/", 'host = "hub.example" and port = 8883.'),
        ("[::1]:1883", 'host = "::1" and port = 1883.'),
        ("localhost:", "nothing else into host."),
        ("local host", "nothing else into host."),
        ("hub/topic", "nothing else into host."),
        ("[hub]", 'host = "hub".'),
    ],
)
def test_a_host_with_more_than_a_host_is_taken_apart(host: str, offer: str) -> None:
    (problem,) = problems(BROKER.replace("localhost", host))
    assert "Write host and port apart" in problem
    assert problem.endswith(offer)
    assert "sesame" not in problem


@pytest.mark.parametrize(
    ("host", "expected"),
    [(host, host) for host in ("localhost", "10.0.0.5", "hub_1.local", "::1", "fe80::1%eth0")]
    + [("[2001:db8::7]", "2001:db8::7")],
)
def test_names_and_addresses_are_hosts(host: str, expected: str) -> None:
    (broker,) = parse(BROKER.replace("localhost", host)).brokers
    assert broker.host == expected


def test_a_rule_of_an_unknown_kind_is_told_its_other_mistakes() -> None:
    text = '[[rules]]\nname = "Too warm"\nkind = "treshold"\nabove = "8"\nseverity = "bad"'
    name, kind, severity = problems(text)
    assert name.startswith("line 2, rules[1] (Too warm).name: it has not the right form. name:")
    assert "unknown kind 'treshold'. Did you mean threshold?" in kind
    assert "severity: it must be 'info', 'warning' or 'critical'." in severity


WORDS = """gateway brokers rules mappings devices journal name kind clear channels tls host
topic above outside keep for x password"""
KEYS = st.sampled_from(WORDS.split())
VALUES = st.recursive(
    st.sampled_from(["1", "1.5", "nan", '""', '"threshold"', '"7 days"', "true", "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[" + ",".join(values) + "]")
        | st.dictionaries(KEYS, inner, max_size=4).map(
            lambda table: "{" + ",".join(f"{k}={v}" for k, v in table.items()) + "}"
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4) | st.text(max_size=60))
def test_whatever_the_file_holds_the_answer_is_settings_or_mistakes(
    content: dict[str, str] | str,
) -> None:
    if isinstance(content, dict):
        content = "\n".join(f"{key} = {value}" for key, value in content.items())
    problems: list[Problem] | None = None
    try:
        parse(content, environment={})
    except SettingsError as error:
        problems = error.problems
    if problems is not None:
        assert problems
        assert not any("nput should" in problem.message for problem in problems)
        assert all(1 <= problem.line <= content.count("\n") + 1 for problem in problems)
