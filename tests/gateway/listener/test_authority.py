"""The local authority: what it signs is accepted in TLS, what it did not sign is not."""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console
from typer.testing import CliRunner

from gateway.cli.tls import tls_app
from gateway.listener.addresses import host_name, own_names
from gateway.listener.authority import (
    YEARS,
    Authority,
    AuthorityError,
    certified_names,
    general_name,
)
from gateway.listener.certificates import server_context, validity
from gateway.screen.devices import show_added
from gateway.settings import parse
from gateway.settings.listener import ListenerTls
from gateway.settings.sections import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
"""TLS looks at the real clock, so what is signed must be good now."""
NAMES = ("gateway.example.org", "localhost", "192.0.2.7", "::1")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority.make(tmp_path_factory.mktemp("ours"), NOW, "roof-pi")
    authority.server(NAMES, NOW)
    authority.client("reefer-1", NOW)
    return authority


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another one that calls itself the same."""
    authority = Authority.make(tmp_path_factory.mktemp("foreign"), NOW, "roof-pi")
    authority.server(NAMES, NOW)
    authority.client("reefer-1", NOW)
    return authority


def tls(authority: Authority, clients: str = "") -> ListenerTls:
    """What we say as a server; `clients` is empty, "may" or "must" show a certificate."""
    return ListenerTls(
        certificate=authority.folder / "server.pem",
        key=authority.folder / "server.key",
        authority=authority.folder / "authority.pem" if clients else None,
        require_certificate=clients == "must",
    )


def strict(authority: Authority) -> ssl.SSLContext:
    """A client that trusts this authority alone, and is as strict as Python 3.13 is by itself."""
    context = ssl.create_default_context(cafile=authority.folder / "authority.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def showing(context: ssl.SSLContext, authority: Authority, name: str) -> ssl.SSLContext:
    path = authority.folder / name
    context.load_cert_chain(path.with_suffix(".pem"), path.with_suffix(".key"))
    return context


def shake(
    client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Let the two meet in memory: (client, server). ssl.SSLError of whoever refuses first."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=host)
    two = server.wrap_bio(to_server, to_client, server_side=True)
    steps: list[Callable[[], object]] = [one.do_handshake, two.do_handshake]
    for _ in range(20):
        for step in list(steps):
            try:
                step()
            except ssl.SSLWantReadError:
                continue
            steps.remove(step)
        if not steps:
            # With TLS 1.3 a client learns only afterwards that its certificate is refused.
            two.write(b"welcome")
            assert one.read() == b"welcome"
            return one, two
    raise AssertionError("they never came to an end")


def common_name(server: ssl.SSLObject) -> str | None:
    certificate = server.getpeercert()
    if not certificate:
        return None
    subject = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate["subject"])
    ((_, name),) = [pair for part in subject for pair in part]
    return name


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_reaches_the_gateway_by_each_of_its_names(
    host: str, version: ssl.TLSVersion, ours: Authority
) -> None:
    client = strict(ours)
    client.maximum_version = version
    _, server = shake(client, server_context(tls(ours)), host)
    assert common_name(server) is None


def test_another_name_is_not_the_gateways(ours: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake(strict(ours), server_context(tls(ours)), "other.example.org")


def test_a_gateway_of_a_foreign_authority_is_not_trusted(
    ours: Authority, foreign: Authority
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(strict(ours), server_context(tls(foreign)))


def test_old_versions_of_tls_are_refused(ours: Authority) -> None:
    client = strict(ours)
    client.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the client itself would not dare
    with pytest.deprecated_call():
        client.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.deprecated_call():
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        shake(client, server_context(tls(ours)))


@pytest.mark.parametrize("clients", ["may", "must"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_device_is_known_by_its_certificate(
    clients: str, version: ssl.TLSVersion, ours: Authority
) -> None:
    client = showing(strict(ours), ours, "clients/reefer-1")
    client.maximum_version = version
    _, server = shake(client, server_context(tls(ours, clients)))
    assert common_name(server) == "reefer-1"


def test_a_certificate_may_be_left_out_where_none_is_required(ours: Authority) -> None:
    _, server = shake(strict(ours), server_context(tls(ours, "may")))
    assert common_name(server) is None
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake(strict(ours), server_context(tls(ours, "must")))


@pytest.mark.parametrize("clients", ["may", "must"])
def test_a_device_of_a_foreign_authority_is_refused(
    clients: str, ours: Authority, foreign: Authority
) -> None:
    client = showing(strict(ours), foreign, "clients/reefer-1")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(client, server_context(tls(ours, clients)))


def test_a_device_cannot_pass_for_the_gateway_nor_the_gateway_for_a_device(
    ours: Authority,
) -> None:
    device = ListenerTls(
        certificate=ours.folder / "clients/reefer-1.pem", key=ours.folder / "clients/reefer-1.key"
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(strict(ours), server_context(device))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(showing(strict(ours), ours, "server"), server_context(tls(ours, "may")))


def test_a_device_cannot_sign_others(ours: Authority) -> None:
    certificate = x509.load_pem_x509_certificate(
        (ours.folder / "clients/reefer-1.pem").read_bytes()
    )
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_keys_are_for_their_owner_alone(ours: Authority) -> None:
    modes = {
        str(path.relative_to(ours.folder)): path.stat().st_mode & 0o777
        for path in ours.folder.rglob("*.*")
    }
    assert modes == {
        "authority.pem": 0o644,
        "authority.key": 0o600,
        "server.pem": 0o644,
        "server.key": 0o600,
        "clients/reefer-1.pem": 0o644,
        "clients/reefer-1.key": 0o600,
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_makes_belongs_to_whom_the_folder_belongs_to(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    os.chown(folder, 65_534, 65_534)
    Authority.make(folder, NOW, "roof-pi").server(["localhost"], NOW)
    assert {(one.stat().st_uid, one.stat().st_gid) for one in folder.iterdir()} == {
        (65_534, 65_534)
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*.*")}


def test_an_authority_is_never_overwritten(tmp_path: Path) -> None:
    Authority.make(tmp_path, NOW, "roof-pi")
    before = contents(tmp_path)
    with pytest.raises(AuthorityError, match=r"authority\.pem exists already"):
        Authority.make(tmp_path, NOW, "roof-pi")
    (tmp_path / "authority.pem").unlink()
    with pytest.raises(AuthorityError, match=r"authority\.key exists already"):
        Authority.make(tmp_path, NOW, "roof-pi")
    assert contents(tmp_path) == {"authority.key": before["authority.key"]}


def test_to_renew_a_certificate_its_key_is_kept(tmp_path: Path) -> None:
    first = Authority.make(tmp_path, NOW, "roof-pi")
    first.server(["localhost"], NOW)
    before = contents(tmp_path)
    Authority.open(tmp_path, NOW).server(["localhost", "quay"], NOW)
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"server.pem"}
    shake(strict(first), server_context(tls(first)), "quay")


def test_a_device_gets_another_key_with_each_certificate(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path, NOW, "roof-pi")
    authority.server(["localhost"], NOW)
    first = authority.client("reefer-1", NOW)
    key = first.key.read_bytes()
    again = authority.client("reefer-1", NOW)
    assert again.key.read_bytes() != key
    assert again.key.stat().st_mode & 0o777 == 0o600
    client = showing(strict(authority), authority, "clients/reefer-1")
    shake(client, server_context(tls(authority, "must")))


def test_what_a_device_shows_begins_when_it_was_made(ours: Authority) -> None:
    now = int(NOW.timestamp() * 1000)
    assert validity(ours.folder / "clients" / "reefer-1.pem")[0] == now
    assert validity(ours.folder / "server.pem")[0] == now - 24 * 3_600_000


def test_all_ends_with_the_authority(ours: Authority) -> None:
    end = int((NOW + YEARS).timestamp() * 1000)
    for name in ("authority.pem", "server.pem", "clients/reefer-1.pem"):
        assert validity(ours.folder / name)[1] == end
    with pytest.raises(AuthorityError, match=r"ended on .* Move that folder aside, make a new"):
        Authority.open(ours.folder, NOW + YEARS)


def test_of_a_chain_the_first_to_end_counts(ours: Authority, tmp_path: Path) -> None:
    older = Authority.make(tmp_path, NOW - timedelta(days=1), "older")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        (ours.folder / "server.pem").read_bytes() + (tmp_path / "authority.pem").read_bytes()
    )
    assert validity(chain)[1] == int(older.until.timestamp() * 1000)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda at: (at / "authority.key").unlink(), "authority.key is not there, and nothing can"),
        (lambda at: (at / "authority.pem").unlink(), "authority.pem is not there, and its key is"),
        (lambda at: (at / "authority.pem").write_text("x"), "authority.pem holds no certificate"),
        (lambda at: (at / "authority.key").write_text("x"), "authority.key holds no private key"),
        (
            lambda at: (at / "authority.key").write_bytes((at / "server.key").read_bytes()),
            "authority.key does not belong to ",
        ),
    ],
)
def test_a_damaged_authority_is_told_with_its_cure(
    spoil: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    Authority.make(tmp_path, NOW, "roof-pi").server(["localhost"], NOW)
    spoil(tmp_path)
    with pytest.raises(AuthorityError, match=expected):
        Authority.open(tmp_path, NOW)


def test_where_there_is_no_authority_the_command_for_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match=f"Make one: holdwatch tls init --folder {tmp_path}$"):
        Authority.open(tmp_path, NOW)


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "hub:8883", "mqtt://hub", "-hub", "hub-", "a..b", "a.", "*.example.org"),
        *("300.1.1.1", "10.0.0", "bücher.example", "a" * 64, ".".join(["a" * 60] * 5), "[::1]"),
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(AuthorityError, match="is neither a host name nor an address"):
        general_name(name)


@pytest.mark.parametrize("name", ["hub", "Hub_1.local", "xn--bcher-kva.example", "1a", "fe80::1"])
def test_names_and_addresses_are_taken(name: str) -> None:
    assert str(general_name(name).value) == name.lower()


def test_a_name_of_any_length_can_be_certified(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 4)
    authority = Authority.make(tmp_path, NOW, name)
    authority.server([name], NOW)
    shake(strict(authority), server_context(tls(authority)), name)


def test_keys_are_such_as_small_devices_know(ours: Authority) -> None:
    certificate = x509.load_pem_x509_certificate((ours.folder / "server.pem").read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_this_machine_is_known_by_its_own_names() -> None:
    names = own_names()
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert len(names) == len(set(names))
    for name in names:
        general_name(name)


# --- the commands


def run(*words: str) -> str:
    done = CliRunner().invoke(tls_app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: str) -> str:
    done = CliRunner().invoke(tls_app, words, catch_exceptions=False)
    assert done.exit_code == 1
    return done.output


def settings_lines(said: str, folder: Path) -> Settings:
    """What the command says belongs into the settings, read as settings."""
    lines = [line.strip() for line in said.splitlines()]
    lines = [line for line in lines if line.startswith(("[", "host = ", "tls = "))]
    if "[[listeners]]" not in lines:
        lines.insert(0, "[[listeners]]")
    return parse("\n".join(lines), folder=folder)


def test_the_commands_make_what_the_settings_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("init", "gateway.example.org")
    (listener,) = settings_lines(said, tmp_path).listeners
    assert listener.tls is not None
    assert "--cafile tls/authority.pem -h gateway.example.org -p 8883 -u NAME -P TOKEN" in said
    context = ssl.create_default_context(cafile="tls/authority.pem")
    shake(context, server_context(listener.tls), "gateway.example.org")

    said = run("certificate", "reefer-1")
    (listener,) = settings_lines(said, tmp_path).listeners
    assert listener.tls is not None
    assert "holdwatch device add reefer-1 --certificate" in said
    context.load_cert_chain("tls/clients/reefer-1.pem", "tls/clients/reefer-1.key")
    _, server = shake(context, server_context(listener.tls))
    assert common_name(server) == "reefer-1"


def test_a_second_init_keeps_the_authority(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    assert "Made an authority" in run("init", "--folder", str(folder))
    before = contents(folder)
    assert "Took up the authority" in run("init", "quay", "--folder", str(folder))
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {"server.pem"}


@pytest.mark.parametrize("renewing", [(), ("--renewing",)])
def test_of_the_authority_and_of_the_certificate_each_end_is_told(
    tmp_path: Path, renewing: tuple[str, ...]
) -> None:
    said = run("init", "--folder", str(tmp_path), *renewing)
    ends = {}
    for name in ("authority", "server"):
        chain = (tmp_path / f"{name}.pem").read_bytes()
        ends[name] = x509.load_pem_x509_certificate(chain).not_valid_after_utc
    assert (ends["server"] < ends["authority"]) == bool(renewing)
    assert f"authority in {tmp_path}, good until {ends['authority']:%Y-%m-%d}." in said
    assert f"certificate of this gateway, good until {ends['server']:%Y-%m-%d}, for" in said


def test_a_new_certificate_keeps_the_names_of_the_one_before_and_says_so(tmp_path: Path) -> None:
    folder = ("--folder", str(tmp_path))
    assert "Kept" not in run("init", "quay", "192.0.2.77", *folder)
    assert "Kept from the certificate before: quay, 192.0.2.77. To leave" in run("init", *folder)
    assert "before: quay, 192.0.2.77. To leave" in run("init", "pier", *folder)
    names = certified_names(tmp_path / "server.pem")
    assert names[:3] == ("pier", "quay", "192.0.2.77")
    assert "before: pier, 192.0.2.77. To leave" in run("init", "quay", *folder)
    (tmp_path / "server.pem").write_text("damaged")
    assert "Kept" not in run("init", *folder)
    assert set(certified_names(tmp_path / "server.pem")) == set(own_names())


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (("192.0.2.7", "localhost", "quay", "pier"), "quay"),
        (("*.example.org", "::1", "gate.example.org"), "gate.example.org"),
        (("192.0.2.7", "localhost"), None),
        ((), None),
    ],
)
def test_devices_are_told_a_name_and_no_address(names: tuple[str, ...], host: str | None) -> None:
    assert host_name(names) == host


def test_every_command_names_the_same_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("init", "192.0.2.77", "quay")
    assert "-h quay -p 8883" in said
    settings = settings_lines(said, tmp_path)
    assert "-h quay -p 8883" in run("certificate", "reefer-1")
    credential = {"name": "a", "speaks_for": ["a"], "sees": [], "certificate": False, "token": "t"}
    console = Console(file=io.StringIO(), width=200)
    show_added(console, settings, credential)
    assert isinstance(console.file, io.StringIO)
    assert "host        quay\n" in console.file.getvalue()
    assert "-h quay -p 8883" in console.file.getvalue()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["init", "hub:8883"], "'hub:8883' is neither a host name nor an address."),
        (["certificate", "Reefer 1"], "'Reefer 1' cannot be the name of a credential. Use up to"),
        (["certificate", "anonymous"], "'anonymous' cannot be the name of a credential."),
        (["certificate", "../server"], "'../server' cannot be the name of a credential."),
        (["certificate", "reefer-1"], "There is no authority in tls. Make one: holdwatch tls init"),
        (["init", "--folder", "/proc/none"], "Cannot write to /proc/none: "),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing_behind(
    words: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in refused(*words)
    assert list(tmp_path.iterdir()) == []
