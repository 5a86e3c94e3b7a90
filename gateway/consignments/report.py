"""A report on a consignment: all that its verdict rests on, as plain data, and its digest.

The digest is the SHA-256 of the report as canonical JSON: keys in order, no white space, UTF-8. A
person's decision names it, and so holds for this content and no other. What is stored is this
JSON; the PDF is made of it alone. Times are ms since 1970, UTC.

Reports are kept for years: a field that is added needs a default, none is taken away or renamed.
"""

from __future__ import annotations

import hashlib
from typing import Any, get_args

import msgspec

from devices.reading import DeviceKey
from gateway.consignments.facts import Meaning
from gateway.people.acts import Act
from rules.alert import Alert
from rules.cargo.consignment import Consignment
from rules.cargo.verdict import Verdict

MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
WORDS: dict[Meaning, str] = {
    "released": "released",
    "rejected": "rejected",
    "held": "held for review",
}
"""What a signature means, in words."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person signed: `name` as it is printed, `login` as the gateway knows the person."""

    meaning: Meaning
    name: str
    login: str
    at: int
    reason: str
    digest: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was stated: `at` is since when it holds, `entered` when it was recorded.

    `late` says that it was entered after its time, `withdrawn` that it does not hold any more.
    """

    number: int
    kind: str
    at: int
    entered: int
    who: str
    reason: str
    fact: dict[str, Any]
    late: bool
    withdrawn: bool = False


class Alerted(msgspec.Struct, frozen=True):
    """An alert of the consignment, and what people did about it, oldest first."""

    alert: Alert
    acts: tuple[Act, ...]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration of a sensor that held for some of the voyage."""

    channel: str
    since: int
    certificate: str
    expires: int | None
    offset: float
    good: bool


class Interval(msgspec.Struct, frozen=True):
    """How often a sensor is taken to send, and since when of the voyage: ms."""

    since: int
    length: int


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor, and the readings of it that count.

    `digest` is the SHA-256 over a line `at identity` for each of them, in order: whoever has the
    readings can tell whether these are the ones.
    """

    key: DeviceKey
    name: str
    model: str
    where: str
    calibrations: tuple[Certificate, ...]
    readings: int
    first: int | None
    last: int | None
    digest: str
    intervals: tuple[Interval, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one sensor said of a channel: no extreme is lost, None is where nobody knows."""

    sensor: DeviceKey
    times: tuple[int, ...]
    values: tuple[float | None, ...]
    thinned: bool


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One channel over the voyage. In `unknown`, from and until, no sensor spoke."""

    channel: str
    unit: str
    lines: tuple[Line, ...]
    unknown: tuple[tuple[int, int], ...]


class RuleText(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the profile as people read it."""

    name: str
    version: str
    severity: str
    limit: str
    counts: str
    note: str


class Earlier(msgspec.Struct, frozen=True):
    """A report that was signed before this one was made."""

    version: int
    decision: Decision


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """Readings of a sensor that count and came after a report was made.

    They are of `first` to `last`, and were received from `received` until `until`, ms.
    """

    sensor: DeviceKey
    readings: int
    imported: int
    """How many of them are from a logger's file."""
    first: int
    last: int
    received: int
    until: int


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """What is new since the version that was signed last, and what that one said.

    `verdict` is None where that version cannot be read any more. `facts` are numbers.
    """

    version: int
    made: int
    verdict: Verdict | None
    sensors: tuple[Sensor, ...]
    came: tuple[Came, ...]
    facts: tuple[int, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a consignment that its verdict rests on. `profile` is whole, as its file has it.

    It was made at `made` of all that had arrived up to the journal's position `head`, by `software`
    on the gateway `box`; times in it are told in the time zone `zone`.
    """

    form: int = 1
    consignment: Consignment
    profile: dict[str, Any]
    rules: tuple[RuleText, ...]
    verdict: Verdict
    facts: tuple[Said, ...]
    alerts: tuple[Alerted, ...]
    sensors: tuple[Sensor, ...]
    charts: tuple[Chart, ...]
    earlier: tuple[Earlier, ...]
    since: Since | None = None
    made: int
    head: int
    software: str
    box: str
    zone: str

    def canonical(self) -> bytes:
        """Return it as canonical JSON."""
        return canonical(self)

    def digest(self) -> str:
        """Return the SHA-256 of its canonical JSON, as 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A report with its decision: number 1 and on. Number 0 is a draft, which nobody signed."""

    number: int
    report: Report
    digest: str
    decision: Decision | None = None

    @property
    def substance(self) -> str:
        """The digest of what its verdict says, whenever it was made: see `substance`."""
        return substance(self.report.verdict)


def canonical(content: object) -> bytes:
    """Return plain data as canonical JSON: keys in order, no white space, UTF-8."""
    return msgspec.json.encode(content, order="sorted")


def short(digest: str) -> str:
    """Return the beginning of a digest as people can compare it: 9f2c 41d0 77ab 3e10."""
    return " ".join(digest[place : place + 4] for place in range(0, 16, 4))


def standing(consignment: Consignment) -> str:
    """Return in words how a consignment stands: "released, under review"."""
    words = consignment.stage.replace("_", " ")
    if consignment.stage != "under_review":
        return words
    decided = [one.stage for one in consignment.stages if one.stage in {"released", "rejected"}]
    return f"{decided[-1]}, {words}" if decided else words


def substance(verdict: Verdict) -> str:
    """Return a digest of what a verdict says, without how it says it: same figures, same digest.

    Words may change, as when somebody makes a note about an alert: figures, excursions, whose they
    are and the proposal may not, without that a decision has to be looked at again.
    """
    # As it would be read back, where 0 h that somebody has added up is 0.0.
    plain = msgspec.to_builtins(msgspec.json.decode(canonical(verdict), type=Verdict))
    for words in ("reasons", "head", "complete", "version", "until"):
        plain.pop(words, None)
    for one in plain["excursions"]:
        for words in ("explanation", "alerts", "place"):
            one.pop(words, None)
    return hashlib.sha256(canonical(_rounded(plain))).hexdigest()


def _rounded(plain: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return plain data with numbers as exact as any sensor is."""
    if isinstance(plain, float):
        return round(plain, 6)
    if isinstance(plain, dict):
        return {key: _rounded(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_rounded(one) for one in plain]
    return plain
