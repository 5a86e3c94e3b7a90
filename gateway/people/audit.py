"""The audit trail: who did what, when, and what was before. It is only ever added to.

An entry is staged in the transaction of what it tells: neither is there without the other. It
never holds a secret, nor the digest of one.
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.state import State


class Who(msgspec.Struct, frozen=True):
    """Whoever did something, and by which way."""

    name: str
    """A person's or an API key's; on the command line the user of the system."""
    via: Literal["page", "api", "command line", "gateway"]
    address: str = ""
    """Of the browser or program, where there is one."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that was done."""

    at: int
    """When, in ms since 1970, UTC."""
    who: Who
    what: str
    """The command's name: user-add."""
    object: str
    """To whom or to what: a person's name, an alert's id."""
    reason: str = ""
    before: Any = None
    """What was before, as JSON has it; None: nothing was."""
    after: Any = None
    """What is now, as JSON has it; None: nothing is."""
    number: int = 0
    """Its place in the trail, from 1; 0 until it is read from there."""


def stage(state: State, entry: Entry) -> None:
    """Add an entry to the open transaction. Raises DiskError."""
    row = (entry.at, entry.who.name, entry.what, msgspec.json.encode(entry))
    state.stage("INSERT INTO audit (at, who, what, body) VALUES (?,?,?,?)", [row])


def page(state: State, before: int | None, limit: int) -> list[Entry]:
    """Return at most so many entries, newest first; `before`: only those with a smaller number."""
    rows = state.rows(
        "SELECT number, body FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?",
        (1 << 62 if before is None else before, limit),
    )
    return [
        msgspec.structs.replace(msgspec.json.decode(body, type=Entry), number=number)
        for number, body in rows
    ]


def of_object(state: State, name: str, kind: str, limit: int, within: int) -> list[Entry]:
    """Return what was done to a thing, newest first: entries whose `what` begins with `kind`.

    At most `limit`, of the newest `within` of the trail.
    """
    rows = state.rows(
        "SELECT number, body FROM audit WHERE number > (SELECT ifnull(max(number), 0) FROM audit) "
        "- ? AND what GLOB ? AND json_extract(CAST(body AS TEXT), '$.object') = ? "
        "ORDER BY number DESC LIMIT ?",
        (within, f"{kind}*", name, limit),
    )
    return [
        msgspec.structs.replace(msgspec.json.decode(body, type=Entry), number=number)
        for number, body in rows
    ]


def of_kind(state: State, what: str, after: int) -> list[Entry]:
    """Return all that was done of a kind since the entry with this number, oldest first."""
    rows = state.rows(
        "SELECT number, body FROM audit WHERE number > ? AND what = ? ORDER BY number",
        (after, what),
    )
    return [
        msgspec.structs.replace(msgspec.json.decode(body, type=Entry), number=number)
        for number, body in rows
    ]


def who_of(request: Mapping[str, Any]) -> Who:
    """Return who sent a command: whom it names, else the system's user who runs the gateway.

    Nobody but that user may send one: it is believed. Raises ControlError.
    """
    who = request.get("who")
    if who is None:
        return Who(system_user(), "command line")
    try:
        return msgspec.convert(who, Who)
    except msgspec.ValidationError as error:
        raise ControlError(
            f"nobody is named by it ({error})",
            'Send "who" as {"name": …, "via": "page", "api" or "command line", "address": …}',
        ) from error


def system_user() -> str:
    """Return the name of the system's user who runs this program."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # In a container a number may have no name.
        return f"user {os.getuid()}"
