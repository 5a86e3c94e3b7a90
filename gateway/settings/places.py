"""On which line of a TOML text each key stands: the library that reads TOML does not tell.

The text must be valid TOML, so what is wrong need not be found here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands: keys, and indexes of arrays counted from 0: ("rules", 2, "above")."""

_TOKEN = re.compile(
    r'''(?P<blank>[ \t\r]+|\#[^\n]*)
    |(?P<newline>\n)
    |(?P<text>"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})
             |"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[][{}=,.])
    |(?P<bare>[^][{}=,.\s\#"']+)''',
    re.DOTALL | re.VERBOSE,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")
    yield _Token("end", "", line)


def places(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of every key, table and array element of a TOML text."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._lines: dict[Path, int] = {(): 1}
        self._lengths: dict[Path, int] = {}
        """How many tables each array of tables has so far."""

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._token.kind != "end":
            if self._token.kind == "newline":
                self._next += 1
            elif self._token.text == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _skip(self, *marks: str) -> bool:
        if self._token.kind in {"mark", "newline"} and self._token.text in marks:
            self._next += 1
            return True
        return False

    def _note(self, path: Path, line: int) -> Path:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)
        return path

    def _keys(self) -> list[str]:
        """Read a key with its dots. Inside one, `1.5` is two keys and quotes may stand."""
        keys = []
        while True:
            text = self._token.text
            keys.append(tomllib.loads(f"k = {text}")["k"] if text[0] in "\"'" else text)
            self._next += 1
            if not self._skip("."):
                return keys

    def _header(self) -> Path:
        line = self._token.line
        self._next += 1
        many = self._skip("[")
        path: Path = ()
        keys = self._keys()
        for index, key in enumerate(keys):
            path = (*path, key)
            if many and index == len(keys) - 1:
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        while self._skip("]"):
            pass
        return self._note(path, line)

    def _pair(self, table: Path) -> None:
        line = self._token.line
        path = self._note((*table, *self._keys()), line)
        self._skip("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._skip("["):
            index = 0
            while not self._skip("]"):
                if not self._skip(",", "\n"):
                    self._note((*path, index), self._token.line)
                    self._value((*path, index))
                    index += 1
        elif self._skip("{"):
            while not self._skip("}"):
                if not self._skip(",", "\n"):
                    self._pair(path)
        else:
            # A date with a space, or a number with a point, is several tokens.
            while self._token.kind not in {"newline", "end"} and self._token.text not in set(",]}"):
                self._next += 1
