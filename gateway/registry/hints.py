"""What is said where somebody writes a make of device that nobody knows: most often a slip."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from devices.model import Model, plain_name

if TYPE_CHECKING:
    from devices.recognition import Recognition

LIKE_AN_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CLOSE = 0.7


def model_hint(recognition: Recognition, said: str) -> str:
    """Return what there is to say of a model that somebody wrote; "" where it is understood.

    Words such as "grey box by the door" are nobody's slip.
    """
    if not said or recognition.named(said) is not None:
        return ""
    close = difflib.get_close_matches(plain_name(said), recognition.names(), 1, CLOSE)
    if close:
        meant = recognition.named(close[0])
        name = meant.id if isinstance(meant, Model) else meant.name if meant else close[0]
        return f"{said} is not in the catalogue, kept as words. Did you mean {name}?"
    if LIKE_AN_ID.fullmatch(said) and any(one.isdigit() for one in said):
        return (
            f"{said} is not in the catalogue and no codec is called so, kept as words. "
            "See: holdwatch device catalogue"
        )
    return ""
