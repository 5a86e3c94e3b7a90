"""The catalogue: devices whose own bytes are understood here. Each family is one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.model import plain_name
from devices.models import decentlab, digital_matter, dragino, elsys, laird, milesight, ruuvi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.model import Model

CATALOGUE: tuple[Model, ...] = (
    *decentlab.MODELS,
    *digital_matter.MODELS,
    *dragino.MODELS,
    *elsys.MODELS,
    *laird.MODELS,
    *milesight.MODELS,
    *ruuvi.MODELS,
)
"""Every model, by family."""


def by_name(models: Iterable[Model] = CATALOGUE) -> dict[str, Model]:
    """Return the models by every plain name that they are known as.

    Raises ValueError where two would answer to one name: nobody could tell which of them is meant.
    """
    found: dict[str, Model] = {}
    for model in models:
        names = {model.id, f"{model.maker} {model.name}", model.name, *model.known_as}
        for name in {plain_name(one) for one in names}:
            other = found.setdefault(name, model)
            if other is not model:
                raise ValueError(f"{model.id} and {other.id} are both known as {name}")
    return found
