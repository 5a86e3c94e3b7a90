"""What may be asked about verdicts: the verdict itself, reports, and to sign one.

A part of Commands. A report is sent as the text of its canonical JSON, so that its digest can be
checked wherever it comes to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.consignments.report import canonical, standing
from gateway.consignments.signing import Asked
from gateway.people.audit import who_of
from gateway.refusal import ControlError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.consignments.desk import Desk
    from gateway.consignments.report import Version

    Command = Callable[[Mapping[str, Any], Any], Awaitable[Any]]


LARGEST = 1 << 53
"""No number that is sent is so large; JSON has none beyond it that is exact."""


class VerdictCommands:
    """The commands about verdicts, by name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.by_name: dict[str, Command] = {
            "consignment-verdict": self.verdict,
            "consignment-report": self.report,
            "consignment-reports": self.reports,
            "consignment-sign": self.sign,
        }

    async def verdict(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with the verdict as it is now, and what names the draft that it is from."""
        identity = _text(request, "id")
        draft = await self._desk.reports.draft_aside(identity, self._desk.clock.now())
        report = draft.report
        signed = self._desk.reports.signed(identity)
        return {
            "id": identity,
            "title": report.profile["title"],
            "stage": standing(report.consignment),
            "verdict": msgspec.to_builtins(report.verdict),
            "zone": report.zone,
            "made": report.made,
            "head": report.head,
            "digest": draft.digest,
            "substance": draft.substance,
            "signed": signed[-1]._asdict() if signed else None,
        }

    async def report(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Answer with a signed version; `version` 0 is a draft, left out the newest there is."""
        identity, reports = _text(request, "id"), self._desk.reports
        number = _number(request, "version")
        if number is None:
            signed = reports.signed(identity)
            number = signed[-1].number if signed else 0
        if number:
            return _sent(reports.version(identity, number), reports.body(identity, number))
        draft = await reports.draft_aside(identity, self._desk.clock.now())
        return _sent(draft, canonical(draft.report))

    async def reports(self, request: Mapping[str, Any], _progress: object) -> list[dict[str, Any]]:
        """Answer with every signed version, oldest first, without its content."""
        identity = _text(request, "id")
        self._desk.reports.there(identity)
        return [
            {
                "version": one.number,
                "made": one.made,
                "digest": one.digest,
                "decision": msgspec.to_builtins(one.decision),
            }
            for one in self._desk.reports.signed(identity)
        ]

    async def sign(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Sign the draft that was looked at: it is named by `made`, `head` and `digest`."""
        asked = asked_of(request, _text(request, "password"))
        return signed_as(asked, await self._desk.signing.sign(asked, who_of(request)))


def asked_of(request: Mapping[str, Any], password: str) -> Asked:
    """Return what somebody asks to sign. Raises ControlError."""
    return Asked(
        consignment=_text(request, "id"),
        login=_text(request, "login"),
        password=password,
        meaning=_text(request, "meaning"),
        name=_text(request, "name", ""),
        reason=_text(request, "reason", ""),
        made=_number(request, "made") or 0,
        head=_number(request, "head") or 0,
        digest=_text(request, "digest"),
    )


def signed_as(asked: Asked, version: Version) -> dict[str, Any]:
    """Return what is answered to who has signed."""
    return {
        "id": asked.consignment,
        "version": version.number,
        "digest": version.digest,
        "decision": msgspec.to_builtins(version.decision),
    }


def _sent(version: Version, body: bytes) -> dict[str, Any]:
    return {
        "id": version.report.consignment.id,
        "version": version.number,
        "digest": version.digest,
        "decision": msgspec.to_builtins(version.decision),
        "report": body.decode(),
    }


def _text(request: Mapping[str, Any], what: str, otherwise: str | None = None) -> str:
    text = request.get(what)
    if text is None and otherwise is not None:
        return otherwise
    if not isinstance(text, str):
        raise ControlError(f"{what} is missing, or no text", f"Send {what} as text")
    return text


def _number(request: Mapping[str, Any], what: str) -> int | None:
    number = request.get(what)
    whole = isinstance(number, int) and not isinstance(number, bool)
    if number is not None and not (whole and abs(number) < LARGEST):
        raise ControlError(f"{what} is no whole number", f"Send {what} as a whole number")
    return number
