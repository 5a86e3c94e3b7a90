"""How a profile takes over the settings of another and changes them.

A file is data here: what `tomllib` makes of it. Its own tables replace those of the other by their
key, as a whole: ranges by channel, rules by name, criteria one by one. Name, title and tests are
never taken over.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Data = dict[str, Any]
Path = tuple[str | int, ...]

KEYS = {"ranges": "channel", "rules": "name"}
"""Lists of tables that are taken over, and by which key one replaces another."""
OWN = ("name", "title")
"""What each profile says for itself."""


class Extended(NamedTuple):
    """A file with what it takes over, and where in it each table of KEYS stands (None: not)."""

    data: Data
    places: dict[str, list[int | None]]

    def place(self, path: Path) -> Path:
        """Return where in the file a value stands; `extends` for what it takes over."""
        if len(path) < 2 or path[0] not in self.places:
            return path
        known = self.places[str(path[0])]
        index = known[path[1]] if isinstance(path[1], int) and path[1] < len(known) else None
        return ("extends",) if index is None else (path[0], index, *path[2:])


def extend(own: Data, parent: Data | None) -> Extended:
    """Return the data of a file over that of the profile it extends, None for none.

    `own` may hold anything: what is no table or list is left as it is, for others to find.
    """
    if parent is None:
        return Extended(own, {})
    data = {key: value for key, value in parent.items() if key not in OWN} | own
    places: dict[str, list[int | None]] = {}
    without = _names(own.get("without"))
    for section, key in KEYS.items():
        given = own.get(section, [])
        if not isinstance(given, list):
            continue
        taken = parent.get(section, [])
        kept = [one for one in taken if section != "rules" or one[key] not in without]
        data[section], places[section] = _over(kept, given, key)
    data["criteria"] = _criteria(parent.get("criteria", {}), own.get("criteria", {}), without)
    return Extended(data, places)


def _over(kept: list[Data], given: list[Any], key: str) -> tuple[list[Any], list[int | None]]:
    """Return the tables with those given in the places of their namesakes, and whose each is."""
    by_key: dict[str, int] = {}
    for index, one in enumerate(given):
        if isinstance(one, dict) and isinstance(one.get(key), str):
            by_key.setdefault(one[key], index)
    replaced = {one[key] for one in kept} & set(by_key)
    order = [by_key.get(one[key]) for one in kept]
    tables = [
        one if place is None else given[place] for one, place in zip(kept, order, strict=True)
    ]
    used = {by_key[name] for name in replaced}
    new = [index for index in range(len(given)) if index not in used]
    return tables + [given[index] for index in new], [*order, *new]


def _criteria(parent: Data, own: object, without: set[str]) -> object:
    if not isinstance(own, dict):
        return own
    kept = {
        key: [name for name in value if name not in without] if isinstance(value, list) else value
        for key, value in parent.items()
    }
    return kept | own


def _names(value: object) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()
