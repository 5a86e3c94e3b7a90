"""Why a port cannot be listened on, in words."""

from __future__ import annotations

import errno
import os


class ListenError(Exception):
    """A port cannot be listened on: which, why, and what to do."""


def cannot_listen(address: str, section: str, error: OSError) -> ListenError:
    """Return what to raise. `section` is where in the settings host and port stand."""
    match error.errno:
        case errno.EADDRINUSE:
            cure = (
                "Another program listens there, such as a broker or another Holdwatch. Stop it, "
                f"or set another port in {section}"
            )
        case errno.EADDRNOTAVAIL:
            cure = "That is no address of this machine, or its network is not up yet. Correct host"
        case errno.EACCES:
            cure = f"Ports below 1024 are for root. Set another port in {section}"
        case _:
            cure = f"Correct host and port in {section}"
    return ListenError(f"Cannot listen on {address}: {os.strerror(error.errno or 0)}. {cure}")
