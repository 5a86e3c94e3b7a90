"""Devices: what it costs to make readings of what they send, against one json.loads of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.benchmarks.measures.decoding import codec_js, native, plain_json
from scripts.benchmarks.measures.program import Measurements, run

MEASUREMENTS: Measurements = (
    (("json_cost", "json_us", "json_parse_us"), plain_json),
    (("native_cost", "native_us", "native_parse_us"), native),
    (("codec_js_cost", "codec_js_us", "codec_js_parse_us"), codec_js),
)


def main(given: Sequence[str]) -> None:
    """Measure, show, and write what was asked for."""
    run("devices", "half a", MEASUREMENTS, given)


if __name__ == "__main__":
    main(sys.argv[1:])
