"""What may be tried on the way from the provider to us, and that none of it lets anybody in."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.oidc import sign_in
from gateway.oidc.provider import Provider
from gateway.oidc.sign_in import Back
from gateway.refusal import ControlError
from rules.duration import MINUTE, SECOND
from tests.gateway.oidc.forger import CLIENT, EC, OTHER, PAGE, RSA, Forger, Journey, jwk
from tests.gateway.parts import ToldClock


@pytest.fixture
def forger() -> Iterator[Forger]:
    with Forger() as running:
        yield running


@pytest.fixture
async def journey(forger: Forger) -> Journey:
    made = Journey(forger, ToldClock())
    await made.begin()
    return made


LISTED = base64.urlsafe_b64encode(b'{"alg": ["RS256"], "kid": "rsa"}').rstrip(b"=").decode()


def unsigned(journey: Journey) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, journey.claims())
    texts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    return b".".join((*texts, b"")).decode()


def by_the_public_key(journey: Journey) -> str:
    """Signed with the public key as if it were a secret (RFC 8725, 2.1)."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = b".".join(
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=")
        for one in ({"alg": "HS256", "kid": "rsa"}, journey.claims())
    )
    sign = hmac.new(public, signed, sha256).digest()
    return b".".join((signed, base64.urlsafe_b64encode(sign).rstrip(b"="))).decode()


def bent(journey: Journey) -> str:
    """Somebody else in a token that was signed."""
    head, _, sign = journey.signed().split(".")
    body = json.dumps(journey.claims(sub="admin")).encode()
    return ".".join((head, base64.urlsafe_b64encode(body).rstrip(b"=").decode(), sign))


def claiming(**changed: Any) -> Callable[[Journey], str]:  # noqa: ANN401 - claims
    return lambda journey: journey.signed(journey.claims(**changed))


def later(seconds: int, *names: str) -> Callable[[Journey], str]:
    """Claims that are so many seconds from now."""

    def made(journey: Journey) -> str:
        now = journey.clock.now() // 1000
        return journey.signed(journey.claims(**dict.fromkeys(names, now + seconds)))

    return made


TOKENS: dict[str, tuple[Callable[[Journey], object], str]] = {
    "not signed": (unsigned, "signed by 'none', which is not taken"),
    "signed by the public key": (by_the_public_key, "signed by 'HS256'"),
    "signed by a secret": (lambda j: j.signed(key=b"x" * 32, algorithm="HS256"), "'HS256'"),
    "signed by another": (lambda j: j.signed(key=OTHER), "signature is not good"),
    "by a key that is not named": (lambda j: j.signed(key=OTHER, kid="new"), "does not name"),
    "by a key of another kind": (lambda j: j.signed(kid="ec"), "does not name"),
    "bent": (bent, "signature is not good"),
    "cut": (lambda j: j.signed()[:-4], "signature is not good|no signed token"),
    "signed by a list": (
        lambda j: ".".join((LISTED, *j.signed().split(".")[1:])),
        "signed by ['RS256']|no signed token",
    ),
    "no token": (lambda _: "nonsense", "no signed token"),
    "no text": (lambda _: 7, "it gave no ID token"),
    "of another provider": (claiming(iss="https://evil.example"), "it is of 'https://evil"),
    "of nobody": (claiming(iss=None), "it is of None"),
    "for another": (claiming(aud="other"), "for somebody else (aud)"),
    "for others": (claiming(aud=["other", "more"]), "for somebody else (aud)"),
    "for us among others": (claiming(aud=[CLIENT, "other"]), "for somebody else (azp)"),
    "made for another": (claiming(aud=CLIENT, azp="other"), "for somebody else (azp)"),
    "for nobody": (claiming(aud=None), "for somebody else (aud)"),
    "expired": (later(-91, "exp"), "has expired"),
    "never expires": (claiming(exp=None), "lacks a time (exp)"),
    "expires true": (claiming(exp=True), "lacks a time (exp)"),
    "expires in words": (claiming(exp="never"), "lacks a time (exp)"),
    "not yet": (later(91, "iat"), "not good yet"),
    "not before": (later(91, "nbf"), "not good yet"),
    "old": (later(-700, "iat"), "it is old"),
    "made never": (claiming(iat=None), "lacks a time (iat)"),
    "of another sign-in": (claiming(nonce="another"), "another sign-in (nonce)"),
    "of no sign-in": (claiming(nonce=None), "another sign-in (nonce)"),
    "of a number": (claiming(nonce=7), "another sign-in (nonce)"),
    "names nobody": (claiming(sub=""), "names nobody"),
    "names nobody at all": (claiming(sub=None), "names nobody"),
    "names a number": (claiming(sub=7), "names nobody"),
    "names a book": (claiming(sub="x" * 256), "names nobody"),
}


@pytest.mark.parametrize("case", TOKENS)
async def test_a_token_that_is_not_right_lets_nobody_in(journey: Journey, case: str) -> None:
    made, said = TOKENS[case]
    with pytest.raises(ControlError) as refused:
        await journey.finish(made(journey))
    assert any(one in refused.value.problem for one in said.split("|"))


@pytest.mark.parametrize(
    "made",
    [
        lambda j: j.signed(),
        lambda j: j.signed(key=EC, algorithm="ES256", kid="ec"),
        lambda j: j.signed(algorithm="PS256"),
        lambda j: j.signed(kid=""),
        lambda j: j.signed(j.claims(aud=[CLIENT])),
        lambda j: j.signed(j.claims(aud=[CLIENT, "other"], azp=CLIENT)),
        later(-89, "exp"),
        later(89, "iat", "nbf"),
    ],
    ids=["RS256", "ES256", "PS256", "no kid", "a list", "azp", "their clock", "our clock"],
)
async def test_a_token_that_is_right_lets_in(
    journey: Journey, made: Callable[[Journey], str]
) -> None:
    found = await journey.finish(made(journey))
    assert (found.issuer, found.subject, found.offer) == (
        journey.forger.issuer,
        "248289761001",
        "anna",
    )


async def test_a_short_key_is_not_trusted(journey: Journey) -> None:
    short = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - that is what is refused
    journey.forger.keys = [jwk(short, "rsa")]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = journey.signed(key=short)
    with pytest.raises(ControlError, match="signature is not good"):
        await journey.finish(token)


async def test_keys_that_the_provider_has_changed_are_asked_for_anew(journey: Journey) -> None:
    await journey.finish()
    journey.forger.keys = [jwk(OTHER, "2027")]
    await journey.begin()
    await journey.finish(journey.signed(key=OTHER, kid="2027"))
    await journey.begin()
    with pytest.raises(ControlError, match="does not name"):
        await journey.finish(journey.signed())
    assert journey.forger.asked.count("/.well-known/openid-configuration") == 1


async def test_what_the_provider_is_asked_for(journey: Journey) -> None:
    asked = journey.asked
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{PAGE}/login/oidc/back"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    await journey.finish()
    (form,) = journey.forger.forms
    digest = sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
    assert form["redirect_uri"] == asked["redirect_uri"]
    assert (form["auth"], form["client_id"]) == ("", CLIENT)
    # What the browser keeps gives the verifier away to nobody.
    assert form["code_verifier"] not in journey.token
    again = await journey.begin()
    assert not {again["state"], again["nonce"]} & {asked["state"], asked["nonce"]}


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
async def test_the_secret_goes_to_the_token_endpoint_alone(
    forger: Forger, methods: list[str]
) -> None:
    forger.metadata["token_endpoint_auth_methods_supported"] = methods
    journey = Journey(forger, ToldClock(), client_secret="ge:heim/ ")
    await journey.begin()
    await journey.finish()
    (form,) = forger.forms
    if methods == ["client_secret_post"]:
        assert form["client_secret"] == "ge:heim/ "
    else:
        basic = base64.b64decode(form["auth"].removeprefix("Basic ")).decode()
        assert basic == f"{CLIENT}:ge%3Aheim%2F%20"
        assert "client_secret" not in form


BACK: dict[str, tuple[dict[str, str], str]] = {
    "another's state": ({"state": "x"}, "not begun here"),
    "no state": ({"state": ""}, "not begun here"),
    "of another provider": ({"issuer": "https://evil.example"}, "of another provider"),
    "refused there": ({"error": "access_denied", "code": ""}, "did not let you in (access_denied)"),
    "no code": ({"code": ""}, "did not let you in"),
}


@pytest.mark.parametrize("case", BACK)
async def test_what_a_browser_brings_back_is_not_believed(journey: Journey, case: str) -> None:
    changed, said = BACK[case]
    with pytest.raises(ControlError) as refused:
        await journey.finish(changed=changed)
    assert said in refused.value.problem
    assert journey.forger.forms == [], "no code was sent anywhere"


async def test_a_provider_that_names_itself_in_its_answers_has_to(forger: Forger) -> None:
    forger.metadata["authorization_response_iss_parameter_supported"] = True
    journey = Journey(forger, ToldClock())
    await journey.begin()
    with pytest.raises(ControlError, match="of another provider"):
        await journey.finish()
    await journey.begin()
    await journey.finish(changed={"issuer": forger.issuer})


async def test_one_browsers_answer_is_worth_nothing_in_another(forger: Forger) -> None:
    """Somebody lures a person into the somebody's own account, or steals an answer."""
    mine, theirs = Journey(forger, ToldClock()), None
    await mine.begin()
    state = mine.asked["state"]
    theirs = mine.token
    await mine.begin()
    with pytest.raises(ControlError, match="not begun here"):
        await mine.finish(changed={"state": state})
    mine.token = theirs
    with pytest.raises(ControlError, match="not begun here"):
        await mine.finish()


async def test_an_answer_counts_once(journey: Journey) -> None:
    await journey.finish()
    with pytest.raises(ControlError, match="not begun here, or is over"):
        await journey.finish()
    assert len(journey.forger.forms) == 1


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "a.1.c", "a.99999999999999999999.c", "ä"]
)
async def test_a_cookie_that_we_never_set_is_nothing(journey: Journey, token: str) -> None:
    journey.token = token
    with pytest.raises(ControlError, match="not begun here"):
        await journey.finish()


async def test_who_stays_away_too_long_begins_again(forger: Forger) -> None:
    clock = ToldClock()
    journey = Journey(forger, clock)
    await journey.begin()
    clock.passes(10 * MINUTE + SECOND)
    with pytest.raises(ControlError, match="is over"):
        await journey.finish()


async def test_after_a_restart_everybody_begins_again(journey: Journey) -> None:
    token, asked = journey.token, journey.asked
    other = Journey(journey.forger, journey.clock)
    other.token, other.asked = token, asked
    with pytest.raises(ControlError, match="not begun here"):
        await other.finish()


# -- asked again, to sign ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "taken"), [(0, True), (-5, True), (-40, True), (-51, False), (-3600, False)]
)
async def test_to_sign_one_has_signed_in_after_one_was_asked_to(
    forger: Forger,
    since: int,
    taken: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """40 s went by since; the provider's clock is an hour ahead of ours, and that is no matter."""
    clock = ToldClock()
    journey = Journey(forger, clock)
    asked = await journey.begin(again=True)
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    clock.passes(40 * SECOND)
    now = clock.now() // 1000 + 60
    token = journey.signed(journey.claims(iat=now, exp=now + 300, auth_time=now + since))
    if taken:
        await journey.finish(token, again=True)
        return
    with pytest.raises(ControlError, match="did not ask who you are again"):
        await journey.finish(token, again=True)


async def test_to_sign_the_provider_has_to_say_when(forger: Forger) -> None:
    journey = Journey(forger, ToldClock())
    await journey.begin(again=True)
    with pytest.raises(ControlError, match=r"lacks a time \(auth_time\)"):
        await journey.finish(journey.signed(journey.claims(auth_time=None)), again=True)


# -- a provider that cannot be used --------------------------------------------------------------

PROVIDERS: dict[str, tuple[dict[str, Any], str]] = {
    "calls itself otherwise": ({"issuer": "https://evil.example"}, "it calls itself 'https://evil"),
    "without endpoints": ({"token_endpoint": None}, "what it says of itself cannot be used"),
    "in the clear": ({"token_endpoint": "http://login.example/token"}, "without TLS"),
    "keys in the clear": ({"jwks_uri": "http://login.example/keys"}, "without TLS"),
    "a file": ({"jwks_uri": "file:///etc/passwd"}, "without TLS"),
    "nowhere": ({"jwks_uri": "https://[keys/"}, "no address"),
}


@pytest.mark.parametrize("case", PROVIDERS)
async def test_a_provider_that_cannot_be_right_is_not_asked(forger: Forger, case: str) -> None:
    changed, said = PROVIDERS[case]
    forger.metadata |= changed
    with pytest.raises(ControlError) as refused:
        await Journey(forger, ToldClock()).begin()
    assert said in refused.value.problem
    assert forger.forms == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>", "its answer is no JSON object"),
        (b"[]", "its answer is no JSON object"),
        (b'"' + b"x" * 1_000_001, "its answer is too large"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_told(
    journey: Journey, answer: bytes, said: str
) -> None:
    journey.forger.token = lambda: answer
    back = {"state": journey.asked["state"], "code": "c", "issuer": "", "error": ""}
    with pytest.raises(ControlError, match=said):
        await journey.sign_in.finish(journey.token, Back(**back))


async def test_no_redirect_is_followed_with_a_secret_in_hand(journey: Journey) -> None:
    journey.forger.status = 302
    with pytest.raises(ControlError, match="it answered 302"):
        await journey.finish()


async def test_a_provider_that_is_away_is_told_and_not_asked_at_once_again(forger: Forger) -> None:
    journey = Journey(forger, ToldClock())
    forger.status = 500
    for _ in range(3):
        with pytest.raises(ControlError, match=r"it answered 500.*log in with a password"):
            await journey.begin()
    assert len(forger.asked) == 1


async def test_user_info_of_another_person_is_refused(forger: Forger) -> None:
    journey = Journey(forger, ToldClock(), roles={"cold": "operator"})
    await journey.begin()
    forger.userinfo = {"sub": "another", "groups": ["cold"]}
    with pytest.raises(ControlError, match="of another person than the ID token"):
        await journey.finish()
    await journey.begin()
    forger.userinfo = {"sub": "248289761001", "groups": ["cold"], "name": "Quay Desk"}
    assert (await journey.finish()).role == "operator"


async def test_a_provider_that_hangs_holds_few_threads(
    forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers can have us ask it; those whom nobody waits for any more hold a thread still."""
    monkeypatch.setattr(sign_in, "PATIENCE", 0.05)
    gate, journey = threading.Event(), Journey(forger, ToldClock())
    really = Provider._discover
    monkeypatch.setattr(Provider, "_discover", lambda one: gate.wait(30) and really(one))
    told: list[object] = []
    try:
        for _ in range(2):
            told += await asyncio.gather(
                *(journey.begin() for _ in range(50)), return_exceptions=True
            )
        asking = [one for one in threading.enumerate() if one.name == "aside"]
    finally:
        gate.set()
    assert len(asking) <= sign_in.AT_ONCE
    assert all(isinstance(one, ControlError) for one in told)
    assert "too many sign in at this moment" in str(told[-1])
    for one in asking:
        one.join(10)
    monkeypatch.undo()
    await journey.begin()
    assert (await journey.finish()).offer == "anna"
