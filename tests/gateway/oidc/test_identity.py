"""Which role and which name somebody gets of what the provider says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.oidc.identity import identity
from gateway.people import person
from gateway.refusal import ControlError
from gateway.settings import oidc
from gateway.settings.oidc import Oidc


def settings(**more: Any) -> Oidc:  # noqa: ANN401 - keys of the settings
    base = {"issuer": "https://login.example", "page": "https://gw.example:8470", "client_id": "x"}
    return Oidc.model_validate_json(json.dumps({**base, "role": "viewer", **more}))


def test_roles_of_the_settings_are_those_of_people() -> None:
    assert oidc.Role == person.Role


MAP = {"cold": "operator", "qa": "quality", "it": "administrator"}


@pytest.mark.parametrize(
    ("claims", "more", "role"),
    [
        ({"groups": ["cold"]}, {}, "operator"),
        ({"groups": ["cold", "qa", "other"]}, {}, "quality"),
        ({"groups": "it"}, {}, "administrator"),
        ({"groups": ["other"]}, {}, "viewer"),
        ({}, {}, "viewer"),
        ({"groups": [["it"], {"it": 1}, None, 7]}, {}, "viewer"),
        ({"realm_access": {"roles": ["qa"]}}, {"roles_claim": "realm_access.roles"}, "quality"),
        (
            {"https://x.example/roles": ["it"]},
            {"roles_claim": "https://x.example/roles"},
            "administrator",
        ),
        ({"groups": ["other"]}, {"role": None}, None),
        ({"groups": ["cold "]}, {"role": None}, None),
        ({"realm_access": "qa"}, {"roles_claim": "realm_access.roles", "role": None}, None),
    ],
)
def test_the_highest_role_of_all_groups_counts(
    claims: dict[str, Any], more: dict[str, Any], role: str | None
) -> None:
    told = settings(roles=MAP, **more)
    if role is None:
        with pytest.raises(ControlError, match="no role on this gateway"):
            identity({"sub": "1", **claims}, told)
    else:
        assert identity({"sub": "1", **claims}, told).role == role


@pytest.mark.parametrize(
    ("claims", "offer"),
    [
        ({"preferred_username": "anna"}, "anna"),
        ({"preferred_username": "Anna.Berg@example.org"}, "anna-berg"),
        ({"email": "quay.desk@example.org"}, "quay-desk"),
        ({"name": "Quay Desk"}, "quay-desk"),
        ({"preferred_username": "小林", "email": "k@example.org"}, "k"),
        ({"preferred_username": 7, "name": "ß"}, "person"),
        ({}, "person"),
    ],
)
def test_a_name_is_made_of_what_there_is(claims: dict[str, Any], offer: str) -> None:
    assert identity({"sub": "1", **claims}, settings()).offer == offer


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        ({"email": "a@example.org", "email_verified": True}, True),
        ({"email": "a@EXAMPLE.org", "email_verified": "true"}, True),
        ({"email": "a@example.org", "email_verified": False}, False),
        ({"email": "a@example.org"}, False),
        ({"email": "a@example.org.evil.example", "email_verified": True}, False),
        ({"email": "a@evil.example", "email_verified": True}, False),
        ({"hd": "example.org"}, True),
        ({"hd": "evil.example"}, False),
        ({}, False),
    ],
)
def test_only_people_of_these_domains(claims: dict[str, Any], taken: bool) -> None:  # noqa: FBT001 - a parameter of the test
    told = settings(domains=["example.org"])
    if taken:
        identity({"sub": "1", **claims}, told)
        return
    with pytest.raises(ControlError, match="of no domain"):
        identity({"sub": "1", **claims}, told)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"issuer": "http://login.example"}, "over http others could read"),
        ({"issuer": "login.example"}, "no address"),
        ({"issuer": "https://u:p@login.example"}, "more than an address"),
        ({"page": "https://gw.example/page"}, "at the root"),
        ({"page": "http://gw.example"}, "over http"),
        ({"scopes": ["profile"]}, "lacks openid"),
        ({"role": None}, "nobody could sign in"),
        ({"roles": {"a": "king"}}, "Input should be"),
        ({"longest": "1 s"}, "cannot last so"),
        ({"client_secret": "a", "client_secret_env": "B"}, "given by"),
    ],
)
def test_settings_that_cannot_be_are_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(**more)


def test_the_page_is_shown_no_secret() -> None:
    told = settings(client_secret="geheim")
    assert told.secret is not None
    assert told.shown().secret is None
    assert "geheim" not in repr(told.shown().__dict__)


@pytest.mark.parametrize("domain", ["", "@", " ", "a@example.org", "example org"])
def test_a_domain_that_is_none_is_refused(domain: str) -> None:
    """It would be everybody's whose address is not known."""
    with pytest.raises(ValueError, match="is no domain"):
        settings(domains=[domain])


@pytest.mark.parametrize("verified", [[], {}, ["true"], 1, "yes", None])
def test_what_does_not_say_that_an_address_is_verified_does_not(verified: object) -> None:
    claims = {"sub": "1", "email": "a@example.org", "email_verified": verified}
    with pytest.raises(ControlError, match="of no domain"):
        identity(claims, settings(domains=["@Example.org"]))
