"""Who may speak for which device: nobody by default, and for nobody else's, however it is spelt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.admission
from devices.device import DecodeError
from devices.reading import DeviceKey
from gateway.admission import Admission, Met
from gateway.database import DiskError
from gateway.listener.principal import Principal
from gateway.state import State
from tests.gateway.parts import NOW, ToldClock

GRANTS = {"main": ("fridge-*", "hall-1"), "import": ("*",)}
Policy = Literal["unconfirmed", "refused"]


class Door:
    """An admission over a folder; `again` is a new start over the same file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ToldClock()
        self.strangers: list[tuple[DeviceKey, str]] = []
        self._open("unconfirmed")

    def _open(self, policy: Policy) -> None:
        self.state = State(self.folder / "state.db")
        self.admission = Admission(
            self.state, GRANTS, policy, self.clock, named=["acme/fridge-80", "acme/fridge-9*"]
        )
        self.admission.on_stranger = lambda device, source: self.strangers.append((device, source))

    def again(self, policy: Policy = "unconfirmed") -> None:
        self.state.close()
        self._open(policy)

    def reason(self, source: str, device: str, owner: str = "acme") -> str | None:
        """Return why it is refused, None if it is admitted."""
        try:
            self.admission.check(source, DeviceKey(owner, device))
        except DecodeError as error:
            return error.reason
        return None


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.state.close()


@pytest.fixture(scope="module")
def shared_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    state = State(tmp_path_factory.mktemp("door") / "state.db")
    yield state
    state.close()


GATE = Principal("gate", "acme", ("fridge-*", "door-1", "hall-?", "zone-[ab]"))


@pytest.mark.parametrize(
    ("source", "device", "admitted"),
    [
        ("main", "fridge-1", True),
        ("main", "door-1", False),
        ("import", "anything", True),
        ("unheard-of", "fridge-1", False),
        ("gate", "fridge-1", False),
        ("listener/gate", "fridge-1", True),
        ("listener/gate", "door-1", True),
        ("listener/gate", "hall-3", True),
        ("listener/gate", "zone-b", True),
        ("listener/other", "fridge-1", False),
        ("listener/", "fridge-1", False),
        ("", "fridge-1", False),
    ],
)
def test_a_source_speaks_for_what_it_was_given(
    door: Door, source: str, device: str, *, admitted: bool
) -> None:
    door.admission.know(GATE)
    assert door.reason(source, device) == (None if admitted else "may-not-speak-for")
    assert door.strangers == ([] if admitted else [(DeviceKey("acme", device), source)])


@pytest.mark.parametrize(
    ("owner", "device"),
    [
        ("other", "door-1"),
        ("other", "fridge-1"),
        ("", "door-1"),
        ("ACME", "door-1"),
        ("acme ", "door-1"),
        ("acme/", "door-1"),
        ("acme", ""),
        ("acme", "fridge"),
        ("acme", "xfridge-1"),
        ("acme", "acme/fridge-1"),
        ("acme", "Fridge-1"),
        ("acme", "FRIDGE-1"),
        ("acme", "DOOR-1"),
        ("acme", "door-11"),
        ("acme", "door-"),
        ("acme", "door-1 "),
        ("acme", " door-1"),
        ("acme", "door-1\n"),
        ("acme", "door-1\0"),
        ("acme", "hall-"),
        ("acme", "hall-12"),
        ("acme", "zone-c"),
        ("acme", "zone-ab"),
        ("acme", "zone-[ab]"),
        ("acme", "*"),
        ("acme", "?"),
        ("acme", "door‐1"),  # noqa: RUF001 - another hyphen, that is the point
        ("acme", "dооr-1"),  # noqa: RUF001 - Cyrillic letters
        ("acme", "ｄoor-1"),  # noqa: RUF001 - a wide letter
        ("acme", "fri̇dge-1"),
        ("acme", "ﬁdge-1"),
        ("acme", "door-١"),  # noqa: RUF001 - an Arabic one
        ("acme", "door-1\u200b"),
    ],
)
@pytest.mark.parametrize("policy", ["unconfirmed", "refused"])
def test_a_foreign_device_is_never_admitted(
    door: Door, owner: str, device: str, policy: Policy
) -> None:
    door.again(policy)
    door.admission.know(GATE)
    assert door.reason("listener/gate", device, owner) == "may-not-speak-for"
    assert door.strangers == [(DeviceKey(owner, device), "listener/gate")]
    assert door.admission.unconfirmed == {}


LETTERS = "abA-1é"
PATTERNS = st.lists(
    st.lists(st.sampled_from([*LETTERS, "*", "?", "[ab]", "[!a]"]), min_size=1, max_size=5),
    max_size=4,
)


def expected(pattern: list[str], device: str) -> bool:
    """Say it once more, in the language of regular expressions."""
    words = {"*": ".*", "?": ".", "[ab]": "[ab]", "[!a]": "[^a]"}
    return (
        re.fullmatch("".join(words.get(one, re.escape(one)) for one in pattern), device) is not None
    )


@given(
    patterns=PATTERNS,
    device=st.text(LETTERS, min_size=1, max_size=6),
    owner=st.sampled_from(["", "acme", "other"]),
    mine=st.sampled_from(["", "acme"]),
)
def test_exactly_what_the_patterns_match_within_the_owner_is_admitted(
    shared_state: State, patterns: list[list[str]], device: str, owner: str, mine: str
) -> None:
    admission = Admission(shared_state, {}, "unconfirmed", ToldClock())
    admission.know(Principal("p", mine, tuple("".join(one) for one in patterns)))
    due = owner == mine and any(expected(one, device) for one in patterns)
    reason = None
    try:
        admission.check("listener/p", DeviceKey(owner, device))
    except DecodeError as error:
        reason = error.reason
    assert reason == (None if due else "may-not-speak-for")


def test_a_revoked_principal_speaks_for_nobody_until_it_is_added_again(door: Door) -> None:
    door.admission.know(GATE)
    door.admission.know(Principal("gate", "acme", GATE.speaks_for, revoked=NOW))
    assert door.reason("listener/gate", "door-1") == "may-not-speak-for"
    door.admission.know(GATE)
    assert door.reason("listener/gate", "door-1") is None


async def test_a_new_device_waits_to_be_confirmed_and_the_registry_keeps_it(door: Door) -> None:
    fridge = DeviceKey("acme", "fridge-7")
    door.admission.know(GATE)
    assert door.reason("listener/gate", "fridge-7") is None
    door.clock.passes(5000)
    assert door.reason("listener/gate", "fridge-7") is None
    assert door.reason("listener/gate", "door-1") is None, "named in full: nothing to confirm"
    await door.admission.flush()
    for _ in range(2):
        assert door.admission.unconfirmed == {fridge: Met(NOW, "listener/gate")}
        door.again()
        door.admission.know(GATE)
    await door.admission.confirm([fridge])
    for _ in range(2):
        assert door.admission.unconfirmed == {}
        assert door.reason("listener/gate", "fridge-7") is None
        door.again("refused")
        door.admission.know(GATE)


async def test_a_device_that_was_confirmed_before_it_was_recorded_stays_confirmed(
    door: Door,
) -> None:
    door.admission.know(GATE)
    door.reason("listener/gate", "fridge-7")
    door.reason("listener/gate", "fridge-8")
    await door.admission.confirm([DeviceKey("acme", "fridge-7")])
    await door.admission.flush()
    door.again()
    assert set(door.admission.unconfirmed) == {DeviceKey("acme", "fridge-8")}


async def test_an_unknown_device_is_refused_where_the_settings_say_so(door: Door) -> None:
    door.again("refused")
    door.admission.know(GATE)
    assert door.reason("listener/gate", "fridge-7") == "unknown-device"
    assert door.reason("listener/gate", "door-1") is None, "a person has named it"
    assert door.reason("main", "fridge-7", "") is None, "a broker's devices are never refused"
    assert door.strangers == [], "it may speak for it: that is no break-in"
    with pytest.raises(DecodeError, match="holdwatch device confirm acme/fridge-7, then"):
        door.admission.check("listener/gate", DeviceKey("acme", "fridge-7"))
    with pytest.raises(DecodeError, match=re.escape("confirm 'acme/fridge-$(x)', then")):
        door.admission.check("listener/gate", DeviceKey("acme", "fridge-$(x)"))
    await door.admission.confirm([DeviceKey("acme", "fridge-7")])
    assert door.reason("listener/gate", "fridge-7") is None
    assert door.reason("listener/gate", "fridge-7", "other") == "may-not-speak-for"


async def test_a_device_that_came_before_the_settings_refuse_new_ones_goes_on(door: Door) -> None:
    door.admission.know(GATE)
    door.reason("listener/gate", "fridge-7")
    await door.admission.flush()
    door.again("refused")
    door.admission.know(GATE)
    assert door.reason("listener/gate", "fridge-7") is None
    assert door.reason("listener/gate", "fridge-8") == "unknown-device"


OWN = [Principal(name, "acme", (name,)) for name in ("own-1", "own-2", "own-3")]
MANY = Principal("many", "acme", ("own-*", "pat-*"))


async def test_whoever_came_or_is_named_in_full_goes_on_by_any_way_when_new_ones_are_refused(
    door: Door,
) -> None:
    for principal in (*OWN, MANY):
        door.admission.know(principal)
    for source, device in (("own-1", "own-1"), ("many", "pat-1"), ("own-3", "own-3")):
        assert door.reason(f"listener/{source}", device) is None
    await door.admission.flush()
    door.again("refused")
    for principal in (*OWN[:2], MANY):
        door.admission.know(principal)
    for device, why in (
        ("pat-1", "it came by the same pattern"),
        ("own-1", "it came by its own credential"),
        ("own-2", "its own credential names it, though it came never"),
        ("own-3", "it came by its own credential, which is no more"),
    ):
        assert door.reason("listener/many", device) is None, why
    for device in ("pat-2", "own-4"):
        assert door.reason("listener/many", device) == "unknown-device"
    assert set(door.admission.waiting()) == {DeviceKey("acme", "pat-1")}


async def test_who_brought_a_device_first_is_kept_whoever_brings_it_later(door: Door) -> None:
    for principal in (*OWN, MANY):
        door.admission.know(principal)
    await door.admission.confirm([DeviceKey("acme", "own-9")])
    door.clock.passes(1000)
    for name, device in (("many", "own-9"), ("own-1", "own-1"), ("many", "pat-1")):
        door.reason(f"listener/{name}", device)
    door.clock.passes(1000)
    for device in ("own-1", "own-9", "pat-1"):
        door.reason("listener/many", device)
    await door.admission.confirm([DeviceKey("acme", "pat-1")])
    await door.admission.flush()
    for _ in range(2):
        for device, source in (("own-1", "own-1"), ("own-9", "many"), ("pat-1", "many")):
            assert door.admission.met(DeviceKey("acme", device)) == Met(
                NOW + 1000, f"listener/{source}"
            )
        assert door.admission.unconfirmed == {}
        door.again()


async def test_a_confirmation_can_be_taken_back(door: Door) -> None:
    door.admission.know(MANY)
    never, came, late = (DeviceKey("acme", name) for name in ("own-7", "pat-1", "pat-2"))
    door.reason("listener/many", "pat-1")
    for device in (never, came, late):
        await door.admission.confirm([device])
    door.reason("listener/many", "pat-2")
    for device in (never, came, late):
        await door.admission.unconfirm(device)
    await door.admission.flush()
    for _ in range(2):
        assert door.admission.confirmed == {}
        assert set(door.admission.unconfirmed) == {came, late}
        door.again("refused")
    door.admission.know(MANY)
    assert door.reason("listener/many", "pat-2") is None
    assert door.reason("listener/many", "own-7") == "unknown-device"


def test_a_device_that_gets_its_own_credential_waits_no_more(door: Door) -> None:
    fridge = DeviceKey("acme", "fridge-7")
    door.admission.know(GATE)
    door.reason("listener/gate", "fridge-7")
    for principal, waits in (
        (Principal("other", "other", ("fridge-7",)), True),
        (Principal("many", "acme", ("fridge-*", "fridge-[7]")), True),
        (Principal("own", "acme", ("fridge-7",)), False),
        (Principal("own", "acme", ("fridge-7",), revoked=NOW), True),
    ):
        door.admission.know(principal)
        assert (fridge in door.admission.waiting()) is waits, principal


async def test_of_one_credential_only_so_many_devices_wait_to_be_confirmed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.admission, "MOST_UNCONFIRMED", 3)
    door.admission.know(GATE)
    door.admission.know(MANY)
    reasons = [door.reason("listener/gate", f"fridge-{n}") for n in range(5)]
    assert reasons == [None, None, None, "unknown-device", "unknown-device"]
    assert door.reason("listener/gate", "fridge-1") is None
    assert door.reason("listener/many", "pat-1") is None, "another one is not kept out by it"
    await door.admission.confirm([DeviceKey("acme", "fridge-1")])
    assert door.reason("listener/gate", "fridge-4") is None
    assert door.reason("listener/gate", "fridge-5") == "unknown-device"
    door.clock.passes(1000)
    door.admission.know(msgspec.structs.replace(GATE, added=NOW + 1000))
    assert door.reason("listener/gate", "fridge-5") is None, "it was revoked and added again"


async def test_new_devices_wait_while_the_disk_takes_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise DiskError("the disk is full")

    door.admission.know(GATE)
    door.reason("listener/gate", "fridge-7")
    with monkeypatch.context() as patch:
        patch.setattr(door.state, "commit_aside", fail)
        await door.admission.flush()
        with pytest.raises(DiskError):
            await door.admission.confirm([DeviceKey("acme", "fridge-7")])
    assert set(door.admission.unconfirmed) == {DeviceKey("acme", "fridge-7")}
    await door.admission.flush()
    door.again()
    assert set(door.admission.unconfirmed) == {DeviceKey("acme", "fridge-7")}


# --- sources that are no listener


def devices(*names: str, owner: str = "acme") -> set[DeviceKey]:
    return {DeviceKey(owner, name) for name in names}


async def test_what_comes_over_a_broker_is_entered_and_never_refused(door: Door) -> None:
    door.again("refused")
    for device in ("fridge-7", "hall-1", "fridge-80", "fridge-90"):
        assert door.reason("main", device) is None
    assert door.reason("import", "fridge-1") is None
    await door.admission.flush()
    for _ in range(2):
        assert set(door.admission.unconfirmed) == devices("fridge-7", "fridge-90")
        assert set(door.admission.waiting()) == devices("fridge-7", "fridge-90")
        assert set(door.admission.confirmed) == devices("hall-1", "fridge-80")
        assert door.admission.met(DeviceKey("acme", "fridge-7")) == Met(NOW, "main")
        door.again("refused")


async def test_who_was_heard_before_devices_were_entered_is_no_stranger(door: Door) -> None:
    known = devices("fridge-1", "fridge-2")
    await door.admission.adopt(known, looking=True)
    door.again()
    assert door.admission.confirmed == {}, "who only looks changes nothing"
    await door.admission.adopt(known)
    door.again()
    await door.admission.adopt(devices("fridge-3"))
    assert set(door.admission.confirmed) == known, "that was once"
    door.clock.passes(1000)
    for device in ("fridge-1", "fridge-3"):
        assert door.reason("main", device) is None
    await door.admission.flush()
    door.again()
    assert door.admission.met(DeviceKey("acme", "fridge-1")) == Met(NOW + 1000, "main")
    assert set(door.admission.unconfirmed) == devices("fridge-3")


def test_a_source_may_be_given_devices_and_lose_them_while_we_run(door: Door) -> None:
    assert door.reason("push/cellar", "wine-1") == "may-not-speak-for"
    door.admission.grant("push/cellar", ("wine-*",), "Give the key more devices")
    assert door.reason("push/cellar", "wine-1") is None
    with pytest.raises(DecodeError) as refused:
        door.admission.check("push/cellar", DeviceKey("acme", "beer-1"))
    assert refused.value.cure == "Give the key more devices"
    door.admission.grant("push/cellar", None)
    assert door.reason("push/cellar", "wine-1") == "may-not-speak-for"
    assert set(door.admission.unconfirmed) == devices("wine-1")


def test_beyond_so_many_a_broker_s_devices_are_taken_in_unlisted_and_the_log_says_so_once(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gateway.admission, "MOST_UNCONFIRMED", 2)
    assert [door.reason("main", f"fridge-{n}") for n in range(5)] == [None] * 5
    assert set(door.admission.unconfirmed) == devices("fridge-0", "fridge-1")
    assert capsys.readouterr().out.count("without being listed") == 1


async def test_what_a_device_was_recognised_as_is_kept_with_it(door: Door) -> None:
    fridge = DeviceKey("acme", "fridge-7")
    # It is recognised while its message is decoded, and admitted after that.
    door.admission.recognised(fridge, "dragino-lht65", "its server calls it 'LHT65'")
    door.admission.recognised(DeviceKey("acme", "never"), "elsys-ers", "so it says")
    door.reason("main", "fridge-7")
    await door.admission.flush()
    for _ in range(2):
        assert door.admission.known_as == {fridge: ("dragino-lht65", "its server calls it 'LHT65'")}
        door.again()
    door.admission.recognised(fridge, "elsys-ers", "so it says")
    await door.admission.flush()
    await door.admission.confirm([fridge])
    await door.admission.unconfirm(fridge)
    door.again()
    assert door.admission.known_as == {fridge: ("elsys-ers", "so it says")}


def test_devices_that_are_never_admitted_are_not_remembered_for_ever(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.admission, "MOST_UNMET", 10)
    for number in range(100):
        door.admission.recognised(DeviceKey("acme", f"invented-{number}"), "what", "why")
    assert len(door.admission._unmet) == 10


async def test_devices_are_confirmed_together(door: Door) -> None:
    for number in (1, 2, 3):
        door.reason("main", f"fridge-{number}")
    staged = []
    await door.admission.confirm(devices("fridge-1", "fridge-2"), lambda: staged.append(1))
    assert staged == [1]
    await door.admission.flush()
    for _ in range(2):
        assert set(door.admission.confirmed) == devices("fridge-1", "fridge-2")
        assert set(door.admission.unconfirmed) == devices("fridge-3")
        door.again()
