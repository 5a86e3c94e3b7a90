"""The history: every reading for years, small and without loss. See writer.py and reader.py."""

from __future__ import annotations

from gateway.history.damage import DamagedHistoryError
from gateway.history.reader import HistoryReader
from gateway.history.writer import History

__all__ = ["DamagedHistoryError", "History", "HistoryReader"]
