"""Mutated packets: a reader of bytes gives packets or a ProtocolError, and its work is bounded.

Valid packets of every kind, in both versions, are flipped, cut, filled, given a wrong length and
spliced, and come in pieces of any size. One seed is a thousand of them: 50 seeds in a usual run,
a thousand (a million packets) with --long-faults; one again with --fault-seed N.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import get_args

import pytest

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311, PacketReader, ProtocolError, Topics, encode
from gateway.mqtt.properties import build, parse
from gateway.mqtt.wire import variable

MAXIMUM = 600
"""Bytes of a packet: some of ours are larger, most are not."""
EACH = 1000
"""Mutated packets of one seed."""
NAMES = {kind: kind.__name__.lower() for kind in get_args(p.Packet)}

_USER = {"user_property": [("site", "quay"), ("", "")]}
_WORD = {"reason_string": "because"}


def valid(version: int) -> list[p.Packet]:
    """Packets of every kind, with all that may be in them."""
    five = version == V5

    def properties(**found: object) -> bytes:
        return build({**found, **_USER}) if five else b""  # type: ignore[dict-item]  # as build takes them

    code = 0x87 if five else 0
    reason = build(_WORD) if five else b""
    will = p.Will(b"a/will", b"gone", 1, retain=True, properties=properties(will_delay_interval=9))
    options = {"no_local": five, "retain_as_published": five, "retain_handling": int(five)}
    return [
        p.Connect("", version=version, clean_start=True),
        p.Connect(
            "reefer-7",
            version=version,
            keep_alive=60,
            username="truck",
            password=b"\x00\xff",
            will=will,
            properties=properties(session_expiry_interval=3600, receive_maximum=20),
        ),
        p.Connack(session_present=True, properties=properties(server_keep_alive=30)),
        p.Publish(b"cargo/site/d-1/readings", b'{"temperature": 5.5}'),
        p.Publish(b"a", b"", 1, 1, retain=True, dup=True, properties=properties(topic_alias=3)),
        p.Publish("ü/é".encode(), bytes(range(256)), 0x1234, 2, properties=properties()),
        p.Publish(b"t" * 200, b"x" * 900, 65_535, 1),
        p.Puback(1, code, reason),
        p.Pubrec(2, code, reason),
        p.Pubrel(3, code, reason),
        p.Pubcomp(4, code, reason),
        p.Subscribe(
            7,
            (p.Subscription("hw/alerts/+", 1), p.Subscription("#", 2, **options)),  # type: ignore[arg-type]  # as they are
            properties(subscription_identifier=200),
        ),
        p.Suback(7, (0, 1, 0x80), properties()),
        p.Unsubscribe(8, ("hw/alerts/+", "a/#"), properties()),
        p.Unsuback(8, (0, 0x11) if five else (), properties()),
        p.Pingreq(),
        p.Pingresp(),
        p.Disconnect(code, reason),
    ]


CORPUS = {v: [encode(one, v) for one in valid(v)] for v in (V311, V5)}


class Counting(PacketReader):
    """Counts the bytes it looks at, again and again where it does."""

    looked = 0

    def _read(self, data: bytes, packets: list[p.Packet]) -> int:
        self.looked += len(data)
        return super()._read(data, packets)


def mutate(random: Random, corpus: list[bytes]) -> bytes:
    """Return one packet that is wrong in some way, or by chance still right."""
    packet = random.choice(corpus)
    data = bytearray(packet)
    for _ in range(random.choice((0, 1, 1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        match random.randrange(8):
            case 0 | 1 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case 2 if at < len(data):
                data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            case 3:
                del data[at:]
            case 4:
                del data[at : at + random.randrange(1, 9)]
            case 5:
                data[at:at] = random.randbytes(random.choice((1, 2, 8, 300)))
            case 6 if len(data) > 1:
                # A length that lies: often within the limit, so that what follows is swallowed.
                lie = random.choice((0, 1, len(data), MAXIMUM, MAXIMUM - 3, 1 << 27))
                data[1:2] = random.choice((variable(lie), b"\x80\x80\x80\x80", b"\xff\x00"))
            case _:
                other = random.choice(corpus)
                data[at:] = other[random.randrange(len(other)) :]
        if not data:
            break
    return bytes(data)


def pieces(random: Random, data: bytes) -> Iterator[bytes]:
    """Cut bytes up: into single ones, into a few, or not at all."""
    longest = random.choice((1, 3, 40, len(data) + 1, len(data) + 1))
    at = 0
    while at < len(data):
        size = random.randint(1, longest)
        yield data[at : at + size]
        at += size


def feed(reader: Counting, random: Random, data: bytes) -> tuple[list[p.Packet], bool]:
    """Return the packets that came out of it, and whether the reader still reads."""
    found: list[p.Packet] = []
    for piece in pieces(random, data):
        try:
            packets = reader.feed(piece)
        except ProtocolError as error:
            problem = error
        else:
            found += packets
            assert reader.held <= MAXIMUM
            continue
        tells(problem)
        with pytest.raises(ProtocolError):
            reader.feed(b"")
        return found, False
    return found, True


def tells(error: ProtocolError) -> None:
    """It can be told to the peer, and to people."""
    assert 0x80 <= error.code <= 0xFF
    assert error.detail


def check(packet: p.Packet) -> None:
    """Whatever came out is a packet whose properties can be read, or are refused."""
    raw = getattr(packet, "properties", b"")
    try:
        parse(raw, NAMES[type(packet)])
    except ProtocolError as error:
        tells(error)


def run(seed: int) -> int:
    """Feed the packets of one seed; return how many packets came out."""
    random = Random(seed)  # noqa: S311 - it has to be replayed
    topics = Topics()
    out = fed = feeds = 0
    reader = Counting(V311, MAXIMUM, topics=topics)
    for _ in range(EACH):
        # Mostly in the version that is spoken, else few would get far.
        version = reader.version if random.random() < 0.9 else random.choice((V311, V5))
        data = mutate(random, CORPUS[version])
        fed, feeds = fed + len(data), feeds + 1
        found, reads = feed(reader, random, data)
        out += len(found)
        for packet in found:
            check(packet)
        # Most of what goes wrong leaves half a packet: the next one falls into it.
        if not reads or random.random() < 0.2:
            # Each byte is looked at when it comes and when its packet is complete; a header
            # that comes in single bytes a few times more.
            assert reader.looked <= 3 * fed + 20 * feeds
            fed = feeds = 0
            version = random.choice((V311, V5))
            reader = Counting(version, MAXIMUM, topics=topics, maximum_qos=random.choice((1, 2, 2)))
    return out


def test_mutated_packets_give_packets_or_protocol_errors(pytestconfig: pytest.Config) -> None:
    only: int | None = pytestconfig.getoption("--fault-seed")
    count = 1000 if pytestconfig.getoption("--long-faults") else 50
    seeds = [only] if only is not None else list(range(count))
    print(f"seeds {seeds[0]} to {seeds[-1]}; one again: --fault-seed N")  # noqa: T201 - the report
    for seed in seeds:
        try:
            out = run(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: --fault-seed {seed} shows it again") from error
        # Else they would be so broken that nothing behind the first check is reached.
        assert out > EACH // 10


def test_every_kind_is_mutated() -> None:
    for version, corpus in CORPUS.items():
        reader = PacketReader(version, 1 << 20)
        found = reader.feed(b"".join(corpus))
        assert {type(one) for one in found} == set(NAMES)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_large_packet_in_small_pieces_is_not_looked_at_again_and_again(size: int) -> None:
    data = encode(p.Publish(b"a", bytes(100_000), 1, 1), V311)
    reader = Counting(V311, 1 << 20)
    found = [
        packet for at in range(0, len(data), size) for packet in reader.feed(data[at : at + size])
    ]
    assert len(found) == 1
    assert reader.looked <= len(data) + 2 * size + 20
