"""Ids that were mistyped: told when they are written, and removed without a trace in the list."""

from __future__ import annotations

import pytest

from devices.reading import DeviceKey
from gateway.admission import Admission
from gateway.quarantine import Rejected
from gateway.registry.registry import Registry
from tests.gateway.asked import Asked
from tests.gateway.parts import NOW
from tests.gateway.registry.test_registry_commands import heard, refused, trail

GHOST = DeviceKey("acme", "gohst-1")


async def listed(ask: Asked) -> list[str]:
    return [one["device"] for one in await ask("devices")]


async def test_a_device_that_was_only_named_is_forgotten_and_that_is_on_record(ask: Asked) -> None:
    await ask("confirm", device=GHOST.id)
    await ask("device-set", device=GHOST.id, name="Left", site="Clinic")
    await ask("device-maintain", device=GHOST.id, **{"for": "2h"}, reason="x")
    assert await ask("device-forget", device=GHOST.id) == {"device": "acme/gohst-1"}
    assert await listed(ask) == []
    entry = trail(ask)[-1]
    assert (entry.what, entry.object) == ("device-forget", "acme/gohst-1")
    assert entry.before["confirmed"] is True
    assert entry.before["card"]["name"] == "Left"

    state, clock = ask.gateway.state, ask.gateway.clock
    assert GHOST not in Registry(state).devices()
    assert Admission(state, {}, "unconfirmed", clock).met(GHOST) is None


async def test_one_that_only_sent_rubbish_may_be_forgotten_once_that_is_gone_and_come_again(
    ask: Asked,
) -> None:
    routes, admission = ask.gateway.ingest.routes, ask.gateway.admission
    admission.grant("main", ("*",))
    routes.admit("main", GHOST)
    await admission.flush()
    message = Rejected(NOW, b"t", b"x", 0, "acme", "main", "not-json", "d", "c", str(GHOST))
    ask.gateway.journal.append([], [message])
    ask.gateway.journal.commit()
    error = await refused(ask, "device-forget", device=GHOST.id)
    assert "1 of its messages lie in the quarantine" in error.problem
    ask.gateway.journal.quarantine.release([1])
    ask.gateway.journal.commit()
    await ask("device-forget", device=GHOST.id)
    assert await listed(ask) == []
    routes.admit("main", GHOST)
    assert await listed(ask) == ["acme/gohst-1"]


async def test_a_device_of_which_something_matters_is_kept(ask: Asked) -> None:
    heard(ask, "d-1")
    await ask(
        "device-calibrate", device="d-2", channel="temperature", offset=0.1, certificate="C-1"
    )
    await ask("device-replace", old="d-1", new="d-3")
    for device, words in (
        ("d-1", "it was heard"),
        ("d-2", "it was calibrated"),
        ("d-3", "acme/d-3 stands in for acme/d-1"),
        ("d-9", "nothing is known of it"),
    ):
        assert words in (await refused(ask, "device-forget", device=device)).problem


async def test_a_replacement_that_is_taken_back_leaves_no_ghost(ask: Asked) -> None:
    heard(ask, "d-1")
    before = await listed(ask)
    await ask("device-replace", old="d-1", new=GHOST.id)
    await ask("device-replace", old="d-1", new=GHOST.id, undo=True)
    assert await listed(ask) == before


async def test_one_of_which_more_is_known_stays_when_a_replacement_is_taken_back(
    ask: Asked,
) -> None:
    heard(ask, "d-1", "d-2")
    await ask("device-replace", old="d-1", new="d-2")
    await ask("device-replace", old="d-1", new="d-2", undo=True)
    assert await listed(ask) == ["acme/d-1", "acme/d-2"]


@pytest.mark.parametrize("dry", [True, False])
async def test_a_table_tells_of_devices_that_were_never_heard(ask: Asked, *, dry: bool) -> None:
    heard(ask, "fridge-1")
    content = "device,name\nfridge-1,a\nfirdge-1,b\nelse,c\n"
    answer = await ask("device-import", content=content, dry=dry)
    assert answer["unheard"] == [
        {"line": 3, "device": "acme/firdge-1", "close": "acme/fridge-1"},
        {"line": 4, "device": "acme/else", "close": None},
    ]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("lht66", "lht66 is not in the catalogue, kept as words. Did you mean dragino-lht65?"),
        ("acme-th9", "no codec is called so, kept as words. See: holdwatch device catalogue"),
        ("Dragino LHT65", ""),
        ("grey box by the door", ""),
        ("", ""),
    ],
)
async def test_a_model_that_looks_mistyped_is_told(ask: Asked, model: str, words: str) -> None:
    answer = await ask("device-set", device="d-1", model=model, name="x")
    assert words in answer["hint"]
    assert bool(words) is bool(answer["hint"])
    answer = await ask("device-import", content=f"device,model\nd-1,{model}\n", dry=True)
    assert list(answer["hints"]) == ([model] if words else [])
