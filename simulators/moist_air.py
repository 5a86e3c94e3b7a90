"""What air weighs, and the water it can hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PRESSURE = 101_325.0
"""Pa: sea level. Weather and height change it by a few percent, which nothing here notices."""
HEAT = 1_006.0
"""J/(kg K) of dry air."""
DENSITY = 1.27
"""kg/m³ at 5 °C, for the air inside: a constant, so that its heat is one number."""
VAPORISING = 2.50e6
"""J/kg that water takes when it evaporates at 0 °C."""
FUSION = 0.334e6
"""J/kg that ice takes when it melts."""


def density(temperature: Array) -> Array:
    """Return kg/m³ of dry air at °C."""
    return 353.05 / (temperature + 273.15)


def saturated(temperature: Array) -> Array:
    """Return the kg of vapour that 1 kg of dry air holds at most, at °C.

    Magnus' formula as fitted by Alduchov and Eskridge (1996), over water, -40 to 50 °C.
    """
    pressure = 610.94 * np.exp(17.625 * temperature / (temperature + 243.04))
    ratio: Array = 0.622 * pressure / (PRESSURE - pressure)
    return ratio


def vapour(temperature: Array, humidity: Array) -> Array:
    """Return kg of vapour per kg of dry air, at °C and %RH."""
    return saturated(temperature) * humidity / 100


def relative(temperature: Array, ratio: Array) -> Array:
    """Return %RH of air with so many kg of vapour per kg."""
    return np.minimum(100.0, 100 * ratio / saturated(temperature))
