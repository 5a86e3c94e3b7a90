"""What can be wrong with a backup."""

from __future__ import annotations


class BackupError(Exception):
    """A backup cannot be made, read or restored: what is wrong, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")
        self.problem = problem
        self.cure = cure
