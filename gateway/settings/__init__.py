"""The settings: one TOML file, checked whole before anything opens. See file.py and sections.py."""

from __future__ import annotations

from gateway.settings.broker import Broker
from gateway.settings.file import load, parse
from gateway.settings.problems import Problem, SettingsError
from gateway.settings.sections import Settings

__all__ = ["Broker", "Problem", "Settings", "SettingsError", "load", "parse"]
