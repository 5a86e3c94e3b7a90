"""From messages that were heard to the settings that decode them.

What is understood already is only told. The rest is sorted into families of topics, a mapping is
drafted for each, and every draft is tried on the very messages it was made from: a proposal says
how many of them it decodes, and takes nothing away from what was understood without it.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from devices.envelopes.mapping import Mapping
from devices.learn.draft import Draft, Family, Unplaced, narrowed
from devices.learn.formats import with_a_format
from devices.learn.heard import Heard, leaves, look
from devices.learn.objects import of_objects
from devices.learn.proposal import Block, Proposal, as_toml
from devices.learn.told import refusals, topic_filters, understood, unknown_makes
from devices.learn.topics import Shape, channel_level, families, template
from devices.learn.tried import Known, Trial, Tried
from devices.learn.values import of_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = Known()
MOST_FAMILIES = 100
"""Families of topics that are looked at, those with the most messages first."""
MOST_OF_TOPIC, MOST_OF_FAMILY = 50, 2_000
"""Messages that are looked at to draft a mapping. It is tried on all."""
_WILDCARDS = frozenset({"+", "#", "{device}", "{channel}", "{site}"})
_HINTS = {
    "text": "a text and no measurement, as it seems",
    "nothing": "empty messages: they clear what a broker had kept",
    "binary": "bytes of an own format: only their vendor's codec could read them",
}


def propose(messages: Sequence[Heard], known: Known = NOTHING) -> Proposal:
    """Return what is understood of these messages, and what would decode the rest.

    Raises nothing that the messages could be the reason of.
    """
    trial = Trial(known)
    before = trial.all(messages)
    strange = [
        message
        for message, one in zip(messages, before, strict=True)
        if one.by is None or (one.by == trial.convention and one.error is not None)
    ]
    drafted, left = _drafted(strange)
    drafts = _settled([draft for one in drafted for draft in one.drafts], messages, before, known)
    final = Trial(known, [one.mapping for one in drafts])
    after = final.all(messages)
    blocks = _blocks(drafts, after, len(known.mappings))
    taken = {
        message.topic
        for message, one in zip(messages, after, strict=True)
        if one.by is not None and one.error is None
    }
    rest = [one for one in drafted if not taken.issuperset(one.topics)]
    proposal = Proposal(
        messages=len(messages),
        seen_topics=len({message.topic for message in messages}),
        understood=understood(messages, before, trial),
        unknown_makes=unknown_makes(before, trial),
        refused=refusals(messages, after, final, len(known.mappings), len(drafts)),
        blocks=blocks,
        unplaced=_unplaced(drafted, rest),
        ignorable=_ignorable(rest, taken),
        topics=topic_filters(after, final),
        left=left,
    )
    return msgspec.structs.replace(proposal, toml=_checked(as_toml(proposal), blocks))


def _unplaced(drafted: Iterable[Family], rest: Iterable[Family]) -> tuple[Unplaced, ...]:
    """Return the keys that have no place, and the topics that nothing decodes."""
    keys = {what for one in drafted for what in one.unplaced if what.key}
    whole = {what for one in rest for what in one.unplaced}
    return tuple(sorted(keys | whole, key=lambda one: (one.topic, one.key, one.hint)))


def _ignorable(rest: Iterable[Family], taken: Iterable[str]) -> tuple[str, ...]:
    """Return the topics that may be ignored, of which no message is decoded."""
    found = {template(one.topics, {}) for one in rest if one.ignorable}
    return tuple(
        sorted(
            one
            for one in found
            if not any(map(Mapping(topic=one, ignore=True).pattern.fullmatch, taken))
        )
    )


# --- drafts


def _drafted(strange: Sequence[Heard]) -> tuple[list[Family], int]:
    """Return the families of topics with their drafts, and how many topics were left out."""
    by_topic: dict[str, list[Heard]] = defaultdict(list)
    for message in strange:
        by_topic[message.topic].append(message)
    shapes = {topic: _shape(of[:MOST_OF_TOPIC]) for topic, of in by_topic.items()}
    found = sorted(families(shapes), key=lambda topics: -sum(len(by_topic[one]) for one in topics))
    drafted = []
    for topics in _of_one_template(found[:MOST_FAMILIES], shapes):
        some = [one for topic in topics for one in by_topic[topic][:MOST_OF_TOPIC]]
        drafted.append(_of_family(topics, some[:MOST_OF_FAMILY]))
    return drafted, sum(len(topics) for topics in found[MOST_FAMILIES:])


def _shape(messages: Sequence[Heard]) -> Shape:
    looks = [look(one.payload) for one in messages]
    kinds = Counter(one.kind for one in looks)
    keys = frozenset(path for one in looks for each in one.documents for path, _ in leaves(each))
    if kinds["object"]:
        return Shape("object", keys)
    if kinds["value"] or kinds["word"]:
        return Shape("value", frozenset())
    return Shape(kinds.most_common(1)[0][0], frozenset())


def _of_one_template(found: list[list[str]], shapes: dict[str, Shape]) -> list[list[str]]:
    """Return families, as one where their topics look alike: one mapping must serve both."""
    joined: dict[tuple[str, str], list[str]] = {}
    for topics in found:
        joined.setdefault((shapes[topics[0]].kind, template(topics, {})), []).extend(topics)
    return [sorted(topics) for topics in joined.values()]


def _of_family(topics: list[str], messages: list[Heard]) -> Family:
    mapping = with_a_format(topics, messages)
    if mapping is not None:
        said = (f"{mapping.format}, on other topics than its own",)
        return Family(topics, [Draft(mapping, said, tuple(topics))], [])
    looks = [look(one.payload) for one in messages]
    objects = [each for one in looks for each in one.documents]
    if objects and (not all("value" in one for one in objects) or channel_level(topics) is None):
        return of_objects(topics, messages)
    if objects or any(one.kind in {"value", "word"} for one in looks):
        return of_values(topics, messages)
    first = looks[0]
    hint = _HINTS.get(first.kind, f"no good JSON: {first.text[:80]}")
    shown = repr(first.text[:40]) if first.kind == "text" else ""
    what = Unplaced(template(topics, {}), "", shown, hint)
    return Family(topics, [], [what], ignorable=first.kind == "text")


# --- and whether they hold


def _settled(
    drafts: Sequence[Draft],
    messages: Sequence[Heard],
    before: Sequence[Tried],
    known: Known,
) -> list[Draft]:
    """Return the drafts that decode something, and take nothing from others.

    One that does is narrowed to the devices that were heard, and left out if that does not help.
    """
    kept = {one.mapping.topic: one for one in reversed(drafts)}
    while True:
        ordered = sorted(kept.values(), key=lambda one: _wildness(one.mapping.topic))
        trial = Trial(known, [one.mapping for one in ordered])
        useful: set[int] = set()
        guilty: set[int] = set()
        greedy: set[int] = set()
        for message, was, now in zip(messages, before, trial.all(messages), strict=True):
            if now.by is None or not len(known.mappings) <= now.by < len(known.mappings) + len(
                ordered
            ):
                continue
            place = now.by - len(known.mappings)
            if was.by is not None and was.error is None:
                guilty |= {place} if now.said != was.said or now.codec != was.codec else set()
            elif now.error is not None and message.topic not in ordered[place].topics:
                greedy.add(place)
            elif now.readings:
                useful.add(place)
        changed = False
        for place, draft in enumerate(ordered):
            # Of one device alone nobody knows yet whether that level names devices at all.
            alone = place in greedy and len(draft.topics) == 1
            closer = narrowed(draft) if place in guilty or alone else []
            if closer or place in guilty or place not in useful:
                changed = True
                del kept[draft.mapping.topic]
                kept |= {one.mapping.topic: one for one in closer}
        if not changed:
            return ordered


def _wildness(topic: str) -> tuple[int, str]:
    """How much a topic leaves open: those that leave least must come first."""
    levels = topic.split("/")
    return 100 * ("#" in levels) + sum(level in _WILDCARDS for level in levels), topic


def _blocks(drafts: Sequence[Draft], after: Sequence[Tried], first: int) -> tuple[Block, ...]:
    of: dict[int, list[Tried]] = defaultdict(list)
    for one in after:
        if one.by is not None:
            of[one.by - first].append(one)
    return tuple(_block(draft, of[place]) for place, draft in enumerate(drafts))


def _block(draft: Draft, tried: Sequence[Tried]) -> Block:
    wrong = [one.error for one in tried if one.error is not None]
    counts = Counter(error.reason for error in wrong)
    first = {error.reason: error for error in reversed(wrong)}
    return Block(
        mapping=draft.mapping,
        comments=draft.comments,
        messages=len(tried),
        decoded=len(tried) - len(wrong),
        readings=sum(len(one.readings) for one in tried),
        devices=tuple(sorted({str(each.device) for one in tried for each in one.readings})),
        refused=tuple(
            f"{count} of them, {reason}: {first[reason].detail}"
            for reason, count in sorted(counts.items())
        ),
    )


def _checked(text: str, blocks: Sequence[Block]) -> str:
    """Return the text, which says what was tried; else the program is wrong."""
    told = [msgspec.convert(one, Mapping) for one in tomllib.loads(text).get("mappings", [])]
    if told != [block.mapping for block in blocks]:
        raise AssertionError("the proposal does not say what was tried")
    return text
