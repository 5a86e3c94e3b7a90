"""Writes docs/settings.md from what the settings declare.  Run it by scripts/docs."""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.settings import Settings, channels, parse
from rules import KINDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

EXAMPLE = """\
[gateway]
box = "roof-pi"
timezone = "Europe/Berlin"

[[brokers]]
name = "house"
host = "localhost"

[[devices]]
match = "fridge-*"
interval = "5 min"

[[rules]]
name = "fridge-too-warm"
kind = "threshold"
devices = ["fridge-*"]
channel = "temperature"
above = 8.0
for = "60 min"
severity = "critical"
note = "Close the door, then move the goods to the other fridge."

[[rules]]
name = "fridge-not-heard"
kind = "lost_contact"
devices = ["fridge-*"]
after = "30 min"
"""

OF_KINDS: dict[str, Iterable[type[BaseModel]]] = {"rules": KINDS, "channels": channels.KINDS}
"""Sections whose keys depend on their kind."""

HEAD = f"""\
# Settings

Holdwatch reads one TOML file: `holdwatch run -c holdwatch.toml`. `holdwatch check -c
holdwatch.toml` tells every mistake in it, with its line and its cure, and changes nothing.
A key that is not listed here is a mistake.

```toml
{EXAMPLE}```

Lengths of time and sizes name their unit: `"60 min"`, `"1 h 30 min"`, `"7 days"`; `"2 GB"`,
`"16 MiB"`. Paths count from the folder of the settings file. Patterns know `*` and `?`.

This page is made by `scripts/docs` from the declarations in the code.
"""


class UndocumentedError(Exception):
    """A setting without a meaning: give its Field a description."""


def reference() -> str:
    """Return the page as Markdown. Raises UndocumentedError for a setting without description."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        if name in OF_KINDS:
            parts.append(f"## [[{name}]]\n\n{_description(name, field)}\n")
            for kind in OF_KINDS[name]:
                word = kind.model_fields["kind"].default
                parts.append(f'### kind = "{word}"\n\n{_first_line(kind)}\n\n{table_of(kind)}')
            continue
        section = _model(field)
        if section is None:
            raise UndocumentedError(f"{name} is no section")
        repeated = typing.get_origin(field.annotation) is tuple
        title = f"[[{name}]]" if repeated else f"[{name}]"
        parts.append(f"## {title}\n\n{_description(name, field)}\n\n{table_of(section)}")
    return "\n".join(parts)


def table_of(model: type[BaseModel]) -> str:
    """Return the keys of a section as a table, those of tables within it under their names."""
    rows = "".join(
        f"| `{key}` | {default} | {meaning} |\n" for key, default, meaning in _rows(model)
    )
    return f"| key | default | meaning |\n|---|---|---|\n{rows}"


def _rows(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str, str]]:
    # Their defaults as they would stand in a file: "7 days", not milliseconds.
    optional = {
        name: field for name, field in model.model_fields.items() if not field.is_required()
    }
    plain = {name for name, field in optional.items() if not field.default_factory}
    defaults = model.model_construct().model_dump(mode="json", by_alias=False, include=plain)
    for name, field in model.model_fields.items():
        key = before + (field.alias or name)
        meaning = _description(key, field)
        yield key, _default(name, field, defaults), meaning.replace("|", "\\|")
        inner = _model(field)
        if inner is not None:
            yield from _rows(inner, f"{key}.")


def _default(name: str, field: FieldInfo, defaults: dict[str, object]) -> str:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    if "default text" in extra:
        return str(extra["default text"])
    if field.is_required() or name == "kind":  # a rule is recognised by its kind
        return "(required)"
    value = defaults.get(name)
    return "none" if value is None or value == "" else f"`{json.dumps(value, ensure_ascii=False)}`"


def _description(key: str, field: FieldInfo) -> str:
    if not field.description:
        raise UndocumentedError(f"{key} has no description")
    return field.description


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that the field holds, alone, optional or as a list."""
    for kind in (field.annotation, *typing.get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


if __name__ == "__main__":
    parse(EXAMPLE, "the example")
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"wrote {PAGE}", file=sys.stderr)
