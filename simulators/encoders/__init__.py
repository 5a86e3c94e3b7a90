"""Encoders: what devices of the catalogue send. Each family is one file.

Nothing here imports `devices.models`: what reads and what writes know nothing of each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.encoders import decentlab, digital_matter, dragino, elsys, laird, milesight, ruuvi

if TYPE_CHECKING:
    from simulators.encoders.encoder import Encoder

ENCODERS: tuple[Encoder, ...] = (
    *decentlab.ENCODERS,
    *digital_matter.ENCODERS,
    *dragino.ENCODERS,
    *elsys.ENCODERS,
    *laird.ENCODERS,
    *milesight.ENCODERS,
    *ruuvi.ENCODERS,
)
"""Every encoder, by family."""
