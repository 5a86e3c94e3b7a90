"""API keys: what each may, with which devices, until when."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from devices.reading import DeviceKey
from gateway.people import audit
from gateway.people.api_keys import ApiKey, ApiKeys, find_key
from gateway.people.audit import Who
from gateway.refusal import ControlError
from gateway.state import State
from rules.duration import DAY
from tests.gateway.parts import NOW, ToldClock

ANNA = Who("anna", "page")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


@pytest.fixture
def keys(state: State) -> ApiKeys:
    return ApiKeys(state, ToldClock())


def content(folder: Path) -> bytes:
    """Return all that is in the files of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_key_is_found_by_its_text_and_kept_as_a_hash(
    state: State, keys: ApiKeys, tmp_path: Path
) -> None:
    made, token = await keys.add(ApiKey("reports", ("read", "act"), ("fridge-*",)), ANNA)
    assert token.startswith("hw_")
    assert len(bytes.fromhex(token.removeprefix("hw_"))) == 16
    assert find_key(state, token, NOW) == made == keys.all()[0]
    assert (made.scopes, made.devices, made.added) == (("read", "act"), ("fridge-*",), NOW)
    assert token.encode() not in content(tmp_path)
    assert token not in str(audit.page(state, None, 10))


@pytest.mark.parametrize("wrong", ["", "hw_", "reports", "hw_" + "0" * 32, "é\x00\udc00"])
async def test_what_is_no_key_is_nobodys(state: State, keys: ApiKeys, wrong: str) -> None:
    await keys.add(ApiKey("reports", ("read",)), ANNA)
    assert find_key(state, wrong, NOW) is None


async def test_a_key_is_good_until_it_expires(state: State, keys: ApiKeys) -> None:
    made, token = await keys.add(ApiKey("reports", ("read",), expires=NOW + DAY), ANNA)
    assert find_key(state, token, NOW + DAY - 1) == made
    assert find_key(state, token, NOW + DAY) is None


async def test_a_revoked_key_is_worth_nothing_and_its_name_may_be_used_again(
    state: State, keys: ApiKeys
) -> None:
    _, first = await keys.add(ApiKey("reports", ("read",)), ANNA)
    with pytest.raises(ControlError, match="holdwatch key revoke reports"):
        await keys.add(ApiKey("reports", ("read",)), ANNA)
    await keys.revoke("reports", ANNA)
    assert find_key(state, first, NOW) is None
    with pytest.raises(ControlError, match="revoked already"):
        await keys.revoke("reports", ANNA)
    made, second = await keys.add(ApiKey("reports", ("metrics",)), ANNA)
    assert (find_key(state, first, NOW), find_key(state, second, NOW)) == (None, made)


async def test_the_name_of_an_expired_key_may_be_used_again(state: State) -> None:
    clock = ToldClock()
    keys = ApiKeys(state, clock)
    await keys.add(ApiKey("reports", ("read",), expires=NOW + DAY), ANNA)
    clock.passes(DAY)
    _, token = await keys.add(ApiKey("reports", ("read",)), ANNA)
    assert find_key(state, token, clock.now()) is not None


@pytest.mark.parametrize(
    ("patterns", "device", "allowed"),
    [
        (("*",), DeviceKey("", "fridge-1"), True),
        (("*",), DeviceKey("acme", "fridge-1"), True),
        (("fridge-*",), DeviceKey("", "fridge-1"), True),
        (("fridge-*",), DeviceKey("", "Fridge-1"), False),
        (("fridge-*",), DeviceKey("acme", "fridge-1"), False),
        (("acme/fridge-*",), DeviceKey("acme", "fridge-1"), True),
        (("acme/*",), DeviceKey("acme-2", "fridge-1"), False),
        (("door-1", "fridge-1"), DeviceKey("", "fridge-1"), True),
        (("door-1", "fridge-1"), DeviceKey("", "fridge-10"), False),
    ],
)
def test_a_key_knows_of_the_devices_that_its_patterns_name(
    patterns: tuple[str, ...], device: DeviceKey, *, allowed: bool
) -> None:
    assert ApiKey("reports", ("read",), patterns).allows(device) is allowed


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (ApiKey("My Key", ("read",)), "such as my-key"),
        (ApiKey("k", ()), "would have no scope"),
        (ApiKey("k", ("read", "write")), "'write' is no scope. Use one or more of read, act"),
        (ApiKey("k", ("read",), ()), "0 patterns"),
        (ApiKey("k", ("read",), ("a b",)), "matches no device"),
        (ApiKey("k", ("read",), ("",)), "matches no device"),
        (ApiKey("k", ("read",), ("/a",)), "matches no device"),
        (ApiKey("k", ("read",), ("a/b/c",)), "matches no device"),
        (ApiKey("k", ("read",), expires=NOW), "expired already"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_cure(
    keys: ApiKeys, key: ApiKey, words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        await keys.add(key, ANNA)
    assert keys.all() == []


async def test_keys_are_on_record(state: State, keys: ApiKeys) -> None:
    await keys.add(ApiKey("reports", ("read",), ("a-*",), expires=NOW + DAY), ANNA)
    await keys.revoke("reports", ANNA)
    fact = {"scopes": ["read"], "devices": ["a-*"], "expires": NOW + DAY}
    entries = audit.page(state, None, 10)
    assert [(one.what, one.object, one.who, one.before, one.after) for one in entries] == [
        ("key-revoke", "reports", ANNA, fact, None),
        ("key-add", "reports", ANNA, None, fact),
    ]


async def test_a_digest_is_no_key(state: State, keys: ApiKeys) -> None:
    _, token = await keys.add(ApiKey("reports", ("read",)), ANNA)
    assert find_key(state, sha256(token.encode()).hexdigest(), NOW) is None


async def test_a_key_that_pushes_names_the_devices_it_speaks_for(keys: ApiKeys) -> None:
    made, _ = await keys.add(ApiKey("loggers", ("push",), speaks_for=("fridge-*",)), ANNA)
    assert (made.source, made.speaks_for) == ("http:loggers", ("fridge-*",))


@pytest.mark.parametrize(
    "wrong",
    [
        ApiKey("k", ("push",)),
        ApiKey("k", ("read",), speaks_for=("fridge-*",)),
        ApiKey("k", ("read",), owner="acme"),
        ApiKey("k", ("push",), speaks_for=("acme/fridge-*",)),
        ApiKey("k", ("push",), speaks_for=("a b",)),
        ApiKey("k", ("push",), speaks_for=("x",), owner="a/b"),
    ],
)
async def test_whom_a_key_speaks_for_has_to_be_clear(keys: ApiKeys, wrong: ApiKey) -> None:
    with pytest.raises(ControlError):
        await keys.add(wrong, ANNA)
    assert keys.all() == []


async def test_whoever_follows_the_keys_is_told_of_each(keys: ApiKeys) -> None:
    told: list[ApiKey] = []
    keys.on_change = told.append
    made, _ = await keys.add(ApiKey("k", ("push",), speaks_for=("x",)), ANNA)
    await keys.revoke("k", ANNA)
    assert [(one.name, one.revoked) for one in told] == [("k", None), ("k", NOW)]
    assert told[0] == made
