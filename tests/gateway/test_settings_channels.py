"""What settings say about the channels by which people are told, and what is wrong with it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.page import Page, without_secrets
from gateway.settings import SettingsError, load, parse
from gateway.settings.channels import Apprise, Email, Mqtt, Webhook, mail_of
from rules.duration import DAY, HOUR

if TYPE_CHECKING:
    from gateway.settings.channels import AnyChannel

KEY = "whsec_" + "A" * 32
ENVIRONMENT = {"KEY": KEY, "PASSWORD": "sesame", "URL": "ntfys://secret-topic"}
MAIL = """[[channels]]
name = "office"
kind = "email"
host = "mail.example.org"
from = "Holdwatch <holdwatch@example.org>"
to = ["ann@example.org"]
"""
HOOK = """[[channels]]
name = "hook"
kind = "webhook"
url = "https://example.org/alerts"
secret_env = "KEY"
"""
SIREN = """[[brokers]]
name = "house"
host = "localhost"
[[channels]]
name = "siren"
kind = "mqtt"
broker = "house"
topic = "siren/set"
"""
PUSH = """[[channels]]
name = "phones"
kind = "apprise"
url_env = "URL"
"""


def channel(text: str) -> AnyChannel:
    (found,) = parse(text, environment=ENVIRONMENT).channels
    return found


def problems(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text, "holdwatch.toml", environment=ENVIRONMENT)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_each_kind_needs_little() -> None:
    mail = channel(MAIL)
    assert isinstance(mail, Email)
    assert (mail.port, mail.tls, mail.give_up) == (587, "starttls", 24 * HOUR)
    assert (mail.test_every, mail.link) == (90 * DAY, None)
    hook = channel(HOOK)
    assert isinstance(hook, Webhook)
    assert [len(key) for key in hook.keys] == [24]
    siren = channel(SIREN)
    assert isinstance(siren, Mqtt)
    assert (siren.firing, siren.resolved, siren.retain) == ("ON", "OFF", True)
    push = channel(PUSH)
    assert isinstance(push, Apprise)
    assert push.address == "ntfys://secret-topic"


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_usual_port_follows_from_tls(tls: str, port: int) -> None:
    found = channel(MAIL + f'tls = "{tls}"\n')
    assert isinstance(found, Email)
    assert found.port == port


@pytest.mark.parametrize("never", ["never", "0", "0 s"])
def test_a_channel_may_need_no_test(never: str) -> None:
    assert channel(MAIL + f'test_every = "{never}"\n').test_every == 0


def test_both_keys_sign_while_they_are_changed() -> None:
    found = channel(HOOK + f'old_secret = "whsec_{"B" * 32}"\n')
    assert isinstance(found, Webhook)
    assert len(found.keys) == 2
    assert found.keys[0] != found.keys[1]


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ann@example.org", "", "ann@example.org"),
        ("Ann Õ <ann@example.org>", "Ann Õ", "ann@example.org"),
    ],
)
def test_an_address_may_carry_a_name(text: str, name: str, address: str) -> None:
    assert mail_of(text) == (name, address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[channels]]\nname = "a"\n', "kind: it is missing. Add kind, one of: apprise, email"),
        ('[[channels]]\nname = "a"\nkind = "mail"\n', "unknown kind 'mail'. Did you mean email"),
        (MAIL + "prot = 25\n", "prot: unknown key. Did you mean port"),
        (MAIL + MAIL, "'office' is already the name of another of the channels"),
        (MAIL.replace("ann@", "ann"), "it is no address of e-mail. Write"),
        (MAIL.replace("ann@example.org", "a@b, c@d"), "it is no address of e-mail"),
        (MAIL.replace("ann@example.org", "a@b\\nBcc: c@d"), "it is no address of e-mail"),
        (MAIL.replace("ann@", "ünal@"), "it is no address of e-mail"),
        (MAIL.replace("ann@", "ann..lee@"), "it is no address of e-mail"),
        (MAIL.replace("ann@example.org", "ann@exämple.org"), "xn--mnchen-3ya.example"),
        (MAIL.replace("Holdwatch <", "Hold\\r\\nX: y <"), "it is no address of e-mail"),
        (MAIL.replace('["ann@example.org"]', "[]"), "to: it may not be empty"),
        (MAIL + 'username = "ann"\n', "username and password belong together"),
        (MAIL + 'password_env = "NOWHERE"\n', "which is not in the environment"),
        (MAIL + 'give_up = "5 s"\n', "nothing is tried again within so short a time"),
        (MAIL + 'link = "example.org"\n', "link: it is no address of a web service"),
        (HOOK.replace('secret_env = "KEY"', ""), "there is no key to sign with. Give secret_file"),
        (HOOK.replace("_env", "").replace("KEY", "whsec_MTIz"), "that is no key of a webhook"),
        (HOOK.replace("_env", "").replace("KEY", KEY[6:]), "that is no key of a webhook"),
        (HOOK.replace("https:", "http:"), "http is for networks of your own alone"),
        (HOOK.replace("https:", "file:"), "it is no address of a web service"),
        (HOOK.replace("https://", "https://ann:x@"), "it holds more than an address"),
        (HOOK + 'allow = ["0.0.0.0/0"]\n', "is too wide"),
        (HOOK + 'allow = ["::/0"]\n', "is too wide"),
        (HOOK + 'allow = ["10.0.0.1/8"]\n', "is no network"),
        (SIREN.replace('broker = "house"', 'broker = "hose"'), "there is no broker 'hose'. Known"),
        (SIREN.replace("siren/set", "siren/#"), "topic: "),
        (PUSH.replace("url_env", "url_file"), "cannot read url_file"),
        (PUSH.replace('url_env = "URL"', ""), "there is no address of a service"),
        (PUSH.replace('url_env = "URL"', 'url = "secret-topic"'), "that is no address as apprise"),
    ],
)
def test_a_mistake_is_told_with_its_cure_and_no_secret(text: str, expected: str) -> None:
    told = problems(text)
    assert expected in told
    assert "secret-topic" not in told
    assert KEY[6:] not in told


def test_a_file_of_a_secret_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    key, settings = tmp_path / "key", tmp_path / "holdwatch.toml"
    key.write_text(KEY)
    key.chmod(0o644)
    settings.write_text(
        f'[gateway]\nbox = "roof"\ndata = "{tmp_path}"\n'
        + HOOK.replace('secret_env = "KEY"', 'secret_file = "key"')
    )
    assert load(settings).warnings == (
        f"{key} holds a key, and others on this machine may read it. Run: chmod 600 {key}",
    )
    key.chmod(0o600)
    assert load(settings).warnings == ()


def test_a_secret_in_the_settings_makes_them_secret(tmp_path: Path) -> None:
    settings = tmp_path / "holdwatch.toml"
    settings.write_text(
        f'[gateway]\nbox = "roof"\ndata = "{tmp_path}"\n'
        + PUSH.replace('url_env = "URL"', 'url = "ntfys://secret-topic"')
    )
    settings.chmod(0o644)
    (warning,) = load(settings).warnings
    assert "holds a service's address with its secrets" in warning
    assert "secret-topic" not in warning


@pytest.mark.parametrize("text", [MAIL, HOOK, SIREN, PUSH])
def test_the_page_is_told_name_and_link_of_a_channel_and_no_secret(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    if text is MAIL:
        text += 'username = "ann"\npassword_env = "PASSWORD"\n'
    more = 'link = "https://holdwatch.example.org"\n[web]\nport = 8471\n'
    read = parse(text + more)
    told = without_secrets(read)
    packed = pickle.dumps(told)
    for secret in (KEY, "sesame", "secret-topic", "ann@example.org", "siren/set"):
        assert secret.encode() not in packed
    (channel,) = told.channels
    assert (channel.name, channel.kind) == (read.channels[0].name, read.channels[0].kind)
    assert channel.link == "https://holdwatch.example.org"
    assert read.web is not None
    left = Page(read, read.web)._environment()
    named = {name for name in ENVIRONMENT if f'"{name}"' in text}
    assert not named & set(left)


def test_a_password_in_the_clear_is_warned_of() -> None:
    text = MAIL + 'tls = "none"\nusername = "ann"\npassword_env = "PASSWORD"\n'
    (warning,) = parse(text, environment=ENVIRONMENT).warnings
    assert warning.startswith("channel office: the password goes to mail.example.org without TLS")
    here = text.replace("mail.example.org", "localhost")
    assert parse(here, environment=ENVIRONMENT).warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HOOK.replace("/alerts", "/alerts?key=s3same-1&x=1"), {"s3same-1"}),
        (HOOK.replace("/alerts", "/hooks/T0KEN%2F0123456"), {"T0KEN%2F0123456", "T0KEN/0123456"}),
        (PUSH.replace("_env", "").replace("URL", "mailto://u:p%40ssword@h"), {"p@ssword"}),
        # As a login sends it: alone, and behind the name.
        (
            MAIL + 'username = "ann"\npassword_env = "PASSWORD"\n',
            {"sesame", "c2VzYW1l", "AGFubgBzZXNhbWU="},
        ),
    ],
)
def test_a_secret_is_known_in_every_form_in_which_it_may_come_back(
    text: str, expected: set[str]
) -> None:
    assert expected <= set(channel(text).secrets)
