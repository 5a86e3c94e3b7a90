"""Through our own listener: speed against Mosquitto, PUBACK, memory of a connection."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.benchmarks.measures.front import against_broker, puback, publisher_alone
from scripts.benchmarks.measures.idle import by_tcp, by_tls
from scripts.benchmarks.measures.program import Measurements, run

MEASUREMENTS: Measurements = (
    (("publisher_rate",), publisher_alone),
    (
        (
            *("listener_ratio", "listener_ratio_4", "listener_ratio_500"),
            *("listener_rate_4", "mosquitto_rate_4", "listener_rate_500", "mosquitto_rate_500"),
        ),
        against_broker,
    ),
    (("sync_ms", "puback_p50_ms", "puback_p99_ms"), puback),
    (("kb_per_connection",), by_tls),
    (("kb_per_connection_plain",), by_tcp),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("listener", "four", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
