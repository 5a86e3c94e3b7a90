"""What people write: the reasons they give, and notes."""

from __future__ import annotations

import unicodedata

from gateway.refusal import ControlError

LONGEST_TEXT = 500
"""Characters of a reason or a note."""


def reason_of(text: str, *, note: bool = False) -> str:
    """Return a reason, or a note, without white space around it. Raises ControlError."""
    text = text.replace("\r\n", "\n").strip()
    allowed = "\n" if note else ""
    what = "note" if note else "reason"
    if not text:
        raise ControlError(f"there is no {what}", f"Say it in 1 to {LONGEST_TEXT} characters")
    if len(text) > LONGEST_TEXT:
        raise ControlError(
            f"the {what} has {len(text):,} characters", f"Use at most {LONGEST_TEXT}"
        )
    for sign in text:
        if unicodedata.category(sign) in {"Cc", "Cs"} and sign not in allowed:
            raise ControlError(
                f"the {what} holds the control character U+{ord(sign):04X}", "Leave it out"
            )
    return text
