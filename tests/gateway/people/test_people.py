"""People, wall screens and their logins: over a real file, with a clock that is told."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.people import audit
from gateway.people.audit import Who
from gateway.people.logins import MOST_LOGINS, SEEN_STEP, Logins
from gateway.people.passwords import ALPHABET, hashed, is_right, random_password
from gateway.people.people import People
from gateway.people.person import ROLES, Role, at_least, find_login, find_person
from gateway.refusal import ControlError
from gateway.state import State
from rules.duration import HOUR
from tests.gateway.parts import NOW, ToldClock

ROOT = Who("root", "command line")


class House(NamedTuple):
    """The parts over one file."""

    state: State
    clock: ToldClock
    people: People
    logins: Logins

    async def log_in(self, person: str, *, hours: int = 12) -> bytes:
        digest = secrets.token_bytes(32)
        await self.logins.open(digest, person, self.clock.now() + hours * HOUR, "192.0.2.7")
        return digest

    def open(self, *digests: bytes) -> list[bool]:
        return [find_login(self.state, one) is not None for one in digests]

    def trail(self) -> list[tuple[str, str, str]]:
        """Who did what to whom, oldest first."""
        entries = reversed(audit.page(self.state, None, 100))
        return [(one.who.name, one.what, one.object) for one in entries]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    state, clock = State(tmp_path / "state.db"), ToldClock()
    people = People(state, clock)
    yield House(state, clock, people, Logins(state, people, clock))
    state.close()


def kept(house: House, name: str) -> str | None:
    found = find_person(house.state, name)
    assert found is not None
    return found[1]


def content(folder: Path) -> bytes:
    """Return all that is in the files of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


# --- passwords


def test_a_password_is_long_and_can_be_read_out() -> None:
    made = {random_password() for _ in range(100)}
    assert len(made) == 100
    signs = f"[{ALPHABET}]{{5}}"
    assert all(re.fullmatch(rf"{signs}(-{signs}){{3}}", one) for one in made)
    assert not set("il1o0") & set(ALPHABET)


def test_a_password_is_kept_as_argon2id_and_nothing_else_is_right() -> None:
    once, again = hashed("correct horse"), hashed("correct horse")
    assert once != again
    assert once.startswith("$argon2id$")
    assert is_right("correct horse", once)
    assert is_right("correct horse", again)
    assert not is_right("correct horsf", once)
    assert not is_right("", once)
    assert not is_right("correct horse", None)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", (True, False, False, False)),
        ("operator", (True, True, False, False)),
        ("quality", (True, True, True, False)),
        ("administrator", (True, True, True, True)),
    ],
)
def test_each_role_may_what_those_below_it_may(role: Role, may: tuple[bool, ...]) -> None:
    assert tuple(at_least(role, needed) for needed in ROLES) == may


# --- people


async def test_the_first_administrator_is_made_once(house: House) -> None:
    assert house.people.empty()
    await house.people.add_screen("hall", ROOT)
    assert house.people.empty()
    made = await house.people.first(ROOT)
    assert made is not None
    name, password = made
    person, hash_ = find_person(house.state, name) or (None, None)
    assert (name, person and person.role) == ("admin", "administrator")
    assert is_right(password, hash_)
    assert await house.people.first(ROOT) is None


async def test_who_was_added_is_known_after_a_restart_and_the_password_is_nowhere(
    house: House, tmp_path: Path
) -> None:
    password = await house.people.add("anna", "operator", ROOT)
    (anna,) = People(house.state, house.clock).people()
    assert (anna.name, anna.role, anna.added, anna.screen) == ("anna", "operator", NOW, False)
    assert password.encode() not in content(tmp_path)


async def test_another_password_ends_all_logins_and_the_old_one_is_wrong(house: House) -> None:
    old = await house.people.add("anna", "operator", ROOT)
    await house.people.add("ben", "viewer", ROOT)
    phone, desk, bens = [await house.log_in(name) for name in ("anna", "anna", "ben")]
    new = await house.people.reset("anna", ROOT)
    assert house.open(phone, desk, bens) == [False, False, True]
    assert is_right(new, kept(house, "anna"))
    assert not is_right(old, kept(house, "anna"))


async def test_an_own_password_keeps_the_login_that_it_was_chosen_in(house: House) -> None:
    await house.people.add("anna", "operator", ROOT)
    phone, desk = [await house.log_in("anna") for _ in range(2)]
    chosen = hashed("my own")
    await house.people.set_password("anna", chosen, Who("anna", "page"), keep=desk)
    assert house.open(phone, desk) == [False, True]
    assert kept(house, "anna") == chosen


@pytest.mark.parametrize(
    "text", ["", "secret", "$2b$12$abc", "$argon2id$v=19$m=8,t=1,p=1$YWFhYWFhYWE$YQ"]
)
async def test_what_is_no_argon2id_hash_as_ours_is_not_kept(house: House, text: str) -> None:
    await house.people.add("anna", "operator", ROOT)
    before = kept(house, "anna")
    with pytest.raises(ControlError, match="no hash of a password"):
        await house.people.set_password("anna", text, ROOT)
    assert kept(house, "anna") == before


async def test_another_role_counts_at_once_and_the_login_of_before_does_not(house: House) -> None:
    await house.people.add("anna", "operator", ROOT)
    phone = await house.log_in("anna")
    await house.people.change_role("anna", "viewer", ROOT)
    assert house.open(phone) == [False]
    desk = await house.log_in("anna")
    found = find_login(house.state, desk)
    assert found is not None
    assert found[1].role == "viewer"
    with pytest.raises(ControlError, match="is viewer already"):
        await house.people.change_role("anna", "viewer", ROOT)


async def test_who_was_removed_has_no_password_and_no_login_and_may_come_back(
    house: House,
) -> None:
    await house.people.add("anna", "operator", ROOT)
    phone = await house.log_in("anna")
    await house.people.remove("anna", ROOT)
    assert house.open(phone) == [False]
    assert kept(house, "anna") is None
    assert [one.removed for one in house.people.people()] == [NOW]
    with pytest.raises(ControlError, match="there is no person anna"):
        await house.log_in("anna")
    await house.people.add("anna", "viewer", ROOT)
    assert [(one.role, one.removed) for one in house.people.people()] == [("viewer", None)]


async def test_the_last_administrator_stays_one(house: House) -> None:
    await house.people.add("anna", "administrator", ROOT)
    await house.people.add("ben", "quality", ROOT)
    with pytest.raises(ControlError, match="the last administrator"):
        await house.people.remove("anna", ROOT)
    with pytest.raises(ControlError, match="the last administrator"):
        await house.people.change_role("anna", "quality", ROOT)
    await house.people.change_role("ben", "administrator", ROOT)
    await house.people.remove("anna", ROOT)
    with pytest.raises(ControlError, match="the last administrator"):
        await house.people.remove("ben", ROOT)


@pytest.mark.parametrize(
    ("name", "role", "words"),
    [
        ("", "viewer", "cannot be the name of a person"),
        ("Anna B.", "viewer", "such as anna-b"),
        ("<b>", "viewer", "such as b"),
        ("a" * 61, "viewer", "up to 60 small letters"),
        ("anna", "owner", "Use one of viewer, operator, quality, administrator"),
        ("hall", "viewer", "holdwatch screen revoke hall"),
    ],
)
async def test_what_cannot_be_a_person_is_refused_with_a_cure(
    house: House, name: str, role: str, words: str
) -> None:
    await house.people.add_screen("hall", ROOT)
    with pytest.raises(ControlError, match=words):
        await house.people.add(name, role, ROOT)
    assert house.people.empty()


# --- screens


async def test_a_screen_looks_and_its_login_does_not_expire(house: House) -> None:
    token = await house.people.add_screen("hall", ROOT)
    assert len(bytes.fromhex(token)) == 16
    digest = sha256(token.encode()).digest()
    house.clock.passes(10 * 366 * 24 * HOUR)
    await house.logins.seen(digest, house.clock.now() + HOUR)
    found = find_login(house.state, digest)
    assert found is not None
    login, screen = found
    assert (login.expires, screen.role, screen.screen) == (None, "viewer", True)
    assert screen.seen == house.clock.now()
    assert kept(house, "hall") is None


async def test_a_revoked_screen_is_let_in_no_more_and_another_token_is_needed(
    house: House,
) -> None:
    first = sha256((await house.people.add_screen("hall", ROOT)).encode()).digest()
    await house.people.revoke_screen("hall", ROOT)
    assert house.open(first) == [False]
    assert house.people.screens() == []
    second = sha256((await house.people.add_screen("hall", ROOT)).encode()).digest()
    assert house.open(first, second) == [False, True]


async def test_a_screen_is_no_person_and_a_person_no_screen(house: House) -> None:
    await house.people.add_screen("hall", ROOT)
    await house.people.add("anna", "viewer", ROOT)
    for attempt in (
        house.people.reset("hall", ROOT),
        house.people.change_role("hall", "administrator", ROOT),
        house.people.remove("hall", ROOT),
        house.people.set_password("hall", hashed("x"), ROOT),
        house.log_in("hall"),
    ):
        with pytest.raises(ControlError, match="is a wall screen"):
            await attempt
    with pytest.raises(ControlError, match="there is no screen anna"):
        await house.people.revoke_screen("anna", ROOT)
    with pytest.raises(ControlError, match="first administrator's name"):
        await house.people.add_screen("admin", ROOT)


# --- logins


async def test_a_login_that_is_used_goes_on_and_one_that_is_not_is_dropped(house: House) -> None:
    await house.people.add("anna", "viewer", ROOT)
    used, unused = await house.log_in("anna"), await house.log_in("anna")
    house.clock.passes(11 * HOUR)
    await house.logins.seen(used, house.clock.now() + 12 * HOUR)
    house.clock.passes(2 * HOUR)
    await house.logins.seen(unused, house.clock.now() + 12 * HOUR)  # it has expired meanwhile
    new = await house.log_in("anna")
    assert house.open(used, unused, new) == [True, False, True]


async def test_what_is_used_often_is_written_once_a_minute(house: House) -> None:
    await house.people.add("anna", "viewer", ROOT)
    digest = await house.log_in("anna")

    def seen() -> int:
        found = find_login(house.state, digest)
        assert found is not None
        return found[0].seen

    house.clock.passes(SEEN_STEP - 1)
    await house.logins.seen(digest, house.clock.now() + HOUR)
    assert seen() == NOW
    house.clock.passes(1)
    await house.logins.seen(digest, house.clock.now() + HOUR)
    assert seen() == NOW + SEEN_STEP
    assert [one.seen for one in house.people.people()] == [NOW + SEEN_STEP]
    assert [one.seen for one in People(house.state, house.clock).people()] == [NOW + SEEN_STEP]


async def test_with_one_login_too_many_the_oldest_ends(house: House) -> None:
    await house.people.add("anna", "viewer", ROOT)
    await house.people.add("ben", "viewer", ROOT)
    bens = await house.log_in("ben")
    mine = []
    for _ in range(MOST_LOGINS + 2):
        house.clock.passes(1)
        mine.append(await house.log_in("anna"))
    assert house.open(bens, *mine) == [True, False, False, *[True] * MOST_LOGINS]


async def test_a_login_that_was_ended_is_unknown_and_ending_it_again_does_nothing(
    house: House,
) -> None:
    await house.people.add("anna", "viewer", ROOT)
    digest = await house.log_in("anna")
    for _ in range(2):
        await house.logins.end(digest)
        assert house.open(digest) == [False]
    await house.logins.seen(digest, NOW + HOUR)
    assert house.trail()[-2:] == [("anna", "login-open", "anna"), ("anna", "login-end", "anna")]


async def test_a_login_is_of_somebody_and_ends_later_than_now(house: House) -> None:
    with pytest.raises(ControlError, match="there is no person nobody"):
        await house.log_in("nobody")
    await house.people.add("anna", "viewer", ROOT)
    with pytest.raises(ControlError, match="expired already"):
        await house.log_in("anna", hours=0)


# --- the audit trail


async def test_every_change_is_on_record_with_who_and_what_was_before(house: House) -> None:
    people, anna = house.people, Who("anna", "page", "192.0.2.7")
    await people.add("anna", "administrator", ROOT)
    await people.add("ben", "viewer", anna)
    await people.change_role("ben", "operator", anna)
    await people.reset("ben", anna)
    await people.add_screen("hall", anna)
    await people.revoke_screen("hall", anna)
    await people.remove("ben", anna)
    with pytest.raises(ControlError):
        await people.remove("ben", anna)
    assert house.trail() == [
        ("root", "user-add", "anna"),
        *(("anna", what, "ben") for what in ("user-add", "user-role", "user-reset")),
        *(("anna", what, "hall") for what in ("screen-add", "screen-revoke")),
        ("anna", "user-remove", "ben"),
    ]
    role = next(one for one in audit.page(house.state, None, 100) if one.what == "user-role")
    assert (role.before, role.after) == ({"role": "viewer"}, {"role": "operator"})
    assert (role.who, role.at) == (anna, NOW)


async def test_no_secret_is_in_the_audit_trail(house: House) -> None:
    anna = await house.people.add("anna", "operator", ROOT)
    again = await house.people.reset("anna", ROOT)
    token = await house.people.add_screen("hall", ROOT)
    digest = await house.log_in("anna")
    hash_ = kept(house, "anna")
    trail = str(audit.page(house.state, None, 100))
    assert "user-reset" in trail
    for secret in (anna, again, token, digest.hex(), hash_):
        assert secret is not None
        assert secret not in trail
