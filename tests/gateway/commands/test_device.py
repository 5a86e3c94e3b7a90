"""Credentials and new devices, as they are asked for: of a gateway with its files, no network."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from devices.device import DecodeError
from devices.reading import DeviceKey
from gateway.admission import Admission
from gateway.commands.commands import Commands
from gateway.database import DiskError
from gateway.listener.ends import End, note
from gateway.people.audit import Entry, page, system_user
from gateway.quarantine import Rejected
from gateway.refusal import ControlError
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW, said


async def test_a_credential_speaks_for_the_device_of_its_name_if_nothing_else_is_said(
    ask: Asked,
) -> None:
    answer = await ask("add", name="fridge-1")
    assert (answer["owner"], answer["speaks_for"], answer["sees"]) == ("acme", ("fridge-1",), ())
    assert answer["added"] == NOW
    found = ask.gateway.principals.by_token("fridge-1", answer["token"].encode())
    assert found is not None
    assert found.may_speak_for(DeviceKey("acme", "fridge-1"))


async def test_what_was_asked_for_is_what_a_credential_may(ask: Asked) -> None:
    answer = await ask(
        "add", name="gate", speaks_for=["a-*", "b"], sees=["*"], owner="", certificate=True
    )
    assert answer["token"] is None
    principal = ask.gateway.principals.by_certificate("gate", NOW)
    assert principal is not None
    assert (principal.owner, principal.speaks_for, principal.sees) == ("", ("a-*", "b"), ("*",))


async def test_whoever_only_sees_speaks_for_nobody(ask: Asked) -> None:
    assert (await ask("add", name="wall", sees=["*"]))["speaks_for"] == ()
    both = await ask("add", name="gate", sees=["*"], speaks_for=["gate"])
    assert both["speaks_for"] == ("gate",)


async def test_rights_are_changed_at_once(ask: Asked) -> None:
    await ask("add", name="gate", speaks_for=["a-*"])
    for request, speaks_for, sees in (
        ({"speaks_for": ["b-*", "a-1"]}, ("b-*", "a-1"), ()),
        ({"sees": ["*"]}, ("b-*", "a-1"), ("*",)),
        ({"sees": [""], "speaks_for": ["b-1"]}, ("b-1",), ()),
    ):
        answer = await ask("change", name="gate", **request)
        assert (answer["speaks_for"], answer["sees"]) == (speaks_for, sees)
        assert "token" not in answer
    ask.gateway.admission.check("listener/gate", DeviceKey("acme", "b-1"))
    with pytest.raises(DecodeError, match="may not speak for") as refused:
        ask.gateway.admission.check("listener/gate", DeviceKey("acme", "a-1"))
    assert "holdwatch device change gate --may-speak-for" in refused.value.cure


async def test_a_credential_is_admitted_at_once_and_not_after_it_is_revoked(ask: Asked) -> None:
    device = DeviceKey("acme", "fridge-1")
    await ask("add", name="fridge-1")
    ask.gateway.admission.check("listener/fridge-1", device)
    await ask("revoke", name="fridge-1")
    with pytest.raises(ValueError, match="may not speak for"):
        ask.gateway.admission.check("listener/fridge-1", device)


async def test_credentials_are_listed_without_anything_to_log_in_with(ask: Asked) -> None:
    tokens = [(await ask("add", name=name))["token"] for name in ("b", "a", "c")]
    await ask("revoke", name="c")
    ask.gateway.journal.append([])
    note(End(NOW, "a", "esp", "192.0.2.1", "not heard for 90 s", "cargo/x/a/readings"))(
        ask.gateway.journal
    )
    ask.gateway.journal.commit()
    listed = (await ask("credentials"))["credentials"]
    assert [(one["name"], one["revoked"], one["connections"]) for one in listed] == [
        ("a", None, 0),
        ("b", None, 0),
        ("c", NOW, 0),
    ]
    assert listed[0]["end"]["why"] == "not heard for 90 s"
    assert listed[1]["end"] is None
    assert not any(token in str(listed) for token in tokens)
    assert "digest" not in str(listed)


async def test_a_device_that_only_a_pattern_names_is_listed_as_unconfirmed_until_it_is_not(
    ask: Asked,
) -> None:
    await ask("add", name="gate", speaks_for=["fridge-*"])
    gateway = ask.gateway
    for name in ("fridge-1", "fridge-2", "fridge-3"):
        gateway.admission.check("listener/gate", DeviceKey("acme", name))
        gateway.journal.append([said(name, owner="acme", source="listener/gate")])
    gateway.journal.append([said("elsewhere", owner="acme")])
    gateway.journal.commit()
    gateway.journal.publish()

    async def unconfirmed() -> list[str]:
        return [one["device"] for one in await ask("devices") if one["unconfirmed"]]

    assert await unconfirmed() == ["acme/fridge-1", "acme/fridge-2", "acme/fridge-3"]
    answer = await ask("confirm", device="fridge-1")
    assert answer == {
        "device": "acme/fridge-1",
        "already": False,
        "since": NOW,
        "source": "listener/gate",
        "heard": True,
        "quarantined": 0,
    }
    assert await unconfirmed() == ["acme/fridge-2", "acme/fridge-3"]
    await ask("add", name="fridge-2")
    assert await unconfirmed() == ["acme/fridge-3"]
    answer = await ask("confirm", device="other/fridge-3")
    assert (answer["since"], answer["source"], answer["heard"]) == (None, None, False)
    assert await unconfirmed() == ["acme/fridge-3"]


async def test_to_confirm_tells_what_was_known_and_what_waits(ask: Asked) -> None:
    gateway = ask.gateway
    gateway.admission = Admission(gateway.state, {}, "refused", gateway.clock)
    ask.commands = Commands(gateway)
    gateway.principals.on_change = gateway.admission.know
    await ask("add", name="gate", speaks_for=["fridge-*"])
    messages = []
    for number in (1, 1, 10):
        device = DeviceKey("acme", f"fridge-{number}")
        with pytest.raises(DecodeError) as refused:
            gateway.admission.check("listener/gate", device)
        one = refused.value
        messages.append(
            Rejected(NOW, b"t", b"{}", 0, "acme", "gate", one.reason, one.detail, one.cure)
        )
    gateway.journal.append([said("fridge-2", owner="acme")], messages)
    gateway.journal.commit()
    gateway.journal.publish()
    for name, already, heard, quarantined in (
        ("fridge-1", False, False, 2),
        ("fridge-1", True, False, 2),
        ("fridge-2", False, True, 0),
        ("fridge", False, False, 0),
    ):
        answer = await ask("confirm", device=name)
        told = (answer["already"], answer["heard"], answer["quarantined"])
        assert told == (already, heard, quarantined), name
    assert await ask("unconfirm", device="fridge") == {
        "device": "acme/fridge",
        "unconfirmed": False,
    }
    with pytest.raises(ControlError, match="acme/fridge is not confirmed"):
        await ask("unconfirm", device="fridge")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "confirm", "device": "a+b"}, "holds a space"),
        ({"do": "confirm", "device": ""}, "is empty"),
        ({"do": "revoke", "name": "nobody"}, "holdwatch device credentials"),
        ({"do": "change", "name": "nobody"}, "--may-speak-for, --may-see or both"),
        ({"do": "change", "name": "nobody", "sees": ["*"]}, "there is no credential nobody"),
        ({"do": "add", "name": "a/b"}, "such as a-b"),
        ({"do": "add", "name": "a", "speaks_for": ["x/#"]}, "matches no device id"),
        ({"do": "add", "name": "a", "owner": "x/y"}, "cannot be an owner"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_cure(
    ask: Asked, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(ControlError, match=words):
        await ask(**request_)
    assert (await ask("credentials"))["credentials"] == []


async def test_numbers_that_are_not_in_the_quarantine_are_told(ask: Asked) -> None:
    gateway = ask.gateway
    one = Rejected(NOW, b"t", b"{", 0, "", "main", "not-json", "detail", "cure")
    gateway.journal.append([], [one, one, one])
    gateway.journal.commit()
    running = asyncio.create_task(gateway.run())
    assert await ask("drop", numbers=[1, 1, 99]) == {"dropped": 1, "unknown": 1}
    with pytest.raises(ControlError, match="holds no message with such a number"):
        await ask("drop", numbers=[1, 99])
    assert await ask("drop") == {"dropped": 2, "unknown": 0}
    gateway.stop()
    await running


async def test_a_device_that_was_met_just_before_the_end_is_in_the_registry(ask: Asked) -> None:
    gateway = ask.gateway
    await ask("add", name="gate", speaks_for=["fridge-*"])
    running = asyncio.create_task(gateway.run())
    await asyncio.sleep(0.1)  # the tick has had its turn, and the next one comes a second later
    gateway.admission.check("listener/gate", DeviceKey("acme", "fridge-1"))
    gateway.stop()
    await running
    after = Admission(gateway.state, {}, "refused", gateway.clock)
    assert set(after.unconfirmed) == {DeviceKey("acme", "fridge-1")}


# --- the audit trail


def entries(ask: Asked) -> list[Entry]:
    """Return the audit trail, oldest first."""
    return page(ask.gateway.state, None, 100)[::-1]


async def test_what_is_done_to_a_credential_is_in_the_audit_trail_with_what_was_before(
    ask: Asked,
) -> None:
    anna = {"name": "anna", "via": "page", "address": "192.0.2.7"}
    token = (await ask("add", name="gate", speaks_for=["a-*"], who=anna))["token"]
    await ask("change", name="gate", sees=["*"], who=anna)
    await ask("revoke", name="gate")
    await ask("add", name="gate")
    found = entries(ask)
    assert [(one.what, one.object, one.who.name) for one in found] == [
        ("device-add", "gate", "anna"),
        ("device-change", "gate", "anna"),
        ("device-revoke", "gate", system_user()),
        ("device-add", "gate", system_user()),
    ]
    assert {one.at for one in found} == {NOW}
    assert found[0].before is None
    for before, after in pairwise(found):
        assert after.before == before.after
    assert [one.after["sees"] for one in found] == [[], ["*"], ["*"], []]
    assert [one.after["revoked"] for one in found] == [None, None, NOW, None]
    digest = sha256(token.encode()).hexdigest()
    written = str(found)
    assert token not in written
    assert digest not in written


async def test_what_is_refused_is_not_in_the_audit_trail(ask: Asked) -> None:
    await ask("add", name="gate")
    for do, request in (
        ("add", {"name": "gate"}),
        ("add", {"name": "No Name"}),
        ("change", {"name": "gate", "sees": ["#"]}),
        ("revoke", {"name": "nobody"}),
        ("unconfirm", {"device": "d-9"}),
    ):
        with pytest.raises(ControlError):
            await ask(do, **request)
    assert [one.what for one in entries(ask)] == ["device-add"]


async def test_confirming_a_device_is_in_the_audit_trail(ask: Asked) -> None:
    for do in ("confirm", "confirm", "unconfirm"):
        await ask(do, device="d-1")
    yes, no = {"confirmed": True}, {"confirmed": False}
    assert [(one.what, one.object, one.before, one.after) for one in entries(ask)] == [
        ("device-confirm", "acme/d-1", no, yes),
        ("device-confirm", "acme/d-1", yes, yes),
        ("device-unconfirm", "acme/d-1", yes, no),
    ]


@pytest.mark.parametrize("do", ["add", "confirm"])
async def test_what_the_disk_does_not_keep_is_not_in_the_audit_trail(
    ask: Asked, do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise DiskError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ask.gateway.state, "commit_aside", fail)
        with pytest.raises(DiskError):
            await ask(do, name="gate", device="d-1")
    await ask("add", name="other")
    assert [one.object for one in entries(ask)] == ["other"]
