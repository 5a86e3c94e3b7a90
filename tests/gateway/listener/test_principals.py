"""Credentials: who a token is, what a principal may do, and that no token is ever stored."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.database import DiskError
from gateway.listener.principal import Principal, anonymous
from gateway.listener.principals import Principals
from gateway.refusal import ControlError
from gateway.state import State
from tests.gateway.parts import NOW, ToldClock

FRIDGE = Principal("fridge-1", "acme", ("fridge-1",))
CERTIFIED = Principal("reefer-1", "acme", ("reefer-1",), certificate=True)


class Desk:
    """Principals over a folder; `again` is a new start over the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.changes: list[Principal] = []
        self._open()

    def _open(self) -> None:
        self.state = State(self.folder / "state.db")
        self.principals = Principals(self.state, self.clock)
        self.principals.on_change = self.changes.append

    def again(self) -> None:
        self.state.close()
        self._open()

    async def add(self, principal: Principal = FRIDGE) -> bytes:
        token = await self.principals.add(principal)
        assert token is not None
        return token.encode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.state.close()


async def test_a_token_says_who_it_is_also_after_a_new_start(desk: Desk) -> None:
    token = await desk.add()
    for _ in range(2):
        found = desk.principals.by_token("fridge-1", token)
        assert found == Principal("fridge-1", "acme", ("fridge-1",), added=NOW)
        assert desk.principals.all() == [found]
        desk.again()


async def test_wrong_names_and_tokens_are_nobody(desk: Desk) -> None:
    token = await desk.add()
    other = await desk.add(Principal("fridge-2", "acme", ("fridge-2",)))
    await desk.principals.add(CERTIFIED)
    for name, shown in (
        ("fridge-1", other),
        ("fridge-1", b""),
        ("fridge-1", token[:-1]),
        ("fridge-1", token + b"0"),
        ("fridge-1", token.upper()),
        ("fridge-1", b"\xff\x00" * 40),
        ("fridge-3", token),
        ("Fridge-1", token),
        ("", token),
        ("reefer-1", token),
        ("reefer-1", b""),
        ("anonymous", b""),
    ):
        assert desk.principals.by_token(name, shown) is None, name
    assert desk.principals.by_token("fridge-1", token) is not None


async def test_the_same_is_done_for_every_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.add()
    await desk.principals.add(CERTIFIED)
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def noted(one: bytes, two: bytes) -> bool:
        compared.append((len(one), len(two)))
        return compare(one, two)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    for name in ("fridge-1", "reefer-1", "nobody", ""):
        assert desk.principals.by_token(name, b"wrong") is None
    assert compared == [(32, 32)] * 4


async def test_a_revoked_token_is_nobody_and_its_name_can_be_used_again(desk: Desk) -> None:
    token = await desk.add()
    desk.clock.passes(1000)
    revoked = await desk.principals.revoke("fridge-1")
    assert revoked.revoked == NOW + 1000
    for _ in range(2):
        assert desk.principals.by_token("fridge-1", token) is None
        assert desk.principals.get("fridge-1") == revoked
        desk.again()
    another = await desk.add()
    assert another != token
    assert desk.principals.by_token("fridge-1", token) is None
    assert desk.principals.by_token("fridge-1", another) == desk.principals.get("fridge-1")
    assert [one.revoked for one in desk.changes] == [None, NOW + 1000, None]


async def test_a_certificate_says_who_it_is_until_it_is_revoked(desk: Desk) -> None:
    assert await desk.principals.add(CERTIFIED) is None
    await desk.add()
    for _ in range(2):
        found = desk.principals.by_certificate("reefer-1", NOW)
        assert found is not None
        assert found.name == "reefer-1"
        assert desk.principals.by_certificate("fridge-1", NOW) is None, "it has a token"
        assert desk.principals.by_certificate("reefer-2", NOW) is None
        desk.again()
    await desk.principals.revoke("reefer-1")
    assert desk.principals.by_certificate("reefer-1", NOW) is None


async def test_certificates_of_before_a_revocation_stay_worth_nothing(desk: Desk) -> None:
    begun = NOW // 1000 * 1000

    def good() -> list[int]:
        """Return how many seconds after the beginning a certificate was made that is good."""
        seconds = (-100_000, 0, 59, 60, 119, 120, 1_000_000)
        return [
            one
            for one in seconds
            if desk.principals.by_certificate("reefer-1", begun + one * 1000) is not None
        ]

    await desk.principals.add(CERTIFIED)
    assert good() == [-100_000, 0, 59, 60, 119, 120, 1_000_000]
    desk.clock.passes(60_000)
    await desk.principals.revoke("reefer-1")
    desk.clock.passes(60_000)
    assert good() == []
    await desk.principals.add(CERTIFIED)
    for _ in range(2):
        assert good() == [60, 119, 120, 1_000_000]
        desk.again()
    await desk.principals.revoke("reefer-1")
    await desk.add(Principal("reefer-1", "acme", ("reefer-1",)))
    assert good() == [], "it has a token"
    await desk.principals.revoke("reefer-1")
    await desk.principals.add(CERTIFIED)
    assert good() == [120, 1_000_000], "also if it had a token meanwhile"


async def test_rights_are_changed_and_the_token_stays(desk: Desk) -> None:
    token = await desk.add()
    told: list[Principal] = []
    desk.principals.on_rights = told.append
    for speaks_for, sees, expected in (
        (("a-*", "b"), None, (("a-*", "b"), ())),
        (None, ("*",), (("a-*", "b"), ("*",))),
        ((), ("c",), ((), ("c",))),
    ):
        changed = await desk.principals.change("fridge-1", speaks_for, sees)
        assert (changed.speaks_for, changed.sees) == expected
        assert told.pop() == changed
        desk.again()
        desk.principals.on_rights = told.append
        assert desk.principals.by_token("fridge-1", token) == changed
    assert [one.name for one in desk.changes] == ["fridge-1"], "nobody is to be disconnected"
    await desk.principals.add(CERTIFIED)
    await desk.principals.change("reefer-1", ("x",), None)
    assert desk.principals.by_certificate("reefer-1", NOW) is not None


async def test_rights_that_cannot_be_are_refused_and_nothing_changes(desk: Desk) -> None:
    token = await desk.add()
    with pytest.raises(ControlError, match="'x/#' matches no device id"):
        await desk.principals.change("fridge-1", ("x/#",), None)
    with pytest.raises(ControlError, match="there is no credential nobody"):
        await desk.principals.change("nobody", ("x",), None)
    assert desk.principals.by_token("fridge-1", token) == desk.principals.get("fridge-1")
    await desk.principals.revoke("fridge-1")
    with pytest.raises(ControlError, match="holdwatch device add fridge-1"):
        await desk.principals.change("fridge-1", ("x",), None)
    revoked = desk.principals.get("fridge-1")
    assert revoked is not None
    assert (revoked.speaks_for, revoked.revoked) == (("fridge-1",), NOW)


async def test_a_name_that_had_a_token_has_none_with_a_certificate(desk: Desk) -> None:
    token = await desk.add()
    await desk.principals.revoke("fridge-1")
    await desk.principals.add(Principal("fridge-1", "acme", ("fridge-1",), certificate=True))
    for _ in range(2):
        assert desk.principals.by_token("fridge-1", token) is None
        assert desk.principals.by_certificate("fridge-1", NOW) is not None
        desk.again()


async def test_a_token_is_in_no_file(desk: Desk) -> None:
    token = await desk.add()
    for closed in (False, True):
        if closed:
            desk.state.close()
        for file in desk.folder.iterdir():
            content = file.read_bytes()
            assert token not in content, file
            assert bytes.fromhex(token.decode()) not in content, file


async def test_tokens_have_128_bits_and_no_two_are_alike(desk: Desk) -> None:
    tokens = [await desk.add(Principal(f"d-{n}", "", (f"d-{n}",))) for n in range(20)]
    assert len(set(tokens)) == 20
    assert {len(bytes.fromhex(one.decode())) for one in tokens} == {16}


@pytest.mark.parametrize(
    ("principal", "words"),
    [
        (Principal("", "", ("d",)), "cannot be the name"),
        (Principal("Fridge 1", "", ("d",)), "such as fridge-1"),
        (Principal("fridge/1", "", ("d",)), "such as fridge-1"),
        (Principal("a" * 61, "", ("d",)), "60 small letters"),
        (Principal("kühl", "", ("d",)), "such as k-hl"),
        (Principal("anonymous", "", ("d",)), "Use another name"),
        (Principal("d", "two words", ("d",)), "'two words' cannot be an owner"),
        (Principal("d", "a/b", ("d",)), "none of"),
        (Principal("d", "a" * 129, ("d",)), "128 characters"),
        (Principal("d", "", ("",)), "'' matches no device id"),
        (Principal("d", "", ("cargo/site/d",)), "'cargo/site/d' matches no device id"),
        (Principal("d", "", ("two words",)), "hold no space"),
        (Principal("d", "", ("a" * 129,)), "128 characters"),
        (Principal("d", "", ("d",), sees=("#",)), "'#' matches no device id"),
        (Principal("d", "", ("d-*",), sees=("a.b",)), "'a.b' matches no device id"),
        (Principal("d", "", tuple(f"d-{n}" for n in range(1001))), "1,000 patterns"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_a_cure(
    desk: Desk, principal: Principal, words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        await desk.principals.add(principal)
    assert desk.principals.all() == []
    assert desk.changes == []


async def test_a_name_that_is_taken_or_unknown_is_refused(desk: Desk) -> None:
    token = await desk.add()
    with pytest.raises(ControlError, match="holdwatch device revoke fridge-1"):
        await desk.add()
    with pytest.raises(ControlError, match="holdwatch device credentials"):
        await desk.principals.revoke("fridge-2")
    await desk.principals.revoke("fridge-1")
    with pytest.raises(ControlError, match="revoked already"):
        await desk.principals.revoke("fridge-1")
    assert desk.principals.by_token("fridge-1", token) is None


async def test_nobody_is_added_or_revoked_that_the_disk_does_not_keep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.add()
    changes = list(desk.changes)

    async def fail() -> None:
        raise DiskError("the disk is full")

    monkeypatch.setattr(desk.state, "commit_aside", fail)
    with pytest.raises(DiskError):
        await desk.add(Principal("fridge-2", "acme", ("fridge-2",)))
    with pytest.raises(DiskError):
        await desk.principals.revoke("fridge-1")
    assert [one.name for one in desk.principals.all()] == ["fridge-1"]
    assert desk.principals.by_token("fridge-1", token) is not None
    assert desk.changes == changes


def test_what_a_principal_may() -> None:
    gate = Principal("gate", "acme", ("fridge-*", "door-[ab]"), ("reefer-*",))
    for device, speaks, sees in (
        (DeviceKey("acme", "fridge-1"), True, True),
        (DeviceKey("acme", "door-a"), True, True),
        (DeviceKey("acme", "door-c"), False, False),
        (DeviceKey("acme", "reefer-1"), False, True),
        (DeviceKey("other", "fridge-1"), False, False),
        (DeviceKey("other", "reefer-1"), False, False),
        (DeviceKey("", "fridge-1"), False, False),
        (DeviceKey("acme", "Fridge-1"), False, False),
    ):
        assert gate.may_speak_for(device) is speaks, device
        assert gate.may_see(device) is sees, device
    assert not gate.sees_all
    assert gate.source == "listener/gate"


def test_all_that_is_seen_is_still_that_of_one_owner() -> None:
    screen = Principal("screen", "acme", ("screen",), ("*",))
    assert screen.sees_all
    assert screen.may_see(DeviceKey("acme", "anything"))
    assert not screen.may_see(DeviceKey("other", "anything"))


def test_who_has_no_name_speaks_for_and_sees_what_is_of_its_owner() -> None:
    nobody = anonymous("acme")
    assert nobody.sees_all
    assert nobody.may_speak_for(DeviceKey("acme", "d-1"))
    assert not nobody.may_speak_for(DeviceKey("", "d-1"))
