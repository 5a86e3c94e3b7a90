"""What was heard on topics that nothing here decodes, looked at without knowing what it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from devices.device import DecodeError
from devices.envelopes.document import Document, parse
from devices.envelopes.measured import bare, truth

Path = tuple[str, ...]
"""Keys from the outside in."""
Kind = Literal["object", "value", "word", "text", "nothing", "binary", "broken"]


class Heard(NamedTuple):
    """One message. `received`: ms since 1970, UTC. `flags`: as `Reading` has them (RETAINED)."""

    topic: str
    payload: bytes
    received: int
    flags: int = 0


class Look(NamedTuple):
    """A payload at first sight: objects (several of an array), or a bare text."""

    kind: Kind
    documents: tuple[Document, ...] = ()
    text: str = ""


def look(payload: bytes) -> Look:
    """Return what kind of payload this is. Raises nothing."""
    start = payload.lstrip()[:1]
    if start in {b"{", b"["}:
        return _look_at_json(payload)
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return Look("binary")
    if start == b'"':
        try:
            text = str(parse(payload))
        except DecodeError:
            return Look("broken", text=text)
    if any(not (sign.isprintable() or sign.isspace()) for sign in text):
        return Look("binary")
    return Look(_kind_of(text), text=text)


def _look_at_json(payload: bytes) -> Look:
    try:
        document = parse(payload)
    except DecodeError as error:
        return Look("broken", text=error.detail)
    if isinstance(document, dict):
        return Look("object", (document,))
    objects = tuple(each for each in document if isinstance(each, dict))
    if not objects or len(objects) != len(document):
        return Look("broken", text="an array of something else than objects")
    return Look("object", objects)


def _kind_of(text: str) -> Kind:
    try:
        return "nothing" if math.isnan(bare(text, "", words=False)) else "value"
    except DecodeError:
        pass  # no number, so perhaps a word
    try:
        truth(text, "")
    except DecodeError:
        return "text"
    return "word"


def leaves(document: Document, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield each value with its path; arrays are values."""
    for key, value in document.items():
        path = (*above, key)
        if isinstance(value, dict):
            yield from leaves(value, path)
        else:
            yield path, value


def is_number(value: object) -> bool:
    """Whether JSON holds a number there, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(text: object) -> str:
    """Return letters and digits in small letters: what two ways of writing one name share."""
    return "".join(sign for sign in str(text).lower() if sign.isalnum())


def reachable(path: Path) -> bool:
    """Whether a mapping can name this path: a dot in a key would lead elsewhere."""
    return all(key and "." not in key for key in path)


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text: for tables of names that stay readable."""
    return tuple(text.split())
