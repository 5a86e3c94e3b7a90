"""Topic names and topic filters: what is allowed in them, and which filter matches which name."""

from __future__ import annotations

from gateway.mqtt.wire import TOPIC_FILTER_INVALID, TOPIC_INVALID, ProtocolError, check_text

MAXIMUM_KEPT = 130_000
"""More devices than one gateway is meant for at full speed; beyond it the check is repeated."""
LONGEST_KEPT = 256


class Topics(dict[bytes, bytes]):
    """Topic names known to be good: `topics[raw]` checks each once and returns one object.

    Because it is always the same object, its hash is worked out once, and whoever keeps
    something for each topic finds it fast. Bounded: at most MAXIMUM_KEPT names of at most
    LONGEST_KEPT bytes (20 MB with usual names), so a peer that invents topics cannot fill the
    memory. May be shared by many readers of one thread.
    """

    def __missing__(self, raw: bytes) -> bytes:
        """Check a topic name seen for the first time."""
        check_topic(raw)
        if len(raw) <= LONGEST_KEPT:
            if len(self) >= MAXIMUM_KEPT:
                self.clear()
            self[raw] = raw
        return raw


def check_topic(raw: bytes) -> None:
    """Refuse a topic name that is empty, not UTF-8, or holds a null or a wildcard."""
    if not raw:
        raise ProtocolError(TOPIC_INVALID, "a message has an empty topic")
    if b"+" in raw or b"#" in raw:
        raise ProtocolError(TOPIC_INVALID, "a message's topic holds a wildcard")
    check_text(raw)


def check_filter(text: str) -> None:
    """Refuse a topic filter whose wildcards do not stand where they may."""
    levels = text.split("/")
    if not text or any(
        (level != "+" and "+" in level)
        or (level != "#" and "#" in level)
        or (level == "#" and index != len(levels) - 1)
        for index, level in enumerate(levels)
    ):
        raise ProtocolError(TOPIC_FILTER_INVALID, f"{text[:80]!r} is not a topic filter")
    if levels[0] == "$share" and (
        len(levels) < 3 or levels[1] in {"", "+", "#"} or not "/".join(levels[2:])
    ):
        raise ProtocolError(TOPIC_FILTER_INVALID, f"{text[:80]!r} is not a shared topic filter")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter matches a topic name; both have been checked.

    A wildcard in the first level leaves out topics that begin with $. Source: OASIS MQTT 5.0,
    chapter 4.7.
    """
    wanted = topic_filter.split("/")
    levels = topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            # Also what stands above it: a/# matches a.
            return True
        if index == len(levels) or level not in {"+", levels[index]}:
            return False
    return len(wanted) == len(levels)
