"""Row 12: whoever says to be somebody else is not believed, and learns nothing.

Two credentials of our own, a and b, one of another owner, and many false ones. Each attempt comes
from an address of its own, since an address with too many of them is turned away.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devices.reading import DeviceKey
from gateway.listener.attempts import AT_ONCE
from tests.faults import wire
from tests.faults.house import EUI, House, house
from tests.faults.peer import Peer, topic, warm

A, FOREIGN = DeviceKey("", "d-a"), DeviceKey("rival", "d-a")
UPLINK = b'{"deviceInfo":{"devEui":"%s"},"object":{"temperature":66}}' % EUI.encode()


class Claim(NamedTuple):
    """A false identity. `token` is whose token it has; `shows` is whose certificate."""

    user: str | None = None
    token: str | None = None
    shows: str | None = None
    word: str | None = None
    """The token itself."""


FALSE = {
    "nobody at all": Claim(),
    "a wrong token": Claim("a", word="0" * 32),
    "no token": Claim("a"),
    "an empty token": Claim("a", word=""),
    "another's token": Claim("a", "b"),
    "the token of another owner": Claim("a", "rival"),
    "a revoked token": Claim("gone", "gone"),
    "a name that nobody has": Claim("nobody", "a"),
    "the name of those without one": Claim("anonymous", word=""),
    "an empty name": Claim("", word=""),
    "a pattern for a name": Claim("*", "a"),
    "who has a certificate, with an empty token": Claim("card", word=""),
    "over TLS, nothing": Claim(shows="nothing"),
    "over TLS, a wrong token": Claim("a", word="0" * 32, shows="nothing"),
    "a certificate of a foreign authority": Claim(shows="foreign card"),
    "that, and a token": Claim("a", "a", shows="foreign card"),
    "a certificate with the name of who has a token": Claim(shows="a"),
    "a certificate that is revoked": Claim(shows="gone-card"),
    "that, and a token of another": Claim("a", "a", shows="gone-card"),
    "a certificate with a name that nobody has": Claim(shows="nobody"),
    "a certificate, and the name and token of another": Claim("a", "a", shows="card"),
    "a certificate, and the name of another": Claim("b", shows="card"),
}


@pytest.mark.parametrize("version", [4, 5])
async def test_a_false_identity_is_not_let_in(tmp_path: Path, version: int) -> None:
    async with house(tmp_path) as home:
        for number, (what, one) in enumerate(FALSE.items()):
            password = one.word if one.token is None else home.tokens[one.token]
            if version == 4 and one.user is None:
                assert password is None, "MQTT 3.1.1 has no password without a user"
            peer = await Peer.connect(
                home.tls_port if one.shows else home.gateway.port,
                version=version,
                user=one.user,
                password=password,
                here=f"127.7.{number}.1",
                tls=home.shows[one.shows] if one.shows else None,
                at_once=wire.publish(topic("d-a"), 1, warm(1), version),
            )
            if one.shows == "foreign card":
                assert peer is None or peer.code is None, what
                continue
            assert peer is not None
            assert peer.code in ({4, 5} if version == 4 else {0x86, 0x87}), what
            assert await peer.get() is None, what
            peer.close()
        status = await home.gateway.status()
        assert status["received"] == 0
        assert status["devices"] == 0
        good = await Peer.connect(home.tls_port, version=version, tls=home.shows["card"])
        assert good is not None
        assert good.code == 0
        await good.publish(topic("d-a"), warm(1))
        good.close()


async def _spoof(folder: Path, *faults: str) -> list[str]:
    """Have b and another owner speak for a's device, in all ways; return what was believed."""
    async with house(folder, *faults) as home:
        sent = 0
        for version in (4, 5):
            for name in ("b", "card"):
                tls = home.shows["card"] if name == "card" else None
                for qos in (0, 1, 2):
                    peer = await Peer.connect(
                        home.tls_port if tls else home.gateway.port,
                        version=version,
                        user=None if tls else name,
                        password=None if tls else home.tokens[name],
                        tls=tls,
                    )
                    assert peer is not None
                    device = "d-b" if tls else "d-a"
                    body = warm(1 + qos)
                    await peer.publish(topic(device), body, qos, 1)
                    await peer.publish(f"application/1/device/{EUI}/event/up", UPLINK, qos, 2)
                    sent += 2
                    peer.close()
        rival = await home.enter("rival")
        await rival.publish(topic("d-a"), warm(1))
        rival.close()
        home.gateway.stop()
    journal = home.gateway.journal()
    believed = [str(one) for one in journal.devices() if one != FOREIGN]
    reasons = Counter((one.source, one.reason) for one in journal.quarantine.page(0, limit=1000))
    journal.close()
    believed += [
        f"of {source} not all is in the quarantine"
        for source in ("listener/b", "listener/card")
        if reasons[source, "may-not-speak-for"] != sent // 2
    ]
    state = home.gateway.state()
    own = {one.channel for one in state.open_alerts() if one.rule == "gateway"}
    state.close()
    return believed + [
        f"no alert about {source}"
        for source in ("listener/b", "listener/card")
        if f"identity {source}" not in own
    ]


async def test_nobody_speaks_for_the_device_of_another(tmp_path: Path) -> None:
    assert await _spoof(tmp_path) == []


async def test_a_build_that_believes_everybody_is_caught_speaking(tmp_path: Path) -> None:
    believed = await _spoof(tmp_path, "--trust-everybody")
    assert str(A) in believed


async def _listen(folder: Path, *faults: str) -> list[str]:
    """Have b and another owner subscribe to a's alerts, in all ways; return what they learned."""
    leaked = []
    async with house(folder, *faults) as home:
        await _alert(home, "a")
        stood = (await home.gateway.becomes(_alerts(1), "an alert of a"))["alerts"][0]
        exact = f"holdwatch/box/alerts/{stood['id']}"
        filters = ("#", "+/+/+/+", "holdwatch/#", exact, "holdwatch/box/status", "$share/x/#")
        listening = [
            (name, await home.enter(name, version=version, client_id=f"{name}-{version}-{number}"))
            for version in (4, 5)
            for name in ("b", "rival", "all")
            for number in range(len(filters))
        ]
        for number, (_, peer) in enumerate(listening):
            chosen = filters[number % len(filters)]
            peer.send(wire.subscribe(1, chosen, 1, peer.version))
        # Whoever may see all is told now, and each is told of a change of its own.
        await _alert(home, "b")
        await _alert(home, "rival", "d-rival")
        await home.gateway.becomes(_alerts(3), "all three alerts")
        heard: Counter[str] = Counter()
        for name, peer in listening:
            for packet in await _all_that_comes(peer):
                found = wire.message(packet, peer.version)
                told = json.loads(found.payload)
                device = "/".join(told["device"]) if "device" in told else "the status"
                heard[f"{name} {device}"] += 1
            peer.close()
        may = {"b": {"/d-b"}, "rival": {"rival/d-rival", "the status"}}
        may["all"] = {"/d-a", "/d-b", "the status"}
        for one in heard:
            name, device = one.split(" ", 1)
            if device not in may[name]:
                leaked.append(one)
        for name, devices in may.items():
            leaked += [f"{name} missed {one}" for one in devices if not heard[f"{name} {one}"]]
    return leaked


async def _alert(home: House, name: str, device: str = "") -> None:
    speaking = await home.enter(name, client_id="speaking")
    await speaking.publish(topic(device or f"d-{name}"), warm(15))
    speaking.close()


def _alerts(count: int) -> Any:  # noqa: ANN401 - a condition of a status
    return lambda status: (
        len([one for one in status["alerts"] if one["rule"] == "too-warm"]) == count
    )


async def _all_that_comes(peer: Peer) -> list[wire.Packet]:
    """Messages, acknowledged, until nothing more comes between two pings."""
    found: list[wire.Packet] = []
    quiet = 0
    while quiet < 3:
        came = await peer.ask(wire.packet(wire.PINGREQ, b""), wire.PINGRESP)
        messages = [one for one in came if one.kind == wire.PUBLISH]
        for one in messages:
            if packet_id := wire.message(one, peer.version).packet_id:
                peer.send(wire.answer(wire.PUBACK, packet_id))
        quiet = 0 if messages else quiet + 1
        found += messages
    return found


async def test_nobody_hears_of_the_devices_of_another(tmp_path: Path) -> None:
    assert await _listen(tmp_path) == []


async def test_a_build_that_believes_everybody_is_caught_telling(tmp_path: Path) -> None:
    assert "b /d-a" in await _listen(tmp_path, "--trust-everybody")


@pytest.mark.parametrize("version", [4, 5])
async def test_a_client_id_of_another_opens_nothing_of_its(tmp_path: Path, version: int) -> None:
    async with house(tmp_path) as home:
        how: dict[str, Any] = {"version": version, "client_id": "sensor", "clean": False}
        first = await home.enter("a", **how)
        await first.ask(wire.subscribe(1, "#", 1, version), wire.SUBACK)
        await first.publish(topic("d-a"), warm(15), qos=2, packet_id=7)
        other = await home.enter("b", **how)
        assert not other.present
        # Neither is thrown out by the other.
        await first.ask(wire.packet(wire.PINGREQ, b""), wire.PINGRESP)
        # The same id is a message of its own, and releasing it releases no other.
        await other.publish(topic("d-b"), warm(2), qos=2, packet_id=7)
        await other.ask(wire.answer(wire.PUBREL, 7), wire.PUBCOMP)
        await home.gateway.becomes(_alerts(1), "an alert of a")
        assert await _all_that_comes(other) == []
        first.close()
        again = await home.enter("a", **how)
        assert again.present
        (released,) = [
            one
            for one in await again.ask(wire.answer(wire.PUBREL, 7), wire.PUBCOMP)
            if one.kind == wire.PUBCOMP
        ]
        assert released.body[2:3] in {b"", b"\0"}, "its id was not there any more"
        for one in (other, again):
            one.close()
        assert (await home.gateway.status())["devices"] == 2


async def test_an_address_that_guesses_is_turned_away_and_its_neighbours_go_on(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        here = "127.9.9.9"
        before = await home.enter("a", here=here)
        for number in range(AT_ONCE):
            guess = await Peer.connect(
                home.gateway.port, user="a", password=f"{number:032x}", here=here
            )
            assert guess is not None
            assert guess.code == 4
            guess.close()
        late = await Peer.connect(
            home.gateway.port, user="a", password=home.tokens["a"], client_id="late", here=here
        )
        assert late is None or late.code is None
        await before.publish(topic("d-a"), warm(1))
        elsewhere = await home.enter("b", here="127.9.9.10")
        await elsewhere.publish(topic("d-b"), warm(1))
        for one in (before, elsewhere):
            one.close()
        status = await home.gateway.status()
        assert status["listener"]["refused"]["too many wrong credentials from its address"] == 1
        (alert,) = [one for one in status["alerts"] if one["channel"] == "credentials"]
        assert here in json.dumps(alert)
