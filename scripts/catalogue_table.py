"""Writes the table of the catalogue into docs/devices.md.  Run it by scripts/docs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from devices.model import Model
from devices.models import CATALOGUE
from gateway.screen.catalogue import HEADINGS, cells

PAGE = Path(__file__).resolve().parent.parent / "docs" / "devices.md"
BEGIN = "<!-- The catalogue: scripts/docs writes it -->"
END = "<!-- The end of the catalogue -->"


def table(models: Iterable[Model]) -> str:
    """Return the catalogue as a table in Markdown."""
    headings = (*HEADINGS, "its id")
    lines = [headings, ("---",) * len(headings)]
    lines += [(*cells(one), f"`{one.id}`") for one in models]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def with_table(page: str, models: Iterable[Model] = CATALOGUE) -> str:
    """Return the page with the table between its marks. Raises ValueError where there are none."""
    between = re.compile(rf"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
    made, count = between.subn(lambda _: f"\n{table(models)}\n", page)
    if count != 1:
        raise ValueError(f"{PAGE} lacks the marks {BEGIN} and {END}")
    return made


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}", file=sys.stderr)
