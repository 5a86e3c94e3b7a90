"""Rules that are made of several, each with alerts of its own."""

from __future__ import annotations

from typing import Any, TypeVar

from rules.rule import Rule

_Part = TypeVar("_Part", bound=Rule)


def part_of(whole: Rule, kind: type[_Part], name: str, **settings: Any) -> _Part:  # noqa: ANN401 - as they stand in a file
    """Return a part called NAME-name, with its own settings and those of the whole that it shares.

    Raises ValueError where the settings make no rule.
    """
    keys = {field.alias or key for key, field in kind.model_fields.items()}
    shared = {key: value for key, value in whole.settings().items() if key in keys}
    # As it is bound to a consignment, which no file says.
    return kind.model_validate(
        {**shared, "only": whole.only, **settings, "name": f"{whole.name}-{name}"}
    )
