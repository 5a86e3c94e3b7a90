"""Logs: for people on a terminal, one JSON object a line elsewhere. See configure.py."""

from __future__ import annotations

from gateway.logs.configure import configure

__all__ = ["configure"]
