"""A table that somebody sends from a browser."""

from __future__ import annotations

from gateway.web.problems import Problem


def as_text(raw: bytes) -> str:
    """Return a file as text. Raises Problem where it is none in UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(422, "the file is no text in UTF-8", "Save it as CSV, in UTF-8") from error
