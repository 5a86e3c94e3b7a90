"""What is different between two settings, in words and as data; of secrets only that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.sections import Settings

NAMED_BY = ("match", "name", "topic", "address")
"""What one of several sections is called by: the first of these that it has."""


class Difference(NamedTuple):
    """One thing that is different."""

    section: str
    """The key of the section in the file."""
    words: str
    """Such as "[[rules]] too-warm: changed"."""
    before: Any
    """As JSON has it; None: it was not there."""
    after: Any
    """As JSON has it; None: it is there no more."""


def differences(old: Settings, new: Settings) -> list[Difference]:
    """Return what is different, in the order of the sections."""
    return [
        one
        for section in type(old).model_fields
        if (before := getattr(old, section)) != (after := getattr(new, section))
        for one in _of(section, before, after)
    ]


def _of(section: str, before: object, after: object) -> Iterator[Difference]:
    if isinstance(before, tuple) and isinstance(after, tuple):
        yield from _of_several(section, before, after)
    elif isinstance(before, BaseModel) and isinstance(after, BaseModel):
        keys = [
            key
            for key in type(before).model_fields
            if getattr(before, key) != getattr(after, key, None)
        ]
        # Where only what they were made of is other, such as a file that a key names.
        shown = ", ".join(keys) or "what its files hold"
        was, now = ({key: _plain(one, key) for key in keys} for one in (before, after))
        yield Difference(section, f"[{section}] {shown}", was, now)
    else:
        word = "added" if before is None else "removed"
        yield Difference(section, f"[{section}] {word}", _dumped(before), _dumped(after))


def _of_several(
    section: str, before: tuple[Any, ...], after: tuple[Any, ...]
) -> Iterator[Difference]:
    was, now = _by_name(before), _by_name(after)
    found = []
    for name in dict.fromkeys((*was, *now)):
        one, other = was.get(name), now.get(name)
        if one != other:
            word = "added" if one is None else "removed" if other is None else "changed"
            words = f"[[{section}]] {name}: {word}"
            found.append(Difference(section, words, _dumped(one), _dumped(other)))
    yield from found
    stayed = [name for name in was if name in now], [name for name in now if name in was]
    if stayed[0] != stayed[1] or not found:
        yield Difference(section, f"[[{section}]] in another order", *stayed)


def _by_name(sections: tuple[Any, ...]) -> dict[str, Any]:
    """Return sections by what they are called; of two with one name the second with its number."""
    found: dict[str, Any] = {}
    for number, one in enumerate(sections, 1):
        name = next((str(getattr(one, key)) for key in NAMED_BY if hasattr(one, key)), str(number))
        found[name if name not in found else f"{name} ({number})"] = one
    return found


def _dumped(section: object) -> Any:  # noqa: ANN401 - as JSON has it
    """Return a section as JSON has it: what is secret in it as stars."""
    if not isinstance(section, BaseModel):
        return None
    return section.model_dump(mode="json", exclude_defaults=True)


def _plain(section: BaseModel, key: str) -> Any:  # noqa: ANN401 - as JSON has it
    return section.model_dump(mode="json", include={key}).get(key)
