"""People of a provider beside those of this gateway: whose name, whose role, who stays out."""

from __future__ import annotations

import pytest

from gateway.oidc.identity import Identity
from gateway.people.names import LONGEST
from gateway.people.passwords import hashed
from gateway.people.people import People
from gateway.people.person import Role, find_login
from gateway.refusal import ControlError
from rules.duration import HOUR
from tests.gateway.people.test_people import ROOT, House, house

__all__ = ["house"]
ISSUER = "https://login.example"


def who(
    subject: str, offer: str = "anna", role: Role = "operator", issuer: str = ISSUER
) -> Identity:
    return Identity(issuer, subject, offer, "Quay Desk", role)


async def test_the_subject_of_an_issuer_is_one_person_whatever_the_name(house: House) -> None:
    for offer in ("anna", "berta", "anna"):
        assert (await house.people.signed_in(who("1", offer), "")).name == "anna"
    assert (await house.people.signed_in(who("2"), "")).name == "anna-2"
    other = who("1", issuer="https://other.example")
    assert (await house.people.signed_in(other, "")).name == "anna-3"
    # So it is after a restart.
    again = People(house.state, house.clock)
    assert (await again.signed_in(who("2", "zoe"), "")).name == "anna-2"


@pytest.mark.parametrize("offer", ["anna", "admin", "hall", "x" * LONGEST, "x" * 2 * LONGEST])
async def test_no_name_that_somebody_has_or_had_is_given_away(house: House, offer: str) -> None:
    await house.people.add("anna", "administrator", ROOT)
    await house.people.add("second", "administrator", ROOT)
    await house.people.remove("anna", ROOT)
    await house.people.add_screen("hall", ROOT)
    await house.people.add("x" * LONGEST, "viewer", ROOT)
    name = (await house.people.signed_in(who("1", offer), "")).name
    assert name.endswith("-2")
    assert len(name) <= LONGEST
    assert len({one.name for one in house.people.people()}) == 5


@pytest.mark.parametrize("offer", ["gateway", "root", "holdwatch"])
async def test_no_provider_gives_a_name_by_which_the_gateway_acts(house: House, offer: str) -> None:
    """Where the name alone is shown, what a person did would be taken for its own doing."""
    assert (await house.people.signed_in(who("1", offer), "")).name == f"{offer}-2"


async def test_another_role_there_is_another_here_and_ends_logins(house: House) -> None:
    await house.people.signed_in(who("1", role="administrator"), "192.0.2.7")
    login = await house.log_in("anna")
    await house.people.signed_in(who("1", role="administrator"), "192.0.2.7")
    assert house.open(login) == [True]
    await house.people.signed_in(who("1", role="viewer"), "192.0.2.7")
    assert house.open(login) == [False]
    assert house.trail() == [
        ("anna", "user-add", "anna"),
        ("anna", "login-open", "anna"),
        ("anna", "user-role", "anna"),
    ]


async def test_who_was_removed_stays_out_and_nobody_gets_the_name(house: House) -> None:
    await house.people.signed_in(who("1"), "")
    await house.people.remove("anna", ROOT)
    with pytest.raises(ControlError, match="anna was removed on this gateway"):
        await house.people.signed_in(who("1", "other"), "")
    with pytest.raises(ControlError, match="is to stay out"):
        await house.people.add("anna", "viewer", ROOT)
    await house.people.admit("anna", ROOT)
    assert (await house.people.signed_in(who("1"), "")).removed is None
    with pytest.raises(ControlError, match="nobody called anna was removed"):
        await house.people.admit("anna", ROOT)


async def test_password_and_role_of_somebody_elsewhere_are_not_changed_here(house: House) -> None:
    await house.people.signed_in(who("1"), "")
    for change in (
        house.people.reset("anna", ROOT),
        house.people.change_role("anna", "administrator", ROOT),
        house.people.set_password("anna", hashed("a long password"), ROOT),
    ):
        with pytest.raises(ControlError, match="signs in at"):
            await change


async def test_the_last_administrator_is_one_with_a_password(house: House) -> None:
    await house.people.add("rescue", "administrator", ROOT)
    await house.people.signed_in(who("1", role="administrator"), "")
    with pytest.raises(ControlError, match="last administrator with a password"):
        await house.people.remove("rescue", ROOT)
    assert (await house.people.remove("anna", ROOT)).removed is not None
    assert not house.people.empty()


async def test_a_login_ends_at_its_latest_however_much_it_is_used(house: House) -> None:
    await house.people.signed_in(who("1"), "")
    start, digest = house.clock.now(), b"d" * 32
    await house.logins.open(digest, "anna", start + HOUR, latest=start + 2 * HOUR)
    ends = []
    for _ in range(6):
        house.clock.passes(HOUR // 3)
        await house.logins.seen(digest, house.clock.now() + HOUR)
        found = find_login(house.state, digest)
        assert found is not None
        ends.append(found[0].expires)
    assert ends == [start + one * HOUR // 3 for one in (4, 5, 6, 6, 6, 6)]
