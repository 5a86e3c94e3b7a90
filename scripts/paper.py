"""What the pictures of the documentation are drawn on, so that they look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER, INK, FAINT, GRID = "#fcfbf8", "#2b2f36", "#7d828c", "#e4e2dc"
WIDTH = 8.0
"""Inches."""


def paper(height: float, salt: str) -> Figure:
    """Return an empty picture, `height` in inches; `salt` makes the names in an SVG its own."""
    mpl.rcParams.update(
        {"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "svg.hashsalt": salt}
    )
    figure = plt.figure(figsize=(WIDTH, height), dpi=100)
    figure.patch.set_alpha(0)
    # A card, so that it reads as well on a dark page.
    card = FancyBboxPatch(
        (0.006, 0.008),
        0.988,
        0.984,
        boxstyle="round,pad=0,rounding_size=0.018",
        transform=figure.transFigure,
        facecolor=PAPER,
        edgecolor=GRID,
        mutation_aspect=WIDTH / height,
        zorder=-10,
    )
    figure.add_artist(card)
    return figure
