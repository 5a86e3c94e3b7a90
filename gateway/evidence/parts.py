"""What an export of a consignment's evidence has in it: parts, each made anew from the files.

The same files make the same bytes, so that an export is verified by making its parts again.
"""

from __future__ import annotations

import base64
import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from devices.reading import UNUSABLE_SHIFT
from gateway.consignments.report import Decision, Report, Version
from gateway.consignments.report_pdf.document import make_pdf
from gateway.people.acts import acts_of
from gateway.people.audit import of_object
from gateway.registry.table import shown
from rules.cargo.consignment import FOREVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devices.reading import DeviceKey, Reading
    from gateway.evidence.messages import Message
    from gateway.evidence.sources import Sources
    from gateway.history.held import Held
    from rules.cargo.consignment import Consignment

READINGS, MESSAGES, PICTURE = "readings.csv", "messages.jsonl", ".pdf"
COLUMNS = (
    *("sensor", "time", "when_ms", "measured_at_ms", "received_at_ms", "identity", "flags"),
    *("source", "channel", "raw", "corrected", "usable", "counts"),
)
MOST = 1 << 62


class Part(NamedTuple):
    """A file of the export: its name, and its bytes piece by piece."""

    name: str
    pieces: Iterator[bytes]


class Contents:
    """What is exported of one consignment."""

    def __init__(
        self,
        sources: Sources,
        consignment: Consignment,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        """`progress` is told how many days of sensors are done, of how many."""
        self._sources = sources
        self._consignment = consignment
        self._progress = progress
        self.kept: Held = sources.kept(consignment)
        self.sensors: list[DeviceKey] = sorted(self.kept.devices)
        self.readings = 0
        """How many readings were written so far; messages, the same."""
        self.messages = 0
        self.facts = self._facts()

    def parts(self, *, pictured: bool = True) -> Iterator[Part]:
        """Yield each part; take its pieces before the next.

        Without `pictured` the PDFs are left out: they are made of the reports, as each version of
        the software makes them.
        """
        sources, one = self._sources, self._consignment
        yield Part(READINGS, self._readings())
        yield Part(MESSAGES, self._messages())
        yield _json("consignment.json", one)
        yield _json("facts.json", self.facts)
        yield _json("profiles.json", self._profiles())
        yield _json("rules.json", self.rules())
        yield _json("sensors.json", self._of_sensors())
        yield _json("alerts.json", self._alerts())
        yield _json("audit.json", of_object(sources.state, one.id, "consignment", MOST, MOST))
        yield from self._reports(pictured=pictured)

    # -- what was measured -------------------------------------------------------------------

    def _readings(self) -> Iterator[bytes]:
        yield _rows([COLUMNS])
        done, days = 0, sum(len(self._sources.days(self.kept, one)) for one in self.sensors)
        for sensor in self.sensors:
            for readings in self._sources.readings(self.kept, sensor):
                corrected = self._sources.registry.corrections.apply(readings)
                pairs = zip(readings, corrected, strict=True)
                yield _rows(row for raw, now in pairs for row in self._row(raw, now))
                self.readings += len(readings)
                done += 1
                self._progress(done, days)

    def _row(self, raw: Reading, corrected: Reading) -> Iterator[tuple[object, ...]]:
        head = (
            shown(str(raw.device)),
            _time(raw.when),
            *(raw.when, raw.at, raw.received, raw.identity, raw.flags),
            shown(raw.source),
        )
        counts = self._counts(raw)
        for index, channel in enumerate(raw.layout.channels):
            usable = not corrected.flags >> (UNUSABLE_SHIFT + index) & 1
            values = repr(raw.values[index]), repr(corrected.values[index])
            yield *head, shown(channel), *values, "yes" if usable else "no", counts

    def _counts(self, one: Reading) -> str:
        """Say whether a reading counts for the verdict."""
        found = "no"
        for each in self._consignment.assignments:
            until = FOREVER if each.until is None else each.until
            if each.sensor == one.device and each.since <= one.when < until:
                if one.when >= each.ignore_until:
                    return "yes"
                found = "start-up"
        return found

    def _messages(self) -> Iterator[bytes]:
        for sensor in self.sensors:
            for one in self._sources.messages(self.kept, sensor):
                self.messages += 1
                yield msgspec.json.encode(_message(one)) + b"\n"

    # -- what was stated, and what came of it --------------------------------------------------

    def _facts(self) -> list[dict[str, Any]]:
        own = self._sources.book.facts(self._consignment.id)
        inherited = self._sources.holding.inherited(self._consignment)
        return [
            {**each._asdict(), "kind": each.fact.kind, "own": each in own}
            for each in sorted([*inherited, *own])
        ]

    def _profiles(self) -> dict[str, Any]:
        versions = {self._consignment.version} | {
            version
            for one in self.facts
            if isinstance(version := getattr(one["fact"], "version", None), str)
        }
        found = ((one, self._sources.goods.version(one)) for one in sorted(versions))
        return {name: profile.settings() for name, profile in found if profile is not None}

    def rules(self) -> list[dict[str, Any]]:
        """Return the versions of the sensors' own rules that were in force meanwhile."""
        spans = [span for one in self.sensors for span in self.kept.spans(one)]
        first = min((begin for begin, _ in spans), default=0)
        last = max((end for _, end in spans), default=0)
        return [
            {"name": one.name, "version": one.version, "since": one.since, "settings": one.settings}
            for one in self._sources.state.rule_versions()
            if one.since < last and (one.until is None or one.until > first)
        ]

    def _of_sensors(self) -> list[dict[str, Any]]:
        registry = self._sources.registry
        return [
            {
                "sensor": str(one),
                "cards": [{"since": since, "card": card} for since, card in registry.cards(one)],
                "calibrations": registry.calibrations(one),
                "maintenances": registry.maintenances(one),
            }
            for one in self.sensors
        ]

    def _alerts(self) -> list[dict[str, Any]]:
        state = self._sources.state
        found = state.alerts_of(self._consignment.subject)
        for sensor in self.sensors:
            for alert in state.alerts_of(sensor):
                ended = FOREVER if alert.ended is None else alert.ended
                if self.kept.holds(sensor, alert.began, ended):
                    found.append(alert)
        return [
            {
                "alert": one,
                "events": [
                    {"number": each.number, "recorded": each.recorded, "event": each.event}
                    for each in state.events_of(one.id)
                ],
                "acts": acts_of(state, one.id),
            }
            for one in found
        ]

    def _reports(self, *, pictured: bool) -> Iterator[Part]:
        """Yield what was signed, as it is stored: its SHA-256 is what the decision names."""
        rows = self._sources.state.rows(
            "SELECT version, digest, body, decision FROM report "
            "WHERE owner = ? AND consignment = ? ORDER BY version",
            (self._consignment.owner, self._consignment.id),
        )
        for number, digest, body, decision in rows:
            yield Part(f"reports/{number}.json", iter([body]))
            if decision is not None:
                yield Part(f"reports/{number}.decision.json", iter([decision]))
            if pictured:
                yield Part(f"reports/{number}{PICTURE}", _picture(number, digest, body, decision))


def _picture(number: int, digest: str, body: bytes, decision: bytes | None) -> Iterator[bytes]:
    version = Version(
        number=number,
        report=msgspec.json.decode(body, type=Report),
        digest=digest,
        decision=None if decision is None else msgspec.json.decode(decision, type=Decision),
    )
    yield make_pdf(version)


def _json(name: str, content: Any) -> Part:  # noqa: ANN401 - whatever is plain data, or structs
    return Part(name, iter([msgspec.json.encode(content, order="deterministic") + b"\n"]))


def _message(one: Message) -> dict[str, Any]:
    return {
        "received": one.received,
        "topic": one.topic.decode(errors="backslashreplace"),
        "payload": base64.b64encode(one.payload).decode(),
        "flags": one.flags,
        "owner": one.owner,
        "source": one.source,
        "readings": [
            {"sensor": str(each.device), "measured_at": each.at, "identity": each.identity}
            for each in one.gave
        ],
    }


def _rows(rows: Any) -> bytes:  # noqa: ANN401 - rows of whatever a table takes
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _time(moment: int) -> str:
    time = datetime.fromtimestamp(moment / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
