"""The settings: one TOML file, checked whole before anything opens. See sections.py."""

from __future__ import annotations

from gateway.settings.broker import Broker
from gateway.settings.problems import Problem, SettingsError
from gateway.settings.sections import Settings, load, parse

__all__ = ["Broker", "Problem", "Settings", "SettingsError", "load", "parse"]
