"""What settings say about who may connect straight to us, and what is wrong with it."""

from __future__ import annotations

import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gateway.screen.settings import show_settings
from gateway.settings import SettingsError, load, parse
from gateway.settings.listener import Listener
from rules.duration import DAY, SECOND

HERE = "[[listeners]]\n"
WIDE = '[[listeners]]\nhost = "0.0.0.0"\n'
FIRST = "line 1, listeners[1]"


def problems(text: str, folder: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "holdwatch.toml", folder=folder, environment={})
    return [str(problem) for problem in caught.value.problems]


def checked(text: str) -> str:
    console = Console(file=StringIO(), width=500)
    show_settings(console, Path("holdwatch.toml"), parse(text))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.pem and a.key, b.pem and b.key, and locked.key, which opens a.pem's lock."""
    folder = tmp_path_factory.mktemp("pem")
    for name in "ab":
        command = (
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name}"
        )
        subprocess.run(
            [*command.split(), "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    command = "openssl pkey -in a.key -aes256 -passout pass:sesame -out locked.key"
    subprocess.run(command.split(), cwd=folder, check=True)
    return folder


def test_a_listener_is_for_this_machine_alone_and_asks_for_names() -> None:
    settings = parse(HERE)
    (listener,) = settings.listeners
    assert (listener.host, listener.port, listener.tls) == ("127.0.0.1", 1883, None)
    assert listener.loopback
    assert not listener.anonymous
    assert settings.warnings == ()


def test_clients_have_limits_unless_told_otherwise() -> None:
    clients = parse("").clients
    assert clients.unknown_devices == "unconfirmed"
    assert clients.packet_size == 256_000
    assert clients.connections == 10_000
    assert clients.connect_within == 5 * SECOND
    assert clients.unacknowledged == 1_000
    assert clients.rate == 2_000
    assert clients.session_keep == 7 * DAY


def test_with_tls_the_port_is_another_and_the_network_is_no_danger(pem: Path) -> None:
    settings = parse(WIDE + 'tls = { certificate = "a.pem", key = "a.key" }', folder=pem)
    (listener,) = settings.listeners
    assert listener.port == 8883
    assert listener.tls is not None
    assert listener.tls.certificate == pem / "a.pem"
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HERE + "host = 'example.org'",
            "line 2, listeners[1].host: 'example.org' is no address of this machine. Write an IP",
        ),
        (HERE + "port = 0", "line 2, listeners[1].port: it must be 1 or more. port: Port to"),
        (HERE + "prt = 1", "line 2, listeners[1].prt: unknown key. Did you mean port?"),
        (HERE + "tls = {}", "line 2, listeners[1].tls.certificate: it is missing. Add certificate"),
        (
            HERE + "tls = { certificate = '/no/such.pem' }",
            "line 2, listeners[1].tls.certificate: cannot read /no/such.pem (No such file or",
        ),
        (
            WIDE,
            f"{FIRST}: on 0.0.0.0 others on the network could read tokens and readings. Make cert",
        ),
        (HERE + "host = '::'", f"{FIRST}: on :: others on the network could read tokens"),
        (HERE + "host = '192.168.1.4'", f"{FIRST}: on 192.168.1.4 others on the network could"),
        (
            WIDE + "unencrypted = true\nanonymous = true",
            f"{FIRST}: on 0.0.0.0 everybody on the network could speak for every device. Leave an",
        ),
        ("[listeners]\nport = 1", "line 1, listeners: there may be several of it. Write [[list"),
        ("[[clients]]", "line 1, clients: there is one of it. Write [clients], and key = value"),
        (
            "[clients]\nunknown_devices = 'allowed'",
            "line 2, clients.unknown_devices: it must be 'unconfirmed' or 'refused'.",
        ),
        ("[clients]\npacket_size = '1 GB'", "line 2, clients.packet_size: MQTT packets cannot be"),
        ("[clients]\npacket_size = '10 B'", "line 2, clients.packet_size: MQTT packets cannot be"),
        ("[clients]\nconnections = 0", "line 2, clients.connections: it must be 1 or more."),
        ("[clients]\nconnect_within = '2 min'", "line 2, clients.connect_within: a client cannot"),
        ("[clients]\nunacknowledged = 65536", "line 2, clients.unacknowledged: it must be 65535"),
        ("[clients]\nrate = 0.5", "line 2, clients.rate: it must be a whole number"),
        ("[clients]\nsession_keep = '200 years'", "line 2, clients.session_keep: MQTT cannot"),
        ("[clients]\nsession_keep = '1500 ms'", "line 2, clients.session_keep: MQTT cannot keep"),
    ],
)
def test_a_mistake_is_named_with_its_line_its_place_and_its_cure(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (
            'certificate = "a.pem", key = "a.key", require_certificate = true',
            "require_certificate is true, and no authority says whose certificates are good. Add",
        ),
        (
            'certificate = "a.pem", key = "b.key"',
            "the key FOLDER/b.key does not belong to the certificate FOLDER/a.pem. Give the two",
        ),
        (
            'certificate = "a.key", key = "a.pem"',
            "FOLDER/a.key holds a key, and FOLDER/a.pem a certificate. Give them the other way",
        ),
        (
            'certificate = "a.key", key = "b.key"',
            "FOLDER/a.key and FOLDER/b.key hold no certificate with its private key. Both are PEM",
        ),
        (
            'certificate = "a.pem"',
            "FOLDER/a.pem holds no certificate with its private key. Both are PEM",
        ),
        (
            'certificate = "a.pem", key = "locked.key"',
            "the private key is locked with a passphrase, and nobody is there to type it at a sta",
        ),
        (
            'certificate = "a.pem", key = "a.key", authority = "b.key"',
            "FOLDER/b.key holds no certificate. Give the authority's certificate in PEM form",
        ),
    ],
)
def test_files_that_do_not_fit_are_found_before_the_start(
    tls: str, expected: str, pem: Path
) -> None:
    (problem,) = problems(f"{WIDE}tls = {{ {tls} }}", pem)
    assert problem.startswith(f"line 3, listeners[1].tls: {expected}".replace("FOLDER", str(pem)))


def test_tls_and_unencrypted_contradict_each_other(pem: Path) -> None:
    text = WIDE + 'unencrypted = true\ntls = { certificate = "a.pem", key = "a.key" }'
    assert problems(text, pem) == [f"{FIRST}: there is tls, and unencrypted too. Keep one of them."]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("", ""),
        ('host = "localhost"', ""),
        ('host = "localhost"', 'host = "::1"'),
        ('host = "[::1]"', 'host = "::1"'),
        ('host = "0.0.0.0"\nunencrypted = true', ""),
        ("", 'host = "0.0.0.0"\nunencrypted = true'),
        ("", 'host = "::"\nunencrypted = true'),
    ],
)
def test_two_listeners_cannot_share_a_port(one: str, two: str) -> None:
    text = f"{HERE}{one}\n{HERE}{two}\n"
    (problem,) = problems(text)
    assert problem.startswith(f"line {2 + one.count(chr(10)) + 1}, listeners[2]: ")
    assert " is taken by listeners[1], " in problem
    assert problem.endswith("Give each a port of its own, or keep one of them.")


def test_listeners_on_different_ports_or_addresses_do_not_meet() -> None:
    text = "".join(
        f"{HERE}host = {host}\nport = {port}\n"
        for host, port in [
            ('"127.0.0.1"', 1883),
            ('"127.0.0.2"', 1883),
            ('"::1"', 1883),
            ('"localhost"', 1884),
        ]
    )
    assert len(parse(text).listeners) == 4


def test_listeners_that_meet_are_told_together_with_other_mistakes() -> None:
    assert [line.split(":")[0] for line in problems(f"{HERE}\n{HERE}\n{HERE}prt = 1\n")] == [
        "line 3, listeners[2]",
        "line 6, listeners[3].prt",
    ]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - an address to judge; nothing listens
        ("::", False),
        ("10.0.0.1", False),
        ("fe80::1", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Listener(host=host, unencrypted=True).loopback == loopback


@pytest.mark.parametrize(
    ("host", "address"), [("localhost", "localhost:1883"), ("::1", "[::1]:1883")]
)
def test_an_address_can_be_copied(host: str, address: str) -> None:
    assert Listener(host=host).address == address


def test_clear_text_on_a_network_is_warned_of_with_its_cure() -> None:
    (warning,) = parse(WIDE + "unencrypted = true").warnings
    assert warning.startswith("listener 0.0.0.0:1883: tokens and readings cross the network in")
    assert "holdwatch tls init" in warning


@pytest.mark.parametrize("together", [False, True])
def test_a_key_that_others_may_read_is_warned_of_once(
    together: bool,  # noqa: FBT001 - a column of the table
    pem: Path,
    tmp_path: Path,
) -> None:
    for name in ("a.pem", "a.key"):
        shutil.copy(pem / name, tmp_path)
    holds = tmp_path / ("a.pem" if together else "a.key")
    if together:
        holds.write_text(holds.read_text() + (tmp_path / "a.key").read_text())
    key = "" if together else ', key = "a.key"'
    one = f'{HERE}tls = {{ certificate = "a.pem"{key} }}\n'
    file = tmp_path / "holdwatch.toml"
    file.write_text(one + one + "port = 8884")
    holds.chmod(0o644)
    (warning,) = load(file).warnings
    assert warning.startswith(f"{holds} holds a private key, and others on this machine may read")
    assert warning.endswith(f"Run: chmod 600 {holds}")
    holds.chmod(0o600)
    assert load(file).warnings == ()


def test_check_shows_who_may_connect_where() -> None:
    shown = checked(HERE + "anonymous = true\n" + HERE + "host = '::1'")
    assert (
        "Listener 127.0.0.1:1883 without TLS; each client with its token; without a user name it "
        "may speak for every device\n" in shown
    )
    assert "Listener [::1]:1883 without TLS; each client with its token\n" in shown
    assert "nothing will arrive" not in shown


def test_check_warns_where_nothing_can_arrive() -> None:
    assert "no [[listeners]] and no [[brokers]] section: nothing will arrive" in checked("")


def test_secrets_of_the_page_that_others_may_read_are_warned_of(tmp_path: Path, pem: Path) -> None:
    for name in ("a.pem", "a.key"):
        shutil.copy(pem / name, tmp_path)
    (tmp_path / "secret").write_text("of the client")
    file = tmp_path / "holdwatch.toml"
    said = 'issuer = "https://i.example"\npage = "https://p.example"\nclient_id = "c"\n'
    tls = '[web]\ntls = { certificate = "a.pem", key = "a.key" }\n[web.oidc]\nrole = "viewer"\n'
    file.write_text(f'{tls}{said}client_secret_file = "secret"\n')
    for name in ("a.key", "secret"):
        (tmp_path / name).chmod(0o644)
    assert [one.partition(",")[0] for one in load(file).warnings] == [
        f"{tmp_path}/a.key holds a private key",
        f"{tmp_path}/secret holds a client's secret",
    ]
    for name in ("a.key", "secret"):
        (tmp_path / name).chmod(0o600)
    assert load(file).warnings == ()
    file.write_text(f'{tls}{said}client_secret = "of the client"\n')
    file.chmod(0o644)
    assert [one.partition(",")[0] for one in load(file).warnings] == [
        f"{file} holds a client's secret"
    ]
