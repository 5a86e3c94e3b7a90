"""What the sections of the settings are made of: their base, and types that several use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from gateway.settings.problems import mistake
from rules import duration


class Section(BaseModel):
    """A table of the settings. Text is not taken for a number, nor an unknown key for nothing."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        serialize_by_alias=True,
    )


def slug(text: str) -> str:
    """Return the text as small letters, digits and single hyphens: "Pi 4.local" → "pi-4-local"."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _check_slug(text: str) -> str:
    if not text or text != slug(text) or len(text) > 60:
        offer = f", such as {slug(text)[:60]}" if slug(text) else ""
        raise mistake(
            f"{text!r} cannot be a part of topics and file names",
            f"Use up to 60 small letters, digits and hyphens{offer}",
        )
    return text


Slug = Annotated[str, AfterValidator(_check_slug)]
"""A name that may stand in topics, file names and client ids."""


def check_labels(host: str) -> str:
    """Return the host, if a name server can be asked for it. Raises a mistake."""
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise mistake(
            "no host can have that name",
            "Between its dots it needs 1 to 63 signs each: look for two dots together",
        ) from error
    return host


def _place_path(path: Path, info: ValidationInfo) -> Path:
    try:
        return Path((info.context or {}).get("folder", ".")) / path.expanduser()
    except RuntimeError as error:
        raise mistake(f"{path}: that user has no home folder", "Write the path in full") from error


FilePath = Annotated[Path, AfterValidator(_place_path)]
"""A path; one that is not absolute counts from the folder of the settings file."""


def _check_file(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise mistake(
            f"cannot read {path} ({error.strerror})",
            "Give the path of a file that exists and that the gateway's user may read",
        ) from error


ReadableFile = Annotated[FilePath, AfterValidator(_check_file)]
"""A file that must exist and be readable now."""


Age = duration.Age
"""A Duration that may also say years."""
