"""Which level or key names the device of a family of topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from devices.learn.heard import Path, plain
from devices.learn.roles import Naming, Seen, naming_keys
from devices.learn.topics import constant, device_level, is_id, varying

if TYPE_CHECKING:
    from collections.abc import Sequence


class Who(NamedTuple):
    """How the device is named: by a level, a key, or not at all. `sure`: a key says so too."""

    level: int | None = None
    key: Path | None = None
    device: str = ""
    comments: tuple[str, ...] = ()
    sure: bool = False

    def of(self, one: Seen) -> str:
        """Return what tells this device's messages from others'."""
        return one.topic if self.key is None else str(one.values.get(self.key))


def who_sends(topics: Sequence[str], seen: Sequence[Seen]) -> Who:
    """Return how a family's device is named. A level that says the same as a key comes first."""
    keys = naming_keys(seen)
    differing = varying(topics)
    for place in (*differing, *constant(topics)):
        if any(_says(place, key, seen) for key in keys):
            return Who(level=place, sure=True)
    several = [key for key in keys if key.several]
    best = next(iter(several), None) or next((key for key in keys if key.strong), None)
    if best is None and not differing:
        best = next(iter(keys), None)
    legal = best is not None and all(map(is_id, best.values))
    level = device_level(topics, None)
    if best is not None and (legal or level is None or best.several):
        return Who(key=best.path, comments=_of_key(best, legal=legal))
    if level is not None:
        return _by_level(topics, level)
    name = next((one for one in reversed(topics[0].split("/")) if is_id(one)), "unnamed")
    return Who(
        device=name,
        comments=("neither topic nor payload names a device: choose its id in `device`",),
    )


def _says(place: int, key: Naming, seen: Sequence[Seen]) -> bool:
    """Whether a level always holds what the key holds, but for signs between letters."""
    return all(
        plain(one.topic.split("/")[place]) == plain(value) != ""
        for one, value in zip(seen, key.values, strict=True)
    )


def _of_key(key: Naming, *, legal: bool) -> tuple[str, ...]:
    if legal:
        return ()
    wrong = next(value for value in key.values if not is_id(value))
    return (
        f"{wrong!r} can be no id (a space, or one of + # / . * >): rename it, or it is refused",
    )


def _by_level(topics: Sequence[str], place: int) -> Who:
    if place not in varying(topics):
        level = topics[0].split("/")[place]
        return Who(
            level=place,
            comments=(f"one device alone was heard: is {level!r} the level that names it?",),
        )
    return Who(level=place)
