"""Numbers about the gateway's process, files, certificates and heartbeats, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily, InfoMetricFamily

from gateway.web.api.metric import Metric, Status, alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric as Family


def _of_backup(status: Status, key: str) -> dict[str, float]:
    """Return a time of the backup's in seconds; nothing where none are to be made."""
    return {"": (status["backup"][key] or 0) / 1000} if status["backup"] else {}


OWN_METRICS: tuple[Metric, ...] = (
    alone(
        "well",
        "1 while the gateway truly works: what its heartbeats say",
        lambda s: s["unwell"] is None,
    ),
    Metric(
        "heartbeat_up",
        "1 while a service hears that the gateway is well",
        "service",
        lambda s: {one["name"]: one["well"] for one in s["heartbeats"]},
    ),
    Metric(
        "heartbeat_seconds",
        "When it last heard so (Unix time); 0: never since the start",
        "service",
        lambda s: {one["name"]: (one["last"] or 0) / 1000 for one in s["heartbeats"]},
    ),
    Metric(
        "certificate_ends_seconds",
        "When a certificate ends (Unix time)",
        "certificate",
        lambda s: {name: ends / 1000 for name, ends in s["certificates"].items()},
    ),
    Metric(
        "backup_seconds",
        "When the last backup was made (Unix time); 0: none yet",
        "",
        lambda s: _of_backup(s, "last"),
    ),
    Metric(
        "backup_due_seconds",
        "When the next backup is due (Unix time)",
        "",
        lambda s: _of_backup(s, "next"),
    ),
    Metric(
        "backup_ok",
        "1 unless the last attempt failed",
        "",
        lambda s: {"": s["backup"]["problem"] is None} if s["backup"] else {},
    ),
    Metric(
        "wal_bytes",
        "What was written to a file and lies in its WAL",
        "file",
        lambda s: s["wal"],
    ),
    Metric(
        "problems",
        "Open alerts about the gateway itself",
        "severity",
        lambda s: {
            severity: sum(one["severity"] == severity for one in s["problems"])
            for severity in ("critical", "warning", "info")
        },
    ),
    Metric(
        "disk_full_in_seconds",
        "In how long nothing more is received, if it goes on as lately; nothing if never",
        "",
        lambda s: {} if s["disk"]["full_in"] is None else {"": s["disk"]["full_in"] / 1000},
    ),
    alone("disk_total_bytes", "The size of the disk", lambda s: s["disk"]["total"]),
    alone(
        "behind_seconds",
        "For how long the oldest reading that is not judged has waited",
        lambda s: s["process"]["behind"],
    ),
    alone(
        "loop_lag_seconds",
        "By how much the gateway's loop was late at most, in the last minute",
        lambda s: s["process"]["loop_lag"],
    ),
    alone(
        "process_cpu_seconds_total",
        "Processor time of the gateway's process",
        lambda s: s["process"]["cpu_seconds"],
    ),
    alone("process_resident_memory_bytes", "Its memory", lambda s: s["process"]["memory"]),
    alone(
        "process_open_fds",
        "Files and connections that it holds open",
        lambda s: s["process"]["open_files"],
    ),
    alone("process_max_fds", "How many it may", lambda s: s["process"]["open_files_most"]),
)


def shaped(status: Status) -> Iterator[Family]:
    """Yield what is no plain number: which version this is, and how long commits took."""
    build = InfoMetricFamily("holdwatch_build", "Which Holdwatch this is")
    build.add_metric([], {"version": status["version"]})
    yield build
    commits = HistogramMetricFamily(
        "holdwatch_commit_seconds", "Seconds until the disk had a commit", labels=["file"]
    )
    for name, one in status["commits"].items():
        steps, sum_so_far = [], 0
        for bound, count in zip([*map(str, one["bounds"]), "+Inf"], one["counts"], strict=True):
            sum_so_far += count
            steps.append((bound, sum_so_far))
        commits.add_metric([name], steps, one["seconds"])
    yield commits
