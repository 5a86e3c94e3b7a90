"""Two clients with one client id: recognised, named, and not fought against."""

from __future__ import annotations

import pytest

from gateway.mqtt import packets as p
from gateway.mqtt import takeover as module
from gateway.mqtt.codec import V5, encode
from gateway.mqtt.takeover import OVER, WITHIN, Takeover
from tests.broker import Broker
from tests.gateway.mqtt.joining import Kept, Notes, StandIn, joined, settings

ENDS = "The broker closed the connection"


def told(times: list[float], *, certain: bool = False) -> Takeover:
    made = Takeover("box-7")
    for one in times:
        made.thrown_out(one, ENDS, certain=certain)
    return made


@pytest.mark.parametrize(
    ("times", "recognised"),
    [
        ([0.0, 1.0], False),
        ([0.0, 1.0, 2.0], True),
        ([0.0, 1.0, WITHIN + 0.5], False),
        ([0.0, 20.0, WITHIN], True),
        ([0.0, 50.0, 100.0, 105.0, 109.0], True),
    ],
)
def test_three_times_within_a_minute_is_no_chance(times: list[float], *, recognised: bool) -> None:
    assert (told(times).named(times[-1]) is not None) is recognised


def test_a_broker_that_is_started_three_times_a_minute_is_no_other_client() -> None:
    made = Takeover("box-7")
    for one in (0.0, 1.0, 2.0, 3.0):
        made.thrown_out(one, ENDS, certain=False)
        made.unreachable()
    assert made.named(3.0) is None


def test_what_was_recognised_lasts_while_it_goes_on_and_then_ends() -> None:
    made = told([0.0, 1.0, 2.0])
    made.thrown_out(300.0, ENDS, certain=False)  # seldom by now, since both stay away for longer
    assert made.named(300.0 + OVER - 1) is not None
    assert made.named(300.0 + OVER) is None
    made.thrown_out(1000.0, ENDS, certain=False)
    assert made.named(1000.0) is None


def test_a_guess_is_said_as_one_and_a_fact_as_a_fact() -> None:
    guess, fact = told([0, 1, 2]).named(2), told([0, 1, 2], certain=True).named(2)
    assert guess is not None
    assert fact is not None
    assert guess.startswith(f"{ENDS}, soon after joining, again and again. If another client")
    assert fact.startswith("Another client uses the same client id 'box-7'")
    assert all("holdwatch identity new" in one for one in (guess, fact))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_two_gateways_with_one_client_id_are_told_so_by_a_real_broker(
    tmp_path_factory: pytest.TempPathFactory, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = Notes(), Notes()
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        chosen = settings(broker.port, version=version)
        async with joined(chosen, Kept(), ours):
            async with joined(chosen, Kept(), theirs):
                for notes in (ours, theirs):
                    assert "same client id 'box-7'" in await notes.state("limited")
                # What follows is not part of the fight: the last one standing is well again.
                monkeypatch.setattr(module, "OVER", 0.1)
            before = [state for state, _ in ours.items].count("connected")
            await ours.state("connected", before + 1)


async def test_who_knows_that_another_takes_over_stays_away_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    def longest(_self: object, _a: float, b: float) -> float:
        asked.append(b)
        return 0.01

    monkeypatch.setattr("tests.gateway.mqtt.joining.Soon.uniform", longest)
    answers = {p.Connect: encode(p.Connack(), V5), p.Subscribe: encode(p.Disconnect(0x8E), V5)}
    notes = Notes()
    async with (
        StandIn(lambda packet: answers.get(type(packet), b"")).serving() as broker,
        joined(settings(broker.port), Kept(), notes),
    ):
        await notes.state("lost", 4)
    assert asked[0] < asked[1] < module.LONGEST_DELAY
    assert asked[2] == module.LONGEST_DELAY
