"""A secret of the settings: in the file itself, in a file of its own, or in the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr, ValidationInfo

from gateway.settings.problems import mistake

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings.values import Section


def secret_of(section: Section, name: str, info: ValidationInfo) -> SecretStr | None:
    """Return the secret that `name`, `name`_file or `name`_env of a section gives, if one does.

    Raises what `mistake` makes when two of them are given, or what is named is not there.
    """
    given = [key for key in (name, f"{name}_file", f"{name}_env") if getattr(section, key)]
    if len(given) > 1:
        raise mistake(f"the {name} is given by {' and '.join(given)}", "Keep one of them")
    if getattr(section, f"{name}_file"):
        return _read(name, getattr(section, f"{name}_file"))
    variable = getattr(section, f"{name}_env")
    if not variable:
        inside: SecretStr | None = getattr(section, name)
        return inside
    environment = (info.context or {}).get("environment", os.environ)
    if variable not in environment:
        raise mistake(
            f"{name}_env names {variable}, which is not in the environment",
            f"Set that variable for the gateway, or use {name}_file",
        )
    return SecretStr(environment[variable])


def secret_variables(settings: BaseModel) -> frozenset[str]:
    """Return the variables of the environment that hold a secret of these settings."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name, None)
        if name.endswith("_env") and isinstance(value, str):
            found.add(value)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, BaseModel):
                found |= secret_variables(one)
    return frozenset(found)


def _read(name: str, path: Path) -> SecretStr:
    try:
        return SecretStr(path.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise mistake(
            f"cannot read {name}_file {path} ({error})",
            "Give the path of a text file that the gateway's user may read",
        ) from error
