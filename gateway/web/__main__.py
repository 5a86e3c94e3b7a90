"""Starts the page's process: `gateway/page.py` does, and tells it what to serve."""

from __future__ import annotations

import asyncio
import pickle
import sys

from gateway.logs import configure
from gateway.machine import tune
from gateway.page import LENGTH, Start
from gateway.web.serve import serve


def main() -> None:
    """Read what to serve from standard input, and serve it until that ends."""
    pipe = sys.stdin.buffer
    (length,) = LENGTH.unpack(pipe.read(LENGTH.size))
    start: Start = pickle.loads(pipe.read(length))  # noqa: S301 - from the gateway that made us
    configure(sys.stderr, start.settings)
    tune()
    asyncio.run(serve(start))


if __name__ == "__main__":
    main()
