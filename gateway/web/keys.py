"""How a device is called in addresses."""

from __future__ import annotations

from devices.reading import DeviceKey


def parse_key(text: str) -> DeviceKey:
    """Return the device of a key: "owner/id", or an id alone. What is no key is no device's."""
    owner, _, name = text.rpartition("/")
    return DeviceKey(owner, name)
