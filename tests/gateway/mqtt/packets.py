"""Packets of every kind, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.mqtt import packets as p
from gateway.mqtt.codec import V5, V311
from gateway.mqtt.properties import build

ids = st.integers(1, 65_535)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
names = st.text(
    st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=40
)
filters = st.one_of(names.map(lambda name: name.replace("$", "s")), st.just("+/a/#"), st.just("#"))
blobs = st.binary(max_size=200)
pairs = st.lists(st.tuples(words, words), max_size=3)


def user(version: int) -> st.SearchStrategy[bytes]:
    if version == V311:
        return st.just(b"")
    return pairs.map(lambda found: build({"user_property": found}))


def codes(version: int, *some: int) -> st.SearchStrategy[int]:
    return st.just(0) if version == V311 else st.sampled_from((0, *some))


def publishes(version: int) -> st.SearchStrategy[p.Publish]:
    def one(qos: int) -> st.SearchStrategy[p.Publish]:
        return st.builds(
            p.Publish,
            topic=names.map(str.encode),
            payload=blobs,
            packet_id=ids if qos else st.just(0),
            qos=st.just(qos),
            retain=st.booleans(),
            dup=st.sampled_from((False, True) if qos else (False,)),
            properties=user(version),
        )

    return st.integers(0, 2).flatmap(one)


def connects(version: int) -> st.SearchStrategy[p.Connect]:
    def one(username: str | None) -> st.SearchStrategy[p.Connect]:
        without = version == V311 and username is None
        return st.builds(
            p.Connect,
            client_id=words,
            version=st.just(version),
            clean_start=st.booleans(),
            keep_alive=st.integers(0, 65_535),
            username=st.just(username),
            password=st.none() if without else st.none() | blobs,
            will=st.none()
            | st.builds(
                p.Will,
                topic=names.map(str.encode),
                payload=blobs,
                qos=st.integers(0, 2),
                retain=st.booleans(),
                properties=user(version),
            ),
            properties=user(version),
        )

    return st.one_of(st.none(), words).flatmap(one)


def subscriptions(version: int) -> st.SearchStrategy[p.Subscription]:
    if version == V311:
        return st.builds(p.Subscription, topic_filter=filters, qos=st.integers(0, 2))
    return st.builds(
        p.Subscription,
        topic_filter=filters,
        qos=st.integers(0, 2),
        no_local=st.booleans(),
        retain_as_published=st.booleans(),
        retain_handling=st.integers(0, 2),
    )


def some(version: int) -> st.SearchStrategy[p.Packet]:
    """Any packet of this version."""
    extra = user(version)
    answers = [
        st.builds(kind, packet_id=ids, code=codes(version, *refusals), properties=extra)
        for kind, refusals in (
            (p.Puback, (0x10, 0x87)),
            (p.Pubrec, (0x10, 0x97)),
            (p.Pubrel, (0x92,)),
            (p.Pubcomp, (0x92,)),
        )
    ]
    acknowledged = st.builds(
        p.Connack, session_present=st.booleans(), code=st.just(0), properties=extra
    )
    several = st.lists(subscriptions(version), min_size=1, max_size=4).map(tuple)
    granted = st.lists(st.sampled_from((0, 1, 2, 0x80)), min_size=1, max_size=4).map(tuple)
    removed = (
        st.just(())
        if version == V311
        else st.lists(st.sampled_from((0, 0x11, 0x87)), min_size=1, max_size=4).map(tuple)
    )
    leaving = st.builds(p.Disconnect, code=codes(version, 0x8E), properties=extra)
    return st.one_of(
        publishes(version),
        connects(version),
        acknowledged,
        *answers,
        st.builds(p.Subscribe, packet_id=ids, subscriptions=several, properties=extra),
        st.builds(p.Suback, packet_id=ids, codes=granted, properties=extra),
        st.builds(
            p.Unsubscribe,
            packet_id=ids,
            topic_filters=st.lists(filters, min_size=1, max_size=3).map(tuple),
            properties=extra,
        ),
        st.builds(p.Unsuback, packet_id=ids, codes=removed, properties=extra),
        st.just(p.Pingreq()),
        st.just(p.Pingresp()),
        leaving,
    )


versions = st.sampled_from((V311, V5))
