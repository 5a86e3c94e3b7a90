"""The numbers of freight containers, by ISO 6346: `MSKU 907032-3`.

Three letters say who owns it, one what it is, six digits which, and one digit checks all of that:
a digit that is mistyped is found, and most letters are, and most that are swapped.
"""

from __future__ import annotations

import re
from itertools import count
from typing import NamedTuple

CATEGORIES = {"U": "container", "J": "detachable equipment", "Z": "trailer or chassis"}
"""What the fourth letter says that it is."""

_BETWEEN = re.compile(r"[\s./_-]+")
_NUMBER = re.compile(r"([A-Z]{3})([A-Z])([0-9]{6})([0-9]?)")


def _letters() -> dict[str, int]:
    # 11, 22 and 33 are left out: the sum is taken modulo 11, and they would not count.
    values = (value for value in count(10) if value % 11)
    return dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", values, strict=False))


_VALUES = _letters() | {str(digit): digit for digit in range(10)}


class ContainerNumberError(ValueError):
    """No number of a container: what is wrong, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")
        self.problem = problem
        self.cure = cure


class ContainerNumber(NamedTuple):
    """A number whose check digit is right."""

    owner: str
    """Three letters, such as MSK."""
    category: str
    """One of CATEGORIES."""
    serial: str
    """Six digits."""
    check: int

    def __str__(self) -> str:
        """Return it as it stands on the door: MSKU 907032-3."""
        return f"{self.owner}{self.category} {self.serial}-{self.check}"

    @property
    def plain(self) -> str:
        """Return it without marks, as programs exchange it: MSKU9070323."""
        return f"{self.owner}{self.category}{self.serial}{self.check}"


def check_digit(number: str) -> int:
    """Return the check digit of owner, category and serial: four letters and six digits."""
    total = sum(_VALUES[sign] << place for place, sign in enumerate(number))
    return total % 11 % 10


def container_number(text: str) -> ContainerNumber:
    """Return the number that a person wrote, however spaced. Raises ContainerNumberError."""
    found = _NUMBER.fullmatch(_BETWEEN.sub("", text).upper())
    if found is None:
        raise ContainerNumberError(
            f"{text[:40]!r} is no number of a container",
            "Write four letters and seven digits, as on its door: MSKU 907032-3",
        )
    owner, category, serial, given = found.groups()
    if category not in CATEGORIES:
        meanings = ", ".join(f"{one} ({what})" for one, what in CATEGORIES.items())
        raise ContainerNumberError(
            f"{text[:40]!r} is no number of a container: its fourth letter is {category}",
            f"That letter is one of {meanings}",
        )
    right = ContainerNumber(owner, category, serial, check_digit(owner + category + serial))
    if not given:
        raise ContainerNumberError(
            f"{text[:40]!r} lacks its check digit, the last one on the door",
            f"If all else is right, it is {right.check}: {right}",
        )
    if int(given) != right.check:
        raise ContainerNumberError(
            f"{text[:40]!r} cannot be right: its check digit is {given}, and {right.check} would "
            "fit the rest",
            f"Read it again on the door. If all else is right, it is {right}",
        )
    return right
