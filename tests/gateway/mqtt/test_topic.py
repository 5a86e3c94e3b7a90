"""Which topic filter matches which topic name; paho is the oracle."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from gateway.mqtt.topic import check_filter, check_topic, matches

# Few words, so that filters often match; "" is a level too.
words = st.sampled_from(("a", "b", "", "$a", "ä"))
topics = st.lists(words, min_size=1, max_size=4).map("/".join).filter(bool)
inner = st.lists(st.one_of(words, st.just("+")), max_size=4)
filters = (
    st.builds(lambda levels, end: [*levels, *end], inner, st.sampled_from(((), ("#",), ("+",))))
    .map("/".join)
    .filter(bool)
)


@given(filters, topics)
@example("#", "$a")
@example("+", "$a")
@example("+/b", "$a/b")
@example("$a/#", "$a/b")
@example("$a/+", "$a/$a")
@example("a/+", "a/$a")
@example("a/#", "a")
@example("#", "/")
def test_a_filter_matches_what_paho_says(topic_filter: str, topic: str) -> None:
    check_filter(topic_filter)
    check_topic(topic.encode())
    assert matches(topic_filter, topic) == topic_matches_sub(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/B", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a", False),
        ("a/+", "a/", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "ab", False),
        ("+/+", "/a", True),
        ("#", "a/b", True),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
    ],
)
def test_a_filter_matches_by_levels(topic_filter: str, topic: str, *, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected
