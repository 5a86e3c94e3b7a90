"""Draws two simulated reefer containers that lose their power, beside the handbook's rule.

Both have run for two days at 30 °C outside; then the power is cut for good.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from simulators.assets import Assets  # noqa: E402 - found through the line above
from simulators.kinds import KINDS, Kind  # noqa: E402

try:
    from matplotlib import pyplot as plt

    from scripts.paper import FAINT, GRID, INK, paper
except ModuleNotFoundError:
    sys.exit("This draws with matplotlib. Install it with: .venv/bin/pip install matplotlib")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from simulators.moist_air import Array

TARGET = ROOT / "docs" / "img" / "dead-reefer.svg"
STEP, HOUR, DAY = 10, 3_600, 86_400
"""Seconds."""
OUTSIDE, HUMIDITY = 30.0, 70.0
BEFORE, AFTER = 2, 14
"""Days with power, and without."""
FIRST = 5 * 60
"""Seconds between the points that are drawn while there is power; then hours."""
GOODS, AIR = "#2f6fb0", "#d9603b"
MINUS = "\N{MINUS SIGN}"


class Curves(NamedTuple):
    """What was seen of both containers: times in days from the cut; °C by time and container."""

    days: Array
    air: Array
    goods: Array


def main(arguments: Sequence[str]) -> int:
    """Draw to the file named, or to docs/img."""
    target = Path(arguments[0]) if arguments else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in KINDS if kind.name in {"reefer", "reefer-frozen"}]
    draw(simulated(kinds), kinds, target)
    print(target)
    return 0


def simulated(kinds: Sequence[Kind]) -> Curves:
    """Let the two weeks pass, in half a minute."""
    start = np.array([2.0, -18.0])
    assets = Assets(kinds, start, start)
    outside, humidity = np.full(2, OUTSIDE), np.full(2, HUMIDITY)
    days, air, goods = [], [], []
    for second in range(-BEFORE * DAY, AFTER * DAY + 1, STEP):
        if second == 0:
            assets.powered[:] = False
        if second >= -DAY and second % (FIRST if second < 0 else HOUR) == 0:
            days.append(second / DAY)
            air.append(assets.return_air)
            goods.append(assets.cargo)
        assets.step(STEP, outside, humidity, np.zeros(2))
    return Curves(np.array(days), np.array(air), np.array(goods))


def rule(kind: Kind, began: float, days: Array) -> Array:
    """Return °C of the goods by the Container Handbook's rule of thumb (GDV 8.4.3.1.1)."""
    capacity = kind.mass * kind.goods.thawed
    heated: Array = OUTSIDE + (began - OUTSIDE) * np.exp(-kind.ua * days * DAY / capacity)
    return heated


def draw(curves: Curves, kinds: Sequence[Kind], target: Path) -> None:
    """Draw fruit above meat, over the same days."""
    figure = paper(5.4, "hold")
    grid = figure.add_gridspec(
        2, 1, left=0.09, right=0.86, top=0.785, bottom=0.10, hspace=0.34, height_ratios=(1, 1)
    )
    fruit = figure.add_subplot(grid[0])
    meat = figure.add_subplot(grid[1], sharex=fruit)
    for number, axes in enumerate((fruit, meat)):
        plain(axes)
        axes.plot(curves.days, curves.air[:, number], color=AIR, linewidth=1)
        axes.plot(curves.days, curves.goods[:, number], color=GOODS, linewidth=1.8)
        axes.annotate("air", end(curves.days, curves.air[:, number]), color=AIR, **BESIDE)
        axes.annotate("goods", end(curves.days, curves.goods[:, number]), color=GOODS, **BESIDE)
    dark = curves.days >= 0
    began = float(curves.goods[dark][0, 0])
    by_rule = rule(kinds[0], began, curves.days[dark])
    fruit.plot(curves.days[dark], by_rule, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    freezing = kinds[1].goods.freezing
    meat.axhline(freezing, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    meat.annotate("freezing begins here", (3.6, freezing), color=FAINT, **ABOVE)
    name(fruit, "20 t of fruit, kept at 2 °C", (0, 5, 10, 15))
    name(meat, "20 t of meat, kept at \N{MINUS SIGN}18 °C", (-20, -15, -10, -5, 0))
    fruit.tick_params(labelbottom=False)
    meat.set_xlim(-1, AFTER)
    meat.set_xticks([-1, 0, *range(2, AFTER + 1, 2)])
    meat.set_xticklabels(
        ["", "power cut", *(f"{day} days" for day in range(2, AFTER + 1, 2))], color=FAINT
    )
    figure.text(0.035, 0.935, "Two reefer containers without power", fontsize=14, weight="bold")
    figure.text(
        0.035,
        0.912,
        "Simulated, at 30 °C outside; what stands out before the cut are defrosts. Dashed: the\n"
        "Container Handbook's rule, which lets all heat in at once. Meat slows down as ice melts.",
        color=FAINT,
        va="top",
        linespacing=1.5,
    )
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)
    plt.close(figure)


BESIDE: dict[str, Any] = {
    "xytext": (6, 0),
    "textcoords": "offset points",
    "va": "center",
    "weight": "bold",
}
ABOVE: dict[str, Any] = {"xytext": (0, 5), "textcoords": "offset points", "ha": "right"}


def end(days: Array, values: Array) -> tuple[float, float]:
    """Return where a curve ends."""
    return float(days[-1]), float(values[-1])


def plain(axes: Axes) -> None:
    """Leave out all that is not data, but for the moment of the cut."""
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelcolor=FAINT)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.axvline(0, color=INK, linewidth=0.8)


def name(axes: Axes, title: str, ticks: Sequence[int]) -> None:
    """Name a panel and its degrees."""
    axes.set_title(title, loc="left", fontsize=9, weight="bold")
    axes.set_yticks(ticks, [f"{MINUS if tick < 0 else ''}{abs(tick)} °C" for tick in ticks])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
