"""What is known of devices because somebody stated it: dated facts, and what follows from them."""

from __future__ import annotations

from gateway.registry.cards import Calibration, Card, Maintenance, Replaced
from gateway.registry.corrections import Corrections
from gateway.registry.registry import Registry

__all__ = ["Calibration", "Card", "Corrections", "Maintenance", "Registry", "Replaced"]
