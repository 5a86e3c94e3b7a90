"""What is refused to a person, whatever way he asked: what is wrong, and what to do."""

from __future__ import annotations


class ControlError(Exception):
    """A command is refused: what is wrong, and what to do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. {cure}")
        self.problem = problem
        self.cure = cure
