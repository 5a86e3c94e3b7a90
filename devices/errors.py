"""The one error that a decoder may raise."""

from __future__ import annotations


class DecodeError(ValueError):
    """A message that cannot become readings: why, and what to do about it.

    `reason` is a short kebab-case name that messages are counted by; `detail` names the
    place in the message; `cure` tells a person what to change. `device` is whose message it was,
    as text, empty where that is not known.
    """

    device = ""

    def __init__(self, reason: str, detail: str, cure: str) -> None:
        super().__init__(f"{detail}. {cure}")
        self.reason = reason
        self.detail = detail
        self.cure = cure
