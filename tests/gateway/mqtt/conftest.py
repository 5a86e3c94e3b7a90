"""Fixtures of the tests about MQTT."""

from tests.broker import broker as broker  # noqa: PLC0414 - so that pytest sees the fixture
