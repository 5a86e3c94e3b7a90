"""/metrics, for Prometheus: how the gateway and its page stand, in numbers.

Every label has few values: what devices and strangers call themselves is none of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gateway.brokers import JOINED
from gateway.consignments.fold import settled
from gateway.web.api.access import check_sees_all
from gateway.web.api.attempts import Attempts
from gateway.web.api.metric import Metric, Status, alone
from gateway.web.api.own_metrics import OWN_METRICS, shaped
from gateway.web.now.rows import WORST
from gateway.web.visitor import Visitor, site_of, visitor_for
from rules.cargo.consignment import FOREVER, STAGES, consignment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric as Family
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.consignments.book import Book
    from gateway.web.now.open_alerts import Open
    from gateway.web.site import Site

router = APIRouter()

MOST = 50
"""Values of a label; all others together are `other`."""
SEVERITIES = ("critical", "warning", "info")
PARTS = ("api", "static", "events", "metrics")
"""Of our addresses; everything else is a page."""


def _by_severity(alerts: Iterable[Open]) -> dict[str, float]:
    counts = Counter(one.alert.severity for one in alerts)
    return {severity: counts[severity] for severity in SEVERITIES}


def _by_stage(book: Book) -> dict[str, float]:
    """Count consignments by stage; what was split or merged whole is counted in its parts."""
    book.look()
    lines = {one.id: book.line(one.id) for one in book.all() if one.parts}
    over = {identity for identity, line in lines.items() if line and settled(line)[1] != FOREVER}
    counts = Counter(one.stage for one in book.all() if one.id not in over)
    return {stage: counts[stage] for stage in STAGES}


def _servers(key: str) -> Callable[[Status], Mapping[str, float]]:
    return lambda status: {name: one[key] for name, one in status["influxdb"].items()}


def _ways(key: str) -> Callable[[Status], Mapping[str, float]]:
    return lambda status: {one["name"]: one[key] for one in status["ways"]}


def _listener(status: Status) -> Mapping[str, Any]:
    return status["listener"] or {"connected": 0, "accepted": 0, "refused": {}}


def _channels(read: Callable[[Status], float]) -> Callable[[Status], Mapping[str, float]]:
    return lambda status: {one["name"]: read(one) for one in status["channels"]}


METRICS: tuple[Metric, ...] = (
    alone(
        "started_seconds", "When the gateway was started (Unix time)", lambda s: s["started"] / 1000
    ),
    alone("devices", "Devices that were ever heard", lambda s: s["devices"]),
    alone("messages_total", "Messages taken in since the start", lambda s: s["received"]),
    alone("duplicates_total", "Readings that were stored already", lambda s: s["duplicates"]),
    Metric(
        "quarantine_messages", "Messages in the quarantine", "reason", lambda s: s["quarantine"]
    ),
    alone("disk_free_bytes", "Room left on the disk", lambda s: s["disk"]["free"]),
    alone("disk_ok", "1 unless a write failed", lambda s: s["disk"]["problem"] is None),
    Metric(
        "file_bytes",
        "Bytes in use in each file",
        "file",
        lambda s: {name: s["disk"][name] for name in ("journal", "history", "state")},
    ),
    Metric(
        "waiting", "Records that a follower has yet to handle", "follower", lambda s: s["waiting"]
    ),
    Metric(
        "dead_letters",
        "Records that can never be delivered",
        "follower",
        lambda s: s["dead_letters"],
    ),
    alone(
        "clock_trusted", "1 while the gateway's clock can be trusted", lambda s: s["clock_trusted"]
    ),
    alone("wrong_clocks", "Devices whose clock is wrong", lambda s: len(s["wrong_clocks"])),
    Metric(
        "broker_connected",
        "1 while a broker is joined",
        "broker",
        lambda s: {name: one["state"] in JOINED for name, one in s["brokers"].items()},
    ),
    Metric("way_up", "1 while a poll, Modbus or Bluetooth goes well", "way", _ways("well")),
    Metric("way_readings_total", "Readings it brought since the start", "way", _ways("readings")),
    Metric(
        "way_rejected_total",
        "Messages it brought that went to the quarantine",
        "way",
        _ways("rejected"),
    ),
    alone(
        "codecs_waiting",
        "Messages that wait for a vendor's codec",
        lambda s: s["codecs"]["waiting"],
    ),
    alone(
        "codecs_ok",
        "1 unless something is wrong with a codec",
        lambda s: s["codecs"]["problem"] is None,
    ),
    Metric("influxdb_up", "1 while an InfluxDB takes what is sent", "server", _servers("well")),
    Metric(
        "influxdb_written_total", "Points it took since the start", "server", _servers("written")
    ),
    Metric("influxdb_waiting", "Readings it has yet to get", "server", _servers("waiting")),
    Metric(
        "influxdb_missed_days",
        "Days it will get from the history",
        "server",
        _servers("missed_days"),
    ),
    Metric(
        "influxdb_rejected", "Points it refused, which lie aside", "server", _servers("rejected")
    ),
    Metric(
        "influxdb_expired_total",
        "Points older than what it keeps, since the start",
        "server",
        _servers("expired"),
    ),
    Metric(
        "channel_up",
        "1 while messages go out by a channel, as far as is known",
        "channel",
        _channels(lambda one: one["failing"] is None),
    ),
    Metric(
        "channel_test_seconds",
        "When a test by it last succeeded (Unix time); 0: never",
        "channel",
        _channels(lambda one: (one["test"] or 0) / 1000),
    ),
    Metric(
        "messages_waiting",
        "Messages that it has yet to send",
        "channel",
        _channels(lambda one: one["waiting"]),
    ),
    alone("clients", "Clients connected to the listener", lambda s: _listener(s)["connected"]),
    alone("clients_total", "Clients let in by the listener", lambda s: _listener(s)["accepted"]),
    Metric(
        "clients_refused_total",
        "Clients turned away by the listener",
        "reason",
        lambda s: _listener(s)["refused"],
    ),
    *OWN_METRICS,
)
"""Of the gateway, while it answers."""


class Counts:
    """The requests that were answered: how many, with what, and in how long all together."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        """By part and status class."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """By part; event streams last, and have none."""
        self.attempts = Attempts()
        """To send messages to people."""


def counts_of(request: Request) -> Counts:
    """Return what was counted of the application that a request came to."""
    counts: Counts = request.app.state.counts
    return counts


class Counted:
    """Counts every answer."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
        part = first if first in PARTS else "page"
        clock = asyncio.get_running_loop().time
        begin = clock()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.requests[part, f"{message['status'] // 100}xx"] += 1
                if part != "events":
                    self._counts.seconds[part] += clock() - begin
            await send(message)

        await self._app(scope, receive, counted)


class _Standing(Collector):
    """All numbers at one time."""

    def __init__(self, site: Site, status: Status | None, counts: Counts) -> None:
        self._site = site
        self._status = status
        self._counts = counts

    def collect(self) -> Iterator[Family]:
        """Yield the numbers."""
        yield _family(
            "up", "1 while the gateway answers its page", "", {"": self._status is not None}
        )
        for one in METRICS if self._status is not None else ():
            yield _family(one.name, one.meaning, one.label, _few(one.read(self._status or {})))
        if self._status is not None:
            yield from shaped(self._status)
        alerts = self._site.standing.open_alerts()
        unheld = [one for one in alerts if not one.facts.holder]
        yield _family("alerts", "Open alerts", "severity", _by_severity(alerts))
        yield _family(
            "alerts_unheld", "Open alerts that nobody has", "severity", _by_severity(unheld)
        )
        freight = [one for one in alerts if consignment_of(one.alert.device) is not None]
        yield _family(
            "consignment_alerts",
            "Open alerts about consignments",
            "severity",
            _by_severity(freight),
        )
        stages = "Consignments by stage, but for those that are wholly in others"
        yield _family("consignments", stages, "stage", _by_stage(self._site.book))
        rows = self._site.standing.rows()
        states = Counter(one.state for one in rows)
        counts: dict[str, float] = {state: states[state] for state in WORST}
        yield _family("devices_by_state", "Devices, by the worst a rule says", "state", counts)
        newest = max((one.received or 0 for one in rows), default=0)
        yield _family("heard_seconds", "When the newest reading came", "", {"": newest / 1000})
        attempts = self._counts.attempts
        sent, failed = "Messages that were sent", "Attempts to send that failed"
        yield _family("messages_sent_total", sent, "channel", _few(attempts.sent))
        yield _family("messages_failed_total", failed, "channel", _few(attempts.failed))
        requests = CounterMetricFamily(
            "holdwatch_http_requests", "Requests answered by the page", labels=("part", "status")
        )
        for labels, count in self._counts.requests.items():
            requests.add_metric(labels, count)
        yield requests
        seconds = "Seconds until answers began"
        yield _family("http_seconds_total", seconds, "part", self._counts.seconds)


def _family(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Family:
    labels = [label] if label else []
    family: CounterMetricFamily | GaugeMetricFamily
    if name.endswith("_total"):
        family = CounterMetricFamily(f"holdwatch_{name}", meaning, labels=labels)
    else:
        family = GaugeMetricFamily(f"holdwatch_{name}", meaning, labels=labels)
    for value, number in values.items():
        family.add_metric([value] if label else [], float(number))
    return family


def _few(values: Mapping[str, float]) -> dict[str, float]:
    """Return at most MOST values: the largest, and all others together."""
    ranked = sorted(values.items(), key=lambda one: (-one[1], one[0]))
    rest = sum(number for _, number in ranked[MOST - 1 :])
    if len(ranked) <= MOST:
        return dict(ranked)
    return {**dict(ranked[: MOST - 1]), "other": rest}


@router.get("/metrics")
async def metrics(
    request: Request, visitor: Annotated[Visitor, Depends(visitor_for("viewer", "metrics"))]
) -> Response:
    """Answer Prometheus. People who are logged in may look too."""
    check_sees_all(visitor)
    site = site_of(request)
    counts = counts_of(request)
    await site.archive.ask(counts.attempts.look)
    registry = CollectorRegistry()
    registry.register(_Standing(site, await site.health(), counts))
    ProcessCollector(namespace="holdwatch_page", registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
