"""What the readers of TOML and of settings find wrong, in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SHAPES = {
    "string_type": "it must be text in quotes",
    "path_type": "it must be a path in quotes",
    "int_type": "it must be a whole number, without quotes",
    "int_parsing": "it must be a whole number, without quotes",
    "int_parsing_size": "it must be a smaller whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number, without quotes",
    "float_parsing": "it must be a number, without quotes",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false, without quotes",
    "bool_parsing": "it must be true or false, without quotes",
    "tuple_type": "it must be a list in brackets, such as [ … ]",
    "list_type": "it must be a list in brackets, such as [ … ]",
    "dict_type": "it must be a table of key = value",
    "model_type": "it must be a table of key = value",
    "model_attributes_type": "it must be a table of key = value",
    "string_pattern_mismatch": "it has not the right form",
}
"""What has the wrong shape, by pydantic's name for it."""

_LIMITS = {
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be {ge} or more",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be {le} or less",
    "string_too_long": "it has more than {max_length} characters",
    "too_long": "it holds {actual_length}, and may hold {max_length}",
    "literal_error": "it must be {expected}",
}

_SYNTAX = {
    "Invalid value": 'Text stands in quotes, as in name = "roof"; numbers, true and false do not',
    "Expected '='": "Write key = value, one on each line",
    "Cannot overwrite": "The same key stands twice; keep one of them",
    "Cannot mutate": "That section is complete elsewhere; put all its keys there",
    "Illegal character": "A text ends on its line with the quote it began with",
    "Unterminated string": "A text ends with the quote it began with",
    "Unclosed array": "Close the list with ]",
    "Expected ']": "Close the brackets: [section], or [[section]] for one of several",
    "Unescaped '\\'": "Write \\\\, or put the text in single quotes",
}
"""By the beginning of what the reader of TOML says: the cure."""


def plain(kind: str, context: Mapping[str, Any], message: str) -> str:
    """Return pydantic's error in plain words: its type, its context, its own message."""
    if kind in SHAPES:
        return SHAPES[kind]
    if kind in _LIMITS:
        return _LIMITS[kind].format_map(context)
    if kind in {"string_too_short", "too_short"}:
        least = context["min_length"]
        return "it may not be empty" if least == 1 else f"it must hold {least}"
    return message[0].lower() + message[1:]


def syntax(message: str, line: str) -> tuple[str, str]:
    """Return what the reader of TOML found in a line, and its cure."""
    twice = re.fullmatch(r"Cannot declare \((.*?),?\) twice", message)
    if twice is not None:
        name = ".".join(part.strip()[1:-1] for part in twice[1].split(", "))
        cure = f"Write [[{name}]] each time where there may be several, else all under one [{name}]"
        return f"[{name}] stands twice", cure
    comma = re.search(r"=\s*([+-]?\d+),(\d+)\s*(#.*)?$", line)
    if comma is not None:
        whole, part = comma[1], comma[2]
        return f"{whole},{part} is no number", f"Write {whole}.{part}"
    many = re.match(r"\s*(\[\[[^\]]*\]\])", line)
    if many is not None and message.startswith("Cannot overwrite"):
        return f"what {many[1]} adds to is no list", f"Write {many[1]} above it too"
    message = re.sub(r"\((('[^']*'(, |,)?)+)\)", lambda found: found[1].rstrip(","), message)
    cure = next(
        (cure for start, cure in _SYNTAX.items() if message.startswith(start)),
        "Mend this line; the settings are written in TOML",
    )
    return f"this is not TOML: {message}", cure
