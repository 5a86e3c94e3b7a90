"""What a channel is: it takes one message at a time to people, or says why it cannot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.notify.message import Message

LONGEST = 300
"""Characters of the other side's words that are kept."""


class NotSentError(Exception):
    """A message was not taken. The text is the reason, without any secret.

    `again`: the same may go through later, after at least `after` seconds; otherwise the other side
    will never take this one, and it is not tried again.
    """

    def __init__(self, problem: str, *, again: bool, after: float = 0.0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.again = again
        self.after = after


class Channel(Protocol):
    """One way to people. Its courier sends one message at a time, and the next after the answer."""

    name: str
    kind: str
    remark: str
    """What is wrong although messages go out, such as one address of several; "" if nothing."""

    async def send(self, message: Message) -> str:
        """Return what the other side said once it has taken the message.

        It may be sent again with the same id, where we ended between its answer and our record.
        Raises NotSentError. Cancelled, or slow beyond the courier's patience, it may have been
        taken nevertheless.
        """
        ...


def clean(text: object, secrets: Iterable[str] = ()) -> str:
    """Return words of another side as one line, cut, and without what is secret."""
    words = str(text)
    # The longest first: one secret may be a part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "…")
    words = " ".join(re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", words).split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
