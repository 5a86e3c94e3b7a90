"""A person of a provider signs for a consignment: asked there again, and for exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest

from tests.gateway.oidc.provider import needs_provider
from tests.gateway.oidc.test_sign_in import OidcPage, start
from tests.gateway.web.test_consignments_view import LEG, enter, hidden, shown
from tests.gateway.web.test_devices_view import act, heard

pytestmark = needs_provider


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcPage]:
    made = start(tmp_path_factory.mktemp("signing"))
    try:
        with made:
            yield made
    finally:
        made.provider.stop()


def delivered(page: OidcPage, client: httpx.Client, identity: str) -> dict[str, str]:
    """Enter and deliver a consignment; return what the form to sign it sends."""
    heard(page, client, f"probe-{identity.lower()}")
    entered = enter(client, identity, sensor=f"/probe-{identity.lower()}", **LEG)
    assert "hx-redirect" in entered.headers, entered.text
    act(client, f"/consignment/{identity}/act/deliver")
    text = shown(client, identity)
    assert "Your password, again" not in text
    assert "Sign in again and sign" in text
    said = {key: hidden(text, key) for key in ("made", "head", "digest")}
    return said | {"meaning": "held", "reason": "to look at"}


def signed(page: OidcPage, identity: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = page.command("consignment", "reports", identity)
    return found


def test_who_signs_is_asked_again_and_it_is_signed_with_the_name_of_there(page: OidcPage) -> None:
    client = page.signed_in("u-2")
    said = delivered(page, client, "P-1")
    begun = act(client, "/consignment/P-1/sign", **said)
    assert begun.status_code == HTTPStatus.NO_CONTENT, begun.text
    there = begun.headers["hx-redirect"]
    assert "prompt=login" in there
    assert "max_age=0" in there
    assert signed(page, "P-1") == []
    came = page.provider.sign_in(client, there, "u-2")
    answer = client.get(came)
    assert answer.headers["location"] == "/consignment/P-1"
    (version,) = signed(page, "P-1")
    decision = version["decision"]
    assert isinstance(decision, dict)
    assert (decision["login"], decision["name"]) == ("anna", "Other Desk")
    assert version["digest"] == said["digest"]
    # Once is once.
    assert client.get(came, headers={"Accept": "text/html"}).status_code == HTTPStatus.CONFLICT
    assert len(signed(page, "P-1")) == 1


@pytest.mark.parametrize("case", ["another signs in", "in another browser", "seen otherwise"])
def test_what_was_not_proven_for_exactly_this_is_not_signed(page: OidcPage, case: str) -> None:
    client, identity = page.signed_in("u-2"), f"N-{len(case)}"
    said = delivered(page, client, identity)
    if case == "seen otherwise":
        said["digest"] = "0" * 64
    there = act(client, f"/consignment/{identity}/sign", **said).headers["hx-redirect"]
    login = "u-1" if case == "another signs in" else "u-2"
    came = page.provider.sign_in(client, there, login)
    browser = page.signed_in("u-2") if case == "in another browser" else client
    answer = browser.get(came, headers={"Accept": "text/html"})
    assert answer.status_code == HTTPStatus.CONFLICT
    expected = {
        "another signs in": "somebody else signed in at the provider",
        "in another browser": "was not begun here",
        "seen otherwise": "has changed since you looked",
    }
    assert expected[case] in answer.text
    assert signed(page, identity) == []


def test_without_scripts_a_link_leads_there(page: OidcPage) -> None:
    client = page.signed_in("u-2")
    said = delivered(page, client, "L-1")
    csrf = client.get("/account").text.split('data-csrf="')[1].split('"')[0]
    answer = client.post(
        "/consignment/L-1/sign", data={**said, "csrf": csrf}, headers={"Origin": page.url}
    )
    assert f'href="{page.provider.issuer}/auth?' in answer.text


def test_no_password_signs_for_who_has_none(page: OidcPage) -> None:
    client = page.signed_in("u-2")
    said = delivered(page, client, "W-1")
    local = page.user("quinn", "quality")
    refused = act(local, "/consignment/W-1/sign", **said, password="", name="Quinn Desk")
    assert "password is wrong" in refused.json()["detail"]
    assert signed(page, "W-1") == []
