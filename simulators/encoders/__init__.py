"""Encoders: what devices of the catalogue send. Each family is one file.

Nothing here imports `devices.models`: what reads and what writes know nothing of each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.encoders import dragino

if TYPE_CHECKING:
    from simulators.encoders.encoder import Encoder

ENCODERS: tuple[Encoder, ...] = (*dragino.ENCODERS,)
"""Every encoder, by family."""
