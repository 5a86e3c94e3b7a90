"""No secret in a log: neither under a name that says so, nor anywhere in a text.

Whoever writes a line of the log takes care of that. This is the second lock: a server's answer
or an error of a library may repeat what we sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from gateway.settings import Settings

STARS = "***"
NAMES = re.compile(
    r"(password|passphrase|token|secret|authorization|cookie|private_key)$", re.IGNORECASE
)
"""What these call is not shown, whatever it is."""
SHORTEST = 6
"""Signs of a secret that is looked for in texts: a shorter one stands in many words by chance."""
LONGEST, LONGEST_EXCEPTION = 2_000, 12_000
"""Signs of one text; the rest is left out. What others send may be long."""
DEEPEST = 6
"""Levels of what is logged that are looked through; what lies deeper is not shown."""


class Hidden:
    """A step of the log: takes secrets out, and makes long texts short."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Without settings only names tell what is secret."""
        self._known: set[str] = set()
        self.use(settings)

    def use(self, settings: Settings | None) -> None:
        """Take out the secrets of these settings too; those of before may still be repeated."""
        self._known |= {one for one in secrets_of(settings) if len(one) >= SHORTEST}
        known = self._known
        words = {form for one in known for form in (one, quote(one, safe=""), quote_plus(one))}
        # The longest first: one may be the beginning of another.
        ranked = sorted(words, key=lambda one: (-len(one), one))
        self._words = re.compile("|".join(map(re.escape, ranked))) if ranked else None

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what may be shown of a line."""
        return {
            name: STARS
            if NAMES.search(name)
            else self._shown(value, LONGEST_EXCEPTION if name == "exception" else LONGEST)
            for name, value in event.items()
        }

    def _shown(self, value: Any, longest: int = LONGEST, depth: int = 0) -> Any:  # noqa: ANN401 - whatever somebody logs
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {
                self._text(str(name), longest): STARS
                if NAMES.search(str(name))
                else self._shown(one, longest, depth + 1)
                for name, one in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._shown(one, longest, depth + 1) for one in value]
        return self._text(value if isinstance(value, str) else str(value), longest)

    def _text(self, text: str, longest: int) -> str:
        if self._words is not None:
            text = self._words.sub(STARS, text)
        return text if len(text) <= longest else f"{text[:longest]}…"


def secrets_of(settings: BaseModel | None) -> set[str]:
    """Return every secret of the settings, wherever it was read from."""
    return set() if settings is None else {one for one in _found(settings) if one}


def _found(value: Any) -> Iterator[str]:  # noqa: ANN401 - settings hold all kinds of things
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            # The page's process is told of some sections no more than their names.
            inner = getattr(value, name, None)
            if name == "headers" and isinstance(inner, Mapping):
                # Services want their keys in headers of any name.
                yield from inner.values()
            yield from _found(inner)
        yield from _found(value.__pydantic_private__ or {})
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _found(one)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _found(one)
