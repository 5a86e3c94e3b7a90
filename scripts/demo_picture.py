"""Takes a picture of the demo's board as it stands when both alerts have come: after a minute."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import TerminalTheme

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gateway.demo.board import Board, View  # noqa: E402
from gateway.demo.demo import Demo  # noqa: E402 - found through the line above
from gateway.logs import configure  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = ROOT / "docs" / "img" / "demo-board.svg"
WIDTH, HEIGHT = 96, 24
ALERTS = 2
"""So many come by themselves."""
DARK = TerminalTheme(
    (22, 24, 29),
    (222, 222, 218),
    [
        *((22, 24, 29), (224, 84, 70), (126, 190, 120), (235, 190, 80)),
        *((110, 160, 230), (200, 140, 220), (95, 190, 200), (222, 222, 218)),
    ],
)
"""Background, text, and the eight colours that a terminal has."""


def main(arguments: Sequence[str]) -> int:
    """Run the demo without a terminal, and draw its last board to the file named."""
    target = Path(arguments[0]) if arguments else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="holdwatch-demo-") as folder:
        draw(asyncio.run(last_view(Path(folder))), target)
    print(target)
    return 0


async def last_view(folder: Path) -> View:
    """Return what is seen once both alerts have come."""
    views: list[View] = []

    def look(view: View) -> None:
        views[:] = [view]
        if len(view.told) >= ALERTS:
            demo.stop()

    with (folder / "log").open("w", encoding="utf-8") as log:
        demo = Demo(folder, look, log)
        await demo.run()
    return views[0]


def draw(view: View, target: Path) -> None:
    """Draw the board as a terminal of WIDTH x HEIGHT shows it."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        height=HEIGHT,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(Board(view))
    svg = console.export_svg(title="scripts/demo", theme=DARK, unique_id="demo")
    # Whoever looks at it fetches no fonts from elsewhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "'DejaVu Sans Mono', Menlo, Consolas, monospace")
    target.write_text(svg.replace("font-family: arial", "font-family: sans-serif"), "utf-8")


if __name__ == "__main__":
    configure(sys.stderr, quiet=True)
    sys.exit(main(sys.argv[1:]))
