"""Writes the list of profiles and the keys of one into docs/goods.md.  Run it by scripts/docs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from gateway.goods_files import Shelf
from gateway.screen.goods import HEADINGS, cells
from rules.profile import Profile
from scripts.settings_reference import table_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "goods.md"


def tables() -> dict[str, str]:
    """Return what stands between marks: the list of ours, and the keys of a file."""
    return {"profiles": _list(), "keys": table_of(Profile)}


def _list() -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for one in Shelf().all():
        name, *others = cells(one)
        lines.append((f"`{name}`", *others))
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def with_tables(page: str) -> str:
    """Return the page with the tables between their marks. Raises ValueError where one lacks."""
    for name, table in tables().items():
        between = re.compile(
            rf"(?<=<!-- {name}: scripts/docs writes it -->\n).*?(?=<!-- end of {name} -->)",
            re.DOTALL,
        )
        parts = between.split(page)
        if len(parts) != 2:
            raise ValueError(f"{PAGE} lacks the marks of {name}")
        page = f"{parts[0]}\n{table}\n{parts[1]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}", file=sys.stderr)
