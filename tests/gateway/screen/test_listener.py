"""What `status` says of our own listener."""

from __future__ import annotations

from typing import Any

from gateway.screen.health_lines import FEW, _listening

PORTS = [{"address": "127.0.0.1:8883", "tls": True}]


def report(reasons: int) -> dict[str, Any]:
    refused = {f"reason {number}": number for number in range(1, reasons + 1)}
    return {"ports": PORTS, "connected": 1, "refused": refused}


def test_who_was_refused_is_told_by_reason_the_most_frequent_first() -> None:
    first, *lines = _listening(report(2))
    assert "listening on 127.0.0.1:8883 with TLS: 1 client" in first
    assert ["2 connections refused:[/] reason 2" in lines[0], "reason 1" in lines[1]] == [True] * 2
    assert len(lines) == 2


def test_of_many_reasons_it_says_that_there_are_more() -> None:
    lines = _listening(report(FEW + 3))
    assert len(lines) == FEW + 2
    assert lines[-1] == "… and 3 more"
